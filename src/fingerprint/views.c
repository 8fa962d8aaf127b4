/* Text that holds bytes in another writing: base64 and base64url in any phase, hex of either
 * case, UTF-16 of either order, one in the other. Trusts nothing: what looks like such text
 * is decoded whatever it was, within fixed room and depth. Nothing is undone twice on one
 * way down, so that no text costs more than some twenty times its length. */
#include "fingerprint_internal.h"

enum {
	BLOCK = 16,
	BASE64_MIN = 22, /* characters that hold a window */
	HEX_MIN = 2 * WINDOW,
	WIDE_MIN = WINDOW,
	LINE_MIN = 16, /* what stands before a line break must be as long: words are not */
	BREAKS = 2,
	BLANKS_MAX = 32,
	RUN_OVERLAP = 64, /* characters: more than any window has */
	ZEROS = 256,
	NONE = 0xff,
};

/* One more than the six bits of a character; 0: it is none. */
/* clang-format off: as the alphabet goes */
static const uint8_t one_more[256] = {
	['A'] = 1, 2,  3,  4,  5,          6,  7,  8,          9,          10,         11,
	12,        13, 14, 15, 16,         17, 18, 19,         20,         21,         22,
	23,        24, 25, 26, ['a'] = 27, 28, 29, 30,         31,         32,         33,
	34,        35, 36, 37, 38,         39, 40, 41,         42,         43,         44,
	45,        46, 47, 48, 49,         50, 51, 52,         ['0'] = 53, 54,         55,
	56,        57, 58, 59, 60,         61, 62, ['+'] = 63, ['-'] = 63, ['/'] = 64, ['_'] = 64,
};
/* clang-format on */

static uint8_t six_bits(uint8_t c)
{
	return (uint8_t)(one_more[c] - 1);
}

typedef uint8_t vector __attribute__((vector_size(BLOCK)));

static vector all_of(uint8_t c)
{
	return (vector){ c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c };
}

/* The parent's byte that is the first or last character of the byte i. */
static size_t char_of(const struct view *v, size_t i, bool last)
{
	switch (v->kind) {
	case VIEW_RAW:
		break;
	case VIEW_NARROWED:
		return v->chars[i];
	case VIEW_BASE64:
		return v->chars[v->first + (8 * i + (last ? 7 : 0)) / 6];
	case VIEW_HEX:
		return v->chars[v->first + 2 * i + last];
	}
	return i;
}

size_t view_at(const struct view *v, size_t i)
{
	for (; v->parent; v = v->parent)
		i = char_of(v, i, false);
	return i;
}

size_t view_end(const struct view *v, size_t i)
{
	for (; v->parent; v = v->parent)
		i = char_of(v, i, true);
	return i + 1;
}

enum hint { HINT_NONE, HINT_TEXT, HINT_WIDE };

/* Four characters of ASCII in 16 bits each, in one order or the other? */
static inline bool is_wide(uint64_t x)
{
	const uint64_t low = UINT64_C(0x00ff00ff00ff00ff);
	uint64_t even = x & low, odd = x >> 8 & low, c = even | odd;
	if (even && odd)
		return false;
	return (c & UINT64_C(0x0080008000800080)) == 0 &&
	       ((c + low) & UINT64_C(0x0100010001000100)) == UINT64_C(0x0100010001000100);
}

static enum hint hint_of(uint64_t bytes8, uint64_t textual)
{
	return textual == UINT64_MAX ? HINT_TEXT : is_wide(bytes8) ? HINT_WIDE : HINT_NONE;
}

/* Of two times eight bytes the first that may lie in such text; *ret_i is moved there. Each run
 * that is long enough has eight such bytes on any grid of eight. */
static inline __attribute__((always_inline)) enum hint block_hint(const uint8_t *p, size_t *ret_i)
{
	vector x;
	uint64_t mask[2];
	mem_copy(&x, p, sizeof(x));
	/* '+' to '9' has a comma and a full stop too many: this is but a hint */
	vector is = (vector)(((x | all_of(0x20)) - all_of('a')) < all_of(26)) |
		    (vector)((x - all_of('+')) < all_of(15)) | (vector)(x == all_of('_'));
	mem_copy(mask, &is, sizeof(mask));
	enum hint first = hint_of(load_le64(p), mask[0]);
	if (first != HINT_NONE)
		return first;
	enum hint second = hint_of(load_le64(p + 8), mask[1]);
	*ret_i += second == HINT_NONE ? BLOCK : 8;
	return second;
}

