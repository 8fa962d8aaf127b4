/* Is a token validly signed by a key that its issuer publishes, and good at the time it was shown?
 * The key sets are read anew for each alarm: alarms are rare, and paced. Believes nothing of the
 * gate but what it shows. */
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "collector_internal.h"
#include "token/jwk.h"

/* An alarm waits at its gate as long as we are away: a day of that loses none. */
enum { SHOWN_MAX_S = 24 * 3600, SKEW_S = 60, TTL_MAX_S = 24 * 3600, WHY_MAX = 512 };

static uint8_t sets[REALMS_MAX][JWKS_TEXT_MAX];
static uint8_t token_room[REPORT_SIGNING_INPUT_MAX + 1 + REPORT_SIGNATURE_MAX];

static ch_err policy_of(const struct collector_config *config, struct policy **ret_policy)
{
	struct policy_issuer issuers[REALMS_MAX] = { 0 };
	uint8_t why[WHY_MAX];
	struct wr w = wr_of(why, sizeof(why));
	for (size_t i = 0; i < config->n_issuers; i++) {
		const struct collector_issuer *from = &config->issuers[i];
		struct path path;
		size_t n = 0;
		TRY(path_of(&path, from->jwks));
		TRY(file_read(AT_FDCWD, path.p, sets[i], sizeof(sets[i]), &n));
		issuers[i] = (struct policy_issuer){ .issuer = from->issuer,
						     .realm = from->realm,
						     .typ = LIT("at+jwt"),
						     .audiences = from->audiences,
						     .n_audiences = from->n_audiences,
						     .jwks = { sets[i], n },
						     .skew_s = SKEW_S,
						     .max_ttl_s = TTL_MAX_S };
	}
	return policy_new(issuers, config->n_issuers, &w, ret_policy);
}

static str token_of(const struct report_alarm *a)
{
	struct wr w = wr_of(token_room, sizeof(token_room));
	wr_str(&w, a->signing_input);
	wr_char(&w, '.');
	wr_str(&w, a->signature);
	return wr_text(&w);
}

static ch_err keep_texts(struct http_req *r, const struct token_verdict *v, struct pending *p)
{
	TRY(arena_str(&r->arena, v->kid, &p->kid));
	TRY(arena_str(&r->arena, v->sub, &p->sub));
	TRY(arena_str(&r->arena, v->client_id, &p->client_id));
	return arena_str(&r->arena, v->username, &p->username);
}

/* Issuer and realm are the configuration's own texts: the policy's end with it. */
static void keep_issuer(const struct collector_config *config, const struct token_verdict *v,
			struct pending *p)
{
	for (size_t i = 0; i < config->n_issuers; i++)
		if (str_eq(config->issuers[i].issuer, v->issuer)) {
			p->issuer = config->issuers[i].issuer;
			p->realm = config->issuers[i].realm;
		}
}

static enum alarm_outcome judge_with(struct collector *c, struct http_req *r,
				     const struct policy *policy, struct pending *p)
{
	struct token_verdict v = { .code = TOKEN_malformed };
	token_verify(policy, token_of(&p->alarm), p->alarm.when_ms / 1000, &c->scratch, &v);
	/* which audiences a gate takes is its own affair; of a forger's token it is the forger's */
	if (v.code != TOKEN_accepted && v.code != TOKEN_bad_audience)
		return ALARM_BAD_TOKEN;
	if (v.iat < v.logged_from)
		return ALARM_LEGACY;
	mem_copy(p->identity, v.identity, sizeof(p->identity));
	p->iat = v.iat;
	p->exp = v.exp;
	keep_issuer(&c->config, &v, p);
	return failed(keep_texts(r, &v, p)) ? ALARM_MALFORMED : ALARM_BELIEVED;
}

enum alarm_outcome alarm_judge(struct collector *c, struct http_req *r, struct pending *p)
{
	AUTO(policy_done) struct policy *policy = NULL;
	int64_t late_s = clock_unix_s() - p->alarm.when_ms / 1000;
	if (late_s > SHOWN_MAX_S || late_s < -SKEW_S)
		return ALARM_BAD_TIME;
	if (failed(policy_of(&c->config, &policy)))
		return ALARM_BAD_TOKEN;
	return judge_with(c, r, policy, p);
}
