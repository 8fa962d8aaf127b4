/* A gate's policy file → struct gate_file. Mailboxes stand in the file by realm, since
 * that is whose right they are; each issuer gets those of its realm. */
#include "base/cleanup.h"
#include "codec/url.h"
#include "config/config.h"
#include "fields_internal.h"
#include "text_internal.h"

struct realm_mailboxes {
	str realm;
	size_t n;
	str patterns[PATTERNS_MAX];
};

struct draft {
	struct gate_file file;
	size_t n_mailboxes;
	struct realm_mailboxes mailboxes[REALMS_MAX];
};

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

#define AT(s, m) .at = offsetof(struct s, m)
#define COUNT_AT(s, m) .count_at = offsetof(struct s, m)

static const struct field client_fields[] = {
	{ "id", FIELD_TEXT, AT(gate_file, gate.client_id), .check = check_name },
	{ "secret_file", FIELD_TEXT, AT(gate_file, client_secret_file) },
	{ 0 },
};

static const struct field issuer_fields[] = {
	{ "issuer", FIELD_TEXT, AT(gate_issuer, issuer), .check = check_issuer },
	{ "realm", FIELD_TEXT, AT(gate_issuer, realm), .check = check_name },
	{ "jwks_file", FIELD_TEXT, true, AT(gate_issuer, jwks) },
	{ "jwks_uri", FIELD_TEXT, true, AT(gate_issuer, jwks_uri), .check = check_jwks_uri },
	{ "audiences", FIELD_TEXTS, AT(gate_issuer, audiences), COUNT_AT(gate_issuer, n_audiences),
	  .min = 1, .max = AUDIENCES_MAX },
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

static const struct field file_fields[] = {
	{ "listen", FIELD_LISTEN, AT(draft, file.host), COUNT_AT(draft, file.port) },
	{ "client", FIELD_SECTION, AT(draft, file), .item = client_fields },
	{ "scope", FIELD_TEXT, true, AT(draft, file.gate.scope), .check = check_scope },
	{ "fetch", FIELD_SECTION, true, AT(draft, file), .item = fetch_fields },
	{ "issuers", FIELD_LIST, AT(draft, file.gate.issuers), COUNT_AT(draft, file.gate.n_issuers),
	  .min = 1, .max = REALMS_MAX, .item = issuer_fields,
	  .item_size = sizeof(struct gate_issuer) },
	{ "mailboxes", FIELD_MAP, true, AT(draft, mailboxes), COUNT_AT(draft, n_mailboxes),
	  .min = 1, .max = REALMS_MAX, .item = patterns_fields,
	  .item_size = sizeof(struct realm_mailboxes) },
	{ 0 },
};

static const struct node *nth(const struct node *list, size_t n)
{
	const struct node *item = list->first;
	while (n-- > 0)
		item = item->next;
	return item;
}

static ch_err issuers_check(const struct complaint *c, const struct node *root,
			    const struct gate_config *g)
{
	for (size_t i = 0; i < g->n_issuers; i++)
		for (size_t j = 0; j < i; j++) {
			if (!str_eq(g->issuers[i].issuer, g->issuers[j].issuer))
				continue;
			const struct node *item = nth(node_get(root, LIT("issuers")), i);
			struct wr *w = complain(c, node_get(item, LIT("issuer"))->line);
			complain_quote(w, g->issuers[i].issuer);
			wr_lit(w, " is here twice; keep one");
			return ch_fail(CH_E_DUPLICATE, "an issuer occurs twice", i);
		}
	return CH_DONE;
}

/* Of two places to have keys from, exactly one. */
static ch_err jwks_check(const struct complaint *c, const struct node *root,
			 const struct gate_config *g)
{
	for (size_t i = 0; i < g->n_issuers; i++) {
		const struct gate_issuer *issuer = &g->issuers[i];
		const struct node *item = nth(node_get(root, LIT("issuers")), i);
		const struct node *uri = node_get(item, LIT("jwks_uri"));
		if (!issuer->jwks.n != !issuer->jwks_uri.n)
			continue;
		struct wr *w = complain(c, uri ? uri->line : item->line);
		wr_lit(w, "issuer ");
		complain_quote(w, issuer->issuer);
		if (uri) {
			wr_lit(w, " has jwks_file and jwks_uri; keep one");
			return ch_fail(CH_E_DUPLICATE, "an issuer has two JWK sets", i);
		}
		wr_lit(w, " has no keys; name its JWK set by jwks_file or jwks_uri");
		return ch_fail(CH_E_MISSING, "an issuer has no JWK set", i);
	}
	return CH_DONE;
}

/* Gives the patterns to each issuer of the realm; says how many there are. */
static size_t hand_out(const struct realm_mailboxes *m, struct gate_config *g)
{
	size_t found = 0;
	for (size_t i = 0; i < g->n_issuers; i++) {
		if (!str_eq(g->issuers[i].realm, m->realm))
			continue;
		for (size_t p = 0; p < m->n; p++)
			g->issuers[i].mailboxes[p] = m->patterns[p];
		g->issuers[i].n_mailboxes = m->n;
		found++;
	}
	return found;
}

/* The answer names users and the secret travels in clear: loopback only. */
static ch_err listen_check(const struct complaint *c, const struct node *root, str host)
{
	if (str_starts(host, LIT("127.")) || str_eq(host, LIT("::1")))
		return CH_DONE;
	wr_lit(complain(c, node_get(root, LIT("listen"))->line),
	       "listen: a gate serves this host only; write 127.0.0.1:PORT or '[::1]:PORT'");
	return ch_fail(CH_E_DENIED, "a gate listens on loopback only", host.n);
}

static ch_err mailboxes_join(const struct complaint *c, const struct node *root, struct draft *d)
{
	for (size_t i = 0; i < d->n_mailboxes; i++) {
		if (hand_out(&d->mailboxes[i], &d->file.gate) > 0)
			continue;
		const struct node *all = node_get(root, LIT("mailboxes"));
		struct wr *w = complain(c, node_get(all, d->mailboxes[i].realm)->line);
		wr_lit(w, "no issuer has realm ");
		wr_str(w, d->mailboxes[i].realm);
		wr_lit(w, "; name the realm of one of the issuers above, or remove the line");
		return ch_fail(CH_E_MISMATCH, "mailboxes of a realm without an issuer", i);
	}
	return CH_DONE;
}

ch_err gate_file_parse(str path, bytes yaml, struct wr *why, struct gate_file *ret_g,
		       struct config_text **ret_text)
{
	const struct complaint c = { path, why };
	AUTO(config_text_done) struct config_text *text = NULL;
	struct draft draft = { 0 };
	struct node *root = NULL;
	TRY(text_read(&c, yaml, &text, &root));
	TRY(fields_read(&c, root, file_fields, "the file", &draft));
	TRY(listen_check(&c, root, draft.file.host));
	TRY(issuers_check(&c, root, &draft.file.gate));
	TRY(jwks_check(&c, root, &draft.file.gate));
	TRY(mailboxes_join(&c, root, &draft));
	*ret_g = draft.file;
	*ret_text = TAKE(text);
	return CH_DONE;
}