static enum hint next_hint(const struct view *v, size_t *i)
{
	while (v->n - *i >= BLOCK) {
		if (load_le64(v->p + *i) == 0 && v->n - *i >= ZEROS &&
		    bytes_are_zero((bytes){ v->p + *i, ZEROS })) {
			*i += ZEROS;
			continue;
		}
		enum hint h = block_hint(v->p + *i, i);
		if (h != HINT_NONE)
			return h;
	}
	uint8_t last[BLOCK] = { 0 };
	size_t at = 0, left = v->n - *i;
	mem_copy(last, v->p + *i, left);
	enum hint h = left ? block_hint(last, &at) : HINT_NONE;
	*i += at < left ? at : left;
	return h;
}

/* A line break, as it is or as JSON has it; its length, or 0. */
static size_t break_size(const uint8_t *p, size_t n)
{
	if (n >= 1 && (p[0] == '\n' || p[0] == '\r'))
		return 1;
	return n >= 2 && p[0] == '\\' && (p[1] == 'n' || p[1] == 'r') ? 2 : 0;
}

/* What may stand between two characters of one text: line breaks and an indent, or the
 * backslash that JSON may put before a slash. */
static size_t gap_size(const uint8_t *p, size_t n, size_t line)
{
	size_t at = 0, blanks = 0;
	if (n >= 2 && p[0] == '\\' && p[1] == '/')
		return 1;
	if (line < LINE_MIN)
		return 0;
	for (unsigned i = 0; i < BREAKS; i++)
		at += break_size(p + at, n - at);
	if (at == 0)
		return 0;
	while (blanks < BLANKS_MAX && at < n && (p[at] == ' ' || p[at] == '\t')) {
		at++;
		blanks++;
	}
	return at;
}

/* A run from v's byte `from` into room; *ret_next is where to go on: behind it, or a bit
 * before its end when it is longer than the room. */
static size_t read_run(const struct view *v, size_t from, struct view_room *room, size_t *ret_next)
{
	size_t i = from, n = 0, line = 0, again = from;
	while (i < v->n && n < RUN_MAX) {
		uint8_t six = six_bits(v->p[i]);
		if (six == NONE) {
			size_t gap = gap_size(v->p + i, v->n - i, line);
			if (gap == 0)
				break;
			i += gap;
			line = gap == 1 && i < v->n && v->p[i] == '/' ? line : 0;
			if (i < v->n && six_bits(v->p[i]) == NONE)
				break;
			continue;
		}
		if (n == RUN_MAX - RUN_OVERLAP)
			again = i;
		room->six[n] = six;
		room->chars[n++] = (uint32_t)i++;
		line++;
	}
	*ret_next = n == RUN_MAX ? again : i;
	return n;
}

/* Where runs of a view go. */
struct run {
	const struct view *v;
	struct view_taker *t;
	struct view_room *room;
	unsigned depth;
};

static ch_err give(const struct run *r, enum view_kind kind, size_t first, size_t n)
{
	const struct view child = {
		.p = r->room->bytes,
		.n = n,
		.kinds = r->v->kinds | 1U << kind,
		.kind = kind,
		.parent = r->v,
		.chars = r->room->chars,
		.first = first,
	};
	return n < WINDOW ? CH_DONE : r->t->take(r->t, &child, r->depth + 1);
}

/* Four characters are three bytes; at the end fewer. */
static ch_err give_base64(const struct run *r, size_t chars)
{
	const uint8_t *six = r->room->six;
	for (size_t phase = 0; phase < 4; phase++) {
		uint8_t *to = r->room->bytes;
		size_t i = phase, n = 6 * (chars - phase) / 8;
		for (; i + 4 <= chars; i += 4, to += 3) {
			uint32_t x = (uint32_t)six[i] << 18 | (uint32_t)six[i + 1] << 12 |
				     (uint32_t)six[i + 2] << 6 | six[i + 3];
			to[0] = (uint8_t)(x >> 16);
			to[1] = (uint8_t)(x >> 8);
			to[2] = (uint8_t)x;
		}
		uint32_t x = 0;
		for (size_t k = 0; k < 3; k++)
			x = x << 6 | (i + k < chars ? six[i + k] : 0);
		to[0] = (uint8_t)(x >> 10);
		to[1] = (uint8_t)(x >> 2);
		TRY(give(r, VIEW_BASE64, phase, n));
	}
	return CH_DONE;
}

