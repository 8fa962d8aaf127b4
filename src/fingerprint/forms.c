/* Every form of a value is a function from an index to a byte, so that a form can be
 * compared with memory without being built. The value is secret: no branch here is worth
 * hiding, since whoever runs this reads the value anyway, but nothing of it may be left behind. */
#include "fingerprint/forms.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/secret.h"

enum { SHORTEST = 16 };

enum base {
	BASE_PLAIN,
	BASE_LE,
	BASE_W32BE,
	BASE_LE30,
	BASE_LE28,
	BASE_LE60,
	BASE_64_0,
	BASE_64_1,
	BASE_64_2,
	BASE_64URL_0,
	BASE_64URL_1,
	BASE_64URL_2,
	BASE_HEX,
	BASE_HEX_UPPER,
};

enum wide { NARROW, UTF16LE, UTF16BE };

#define S(s)                        \
	{                           \
		"" s, sizeof(s) - 1 \
	}
#define TEXTUAL(wide, prefix)                                                             \
	{ BASE_64_0, wide, S(prefix "base64") }, { BASE_64_1, wide, S(prefix "base64") }, \
		{ BASE_64_2, wide, S(prefix "base64") },                                  \
		{ BASE_64URL_0, wide, S(prefix "base64url") },                            \
		{ BASE_64URL_1, wide, S(prefix "base64url") },                            \
		{ BASE_64URL_2, wide, S(prefix "base64url") },                            \
		{ BASE_HEX, wide, S(prefix "hex") },                                      \
	{                                                                                 \
		BASE_HEX_UPPER, wide, S(prefix "HEX")                                     \
	}

