/* The sticky reader and writer: every decoder and encoder stands on these, so
 * bounds are checked here and nowhere else. */
#include "base/rw.h"

#include "base/ck.h"

struct rd rd_of(bytes b)
{
	return (struct rd){ b.p, b.p ? b.p + b.n : NULL, false };
}

size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

bytes rd_take(struct rd *r, size_t n)
{
	if (r->bad || n > rd_left(r)) {
		r->bad = true;
		return (bytes){ NULL, 0 };
	}
	bytes b = { r->p, n };
	if (n)
		r->p += n;
	return b;
}

static uint64_t rd_be(struct rd *r, size_t n)
{
	bytes b = rd_take(r, n);
	uint64_t v = 0;
	for (size_t i = 0; i < b.n; i++)
		v = v << 8 | b.p[i];
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)rd_be(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
	return (uint16_t)rd_be(r, 2);
}

uint32_t rd_u32(struct rd *r)
{
	return (uint32_t)rd_be(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
	return rd_be(r, 8);
}

int64_t rd_i64(struct rd *r)
{
	return (int64_t)rd_be(r, 8);
}

bool rd_bool(struct rd *r)
{
	uint8_t v = rd_u8(r);
	if (v > 1)
		r->bad = true;
	return v == 1;
}

static bytes rd_counted(struct rd *r, size_t n, size_t max)
{
	if (n > max)
		r->bad = true;
	return rd_take(r, n);
}

bytes rd_bytes16(struct rd *r, size_t max)
{
	return rd_counted(r, rd_u16(r), max);
}

str rd_str16(struct rd *r, size_t max)
{
	return str_of_bytes(rd_bytes16(r, max));
}

bytes rd_bytes32(struct rd *r, size_t max)
{
	return rd_counted(r, rd_u32(r), max);
}

size_t rd_count16(struct rd *r, size_t max)
{
	size_t n = rd_u16(r);
	if (n > max)
		r->bad = true;
	return r->bad ? 0 : n;
}

bool rd_end(const struct rd *r)
{
	return !r->bad && r->p == r->end;
}

ch_err rd_done(const struct rd *r)
{
	if (r->bad)
		return ch_fail(CH_E_TRUNCATED, "message ends early or a length is over its limit",
			       rd_left(r));
	if (r->p != r->end)
		return ch_fail(CH_E_TRAILING, "message has something after its end", rd_left(r));
	return CH_DONE;
}

struct wr wr_of(void *storage, size_t cap)
{
	return (struct wr){ storage, 0, cap, false };
}

uint8_t *wr_room(struct wr *w, size_t n)
{
	if (w->full || n > w->cap - w->n) {
		w->full = true;
		return NULL;
	}
	uint8_t *at = w->p + w->n;
	w->n += n;
	return at;
}

void wr_put(struct wr *w, bytes b)
{
	uint8_t *at = wr_room(w, b.n);
	if (at)
		mem_copy(at, b.p, b.n);
}

static void wr_be(struct wr *w, uint64_t v, size_t n)
{
	uint8_t *at = wr_room(w, n);
	for (size_t i = n; at && i > 0; i--, v >>= 8)
		at[i - 1] = (uint8_t)v;
}

void wr_u8(struct wr *w, uint8_t v)
{
	wr_be(w, v, 1);
}

void wr_u16(struct wr *w, uint16_t v)
{
	wr_be(w, v, 2);
}

void wr_u32(struct wr *w, uint32_t v)
{
	wr_be(w, v, 4);
}

void wr_u64(struct wr *w, uint64_t v)
{
	wr_be(w, v, 8);
}

void wr_i64(struct wr *w, int64_t v)
{
	wr_be(w, (uint64_t)v, 8);
}

void wr_bool(struct wr *w, bool v)
{
	wr_u8(w, v ? 1 : 0);
}

void wr_str(struct wr *w, str s)
{
	wr_put(w, bytes_of_str(s));
}

void wr_char(struct wr *w, char c)
{
	wr_u8(w, (uint8_t)c);
}

void wr_dec(struct wr *w, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);
	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	wr_str(w, (str){ digits + n, sizeof(digits) - n });
}

void wr_hex(struct wr *w, bytes b)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < b.n; i++) {
		wr_char(w, hex[b.p[i] >> 4]);
		wr_char(w, hex[b.p[i] & 15]);
	}
}

void wr_bytes16(struct wr *w, bytes b)
{
	if (b.n > UINT16_MAX) {
		w->full = true;
		return;
	}
	wr_u16(w, u16_from(b.n));
	wr_put(w, b);
}

void wr_str16(struct wr *w, str s)
{
	wr_bytes16(w, bytes_of_str(s));
}

void wr_bytes32(struct wr *w, bytes b)
{
	if (b.n > UINT32_MAX) {
		w->full = true;
		return;
	}
	wr_u32(w, u32_from(b.n));
	wr_put(w, b);
}

void wr_patch_u16(struct wr *w, size_t at, uint16_t v)
{
	if (w->full || at > w->n || w->n - at < 2)
		return;
	w->p[at] = (uint8_t)(v >> 8);
	w->p[at + 1] = (uint8_t)v;
}

bytes wr_bytes(const struct wr *w)
{
	return (bytes){ w->p, w->n };
}

str wr_text(const struct wr *w)
{
	return (str){ (const char *)w->p, w->n };
}

ch_err wr_done(const struct wr *w)
{
	return w->full ? ch_fail(CH_E_FULL, "does not fit its buffer", w->cap) : CH_DONE;
}