/* Six bits back to a digit of hex. */
static uint8_t hex_of(uint8_t six)
{
	if (six < 6)
		return (uint8_t)(six + 10);
	if (six >= 26 && six < 32)
		return (uint8_t)(six - 26 + 10);
	return six >= 52 && six < 62 ? (uint8_t)(six - 52) : NONE;
}

static ch_err give_digits(const struct run *r, size_t from, size_t to)
{
	const uint8_t *six = r->room->six;
	for (size_t phase = 0; phase < 2; phase++) {
		size_t n = 0;
		for (size_t i = from + phase; i + 2 <= to; i += 2)
			r->room->bytes[n++] = (uint8_t)(hex_of(six[i]) << 4 | hex_of(six[i + 1]));
		TRY(give(r, VIEW_HEX, from + phase, n));
	}
	return CH_DONE;
}

static ch_err give_hex(const struct run *r, size_t chars)
{
	size_t from = 0;
	for (size_t i = 0; i <= chars; i++) {
		if (i < chars && hex_of(r->room->six[i]) != NONE)
			continue;
		if (i - from >= HEX_MIN)
			TRY(give_digits(r, from, i));
		from = i + 1;
	}
	return CH_DONE;
}

static bool undone(const struct view *v, enum view_kind kind)
{
	return v->kinds & 1U << kind;
}

/* *i: in a run, on return where to go on. */
static ch_err take_text(const struct run *r, size_t floor, size_t *i)
{
	const struct view *v = r->v;
	size_t from = *i, next = 0;
	while (from > floor && six_bits(v->p[from - 1]) != NONE)
		from--;
	do {
		size_t n = read_run(v, from, r->room, &next);
		bool more = n == RUN_MAX;
		if (n >= BASE64_MIN && !undone(v, VIEW_BASE64))
			TRY(give_base64(r, n));
		if (n >= HEX_MIN && !undone(v, VIEW_HEX))
			TRY(give_hex(r, n));
		from = more ? next : v->n;
	} while (from < v->n);
	/* the hint may have been of a character that is none; a run may begin behind it */
	*i = next > *i ? next : *i + 1;
	return CH_DONE;
}

static bool is_plain(uint8_t c)
{
	return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
}

/* Characters two bytes apart with zeros between them. */
static size_t read_wide(const struct view *v, size_t from, struct view_room *room, size_t *ret_next)
{
	size_t i = from, n = 0;
	while (i < v->n && n < RUN_MAX && is_plain(v->p[i])) {
		room->bytes[n] = v->p[i];
		room->chars[n++] = (uint32_t)i;
		i += 2;
		if (i > v->n || v->p[i - 1] != 0)
			break;
	}
	*ret_next = n == RUN_MAX ? i - 2 * (size_t)RUN_OVERLAP : i;
	return n;
}

static ch_err take_wide(const struct run *r, size_t floor, size_t *i)
{
	const struct view *v = r->v;
	size_t from = *i + (v->p[*i] == 0), next = 0;
	while (from >= floor + 2 && v->p[from - 1] == 0 && is_plain(v->p[from - 2]))
		from -= 2;
	for (bool more = true; more;) {
		size_t n = read_wide(v, from, r->room, &next);
		more = n == RUN_MAX;
		if (n >= WIDE_MIN)
			TRY(give(r, VIEW_NARROWED, 0, n));
		from = next;
	}
	*i = next > *i ? next : *i + 1;
	return CH_DONE;
}

ch_err views_of(const struct view *v, unsigned depth, struct view_taker *t)
{
	size_t i = 0, floor = 0;
	if (depth >= DEPTH_MAX)
		return CH_DONE;
	const struct run r = { v, t, &t->rooms[depth], depth };
	while (i < v->n) {
		enum hint h = next_hint(v, &i);
		if (h == HINT_NONE)
			break;
		if (h == HINT_TEXT)
			TRY(take_text(&r, floor, &i));
		else if (undone(v, VIEW_NARROWED))
			i += 7; /* the eighth byte may begin a text */
		else
			TRY(take_wide(&r, floor, &i));
		i = i < v->n ? i : v->n;
		floor = i;
	}
	return CH_DONE;
}
