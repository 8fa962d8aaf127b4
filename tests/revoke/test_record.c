/* Records of revocations: there and back, every prefix, every flip, every wrong field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "revoke/record.h"

static const uint8_t identity[REVOKE_TOKEN_ID] = { 1, 2, 3, 0, 255 };

static const struct revocation token = { .kind = REVOKE_TOKEN,
					 .why = REVOKE_BY_CLIENT,
					 .when_s = 1795400000,
					 .subject = { identity, sizeof(identity) },
					 .name = { "alice@home.test", 15 } };

static struct revocation of(enum revoke_kind kind, str subject)
{
	return (struct revocation){ .kind = kind,
				    .why = REVOKE_BY_ADMIN,
				    .when_s = 1795400000,
				    .subject = bytes_of_str(subject) };
}

static bool same(const struct revocation *a, const struct revocation *b)
{
	return a->kind == b->kind && a->why == b->why && a->when_s == b->when_s &&
	       bytes_eq(a->subject, b->subject) && str_eq(a->name, b->name);
}

static void there_and_back(const struct revocation *r)
{
	uint8_t room[REVOKE_DUE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct revocation back;
	revocation_due_write(&w, r);
	assert_false(w.full);
	assert_false(failed(revocation_due_read(wr_bytes(&w), &back)));
	assert_true(same(r, &back));
	for (size_t n = 0; n < w.n; n++)
		assert_true(failed(revocation_due_read((bytes){ room, n }, &back)));
	for (size_t bit = 0; bit < 8 * w.n; bit++) {
		room[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!failed(revocation_due_read(wr_bytes(&w), &back)))
			assert_false(same(r, &back));
		room[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void every_kind(void **state)
{
	(void)state;
	there_and_back(&token);
	for (enum revoke_kind kind = REVOKE_GRANT; kind < REVOKE_KIND_COUNT; kind++) {
		struct revocation r = of(kind, LIT("abc-DEF_123"));
		there_and_back(&r);
		assert_true(revoke_kind_name(kind).n > 0);
	}
	for (enum revoke_why why = REVOKE_BY_ADMIN; why < REVOKE_WHY_COUNT; why++)
		assert_true(revoke_why_name(why).n > 0);
	assert_int_equal(revoke_kind_name(REVOKE_KIND_COUNT).n, 0);
	assert_int_equal(revoke_why_name((enum revoke_why)0).n, 0);
}

static void refused(const struct revocation *r)
{
	uint8_t room[2 * REVOKE_DUE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	revocation_write(&w, r);
	assert_true(w.full);
}

/* What a reader would refuse is not written either. */
static void what_is_none(void **state)
{
	static char text[REVOKE_SUBJECT_MAX + 1];
	struct revocation r;
	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'x';
	r = token;
	r.subject.n--;
	refused(&r);
	r = token;
	r.when_s = -1;
	refused(&r);
	r = of(REVOKE_USER, (str){ 0 });
	refused(&r);
	r = of(REVOKE_USER, (str){ text, sizeof(text) });
	refused(&r);
	r = of(REVOKE_GRANT, LIT("a\nb"));
	refused(&r);
	r = of(REVOKE_KIND_COUNT, LIT("x"));
	refused(&r);
	r = of(REVOKE_USER, LIT("x"));
	r.name = LIT("a\x7f");
	refused(&r);
	r = of(REVOKE_USER, LIT("x"));
	r.why = REVOKE_WHY_COUNT;
	refused(&r);
}

/* A kind of a later version is told from damage. */
static void of_later(void **state)
{
	struct revocation back;
	(void)state;
	assert_int_equal(ch_code_of(revocation_read(REVOKE_KIND_COUNT, (bytes){ 0 }, &back)),
			 CH_E_UNSUPPORTED);
	assert_int_equal(ch_code_of(revocation_read(0, (bytes){ 0 }, &back)), CH_E_UNSUPPORTED);
	assert_int_equal(ch_code_of(revocation_read(REVOKE_KEY, (bytes){ 0 }, &back)),
			 CH_E_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_kind),
					    cmocka_unit_test(what_is_none),
					    cmocka_unit_test(of_later) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
