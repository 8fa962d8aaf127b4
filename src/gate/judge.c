/* The judgement. Trusts the policy for who may say what, and the asker for what request it
 * speaks of. Must never pass what a step did not: each step only takes away, and what
 * cannot be judged or recorded is not passed. */
#include "judge.h"

#include "base/clock.h"
#include "codec/json.h"
#include "gate_internal.h"

enum { US = 1000 };

static const enum told told_of[TOKEN_CODE_COUNT] = {
	[TOKEN_accepted] = TOLD_PASS,
	[TOKEN_malformed] = TOLD_BAD_TOKEN,
	[TOKEN_too_large] = TOLD_BAD_TOKEN,
	[TOKEN_bad_header] = TOLD_BAD_TOKEN,
	[TOKEN_bad_alg] = TOLD_BAD_TOKEN,
	[TOKEN_bad_typ] = TOLD_BAD_TOKEN,
	[TOKEN_bad_issuer] = TOLD_BAD_TOKEN,
	[TOKEN_unknown_key] = TOLD_BAD_TOKEN,
	[TOKEN_key_not_valid] = TOLD_BAD_TOKEN,
	[TOKEN_bad_signature] = TOLD_BAD_TOKEN,
	[TOKEN_bad_claims] = TOLD_BAD_TOKEN,
	[TOKEN_bad_audience] = TOLD_BAD_TOKEN,
	[TOKEN_expired] = TOLD_EXPIRED,
	[TOKEN_not_yet] = TOLD_BAD_TOKEN,
	[TOKEN_too_long_lived] = TOLD_BAD_TOKEN,
	[TOKEN_bad_binding] = TOLD_BAD_TOKEN,
	[TOKEN_bad_scope] = TOLD_SCOPE,
	[TOKEN_bad_mailbox] = TOLD_BAD_TOKEN,
	[TOKEN_foreign_key] = TOLD_BAD_TOKEN,
	[TOKEN_revoked] = TOLD_BAD_TOKEN,
	[TOKEN_bad_proof] = TOLD_BAD_PROOF,
	[TOKEN_proof_replayed] = TOLD_BAD_PROOF,
	[TOKEN_proof_unknown] = TOLD_TROUBLE,
	[TOKEN_nonce_needed] = TOLD_NONCE,
	[TOKEN_revocation_unknown] = TOLD_UNKNOWN,
	[TOKEN_not_logged] = TOLD_BAD_TOKEN,
	[TOKEN_log_stale] = TOLD_UNKNOWN,
	[TOKEN_log_broken] = TOLD_UNKNOWN,
};

struct judging {
	struct gate *g;
	const struct asked *a;
	struct token_verdict *v;
	int64_t now_s;
	uint64_t began_ns;
	bool waits;     /* it is not known yet whether it was issued */
	bool forbidden; /* whatever the code: another token of its holder would not help */
};

static void refuse(struct token_verdict *v, enum token_code code, str where, str what)
{
	v->code = code;
	v->where = where;
	v->what = what;
}

static bool one_of(const str *texts, size_t n, str text)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(texts[i], text))
			return true;
	return false;
}

/* The verdict names one audience of the token; it may have more. The text is canonical
 * JSON that was parsed before, so a failure here is none of the token's. */
static bool any_audience(const struct gate_location *place, str claims)
{
	static struct json_node nodes[TOKEN_MEMBERS_MAX + 1];
	const struct json_limits limits = { TOKEN_DEPTH_MAX, TOKEN_MEMBERS_MAX };
	size_t n = 0;
	if (failed(json_parse(bytes_of_str(claims), limits, nodes, COUNT_OF(nodes), &n)))
		return false;
	const struct json_node *aud = json_member(nodes, LIT("aud"));
	if (!aud || aud->type != JSON_ARRAY)
		return false;
	for (const struct json_node *one = json_first(aud); one; one = json_next(aud, one))
		for (size_t i = 0; i < place->n_audiences; i++)
			if (json_is_str(one, place->audiences[i]))
				return true;
	return false;
}

static bool has_scopes(const struct gate_location *place, str scope)
{
	for (size_t i = 0; i < place->n_scopes; i++)
		if (!scope_has(scope, place->scopes[i]))
			return false;
	return true;
}

