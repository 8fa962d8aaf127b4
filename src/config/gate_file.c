/* A gate's policy file → struct gate_file: the tables of its keys. Mailboxes stand in the
 * file by realm, since that is whose right they are; each issuer gets those of its realm.
 * What must agree between the keys is in gate_check.c. */
#include "base/cleanup.h"
#include "codec/url.h"
#include "config/config.h"
#include "gate_internal.h"
#include "text_internal.h"

/* '*' in front only, at most one, and one '@' with something on both sides: as
 * token/mailbox.h reads it. */
static const char *check_pattern(str text)
{
	str rest = text;
	str local = str_cut(&rest, '@');
	bool ok = local.n > 0 && rest.n > 0 && !str_has(rest, '@') && !str_has(rest, '*') &&
		  !str_has(str_sub(local, 1, local.n), '*');
	for (size_t i = 0; i < text.n; i++)
		ok = ok && text.p[i] > ' ' && text.p[i] <= '~';
	return ok ? NULL : "is no mailbox pattern; write like '*@home.test' or ann@home.test";
}

static const char *check_jwks_uri(str text)
{
	struct url u;
	if (failed(url_parse(text, &u)))
		return "is no URL; write like https://login.example/corp/jwks";
	if (!str_eq(u.scheme, LIT("https")) && !url_is_loopback(&u))
		return "is neither https nor on this host; use https";
	return NULL;
}

static const char *check_method(str text)
{
	bool ok = text.n > 0 && text.n <= METHOD_MAX_BYTES;
	for (size_t i = 0; i < text.n; i++)
		ok = ok && ((text.p[i] >= 'A' && text.p[i] <= 'Z') || text.p[i] == '-');
	return ok ? NULL : "is no method; write it as HTTP does, like GET";
}

/* Its temporary name beside it and the kernel's 108 bytes are why it must be short. */
static const char *check_socket(str text)
{
	bool ok = text.n <= 200 && !str_ends(text, LIT("/"));
	return ok ? NULL : "is no path of a socket; name a file of at most 200 bytes";
}

#define AT(s, m) .at = offsetof(struct s, m)
#define COUNT_AT(s, m) .count_at = offsetof(struct s, m)

static const struct field client_fields[] = {
	{ "id", FIELD_TEXT, AT(gate_file, gate.client_id), .check = check_name },
	{ "secret_file", FIELD_TEXT, AT(gate_file, client_secret_file) },
	{ 0 },
};

static const struct field period_fields[] = {
	{ "kid", FIELD_TEXT, AT(gate_period, kid), .check = check_kid },
	{ "from", FIELD_TIME, true, AT(gate_period, from_s) },
	{ "until", FIELD_TIME, true, AT(gate_period, until_s) },
	{ 0 },
};

static const struct field revocations_fields[] = {
	{ "folder", FIELD_TEXT, true, AT(gate_issuer, revocations.folder) },
	{ "uri", FIELD_TEXT, true, AT(gate_issuer, revocations.uri), .check = check_jwks_uri },
	{ "client", FIELD_TEXT, true, AT(gate_issuer, revocations.client), .check = check_name },
	{ "secret_file", FIELD_TEXT, true, AT(gate_issuer, revocations.secret_file) },
	{ "stale_s", FIELD_NUMBER, true, AT(gate_issuer, revocations.stale_s), .min = 5,
	  .max = 86400 },
	{ 0 },
};

/* The shape alone; who reads it says more. */
static const char *check_vkey(str text)
{
	str rest = text;
	str name = str_cut(&rest, '+'), id = str_cut(&rest, '+');
	bool ok = name.n > 0 && id.n == 8 && rest.n > 40 && text.n <= VKEY_MAX_BYTES;
	return ok ? NULL
		  : "is no verifier key; write it as log.vkey of the authority has it, like "
		    "login.example/log+1a2b3c4d+AR...";
}

static const struct field tokens_log_fields[] = {
	{ "vkey", FIELD_TEXT, true, AT(gate_log, vkey), .check = check_vkey },
	{ "vkey_file", FIELD_TEXT, true, AT(gate_log, vkey_file) },
	{ "folder", FIELD_TEXT, true, AT(gate_log, folder) },
	{ "socket", FIELD_TEXT, true, AT(gate_log, socket), .check = check_socket },
	{ "uri", FIELD_TEXT, true, AT(gate_log, uri), .check = check_jwks_uri },
	{ "client", FIELD_TEXT, true, AT(gate_log, client), .check = check_name },
	{ "secret_file", FIELD_TEXT, true, AT(gate_log, secret_file) },
	{ "stale_s", FIELD_NUMBER, true, AT(gate_log, stale_s), .min = 3, .max = 3600 },
	{ "skew_s", FIELD_NUMBER, true, AT(gate_log, skew_s), .max = CONFIG_SKEW_MAX_S },
	{ "witnesses", FIELD_TEXTS, true, AT(gate_log, witnesses), COUNT_AT(gate_log, n_witnesses),
	  .min = 1, .max = LOG_WITNESSES_MAX, .check = check_vkey },
	{ "quorum", FIELD_NUMBER, true, AT(gate_log, quorum), .min = 1, .max = LOG_WITNESSES_MAX },
	{ "witness_stale_s", FIELD_NUMBER, true, AT(gate_log, witness_stale_s), .min = 10,
	  .max = 86400 },
	{ 0 },
};

