/* The policy that the gate judges by, made anew whenever an issuer's keys change. One
 * issuer's keys are tried beside what there is for the others, and taken only as a whole. */
#include "keys.h"

#include "base/clock.h"
#include "base/cleanup.h"
#include "codec/json.h"

static const char empty_set[] = "{\"keys\":[]}";

bytes keys_empty_set(void)
{
	return bytes_of_str((str){ empty_set, sizeof(empty_set) - 1 });
}

size_t keys_count(bytes jwks)
{
	static struct json_node nodes[1025];
	size_t n = 0;
	const struct json_limits limits = { .depth = 8, .members = COUNT_OF(nodes) - 1 };
	if (failed(json_parse(jwks, limits, nodes, COUNT_OF(nodes), &n)))
		return 0;
	const struct json_node *keys = json_member(nodes, LIT("keys"));
	return keys && keys->type == JSON_ARRAY ? keys->count : 0;
}

static struct policy_issuer issuer_of(const struct keys *k, size_t i, bytes jwks)
{
	const struct gate_issuer *g = &k->config->issuers[i];
	return (struct policy_issuer){
		.issuer = g->issuer,
		.realm = g->realm,
		.typ = LIT("at+jwt"),
		.audiences = g->audiences,
		.n_audiences = g->n_audiences,
		.jwks = jwks,
		.periods = k->periods[i],
		.n_periods = g->n_periods,
		.skew_s = g->skew_s,
		.max_ttl_s = g->max_ttl_s,
	};
}

/* The policy with this content for issuer `at` and what we have for the others. */
static ch_err policy_with(const struct keys *k, size_t at, bytes jwks, struct wr *why,
			  struct policy **ret_policy)
{
	struct policy_issuer issuers[REALMS_MAX];
	for (size_t i = 0; i < k->config->n_issuers; i++)
		issuers[i] = issuer_of(k, i,
				       i == at ? jwks : (bytes){ k->files[i].text, k->files[i].n });
	return policy_new(issuers, k->config->n_issuers, why, ret_policy);
}

static void count_all(struct keys *k)
{
	k->any = false;
	for (size_t i = 0; i < k->config->n_issuers; i++)
		k->any = k->any || keys_count((bytes){ k->files[i].text, k->files[i].n }) > 0;
}

ch_err keys_adopt(struct keys *k, size_t at, bytes jwks, struct wr *why)
{
	AUTO(policy_done) struct policy *fresh = NULL;
	TRY(policy_with(k, at, jwks, why, &fresh));
	mem_copy(k->files[at].text, jwks.p, jwks.n);
	k->files[at].n = jwks.n;
	k->files[at].taken = true;
	/* sets that say the same in other words must not cost all issuers' tables and tokens */
	if (k->policy && policy_same(k->policy, fresh))
		return CH_DONE;
	policy_free(k->policy);
	k->policy = TAKE(fresh);
	count_all(k);
	return CH_DONE;
}

bool keys_has(const struct keys *k, size_t at, bytes jwks)
{
	const struct key_file *f = &k->files[at];
	return f->taken && bytes_eq((bytes){ f->text, f->n }, jwks);
}

static void look(struct keys *k)
{
	bool files = key_files_look(k);
	bool urls = key_urls_look(k);
	if (files || urls)
		key_files_again(k);
}

void keys_refresh(struct keys *k)
{
	uint64_t now = clock_mono_ns();
	if (now - k->checked_ns < (uint64_t)GATE_RECHECK_MS * 1000000)
		return;
	k->checked_ns = now;
	look(k);
}

static void take_periods(struct policy_period *to, const struct gate_issuer *g)
{
	for (size_t i = 0; i < g->n_periods; i++)
		to[i] = (struct policy_period){ g->periods[i].kid, g->periods[i].from_s,
						g->periods[i].until_s };
}

ch_err keys_open(struct keys *k, const struct gate_config *config, int fetcher)
{
	k->config = config;
	k->fetcher = fetcher;
	for (size_t i = 0; i < config->n_issuers; i++) {
		take_periods(k->periods[i], &config->issuers[i]);
		mem_copy(k->files[i].text, empty_set, sizeof(empty_set) - 1);
		k->files[i].n = sizeof(empty_set) - 1;
		k->files[i].mark.inode = UINT64_MAX; /* like no file, there or not */
	}
	TRY(key_urls_open(k));
	k->opened_ns = k->checked_ns = clock_mono_ns();
	look(k);
	/* until the first set comes there is a policy all the same, which has no key */
	return k->policy ? CH_DONE : keys_adopt(k, 0, keys_empty_set(), NULL);
}

void keys_done(struct keys *k)
{
	policy_done(&k->policy);
	key_urls_done(k);
}