static const struct row {
	enum base base;
	enum wide wide;
	str name;
} rows[] = {
	{ BASE_PLAIN, NARROW, S("plain") },
	{ BASE_LE, NARROW, S("le") },
	{ BASE_W32BE, NARROW, S("w32be") },
	{ BASE_LE30, NARROW, S("le30") },
	TEXTUAL(NARROW, ""),
	{ BASE_PLAIN, UTF16LE, S("utf16le") },
	TEXTUAL(UTF16LE, "utf16le "),
	{ BASE_PLAIN, UTF16BE, S("utf16be") },
	TEXTUAL(UTF16BE, "utf16be "),
	{ BASE_LE28, NARROW, S("le28") },
	{ BASE_LE60, NARROW, S("le60") },
};
_Static_assert(COUNT_OF(rows) <= FORMS_MAX, "FORMS_MAX is too small");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_text(bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		uint8_t c = b.p[i];
		if (!((c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'))
			return false;
	}
	return true;
}

struct form_value form_value_of(bytes is, bool number)
{
	for (; number && is.n && !is.p[0]; is.n--)
		is.p++;
	return (struct form_value){ is, number, !number && is_text(is) };
}

unsigned forms_count(void)
{
	return COUNT_OF(rows);
}

str form_name(unsigned form)
{
	return rows[form].name;
}

bool form_is_utf16be(unsigned form)
{
	return rows[form].wide == UTF16BE;
}

/* Digits of so many bits, each in so many bytes. */
struct digits {
	unsigned bits, bytes;
};

static struct digits digits_of(enum base base)
{
	const struct digits le30 = { 30, 4 }, le28 = { 28, 4 }, le60 = { 60, 8 }, none = { 0, 0 };
	return base == BASE_LE30   ? le30
	       : base == BASE_LE28 ? le28
	       : base == BASE_LE60 ? le60
				   : none;
}

/* Bits of the number, from the lowest. */
static size_t bit_size(bytes b)
{
	size_t top = 8;
	while (top && b.n && !(b.p[0] >> (top - 1)))
		top--;
	return b.n ? 8 * (b.n - 1) + top : 0;
}

/* Of the characters for `phase` bytes and the value: the first that is the value's alone. */
static size_t first_of_phase(size_t phase)
{
	return (8 * phase + 5) / 6;
}

static size_t base64_size(size_t phase, size_t n)
{
	return 8 * (phase + n) / 6 - first_of_phase(phase);
}

static bool has_base(enum base base, const struct form_value *v)
{
	bool numeric = base == BASE_LE || base == BASE_W32BE || digits_of(base).bits;
	bool hex = base == BASE_HEX || base == BASE_HEX_UPPER;
	if (v->is.n < SHORTEST)
		return base == BASE_PLAIN;
	return numeric ? v->number : !(hex && v->text);
}

static size_t base_size(enum base base, bytes b)
{
	struct digits d = digits_of(base);
	switch (base) {
	case BASE_PLAIN:
	case BASE_LE:
		return b.n;
	case BASE_W32BE:
		return (b.n + 3) / 4 * 4;
	case BASE_LE30:
	case BASE_LE28:
	case BASE_LE60:
		return (bit_size(b) + d.bits - 1) / d.bits * d.bytes;
	case BASE_64_0:
	case BASE_64_1:
	case BASE_64_2:
		return base64_size(base - BASE_64_0, b.n);
	case BASE_64URL_0:
	case BASE_64URL_1:
	case BASE_64URL_2:
		return base64_size(base - BASE_64URL_0, b.n);
	case BASE_HEX:
	case BASE_HEX_UPPER:
		return 2 * b.n;
	}
	return 0;
}

/* The byte of weight 256^i; 0 above the number. */
static uint8_t of_weight(bytes b, size_t i)
{
	return i < b.n ? b.p[b.n - 1 - i] : 0;
}

static uint8_t w32be_byte(bytes b, size_t i)
{
	size_t words = (b.n + 3) / 4;
	return of_weight(b, 4 * (words - 1 - i / 4) + i % 4);
}

/* The lowest digit first; the rest of its word is zero. */
static uint8_t digits_byte(bytes b, struct digits d, size_t i)
{
	unsigned in_digit = 8 * (unsigned)(i % d.bytes);
	if (in_digit >= d.bits)
		return 0;
	size_t bit = d.bits * (i / d.bytes) + in_digit;
	unsigned two = of_weight(b, bit / 8) | (unsigned)of_weight(b, bit / 8 + 1) << 8;
	unsigned byte = two >> bit % 8 & 0xff, left = d.bits - in_digit;
	return (uint8_t)(left < 8 ? byte & ((1u << left) - 1) : byte);
}

static uint8_t base64_byte(bytes b, size_t phase, size_t i)
{
	size_t bit = 6 * (i + first_of_phase(phase)) - 8 * phase;
	unsigned high = b.p[bit / 8], low = bit / 8 + 1 < b.n ? b.p[bit / 8 + 1] : 0;
	return (uint8_t)alphabet[(high << 8 | low) >> (10 - bit % 8) & 0x3f];
}

static uint8_t base64url_byte(bytes b, size_t phase, size_t i)
{
	uint8_t c = base64_byte(b, phase, i);
	return c == '+' ? '-' : c == '/' ? '_' : c;
}

static uint8_t hex_byte(bytes b, const char *digits, size_t i)
{
	return (uint8_t)digits[i % 2 ? b.p[i / 2] & 15 : b.p[i / 2] >> 4];
}

static uint8_t base_byte(enum base base, bytes b, size_t i)
{
	switch (base) {
	case BASE_PLAIN:
		return b.p[i];
	case BASE_LE:
		return b.p[b.n - 1 - i];
	case BASE_W32BE:
		return w32be_byte(b, i);
	case BASE_LE30:
	case BASE_LE28:
	case BASE_LE60:
		return digits_byte(b, digits_of(base), i);
	case BASE_64_0:
	case BASE_64_1:
	case BASE_64_2:
		return base64_byte(b, base - BASE_64_0, i);
	case BASE_64URL_0:
	case BASE_64URL_1:
	case BASE_64URL_2:
		return base64url_byte(b, base - BASE_64URL_0, i);
	case BASE_HEX:
		return hex_byte(b, "0123456789abcdef", i);
	case BASE_HEX_UPPER:
		return hex_byte(b, "0123456789ABCDEF", i);
	}
	return 0;
}

size_t form_size(unsigned form, const struct form_value *v)
{
	const struct row *r = &rows[form];
	if (!v->is.n || !has_base(r->base, v))
		return 0;
	if (r->base == BASE_PLAIN && r->wide != NARROW && !v->text)
		return 0;
	size_t n = base_size(r->base, v->is);
	if (v->is.n >= SHORTEST && n < SHORTEST)
		return 0;
	return r->wide == NARROW ? n : 2 * n;
}

uint8_t form_byte(unsigned form, const struct form_value *v, size_t i)
{
	const struct row *r = &rows[form];
	if (r->wide == NARROW)
		return base_byte(r->base, v->is, i);
	if (i % 2 != (r->wide == UTF16BE))
		return 0;
	return base_byte(r->base, v->is, i / 2);
}

/* Room for one form and all narrow ones before it: what is the same is given once. */
struct forms {
	uint8_t now[FORM_SIZE_MAX];
	struct form_value v;
	struct form_taker *t;
};

static void forms_done(struct forms **f)
{
	if (*f)
		mem_wipe(*f, sizeof(**f));
	free(*f);
}

/* Is it, byte by byte, a form that came before? */
static bool seen(const struct forms *f, unsigned form, size_t n)
{
	for (unsigned i = 0; i < form; i++) {
		size_t at = 0;
		if (form_size(i, &f->v) != n)
			continue;
		while (at < n && form_byte(i, &f->v, at) == f->now[at])
			at++;
		if (at == n)
			return true;
	}
	return false;
}

static str shown_name(unsigned form, bool number)
{
	static const str be = LIT("be"), raw = LIT("raw");
	return form ? rows[form].name : number ? be : raw;
}

ch_err forms_of(bytes value, bool number, struct form_taker *t)
{
	AUTO(forms_done) struct forms *f = NULL;
	struct form_value v = form_value_of(value, number);
	if (!v.is.n || v.is.n > FORM_VALUE_MAX)
		return ch_fail(CH_E_RANGE, "a value is empty or too long", v.is.n);
	f = calloc(1, sizeof(*f));
	if (!f)
		return ch_fail(CH_E_NOMEM, "no memory for forms", sizeof(*f));
	f->v = v;
	for (unsigned form = 0; form < COUNT_OF(rows); form++) {
		size_t n = form_size(form, &v);
		assert(n <= sizeof(f->now));
		for (size_t i = 0; i < n; i++)
			f->now[i] = form_byte(form, &v, i);
		if (!n || seen(f, form, n))
			continue;
		struct form one = { shown_name(form, number), { f->now, n } };
		TRY(t->take(t, &one));
	}
	return CH_DONE;
}
