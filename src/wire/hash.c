/* Password checks, both halves. */
#include "wire/hash.h"

enum { CHECK = 0x61, CHECKED = 0x62 };

void hash_write_check(struct wr *w, const struct hash_check *c)
{
	wr_u8(w, CHECK);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, c->req);
	wr_str16(w, c->hash);
	wr_bytes16(w, c->password.hidden);
}

ch_err hash_read_check(bytes message, struct hash_check *ret_c)
{
	struct rd r = rd_of(message);
	uint8_t kind = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	struct hash_check c = { .req = rd_u32(&r) };
	c.hash = rd_str16(&r, HASH_TEXT_MAX);
	c.password = secret_bytes_of(rd_bytes16(&r, HASH_PASSWORD_MAX));
	if (!rd_end(&r) || kind != CHECK || version != WIRE_VERSION)
		return ch_fail(CH_E_PROTOCOL, "a password check is not well formed", kind);
	*ret_c = c;
	return CH_DONE;
}

void hash_write_checked(struct wr *w, const struct hash_checked *c)
{
	wr_u8(w, CHECKED);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, c->req);
	wr_u16(w, c->code);
}

ch_err hash_read_checked(bytes message, struct hash_checked *ret_c)
{
	struct rd r = rd_of(message);
	uint8_t kind = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	struct hash_checked c = { .req = rd_u32(&r), .code = rd_u16(&r) };
	if (!rd_end(&r) || kind != CHECKED || version != WIRE_VERSION)
		return ch_fail(CH_E_PROTOCOL, "a hasher's answer is not well formed", kind);
	*ret_c = c;
	return CH_DONE;
}
