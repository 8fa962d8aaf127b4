/* Characters, and what a run of them looks like: drawn at random, or a word of somebody's
 * documentation. Trusts nothing; reads no byte outside what it is given. */
#include "text_internal.h"

static bool among(uint8_t c, const char *set)
{
	for (; *set; set++)
		if ((uint8_t)*set == c)
			return true;
	return false;
}

static bool alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool visible(uint8_t c)
{
	return c > 0x20 && c < 0x7f;
}

bool text_is(uint8_t c, enum text_alphabet a)
{
	switch (a) {
	case AL_NONE:
	case AL_COUNT:
		return false;
	case AL_HEX:
		return alnum(c) && (c <= '9' || (c | 0x20) <= 'f');
	case AL_UPPER:
		return alnum(c) && c < 'a';
	case AL_ALNUM:
		return alnum(c);
	case AL_WORD:
		return alnum(c) || c == '_';
	case AL_URL:
		return alnum(c) || c == '_' || c == '-';
	case AL_JWS:
		return alnum(c) || among(c, "_-.");
	case AL_BASE64:
		return alnum(c) || among(c, "+/=");
	case AL_TOKEN:
		return alnum(c) || among(c, "-._~+/=");
	case AL_HASH:
		return alnum(c) || among(c, "./$+=,_-:");
	case AL_QUERY:
		return visible(c) && !among(c, "&#\"'<>\\");
	case AL_VISIBLE:
		return visible(c) && !among(c, "\"'\\");
	case AL_PEM:
		return alnum(c) || among(c, "+/=\r\n\t \\");
	}
	return false;
}

size_t text_run_of(struct text_job *j, size_t from, size_t max, enum text_alphabet a)
{
	size_t left = from < j->v.n ? j->v.n - from : 0;
	size_t most = max && max < left ? max : left;
	for (size_t i = 0; i < most; i++)
		if (!text_is(j->v.p[from + i], a))
			return from + i;
	if (most == left)
		j->open = true;
	return from + most;
}

size_t text_run(struct text_job *j, size_t from, size_t max)
{
	return text_run_of(j, from, max, j->row->alphabet);
}

unsigned text_distinct(bytes b)
{
	uint64_t seen[4] = { 0 };
	for (size_t i = 0; i < b.n; i++)
		seen[b.p[i] >> 6] |= (uint64_t)1 << (b.p[i] & 63);
	unsigned n = 0;
	for (size_t i = 0; i < COUNT_OF(seen); i++)
		n += (unsigned)__builtin_popcountll(seen[i]);
	return n;
}

bool bytes_find(bytes hay, str needle, size_t *ret_at)
{
	for (size_t i = 0; needle.n && i + needle.n <= hay.n; i++) {
		if (hay.p[i] != (uint8_t)needle.p[0] || !mem_eq(hay.p + i, needle.p, needle.n))
			continue;
		*ret_at = i;
		return true;
	}
	return false;
}

struct counts {
	size_t digits, upper, lower, other;
};

static struct counts count(bytes b)
{
	struct counts c = { 0 };
	for (size_t i = 0; i < b.n; i++) {
		c.digits += b.p[i] >= '0' && b.p[i] <= '9';
		c.upper += b.p[i] >= 'A' && b.p[i] <= 'Z';
		c.lower += b.p[i] >= 'a' && b.p[i] <= 'z';
	}
	c.other = b.n - c.digits - c.upper - c.lower;
	return c;
}

/* Words of examples, whatever else is around them. */
bool text_is_example(bytes b)
{
	static const str words[] = { LIT("EXAMPLE"), LIT("example"), LIT("xxxx"), LIT("XXXX"),
				     LIT("...."),    LIT("****"),    LIT("____"), LIT("your_"),
				     LIT("YOUR_"),   LIT("your-") };
	size_t at = 0;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (bytes_find(b, words[i], &at))
			return true;
	return false;
}

/* 1: digit, 2: upper, 3: lower, 0: what stands between words */
static unsigned class_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return 1;
	if (!alnum(c))
		return 0;
	return c < 'a' ? 2 : 3;
}

/* Words and names in camel case change between digits, capitals and small letters seldom,
 * what is drawn at random at every second character or so. */
bool text_looks_random(bytes b)
{
	bytes head = { b.p, b.n < 256 ? b.n : 256 };
	unsigned last = 0, changes = 0;
	for (size_t i = 0; i < head.n; i++) {
		unsigned now = class_of(head.p[i]);
		changes += now && last && now != last;
		last = now ? now : last;
	}
	return changes * 4 >= head.n && text_distinct(head) >= 8 && !text_is_example(head);
}