static void place_rules(struct judging *j)
{
	const struct gate_location *place = j->a->place;
	struct token_verdict *v = j->v;
	if (!place) {
		introspect_check(&j->g->rules, v);
		return;
	}
	if (!one_of(place->realms, place->n_realms, v->realm)) {
		refuse(v, TOKEN_bad_audience, LIT("place"), LIT("realms"));
		j->forbidden = true;
	} else if (!one_of(place->audiences, place->n_audiences, v->audience) &&
		   !any_audience(place, v->claims)) {
		refuse(v, TOKEN_bad_audience, LIT("payload"), LIT("aud"));
	} else if (place->n_methods > 0 &&
		   !one_of(place->methods, place->n_methods, j->a->method)) {
		refuse(v, TOKEN_bad_scope, LIT("place"), LIT("methods"));
		j->forbidden = true;
	} else if (!has_scopes(place, v->scope)) {
		refuse(v, TOKEN_bad_scope, LIT("payload"), LIT("scope"));
	}
}

static void confirm_keys(struct judging *j)
{
	const struct gate *g = j->g;
	char now[NONCE_TEXT], before[NONCE_TEXT];
	nonces_at(&g->nonces, j->now_s, now, before);
	const str nonces[] = { { now, NONCE_TEXT }, { before, NONCE_TEXT } };
	const struct proof_request r = {
		.token = j->a->token,
		.method = j->a->method,
		.url = j->a->url,
		.now_s = j->now_s,
		.window_s = g->config.dpop.window_s,
		.skew_s = g->config.dpop.skew_s,
		.since_s = g->config.proofs_since_s,
		.nonces = nonces,
		.n_nonces = j->a->place->nonce ? COUNT_OF(nonces) : 0,
		.replay = g->replay,
	};
	(void)token_confirm(j->v, &j->a->shown, &r, &j->g->proof_scratch);
}

/* Mail protocols show no proof: their rules refused a bound token before. */
static void confirm(struct judging *j)
{
	const struct gate_location *place = j->a->place;
	bool bound = j->v->bound, by_dpop = j->a->shown.dpop_scheme;
	if (!place)
		return;
	if ((place->binding == BINDING_REFUSED && (bound || by_dpop)) ||
	    (place->binding == BINDING_REQUIRED && !bound))
		refuse(j->v, TOKEN_bad_binding, LIT("payload"), LIT("cnf"));
	else if (bound || by_dpop)
		confirm_keys(j);
}

/* Every time, of kept tokens too. */
static void taken_back(struct judging *j)
{
	enum token_code code = revocations_judge(&j->g->revocations, j->v, j->began_ns);
	if (code != TOKEN_accepted)
		refuse(j->v, code, LIT("token"), (str){ 0 });
}

/* Did its issuer issue it? First of all: a forged token is one wherever it is shown. */
static void logged(struct judging *j)
{
	static const enum token_code codes[] = {
		[LOG_KNOWN] = TOKEN_accepted,   [LOG_LEGACY] = TOKEN_accepted,
		[LOG_WAIT] = TOKEN_log_stale,   [LOG_ABSENT] = TOKEN_not_logged,
		[LOG_UNSURE] = TOKEN_log_stale, [LOG_LOST] = TOKEN_log_broken
	};
	enum log_say say = logs_look(&j->g->logs, j->v, j->now_s, j->a->turn);
	j->waits = say == LOG_WAIT;
	if (codes[say] != TOKEN_accepted)
		refuse(j->v, codes[say], LIT("token"), (str){ 0 });
	if (say == LOG_ABSENT)
		forged_note(j->g, j->v, j->a->token, j->a);
}

/* One that was tried for another place is forged all the same, and shows that the key is stolen. It is
 * refused either way. */
static void logged_elsewhere(struct judging *j)
{
	enum log_say say = logs_look(&j->g->logs, j->v, j->now_s, j->a->turn);
	j->waits = say == LOG_WAIT;
	if (say != LOG_ABSENT)
		return;
	refuse(j->v, TOKEN_not_logged, LIT("token"), (str){ 0 });
	forged_note(j->g, j->v, j->a->token, j->a);
}

/* In this order; the first that refuses ends it. Whether a token was taken back stands
 * between the rules and the proof: a proof must not be used up for nothing. */
static void (*const steps[])(struct judging *) = { logged, place_rules, taken_back, confirm };

