/* Records of chains for people. What the files hold was written by whoever could write there:
 * texts are printed escaped. */
#include "chain_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "say.h"

void print_time(int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm = { 0 };
	char text[32] = "?";
	if (gmtime_r(&s, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)printf("%s.%03dZ", text, (int)(ms % 1000));
}

int say_damage(const char *command, const char *folder, const char *chain_or_null,
	       const struct chain_place *at, ch_err e)
{
	(void)fprintf(stderr,
		      "chancery: %s: %s/%s%s%020" PRIu64 ".chain, byte %" PRIu64
		      ": %s; keep the folder as it is for whoever looks into it\n",
		      command, folder, chain_or_null ? chain_or_null : "", chain_or_null ? "/" : "",
		      at->segment, at->offset, e.site->what);
	return EXIT_NO;
}

static void print_escaped(str s, unsigned char least, char after)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < least || c >= 0x7f || c == '\\')
			(void)printf("\\x%02x", c);
		else
			(void)putchar(c);
	}
	if (s.n == 0)
		(void)putchar('-');
	(void)putchar(after);
}

void print_field(str s, char after)
{
	print_escaped(s, ' ' + 1, after);
}

void print_words(str s, char after)
{
	print_escaped(s, ' ', after);
}

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

bool hex_read(str text, uint8_t ret[static 32])
{
	for (size_t i = 0; i < text.n; i++)
		if (digit_of(text.p[i]) < 0)
			return false;
	for (size_t i = 0; text.n == 64 && i < 32; i++)
		ret[i] = (uint8_t)(digit_of(text.p[2 * i]) << 4 | digit_of(text.p[2 * i + 1]));
	return text.n == 64;
}

bool head_read(str text, struct chain_head *ret_head)
{
	str rest = text, seq = str_cut(&rest, ':');
	return str_to_u64(seq, UINT64_MAX, &ret_head->seq) && hex_read(rest, ret_head->hash);
}

void print_head(const struct chain_head *head)
{
	(void)printf("%" PRIu64 ":", head->seq);
	for (size_t i = 0; i < CHAIN_HASH_SIZE; i++)
		(void)printf("%02x", head->hash[i]);
}
