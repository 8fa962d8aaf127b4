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
	size_t i = 0;
	while (i < most && text_is(j->v.p[from + i], a))
		i++;
	j->work += i;
	j->open = j->open || i == left;
	return from + i;
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

unsigned text_changes(bytes b)
{
	unsigned last = 0, changes = 0;
	for (size_t i = 0; i < b.n; i++) {
		unsigned now = class_of(b.p[i]);
		changes += now && last && now != last;
		last = now ? now : last;
	}
	return changes;
}

/* Words and names in camel case change between digits, capitals and small letters seldom,
 * what is drawn at random at every second character or so. Without a digit more is asked. */
bool text_looks_random(bytes b)
{
	bytes head = { b.p, b.n < 256 ? b.n : 256 };
	return text_changes(head) * (count(head).digits ? 4 : 3) > head.n &&
	       text_distinct(head) >= 8 && !text_is_example(head);
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
	"options",
	"option",
	"external",
	"anonymous",
	"anonymous@",
	"plain",
	"login",
	"enroll",
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

/* /run/secrets/x, path/to/x, ./x, C:\\x, http://x; base64 has digits and capitals */
static bool is_place(bytes b)
{
	size_t at = 0;
	struct counts c = count(b);
	if (bytes_find(b, LIT("://"), &at))
		return true;
	bool slash = bytes_find(b, LIT("/"), &at);
	return (slash || b.p[0] == '~' || b.p[0] == '.') && !(c.upper && c.digits);
}

/* a.b1.C, self.x: short names with dots between */
static bool is_dotted(bytes b)
{
	size_t dots = 0, part = 0;
	for (size_t i = 0; i < b.n; i++) {
		bool dot = b.p[i] == '.';
		dots += dot;
		part = dot ? 0 : part + 1;
		bool first = part == 1 && b.p[i] >= '0' && b.p[i] <= '9';
		if (first || part > 20 || !(dot || text_is(b.p[i], AL_WORD)))
			return false;
	}
	return dots;
}

/* DB_PASSWORD, BASEDN:FLAGS: what somebody shall fill in */
static bool is_loud(bytes b)
{
	size_t at = 0;
	struct counts c = count(b);
	return c.upper && !c.lower && !c.digits &&
	       (bytes_find(b, LIT("_"), &at) || bytes_find(b, LIT(":"), &at) ||
		bytes_find(b, LIT("PASS"), &at));
}

/* this.password, getpass(), a[b], x->y, a::b, process.env.X, f(x) */
static bool is_code(bytes b)
{
	static const str signs[] = { LIT("->"), LIT("::"), LIT("()"), LIT("%s"),   LIT("${"),
				     LIT("=>"), LIT("=="), LIT("})"), LIT("(self") };
	size_t at = 0, open = 0;
	for (size_t i = 0; i < COUNT_OF(signs); i++)
		if (bytes_find(b, signs[i], &at))
			return !text_looks_random(b) || b.p[b.n - 1] != '=';
	for (size_t i = 0; i < b.n; i++)
		open += among(b.p[i], "()[]{}<|");
	/* a call or an element: a name, then a bracket */
	bool call = (bytes_find(b, LIT("("), &at) || bytes_find(b, LIT("["), &at)) && at > 3 &&
		    !text_looks_random(b);
	return (open && !count(b).digits) || call || is_dotted(b);
}

/* Prose: five words and more of letters. */
static bool is_prose(bytes b)
{
	size_t blanks = 0;
	for (size_t i = 0; i < b.n; i++)
		blanks += b.p[i] == ' ';
	return blanks >= 4 && !count(b).digits;
}

static bytes without_tail(bytes b)
{
	while (b.n && among(b.p[b.n - 1], "),.:;]}>"))
		b.n--;
	return b;
}

/* Letters that only dashes, dots and the like part may be a name that a program has
 * everywhere. */
static size_t special(bytes b)
{
	size_t n = 0;
	for (size_t i = 0; i < b.n; i++)
		n += !alnum(b.p[i]) && !among(b.p[i], "_-./:, ");
	return n;
}

enum text_worth text_password_worth(bytes b)
{
	bytes core = without_tail(b);
	if (core.n < VALUE_MIN || is_placeholder(b) || is_word(core) || is_place(b) || is_code(b) ||
	    is_loud(b) || is_prose(b) || text_is_example(b))
		return TEXT_NOTHING;
	unsigned distinct = text_distinct(b);
	if (distinct < 3 || (distinct < 5 && b.n > 12))
		return TEXT_NOTHING;
	struct counts c = count(b);
	bool classes = (c.digits || special(b)) && (c.upper || c.lower);
	/* a word of common language is masked where it is a password and nowhere else */
	return classes && b.n >= 8 && distinct >= 6 ? TEXT_EVERYWHERE : TEXT_HERE;
}
