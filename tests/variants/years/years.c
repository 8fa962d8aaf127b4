/* A realm's keys through the years. Tokens are signed at random moments, and judged by
 * verifiers that keep a key set for as long as it allows, at the first and the last instant of
 * the token's life; meanwhile the authority is tended, restarted, off for weeks, and told to
 * rotate and to compromise, and its keeper and supervisor fail now and then.
 *
 * No token may fail, no set be empty, no key sign that a kept set can lack, and none longer
 * than it may. What a forced step makes impossible is allowed exactly as long as the command
 * said so. $CHANCERY_YEARS walks longer than three. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "chancery/verify.h"
#include "codec/base64url.h"
#include "keeper.h"
#include "key_change.h"
#include "say.h"
#include "years.h"

enum { HOUR = 3600, DAY = 86400, START = 1800000000, KIDS_MAX = 8192, SETS = 4, SET_MAX = 32768 };

/* A set that a verifier keeps, and what the library makes of it. */
struct kept {
	char text[SET_MAX];
	size_t n;
	struct ch_verifier *verifier;
};

/* What is known of a kid by watching from outside. */
struct known {
	int64_t without_s;       /* when a set without it was last given out; 0: never */
	int64_t first_s, last_s; /* signed */
	int64_t excused_until_s; /* a command has said so */
	bool compromised;
};

static struct authority authority = { .fd = -1 };
static struct known known[KIDS_MAX];
static struct kept kept[SETS];
static size_t next_kept;
/* in memory: a walk of years writes often, and nothing of it is to last */
static char folder[] = "/dev/shm/chancery-years-XXXXXX";
static union ch_scratch scratch;
static int64_t next_look_s, trouble_until_s;
static struct {
	size_t tokens, verdicts, excused, outages, restarts, weeks, rotations, refusals, forced,
		compromises, keys;
} counts;

static unsigned number_of(str kid)
{
	uint64_t n = 0;
	assert_true(kid.n > 1 && str_to_u64(str_sub(kid, 1, kid.n - 1), KIDS_MAX - 1, &n));
	return (unsigned)n;
}

static bool has_kid(str set, unsigned number)
{
	char what[32];
	int n = snprintf(what, sizeof(what), "\"kid\":\"k%u\"", number);
	return memmem(set.p, set.n, what, (size_t)n) != NULL;
}

void walk_observe(void)
{
	str set = { 0 };
	if (!walk.is_up || failed(issuer_set(&set)))
		return;
	/* only young ones can be missing and come; those that left do not come again */
	unsigned from = walk.next_kid > 16 ? walk.next_kid - 16 : 1;
	for (unsigned i = from; i < walk.next_kid + 8 && i < KIDS_MAX; i++)
		if (!has_kid(set, i))
			known[i].without_s = walk.now_s;
}

static const struct kept *fetch(void)
{
	str set = { 0 };
	ch_err e = issuer_set(&set);
	if (failed(e)) {
		/* no key at all: only after steps that failed, and not for long */
		assert_true(walk.now_s < trouble_until_s);
		return NULL;
	}
	assert_true(memmem(set.p, set.n, "\"kid\"", 5) != NULL);
	for (size_t i = 0; i < SETS; i++)
		if (kept[i].n == set.n && memcmp(kept[i].text, set.p, set.n) == 0)
			return &kept[i];
	struct kept *k = &kept[next_kept++ % SETS];
	const char *const audiences[] = { "mail" };
	struct ch_issuer one = CH_ISSUER_INIT;
	ch_verifier_unref(k->verifier);
	assert_true(set.n <= SET_MAX);
	memcpy(k->text, set.p, set.n);
	k->n = set.n;
	one.issuer = "http://localhost:8080/home";
	one.realm = "home";
	one.audiences = audiences;
	one.n_audiences = 1;
	one.jwks = k->text;
	one.jwks_size = k->n;
	one.skew_s = 0;
	assert_false(ch_failed(ch_verifier_new(&one, 1, NULL, 0, &k->verifier)));
	return k;
}

/* --- the authority --- */

static int tend(void)
{
	const struct tending t = { &authority, -1, true, false };
	int r = key_tend_all(&t);
	if (r != EXIT_YES && trouble_until_s < walk.now_s + 3 * HOUR)
		trouble_until_s = walk.now_s + 3 * HOUR;
	return r;
}

static void serve(void)
{
	walk.is_up = false;
	(void)tend();
	walk.is_up = true;
	assert_false(failed(signer_begin()));
	walk_observe();
	next_look_s = walk.now_s + HOUR;
}

static void advance(int64_t to_s)
{
	while (next_look_s <= to_s) {
		walk.now_s = next_look_s;
		/* after a failure the supervisor comes sooner */
		next_look_s += tend() == EXIT_YES ? HOUR : 60;
	}
	walk.now_s = to_s;
}