static const struct field issuer_fields[] = {
	{ "issuer", FIELD_TEXT, AT(gate_issuer, issuer), .check = check_issuer },
	{ "realm", FIELD_TEXT, AT(gate_issuer, realm), .check = check_name },
	{ "jwks_file", FIELD_TEXT, true, AT(gate_issuer, jwks) },
	{ "jwks_uri", FIELD_TEXT, true, AT(gate_issuer, jwks_uri), .check = check_jwks_uri },
	{ "audiences", FIELD_TEXTS, AT(gate_issuer, audiences), COUNT_AT(gate_issuer, n_audiences),
	  .min = 1, .max = AUDIENCES_MAX },
	{ "skew_s", FIELD_NUMBER, true, AT(gate_issuer, skew_s), .max = CONFIG_SKEW_MAX_S },
	{ "max_ttl_s", FIELD_NUMBER, true, AT(gate_issuer, max_ttl_s), .min = 1,
	  .max = CONFIG_TTL_MAX_S },
	{ "keys", FIELD_LIST, true, AT(gate_issuer, periods), COUNT_AT(gate_issuer, n_periods),
	  .min = 1, .max = PERIODS_MAX, .item = period_fields,
	  .item_size = sizeof(struct gate_period) },
	{ "revocations", FIELD_SECTION, true, .at = 0, .item = revocations_fields },
	{ "log", FIELD_TEXT, true, AT(gate_issuer, log), .check = check_name },
	{ 0 },
};

static const char *const bindings[] = { "accepted", "required", "refused", NULL };

static const struct field location_fields[] = {
	{ "audiences", FIELD_TEXTS, AT(gate_location, audiences),
	  COUNT_AT(gate_location, n_audiences), .min = 1, .max = AUDIENCES_MAX },
	{ "scopes", FIELD_TEXTS, true, AT(gate_location, scopes), COUNT_AT(gate_location, n_scopes),
	  .min = 1, .max = SCOPES_MAX, .check = check_scope },
	{ "realms", FIELD_TEXTS, AT(gate_location, realms), COUNT_AT(gate_location, n_realms),
	  .min = 1, .max = REALMS_MAX, .check = check_name },
	{ "methods", FIELD_TEXTS, true, AT(gate_location, methods),
	  COUNT_AT(gate_location, n_methods), .min = 1, .max = METHODS_MAX, .check = check_method },
	{ "binding", FIELD_CHOICE, true, AT(gate_location, binding), .words = bindings },
	{ "origin", FIELD_TEXT, true, AT(gate_location, origin), .check = check_origin },
	{ "nonce", FIELD_BOOL, true, AT(gate_location, nonce) },
	{ 0 },
};

static const struct field dpop_fields[] = {
	{ "window_s", FIELD_NUMBER, true, AT(gate_dpop, window_s), .min = 1, .max = 600 },
	{ "skew_s", FIELD_NUMBER, true, AT(gate_dpop, skew_s), .max = CONFIG_SKEW_MAX_S },
	{ "nonce_slice_s", FIELD_NUMBER, true, AT(gate_dpop, nonce_slice_s), .min = 1,
	  .max = 3600 },
	{ "proofs", FIELD_NUMBER, true, AT(gate_dpop, proofs), .min = 1024, .max = 4194304 },
	{ 0 },
};

static const struct field cache_fields[] = {
	{ "tokens", FIELD_NUMBER, true, AT(gate_cache, tokens), .max = 1048576 },
	{ "token_max", FIELD_NUMBER, true, AT(gate_cache, token_max), .min = 256, .max = 8192 },
	{ 0 },
};

static const struct field sightings_fields[] = {
	{ "folder", FIELD_TEXT, AT(gate_evidence, folder) },
	{ "total_mb", FIELD_NUMBER, true, AT(gate_evidence, total_mb), .min = 1, .max = 1048576 },
	{ "keep_days", FIELD_NUMBER, true, AT(gate_evidence, keep_days), .min = 1, .max = 3650 },
	{ "sync_ms", FIELD_NUMBER, true, AT(gate_evidence, sync_ms), .min = 1, .max = 60000 },
	{ "fail_open", FIELD_BOOL, true, AT(gate_evidence, fail_open) },
	{ 0 },
};

static const struct field collector_fields[] = {
	{ "uri", FIELD_TEXT, AT(gate_collector, uri), .check = check_jwks_uri },
	{ "client", FIELD_TEXT, AT(gate_collector, client), .check = check_name },
	{ "secret_file", FIELD_TEXT, AT(gate_collector, secret_file) },
	{ 0 },
};

static const struct field junk_fields[] = {
	{ "burst_us", FIELD_NUMBER, true, AT(gate_evidence, junk_burst_us), .min = 1000,
	  .max = 60000000 },
	{ "us_per_s", FIELD_NUMBER, true, AT(gate_evidence, junk_us_per_s), .min = 100,
	  .max = 1000000 },
	{ 0 },
};

