/* The signature that a webhook's receiver checks, against RFC 4231's way of making one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbox.h"

/* python3 -c 'import hmac; print(hmac.new(b"a secret of bytes", b"17.{}", "sha256").hexdigest())' */
static void as_others_compute_it(void **state)
{
	uint8_t room[FETCH_SIGNATURE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	outbox_sign(&w, LIT("a secret of bytes"), 17, bytes_of_str(LIT("{}")));
	assert_true(str_eq(
		wr_text(&w),
		LIT("t=17,v1=8c2959b43ca1178672a67ef15103dae1d939d1bc93be62659a0e5a08744bf351")));
}

static void a_change_shows(void **state)
{
	uint8_t a_room[FETCH_SIGNATURE_MAX], b_room[FETCH_SIGNATURE_MAX];
	struct wr a = wr_of(a_room, sizeof(a_room)), b = wr_of(b_room, sizeof(b_room));
	(void)state;
	outbox_sign(&a, LIT("a secret of bytes"), 17, bytes_of_str(LIT("{}")));
	outbox_sign(&b, LIT("a secret of bytes"), 17, bytes_of_str(LIT("{ }")));
	assert_false(str_eq(wr_text(&a), wr_text(&b)));
	assert_int_equal(a.n, b.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_others_compute_it),
		cmocka_unit_test(a_change_shows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