static struct key_change change_of(struct wr *detail, bool force)
{
	static struct config_realm *realm;
	realm = &authority.config.realms[0];
	return (struct key_change){ .a = &authority,
				    .realm = realm,
				    .passphrase_fd = -1,
				    .force = force,
				    .json = true,
				    .detail = detail };
}

static struct realm_keys *keys_now(void)
{
	static struct realm_keys keys;
	assert_false(failed(realm_keys_read(&authority, &authority.config.realms[0], &keys)));
	return &keys;
}

static void excuse(unsigned number)
{
	const struct key_rules rules = authority_key_rules(&authority);
	known[number].excused_until_s = walk.now_s + key_lead_s(&rules) + WALK_MAX_AGE_S;
}

static void excuse_the_signer(void)
{
	struct realm_keys *k = keys_now();
	size_t at = key_signer(k->times, k->n, walk.now_s);
	if (at < k->n)
		excuse(number_of(k->keys[at].meta.kid));
}

static bool is_early(str detail)
{
	return memmem(detail.p, detail.n, " early", 6) != NULL;
}

static void rotate(bool force)
{
	char room[KEY_DETAIL_MAX];
	struct wr detail = wr_of(room, sizeof(room));
	const struct key_change c = change_of(&detail, force);
	int r = key_rotate(&c);
	counts.rotations += r == EXIT_YES;
	counts.refusals += r == EXIT_NO;
	counts.forced += force && r == EXIT_YES;
	if (r == EXIT_TROUBLE)
		trouble_until_s = walk.now_s + 3 * HOUR;
	/* what was planned before it could be forced is known to all */
	if (force && (r != EXIT_YES || is_early(wr_text(&detail))))
		excuse_the_signer();
}

static void compromise(void)
{
	char room[KEY_DETAIL_MAX], kid[KEYFILE_NAME_MAX];
	struct wr detail = wr_of(room, sizeof(room));
	struct key_change c = change_of(&detail, false);
	struct realm_keys *k = keys_now();
	str it = k->keys[walk_random((uint32_t)k->n)].meta.kid;
	memcpy(kid, it.p, it.n);
	c.kid = (str){ kid, it.n };
	int r = key_compromise(&c);
	counts.compromises++;
	known[number_of(c.kid)].compromised = true;
	if (r != EXIT_YES)
		trouble_until_s = walk.now_s + 3 * HOUR;
	if (r != EXIT_YES || is_early(wr_text(&detail)))
		excuse_the_signer();
}

static void something_happens(void)
{
	uint32_t dice = walk_random(6000);
	if (dice < 15) {
		counts.restarts++;
		serve();
	} else if (dice < 19) {
		counts.weeks++;
		walk.is_up = false;
		walk.now_s += (int64_t)(1 + walk_random(60)) * DAY;
		serve();
	} else if (dice < 50) {
		rotate(false);
		/* and once more, which is too soon, or is wanted all the same */
		if (dice % 3 == 0)
			rotate(dice % 2 == 0);
	} else if (dice < 56) {
		rotate(true);
	} else if (dice < 64) {
		compromise();
	}
}

/* --- tokens --- */

static unsigned signer_of(ch_text token)
{
	uint8_t room[512];
	const char *dot = memchr(token.p, '.', token.n);
	struct wr w = wr_of(room, sizeof(room));
	assert_non_null(dot);
	assert_false(failed(base64url_read((str){ token.p, (size_t)(dot - token.p) }, &w)));
	const char *at = memmem(room, w.n, "\"kid\":\"k", 8);
	assert_non_null(at);
	return (unsigned)strtoul(at + 8, NULL, 10);
}

static bool is_excused(const struct known *k)
{
	return k->compromised || walk.now_s < k->excused_until_s;
}

static void judge(const struct kept *set, ch_text token, unsigned number, bool is_fresh)
{
	struct ch_verified v;
	const struct known *k = &known[number];
	if (!set)
		return;
	enum ch_reason r = ch_verify(set->verifier, &scratch, token, walk.now_s, NULL, &v);
	counts.verdicts++;
	if (is_fresh && k->compromised)
		assert_int_not_equal(r, CH_ACCEPTED);
	else if (r != CH_ACCEPTED && is_excused(k))
		counts.excused++;
	else if (r != CH_ACCEPTED)
		fail_msg("a token of k%u at %lld (%s set): %s", number, (long long)walk.now_s,
			 is_fresh ? "fresh" : "kept", ch_reason_name(r));
}

static void look_at_signer(unsigned number)
{
	struct known *k = &known[number];
	if (k->first_s == 0) {
		k->first_s = walk.now_s;
		counts.keys++;
	}
	k->last_s = walk.now_s;
	assert_false(k->compromised);
	/* not overdue */
	assert_true(walk.now_s - k->first_s <= WALK_SIGN_S);
	/* not unpublished: whoever has a set without it must have let go of it */
	if (number > 2 && walk.now_s >= k->excused_until_s)
		assert_true(k->without_s == 0 || walk.now_s >= k->without_s + WALK_MAX_AGE_S);
}

