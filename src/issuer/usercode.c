/* What a device shows and a person types (RFC 8628 section 6.1): eight of twenty capital
 * letters, without vowels and without those that look like digits, so that no word comes out
 * and none is read wrong. 34.5 bits: how often it may be tried is bounded elsewhere. */
#include "base/rand.h"
#include "rules.h"

static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
enum { LETTERS = sizeof(letters) - 1, FAIR = 256 / LETTERS * LETTERS };

void user_code_make(char ret_code[static USER_CODE_SIZE])
{
	uint8_t random[4 * USER_CODE_SIZE];
	for (size_t n = 0; n < USER_CODE_SIZE;) {
		rand_fill(random, sizeof(random));
		/* each letter as often as any other: a byte beyond the last whole round is left */
		for (size_t i = 0; i < sizeof(random) && n < USER_CODE_SIZE; i++)
			if (random[i] < FAIR)
				ret_code[n++] = letters[random[i] % LETTERS];
	}
}

ch_err user_code_read(str typed, char ret_code[static USER_CODE_SIZE])
{
	char code[USER_CODE_SIZE];
	size_t n = 0;
	for (size_t i = 0; i < typed.n; i++) {
		char c = typed.p[i];
		char high = c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
		if (c == '-' || c == ' ')
			continue;
		if (!str_has((str){ letters, LETTERS }, high) || n == USER_CODE_SIZE)
			return ch_fail(CH_E_SYNTAX, "the text is no user code", i);
		code[n++] = high;
	}
	if (n < USER_CODE_SIZE)
		return ch_fail(CH_E_TRUNCATED, "the user code ends early", n);
	mem_copy(ret_code, code, sizeof(code));
	return CH_DONE;
}

void user_code_write(struct wr *w, str code)
{
	wr_str(w, str_sub(code, 0, USER_CODE_SIZE / 2));
	wr_char(w, '-');
	wr_str(w, str_sub(code, USER_CODE_SIZE / 2, code.n));
}