/* --- passwords --- */

static const char *const words[] = {
	"password",
	"passwd",
	"passphrase",
	"secret",
	"string",
	"str",
	"null",
	"nullptr",
	"none",
	"nil",
	"undefined",
	"true",
	"false",
	"required",
	"optional",
	"bool",
	"boolean",
	"int",
	"integer",
	"number",
	"char",
	"const",
	"void",
	"var",
	"let",
	"function",
	"return",
	"this",
	"self",
	"self.password",
	"text",
	"value",
	"object",
	"any",
	"bytes",
	"buffer",
	"user",
	"username",
	"pass",
	"pwd",
	"token",
	"hidden",
	"redacted",
	"empty",
	"default",
	"input",
	"type",
	"name",
	"auto",
	"unset",
	"yourpassword",
	"mypassword",
	"new-password",
	"current-password",
	"newpassword",
	"oldpassword",
	"pass1",
	"password1",
	"password2",
	"param",
	"static",
	"private",
	"public",
	"unknown",
	"invalid",
	"disabled",
	"enabled",
	"prompt",
	"yes",
	"no",
	"off",
	"file",
	"stdin",
	"key",
	"data",
	"field",
	"auth",
	"literal",
	"some_secret",
	"keyboard-interactive",
	"publickey",
	"publickey,password",
	"prohibit",
	"without-password",
	"prohibit-password",
	"base64",
	"sha256",
	"sha512",
	"scram-sha-256",
	"md5",
	"bcrypt",
	"argon2id",
	"plaintext",
	"cleartext",
	"length",
	"e.g.",
	"the",
};

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_word(bytes b)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t n = 0;
		while (n < b.n && words[i][n] && lower(b.p[n]) == (uint8_t)words[i][n])
			n++;
		if (n == b.n && !words[i][n])
			return true;
	}
	return false;
}

/* %s, %(x)s, ${X}, $X, {{x}}, <x>, :x, ?: filled in by somebody later. */
static bool is_placeholder(bytes b)
{
	uint8_t second = b.n > 1 ? b.p[1] : 0;
	if (among(b.p[0], "<[{(?:,;)|&=*@") || (b.p[0] == '#' && second == '{'))
		return true;
	if (b.p[0] == '%' && (among(second, "(-*.{+#") || (alnum(second) && second > '9')))
		return true;
	return b.p[0] == '$' && (among(second, "{(_") || (alnum(second) && second > '9'));
}

/* /run/secrets/x, ./x, C:\x, http://x */
static bool is_place(bytes b)
{
	size_t at = 0;
	if (bytes_find(b, LIT("://"), &at))
		return true;
	if (b.p[0] != '/' && b.p[0] != '~' && b.p[0] != '.')
		return false;
	return count(b).upper == 0 || (b.n > 2 && count(b).digits == 0);
}

/* this.password, getpass(), a[b], x->y, a::b, process.env.X */
static bool is_code(bytes b)
{
	size_t at = 0;
	if (bytes_find(b, LIT("->"), &at) || bytes_find(b, LIT("::"), &at) ||
	    bytes_find(b, LIT("()"), &at) || bytes_find(b, LIT("%s"), &at) ||
	    bytes_find(b, LIT("${"), &at) || bytes_find(b, LIT("=>"), &at) ||
	    bytes_find(b, LIT("=="), &at))
		return !text_looks_random(b) || b.p[b.n - 1] != '=';
	size_t open = 0, dots = 0;
	for (size_t i = 0; i < b.n; i++) {
		open += among(b.p[i], "([{<|");
		dots += b.p[i] == '.' && i && alnum(b.p[i - 1]);
	}
	struct counts c = count(b);
	return (open && !c.digits) || (dots && !c.digits);
}

enum text_worth text_password_worth(bytes b)
{
	if (b.n < VALUE_MIN || is_placeholder(b) || is_word(b) || is_place(b) || is_code(b) ||
	    text_is_example(b))
		return TEXT_NOTHING;
	unsigned distinct = text_distinct(b);
	if (distinct < 3 || (distinct < 5 && b.n > 12))
		return TEXT_NOTHING;
	struct counts c = count(b);
	bool classes = (c.digits || c.other) && (c.upper || c.lower);
	/* a word of common language is masked where it is a password and nowhere else */
	return classes && b.n >= 8 && distinct >= 6 ? TEXT_EVERYWHERE : TEXT_HERE;
}
