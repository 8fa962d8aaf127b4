/* Key sets by number of their URL, both halves, and the configuration that says which URLs
 * there are. */
#include "wire/fetch.h"

#include "base/ck.h"
#include "wire/boot.h"
#include "wire_internal.h"

enum { FETCH = FETCH_ASK, FETCHED = FETCH_TOLD, CA_FILE_MAX = 512 };

void fetch_write_ask(struct wr *w, const struct fetch_ask *a)
{
	wr_u8(w, FETCH);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, a->req);
	wr_u16(w, a->url);
	wr_str16(w, a->etag);
	wr_str16(w, a->query);
	wr_str16(w, a->path);
}

static bool is_plain(str text, str more)
{
	for (size_t i = 0; i < text.n; i++)
		if (!str_has(LIT("abcdefghijklmnopqrstuvwxyz0123456789="), text.p[i]) &&
		    !str_has(more, text.p[i]))
			return false;
	return true;
}

static bool is_number(str text, size_t digits_max)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	return text.n > 0 && text.n <= digits_max;
}

/* tile/LEVEL/N or tile/entries/N, N in groups of three digits, all but the last behind an 'x', and
 * perhaps ".p/WIDTH". */
static bool is_tile(str path)
{
	str rest = path;
	str first = str_cut(&rest, '/');
	str level = str_cut(&rest, '/');
	if (!str_eq(first, LIT("tile")) || !(str_eq(level, LIT("entries")) || is_number(level, 2)))
		return false;
	while (rest.n > 0 && rest.p[0] == 'x') {
		str group = str_cut(&rest, '/');
		if (group.n != 4 || !is_number(str_sub(group, 1, 3), 3))
			return false;
	}
	str last = str_cut(&rest, '/');
	bool partial = str_ends(last, LIT(".p"));
	str digits = str_sub(last, 0, partial ? last.n - 2 : last.n);
	return digits.n == 3 && is_number(digits, 3) && partial == is_number(rest, 3);
}

static bool is_path(str path)
{
	static const str heads[] = {
		{ "", 0 }, { "checkpoint", 10 }, { "cosigned/checkpoint", 19 }, { "now", 3 }
	};
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		if (str_eq(path, heads[i]))
			return true;
	return is_tile(path);
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
	a.path = rd_str16(&r, FETCH_PATH_MAX);
	if (!rd_end(&r) || kind != FETCH || version != WIRE_VERSION || a.url >= FETCH_URLS_MAX ||
	    !is_plain(a.query, LIT("&")) || !is_path(a.path))
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

uint8_t fetch_kind_of(bytes message)
{
	return message.n > 0 ? message.p[0] : 0;
}

void fetch_write_post(struct wr *w, const struct fetch_post *p)
{
	wr_u8(w, FETCH_POST);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, p->req);
	wr_u16(w, p->post);
	wr_str16(w, p->signature);
	wr_bytes32(w, p->body);
}

ch_err fetch_read_post(bytes message, struct fetch_post *ret_p)
{
	struct rd r = rd_of(message);
	uint8_t kind = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	struct fetch_post p = { .req = rd_u32(&r) };
	p.post = rd_u16(&r);
	p.signature = rd_str16(&r, FETCH_SIGNATURE_MAX);
	p.body = rd_bytes32(&r, FETCH_POST_MAX);
	if (!rd_end(&r) || kind != FETCH_POST || version != WIRE_VERSION ||
	    p.post >= FETCHER_POSTS_MAX || !is_plain(p.signature, LIT(",")))
		return ch_fail(CH_E_PROTOCOL, "what a fetcher shall send is not well formed", kind);
	*ret_p = p;
	return CH_DONE;
}

void fetch_write_posted(struct wr *w, const struct fetch_posted *p)
{
	wr_u8(w, FETCH_POSTED);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, p->req);
	wr_u16(w, p->post);
	wr_u16(w, p->code);
	wr_u64(w, p->detail);
	wr_u16(w, p->status);
	wr_bytes16(w, p->body);
}

ch_err fetch_read_posted(bytes message, struct fetch_posted *ret_p)
{
	struct rd r = rd_of(message);
	uint8_t kind = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	struct fetch_posted p = { .req = rd_u32(&r) };
	p.post = rd_u16(&r);
	p.code = rd_u16(&r);
	p.detail = rd_u64(&r);
	p.status = rd_u16(&r);
	p.body = rd_bytes16(&r, FETCH_ANSWER_MAX);
	if (!rd_end(&r) || kind != FETCH_POSTED || version != WIRE_VERSION ||
	    p.post >= FETCHER_POSTS_MAX || p.code >= CH_CODE_COUNT)
		return ch_fail(CH_E_PROTOCOL, "a fetcher's answer is not well formed", kind);
	*ret_p = p;
	return CH_DONE;
}

static void askers_write(struct wr *w, const struct fetcher_revocations *a, size_t n)
{
	wr_u16(w, u16_from(n));
	for (size_t i = 0; i < n; i++) {
		wr_str16(w, a[i].url);
		wr_str16(w, a[i].client);
		wr_str16(w, a[i].secret);
	}
}

static size_t askers_read(struct rd *r, struct fetcher_revocations *a, size_t most)
{
	size_t n = rd_count16(r, most);
	for (size_t i = 0; i < n; i++) {
		a[i].url = rd_str16(r, URL_MAX_BYTES);
		a[i].client = rd_str16(r, NAME_MAX_BYTES);
		a[i].secret = rd_str16(r, WIRE_SECRET_MAX);
	}
	return n;
}

void fetcher_config_write(struct wr *w, const struct fetcher_config *c)
{
	wr_str16(w, c->ca_file);
	wr_u32(w, c->timeout_s);
	wire_texts_write(w, c->urls, c->n_urls);
	askers_write(w, c->revocations, c->n_revocations);
	askers_write(w, c->logs, c->n_logs);
	wr_u16(w, u16_from(c->n_posts));
	for (size_t i = 0; i < c->n_posts; i++) {
		wr_str16(w, c->posts[i].url);
		wr_str16(w, c->posts[i].type);
		wr_str16(w, c->posts[i].client);
		wr_str16(w, c->posts[i].secret);
	}
}

ch_err fetcher_config_read(bytes b, struct fetcher_config *ret_c)
{
	struct rd r = rd_of(b);
	struct fetcher_config *c = ret_c;
	c->ca_file = rd_str16(&r, CA_FILE_MAX);
	c->timeout_s = rd_u32(&r);
	c->n_urls = wire_texts_read(&r, c->urls, REALMS_MAX);
	c->n_revocations = askers_read(&r, c->revocations, REALMS_MAX);
	c->n_logs = askers_read(&r, c->logs, LOGS_MAX);
	c->n_posts = rd_count16(&r, FETCHER_POSTS_MAX);
	for (size_t i = 0; i < c->n_posts; i++) {
		c->posts[i].url = rd_str16(&r, URL_MAX_BYTES);
		c->posts[i].type = rd_str16(&r, NAME_MAX_BYTES);
		c->posts[i].client = rd_str16(&r, NAME_MAX_BYTES);
		c->posts[i].secret = rd_str16(&r, WIRE_SECRET_MAX);
	}
	return wire_done(&r);
}