static void one_token(void)
{
	static char text[8192];
	static struct kept early, late;
	str token = { 0 };
	const struct kept *set = fetch();
	int64_t fetched_s = walk.now_s;
	early = set ? *set : early;
	struct kept *before = set ? &early : NULL;
	if (before)
		(void)ch_verifier_ref(before->verifier);
	advance(walk.now_s + walk_random(WALK_MAX_AGE_S));
	something_happens();
	ch_err e = signer_sign(&token);
	if (failed(e)) {
		assert_int_equal(ch_code_of(e), CH_E_NO_KEY);
		assert_true(walk.now_s < trouble_until_s);
		counts.outages++;
	} else {
		assert_true(token.n < sizeof(text));
		memcpy(text, token.p, token.n);
		ch_text t = { text, token.n };
		unsigned number = signer_of(t);
		int64_t end_s = walk.now_s + WALK_TTL_S - 1;
		look_at_signer(number);
		counts.tokens++;
		/* who slept through weeks with us has let go of it */
		if (walk.now_s <= fetched_s + WALK_MAX_AGE_S)
			judge(before, t, number, false);
		judge(fetch(), t, number, true);
		advance(end_s - walk_random(WALK_MAX_AGE_S));
		set = fetch();
		if (set) {
			late = *set;
			(void)ch_verifier_ref(late.verifier);
		}
		advance(end_s);
		judge(set ? &late : NULL, t, number, false);
		judge(fetch(), t, number, true);
		if (set)
			ch_verifier_unref(late.verifier);
	}
	if (before)
		ch_verifier_unref(early.verifier);
}

static void years(void **state)
{
	const char *wish = getenv("CHANCERY_YEARS");
	int64_t end_s = START + (wish ? strtoll(wish, NULL, 10) : 3) * 365 * DAY;
	(void)state;
	while (walk.now_s < end_s) {
		one_token();
		advance(walk.now_s + walk_random(6 * HOUR));
	}
	print_message("%zu tokens, %zu verdicts (%zu excused), %zu keys signed, %zu rotations by "
		      "command (%zu forced, %zu refused), %zu compromised, %zu restarts, %zu times "
		      "off for weeks, %zu failures, %zu tokens not given\n",
		      counts.tokens, counts.verdicts, counts.excused, counts.keys, counts.rotations,
		      counts.forced, counts.refusals, counts.compromises, counts.restarts,
		      counts.weeks, walk.failed, counts.outages);
	/* it was a walk, and it had all of that in it */
	assert_true(counts.tokens > 1000 && counts.keys > 60 && counts.rotations > 10);
	assert_true(counts.refusals > 0 && counts.compromises > 3 && counts.weeks > 0);
	assert_true(walk.failed > 10 && counts.excused > 0);
	assert_true(counts.excused * 50 < counts.verdicts);
	assert_true(counts.outages * 50 < counts.tokens);
}

static int set_up(void **state)
{
	(void)state;
	assert_false(failed(crypto_init(NULL)));
	assert_false(ch_failed(ch_scratch_init(&scratch)));
	assert_non_null(mkdtemp(folder));
	walk.dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	walk.now_s = START;
	walk.keeper_fails = 12;
	walk.renew_fails = 12;
	assert_false(failed(dir_make(walk.dir, "keys/home", 0700)));
	assert_false(failed(dir_make(walk.dir, "jwks", 0755)));
	config_defaults(&authority.config);
	authority.config.n_realms = 1;
	authority.fd = walk.dir;
	assert_false(failed(path_of(&authority.dir, str_from_c(folder))));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < SETS; i++)
		ch_verifier_unref(kept[i].verifier);
	ch_scratch_done(&scratch);
	return failed(dir_remove(AT_FDCWD, folder));
}

/* As `init` does it: one that signs, one behind it. */
static void begins(void **state)
{
	const struct key_rules rules = authority_key_rules(&authority);
	struct key_times first = key_first(&rules, walk.now_s, WALK_TTL_S), next = first;
	struct keeper_key keys[2];
	(void)state;
	next.not_before_s = first.not_after_s;
	next.not_after_s = next.not_before_s + rules.sign_s;
	assert_int_equal(rules.sign_s, WALK_SIGN_S);
	assert_int_equal(rules.max_age_s, WALK_MAX_AGE_S);
	const struct config_realm *realm = &authority.config.realms[0];
	assert_false(failed(keeper_new_key(realm, &first, &keys[0])));
	assert_false(failed(keeper_new_key(realm, &next, &keys[1])));
	unsigned as_it_was = walk.keeper_fails;
	walk.keeper_fails = 0;
	assert_false(failed(keeper_seal(&authority, -1, keys, 2, NULL)));
	walk.keeper_fails = as_it_was;
	serve();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(begins), cmocka_unit_test(years) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
