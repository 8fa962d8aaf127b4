/* Reading and writing bytes without a check at every step.
 *
 * `struct rd` is sticky: past the end it gives zeros and sets bad; decode straight
 * on and ask rd_end once. `struct wr` likewise writes into storage of fixed size
 * and sets full. Integers are big endian. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct rd {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

struct rd rd_of(bytes b);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
int64_t rd_i64(struct rd *r);
/* true is 1, false 0, anything else is bad */
bool rd_bool(struct rd *r);
/* n bytes, a slice into the input; empty and bad when fewer are left */
bytes rd_take(struct rd *r, size_t n);
/* u16 length, then so many bytes; longer than max is bad */
bytes rd_bytes16(struct rd *r, size_t max);
str rd_str16(struct rd *r, size_t max);
bytes rd_bytes32(struct rd *r, size_t max);
/* a u16 count; over max it is bad and 0 */
size_t rd_count16(struct rd *r, size_t max);
size_t rd_left(const struct rd *r);
/* Nothing went wrong and nothing is left. */
bool rd_end(const struct rd *r);
/* The same as an error: E_TRUNCATED or E_TRAILING, detail = bytes left. */
ch_err rd_done(const struct rd *r);

struct wr {
	uint8_t *p;
	size_t n; /* written */
	size_t cap;
	bool full;
};

struct wr wr_of(void *storage, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_i64(struct wr *w, int64_t v);
void wr_bool(struct wr *w, bool v);
void wr_put(struct wr *w, bytes b);
void wr_str(struct wr *w, str s);
#define wr_lit(w, s) wr_str((w), LIT(s))
void wr_char(struct wr *w, char c);
void wr_dec(struct wr *w, uint64_t v);
void wr_hex(struct wr *w, bytes b);
void wr_bytes16(struct wr *w, bytes b);
void wr_str16(struct wr *w, str s);
void wr_bytes32(struct wr *w, bytes b);
/* Room for n bytes that the caller fills; NULL and full when there is none. */
uint8_t *wr_room(struct wr *w, size_t n);
/* Overwrites two bytes that were written before: a count known only afterwards. */
void wr_patch_u16(struct wr *w, size_t at, uint16_t v);
bytes wr_bytes(const struct wr *w);
str wr_text(const struct wr *w);
/* E_FULL when something did not fit, detail = capacity. */
ch_err wr_done(const struct wr *w);