static const struct field log_fields[] = {
	{ "refusals_per_minute", FIELD_NUMBER, true, AT(gate_evidence, refusals_per_minute),
	  .min = 1, .max = 100000 },
	{ 0 },
};

static const struct field patterns_fields[] = {
	{ "", FIELD_TEXTS, AT(realm_mailboxes, patterns), COUNT_AT(realm_mailboxes, n), .min = 1,
	  .max = PATTERNS_MAX, .check = check_pattern },
	{ 0 },
};

enum { SECONDS_MAX = 30 * 24 * 3600 };

#define SECONDS(m) FIELD_NUMBER, true, AT(gate_file, gate.fetch.m), .min = 1, .max = SECONDS_MAX

static const struct field fetch_fields[] = {
	{ "ca_file", FIELD_TEXT, true, AT(gate_file, ca_file) },
	{ "fresh_min_s", SECONDS(fresh_min_s) },
	{ "fresh_max_s", SECONDS(fresh_max_s) },
	{ "fresh_default_s", SECONDS(fresh_default_s) },
	{ "stale_s", SECONDS(stale_s) },
	{ "cooldown_s", SECONDS(cooldown_s) },
	{ "retry_min_s", SECONDS(retry_min_s) },
	{ "retry_max_s", SECONDS(retry_max_s) },
	{ "timeout_s", SECONDS(timeout_s) },
	{ 0 },
};

static const char *const modes[] = { "0600", "0660", "0666", NULL };

static const struct field file_fields[] = {
	{ "listen", FIELD_LISTEN, true, AT(gate_draft, file.host),
	  COUNT_AT(gate_draft, file.port) },
	{ "client", FIELD_SECTION, true, AT(gate_draft, file), .item = client_fields },
	{ "scope", FIELD_TEXT, true, AT(gate_draft, file.gate.scope), .check = check_scope },
	{ "socket", FIELD_TEXT, true, AT(gate_draft, file.socket), .check = check_socket },
	{ "socket_mode", FIELD_WORD, true, AT(gate_draft, file.socket_mode), .words = modes },
	{ "socket_owner", FIELD_TEXT, true, AT(gate_draft, file.socket_owner),
	  .check = check_name },
	{ "socket_group", FIELD_TEXT, true, AT(gate_draft, file.socket_group),
	  .check = check_name },
	{ "fetch", FIELD_SECTION, true, AT(gate_draft, file), .item = fetch_fields },
	{ "user", FIELD_TEXT, true, AT(gate_draft, file.user), .check = check_name },
	{ "issuers", FIELD_LIST, AT(gate_draft, file.gate.issuers),
	  COUNT_AT(gate_draft, file.gate.n_issuers), .min = 1, .max = REALMS_MAX,
	  .item = issuer_fields, .item_size = sizeof(struct gate_issuer) },
	{ "logs", FIELD_MAP, true, AT(gate_draft, file.gate.logs),
	  COUNT_AT(gate_draft, file.gate.n_logs), .min = 1, .max = LOGS_MAX,
	  .item = tokens_log_fields, .item_size = sizeof(struct gate_log) },
	{ "mailboxes", FIELD_MAP, true, AT(gate_draft, mailboxes),
	  COUNT_AT(gate_draft, n_mailboxes), .min = 1, .max = REALMS_MAX, .item = patterns_fields,
	  .item_size = sizeof(struct realm_mailboxes) },
	{ "locations", FIELD_MAP, true, AT(gate_draft, file.gate.locations),
	  COUNT_AT(gate_draft, file.gate.n_locations), .min = 1, .max = LOCATIONS_MAX,
	  .item = location_fields, .item_size = sizeof(struct gate_location) },
	{ "dpop", FIELD_SECTION, true, AT(gate_draft, file.gate.dpop), .item = dpop_fields },
	{ "cache", FIELD_SECTION, true, AT(gate_draft, file.gate.cache), .item = cache_fields },
	{ "sightings", FIELD_SECTION, true, AT(gate_draft, file.gate.evidence),
	  .item = sightings_fields },
	{ "collector", FIELD_SECTION, true, AT(gate_draft, file.gate.collector),
	  .item = collector_fields },
	{ "junk", FIELD_SECTION, true, AT(gate_draft, file.gate.evidence), .item = junk_fields },
	{ "log", FIELD_SECTION, true, AT(gate_draft, file.gate.evidence), .item = log_fields },
	{ 0 },
};

ch_err gate_file_parse(str path, bytes yaml, struct wr *why, struct gate_file *ret_g,
		       struct config_text **ret_text)
{
	const struct complaint c = { path, why };
	AUTO(config_text_done) struct config_text *text = NULL;
	struct gate_draft draft = { .n_mailboxes = 0 };
	struct node *root = NULL;
	gate_file_defaults(&draft.file);
	TRY(text_read(&c, yaml, &text, &root));
	TRY(fields_read(&c, root, file_fields, "the file", &draft));
	TRY(gate_draft_check(&c, root, &draft));
	*ret_g = draft.file;
	*ret_text = TAKE(text);
	return CH_DONE;
}
