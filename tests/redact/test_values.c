/* Values and public keys are there once, and as many as there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "redact/finder.h"

static struct value text(const char *c)
{
	return (struct value){ VALUE_TOKEN, false, bytes_of_str(str_from_c(c)), LIT("test"), 7 };
}

static void each_once(void **state)
{
	(void)state;
	struct values *v = NULL;
	assert_false(failed(values_new(&v)));
	struct value a = text("sesame-1"), b = text("sesame-2");
	assert_false(failed(values_add(v, &a)));
	assert_false(failed(values_add(v, &b)));
	assert_false(failed(values_add(v, &a)));
	assert_int_equal(values_count(v), 2);
	assert_true(bytes_eq(values_at(v, 1)->is, b.is));
	assert_ptr_not_equal(values_at(v, 1)->is.p, b.is.p);
	assert_null(values_at(v, 2));
	values_done(&v);
	assert_null(v);
	values_done(&v);
}

static void numbers_lose_leading_zeros(void **state)
{
	(void)state;
	struct values *v = NULL;
	assert_false(failed(values_new(&v)));
	static const uint8_t p[] = { 0, 0, 9, 8, 7, 6, 5 };
	struct value plain = { VALUE_BIGNUM, false, { p + 2, 5 }, LIT("test"), 7 };
	struct value number = { VALUE_BIGNUM, true, BYTES_OF(p), LIT("test"), 7 };
	assert_false(failed(values_add(v, &plain)));
	assert_false(values_at(v, 0)->number);
	assert_false(failed(values_add(v, &number)));
	assert_int_equal(values_count(v), 1);
	assert_true(values_at(v, 0)->number);
	values_done(&v);
}

static void sizes_are_bounded(void **state)
{
	(void)state;
	static uint8_t big[VALUE_MAX + 1] = { 1 };
	struct values *v = NULL;
	assert_false(failed(values_new(&v)));
	for (size_t n = 0; n < VALUE_MIN; n++) {
		struct value one = { VALUE_TOKEN, false, { big, n }, LIT("test"), 0 };
		assert_int_equal(values_add(v, &one).site->code, CH_E_RANGE);
	}
	struct value long_one = { VALUE_TOKEN, false, BYTES_OF(big), LIT("test"), 0 };
	assert_int_equal(values_add(v, &long_one).site->code, CH_E_RANGE);
	/* a number that is but zeros */
	struct value same = { VALUE_TOKEN, false, { big + 1, 64 }, LIT("test"), 0 };
	assert_false(failed(values_add(v, &same)));
	struct value zero = { VALUE_BIGNUM, true, { big + 1, 64 }, LIT("test"), 0 };
	assert_int_equal(values_add(v, &zero).site->code, CH_E_RANGE);
	assert_int_equal(values_count(v), 0);
	values_done(&v);
}

static void too_many_is_an_error(void **state)
{
	(void)state;
	static uint8_t p[VALUE_MAX];
	struct values *v = NULL;
	assert_false(failed(values_new(&v)));
	struct value one = { VALUE_TOKEN, false, { p, 8 }, LIT("test"), 0 };
	p[7] = 7;
	for (unsigned i = 0; i < VALUES_MAX; i++) {
		p[0] = (uint8_t)i;
		p[1] = (uint8_t)(i >> 8);
		assert_false(failed(values_add(v, &one)));
	}
	assert_false(failed(values_add(v, &one)));
	p[2] = 1;
	assert_int_equal(values_add(v, &one).site->code, CH_E_LIMIT);
	assert_int_equal(values_count(v), VALUES_MAX);
	values_done(&v);

	assert_false(failed(values_new(&v)));
	one.is.n = VALUE_MAX;
	for (unsigned i = 0; i < VALUES_BYTES_MAX / VALUE_MAX; i++) {
		p[0] = (uint8_t)i;
		assert_false(failed(values_add(v, &one)));
	}
	p[5] = 1;
	one.is.n = VALUE_MIN;
	assert_int_equal(values_add(v, &one).site->code, CH_E_LIMIT);
	values_done(&v);
}

static void publics_each_once(void **state)
{
	(void)state;
	static uint8_t p[1024] = { 1 };
	struct publics *all = NULL;
	assert_false(failed(publics_new(&all)));
	for (unsigned i = 0; i < 5000; i++) {
		p[0] = (uint8_t)i;
		p[1] = (uint8_t)(i >> 8);
		assert_false(failed(publics_add(all, PUBLIC_ED25519, (bytes){ p, 32 })));
		assert_false(failed(publics_add(all, PUBLIC_ED25519, (bytes){ p, 32 })));
		assert_int_equal(publics_overflowed(all), i >= 4096);
	}
	assert_int_equal(publics_count(all, PUBLIC_ED25519), 4096);
	assert_int_equal(publics_at(all, PUBLIC_ED25519, 258).p[1], 1);
	assert_int_equal(publics_count(all, PUBLIC_X25519), 0);
	assert_null(publics_at(all, PUBLIC_X25519, 0).p);
	assert_int_equal(publics_add(all, PUBLIC_P256, (bytes){ p, 65 }).site->code, CH_E_RANGE);
	publics_done(&all);
	assert_null(all);
}

static void publics_are_bounded_in_bytes(void **state)
{
	(void)state;
	static uint8_t p[1024] = { 1 };
	struct publics *all = NULL;
	assert_false(failed(publics_new(&all)));
	for (unsigned i = 0; i < 4096; i++) {
		p[0] = (uint8_t)i;
		p[1] = (uint8_t)(i >> 8);
		assert_false(failed(publics_add(all, PUBLIC_RSA_MODULUS, BYTES_OF(p))));
	}
	assert_false(publics_overflowed(all));
	assert_false(failed(publics_add(all, PUBLIC_ED25519, (bytes){ p, 32 })));
	assert_true(publics_overflowed(all));
	publics_done(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_once),         cmocka_unit_test(numbers_lose_leading_zeros),
		cmocka_unit_test(sizes_are_bounded), cmocka_unit_test(too_many_is_an_error),
		cmocka_unit_test(publics_each_once), cmocka_unit_test(publics_are_bounded_in_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
