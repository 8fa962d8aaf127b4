/* Key sets by number of their URL, both halves, and the configuration that says which URLs
 * there are. */
#include "wire/fetch.h"

#include "base/ck.h"
#include "wire/boot.h"
#include "wire_internal.h"

enum { FETCH = 0x71, FETCHED = 0x72, CA_FILE_MAX = 512 };

void fetch_write_ask(struct wr *w, const struct fetch_ask *a)
{
	wr_u8(w, FETCH);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, a->req);
	wr_u16(w, a->url);
	wr_str16(w, a->etag);
	wr_str16(w, a->query);
}

static bool is_plain(str query)
{
	for (size_t i = 0; i < query.n; i++)
		if (!str_has(LIT("abcdefghijklmnopqrstuvwxyz0123456789=&"), query.p[i]))
			return false;
	return true;
}

ch_err fetch_read_ask(bytes message, struct fetch_ask *ret_a)
{
	struct rd r = rd_of(message);
	uint8_t kind = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	struct fetch_ask a = { .req = rd_u32(&r) };
	a.url = rd_u16(&r);
	a.etag = rd_str16(&r, FETCH_ETAG_MAX);
	a.query = rd_str16(&r, FETCH_QUERY_MAX);
	if (!rd_end(&r) || kind != FETCH || version != WIRE_VERSION || a.url >= FETCH_URLS_MAX ||
	    !is_plain(a.query))
		return ch_fail(CH_E_PROTOCOL, "a request to a fetcher is not well formed", kind);
	*ret_a = a;
	return CH_DONE;
}

void fetch_write_told(struct wr *w, const struct fetch_told *t)
{
	wr_u8(w, FETCHED);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, t->req);
	wr_u16(w, t->url);
	wr_u16(w, t->code);
	wr_u64(w, t->detail);
	wr_u16(w, t->status);
	wr_i64(w, t->max_age_s);
	wr_str16(w, t->etag);
	wr_bytes32(w, t->body);
}

ch_err fetch_read_told(bytes message, struct fetch_told *ret_t)
{
	struct rd r = rd_of(message);
	uint8_t kind = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	struct fetch_told t = { .req = rd_u32(&r) };
	t.url = rd_u16(&r);
	t.code = rd_u16(&r);
	t.detail = rd_u64(&r);
	t.status = rd_u16(&r);
	t.max_age_s = rd_i64(&r);
	t.etag = rd_str16(&r, FETCH_ETAG_MAX);
	t.body = rd_bytes32(&r, FETCH_BODY_MAX);
	if (!rd_end(&r) || kind != FETCHED || version != WIRE_VERSION || t.url >= FETCH_URLS_MAX ||
	    t.code >= CH_CODE_COUNT || t.max_age_s < -1)
		return ch_fail(CH_E_PROTOCOL, "a fetcher's answer is not well formed", kind);
	*ret_t = t;
	return CH_DONE;
}

void fetcher_config_write(struct wr *w, const struct fetcher_config *c)
{
	wr_str16(w, c->ca_file);
	wr_u32(w, c->timeout_s);
	wire_texts_write(w, c->urls, c->n_urls);
	wr_u16(w, u16_from(c->n_revocations));
	for (size_t i = 0; i < c->n_revocations; i++) {
		wr_str16(w, c->revocations[i].url);
		wr_str16(w, c->revocations[i].client);
		wr_str16(w, c->revocations[i].secret);
	}
}

ch_err fetcher_config_read(bytes b, struct fetcher_config *ret_c)
{
	struct rd r = rd_of(b);
	struct fetcher_config *c = ret_c;
	c->ca_file = rd_str16(&r, CA_FILE_MAX);
	c->timeout_s = rd_u32(&r);
	c->n_urls = wire_texts_read(&r, c->urls, REALMS_MAX);
	c->n_revocations = rd_count16(&r, REALMS_MAX);
	for (size_t i = 0; i < c->n_revocations; i++) {
		c->revocations[i].url = rd_str16(&r, URL_MAX_BYTES);
		c->revocations[i].client = rd_str16(&r, NAME_MAX_BYTES);
		c->revocations[i].secret = rd_str16(&r, WIRE_SECRET_MAX);
	}
	return wire_done(&r);
}