static bool is_known(struct judging *j)
{
	struct gate *g = j->g;
	return g->cache && token_cache_find(g->cache, g->keys.policy, j->a->token, j->now_s, j->v);
}

/* The dear step: what junk costs is charged to where it comes from. */
static void check_token(struct judging *j)
{
	struct gate *g = j->g;
	uint64_t began = clock_mono_ns();
	if (g->cache)
		token_cache_verify(g->cache, g->keys.policy, j->a->token, j->now_s, &g->scratch,
				   j->v);
	else
		token_verify(g->keys.policy, j->a->token, j->now_s, &g->scratch, j->v);
	bool failed_check = j->v->code == TOKEN_bad_signature;
	if (failed_check || sighting_signed(j->v->code))
		g->metrics.signature_checks++;
	if (!failed_check)
		return;
	uint64_t now = clock_mono_ns();
	junk_charge(&g->junk, &j->a->client, (uint32_t)((now - began) / US), now);
}

static bool record(struct judging *j)
{
	struct gate *g = j->g;
	return !g->sightings || sightings_note(g->sightings, j->v, j->a->token, &j->a->client,
					       j->a->location, clock_unix_ms());
}

static void log_refused(const struct judging *j, bool claims_known, uint64_t now_ns)
{
	const struct token_verdict *v = j->v;
	refusals_note(&j->g->refusals,
		      &(struct refusal){
			      .verdict = v,
			      .location = j->a->location,
			      .client = &j->a->client,
			      .username = claims_known ? v->username : (str){ 0 },
		      },
		      now_ns);
}

static enum told unserved(struct gate *g, const struct asked *a, str code, str why)
{
	judge_unread(g, a, code, why);
	g->metrics.unserved++;
	return TOLD_TROUBLE;
}

enum told judge(struct gate *g, const struct asked *a, struct token_verdict *ret_v)
{
	uint64_t began = clock_mono_ns();
	struct judging j = {
		.g = g, .a = a, .v = ret_v, .now_s = clock_unix_s(), .began_ns = began
	};
	*ret_v = (struct token_verdict){ .code = TOKEN_malformed };
	keys_refresh(&g->keys);
	if (!g->keys.policy || !g->keys.any)
		return unserved(g, a, LIT("no_keys"), LIT("no issuer of the policy has a key"));
	if (g->sightings && !sightings_ok(g->sightings))
		return unserved(g, a, LIT("no_record"), LIT("sightings cannot be written"));
	bool known = is_known(&j);
	if (!known && !junk_allowed(&g->junk, &a->client, began)) {
		judge_unread(g, a, LIT("junk_limited"), LIT("too many bad signatures from there"));
		return TOLD_LIMITED;
	}
	if (!known)
		check_token(&j);
	/* a kid that the issuer lacks may be its newest, whoever else has one of that name */
	if (ret_v->code == TOKEN_unknown_key || ret_v->code == TOKEN_foreign_key)
		keys_unknown_kid(&g->keys, ret_v->issuer);
	bool claims_known = ret_v->code == TOKEN_accepted;
	if (ret_v->code == TOKEN_bad_audience)
		logged_elsewhere(&j);
	for (size_t i = 0; i < COUNT_OF(steps) && ret_v->code == TOKEN_accepted; i++)
		steps[i](&j);
	if (j.waits)
		return TOLD_WAIT;
	uint64_t now = clock_mono_ns();
	metrics_verdict(&g->metrics, a->place ? METRICS_AUTH : METRICS_INTROSPECT, ret_v->code,
			now - began);
	if (!record(&j))
		return unserved(g, a, LIT("no_record"), LIT("no room for more sightings"));
	/* an alarm has been said */
	if (ret_v->code != TOKEN_accepted && ret_v->code != TOKEN_not_logged)
		log_refused(&j, claims_known, now);
	return j.forbidden ? TOLD_FORBIDDEN : told_of[ret_v->code];
}

bool judge_wait(struct gate *g, struct http_req *r, http_serve *serve)
{
	return logs_wait(&g->logs, r, serve, g);
}

void judge_unread(struct gate *g, const struct asked *a, str code, str why)
{
	refusals_note(
		&g->refusals,
		&(struct refusal){
			.code = code, .why = why, .location = a->location, .client = &a->client },
		clock_mono_ns());
}
