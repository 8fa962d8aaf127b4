/* A page of revocations, and the question for one, both halves. Both come from the network:
 * the question from a client that has said who it is, the page from the issuer. */
#include "revoke/page.h"

#include "codec/form.h"

enum { VERSION = 1, ROW_HEAD = 8 + 8 + 2 + 2 };

static const str magic = { "chrevoke", 8 };

/* --- the question --- */

void revoke_ask_write(struct wr *w, const struct revoke_ask *a)
{
	wr_lit(w, "after=");
	wr_dec(w, a->after);
	if (a->known) {
		wr_lit(w, "&chain=");
		wr_hex(w, BYTES_OF(a->chain));
		wr_lit(w, "&hash=");
		wr_hex(w, BYTES_OF(a->hash));
	}
	wr_lit(w, "&wait=");
	wr_dec(w, a->wait_s);
}

static bool hex_read(str s, uint8_t *to, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t v = 0;
		while (v < 16 && digits[v] != s.p[i])
			v++;
		if (v == 16)
			return false;
		to[i / 2] = (uint8_t)(to[i / 2] << 4 | v);
	}
	return true;
}

/* One spelling: the names in their order, each once. */
ch_err revoke_ask_read(str query, struct revoke_ask *ret_a)
{
	struct revoke_ask a = { .after = 0 };
	uint64_t wait = 0;
	bool good = query.n <= REVOKE_QUERY_MAX;
	str left = good ? query : (str){ 0 };
	for (size_t at = 0; good && left.p; at++) {
		str value = str_cut(&left, '&');
		str name = str_cut(&value, '=');
		if (at == 0)
			good = str_eq(name, LIT("after")) &&
			       str_to_u64(value, UINT64_MAX - 1, &a.after);
		else if (at == 1 && str_eq(name, LIT("chain")))
			a.known = good = hex_read(value, a.chain, sizeof(a.chain));
		else if (at == 2 && a.known)
			good = str_eq(name, LIT("hash")) && hex_read(value, a.hash, sizeof(a.hash));
		else
			good = str_eq(name, LIT("wait")) && !left.p &&
			       str_to_u64(value, REVOKE_WAIT_MAX_S, &wait);
		if (at == 1 && a.known && !left.p)
			good = false; /* a chain without its hash */
	}
	if (!good || query.n == 0)
		return ch_fail(CH_E_SYNTAX, "the query is after=N[&chain=HEX&hash=HEX][&wait=N]",
			       0);
	a.wait_s = (uint32_t)wait;
	*ret_a = a;
	return CH_DONE;
}

/* --- the answer --- */

static void head_write(struct wr *w, const struct revoke_page *p)
{
	wr_str(w, magic);
	wr_u16(w, VERSION);
	wr_u16(w, 0);
	wr_u32(w, (uint32_t)p->count);
	wr_put(w, BYTES_OF(p->chain));
	wr_u64(w, p->next.seq);
	wr_put(w, BYTES_OF(p->next.hash));
	wr_u64(w, p->end);
	wr_u64(w, 0);
	wr_u64(w, 0);
	wr_u64(w, 0);
}

void revoke_page_begin(struct wr *w)
{
	head_write(w, &(struct revoke_page){ .count = 0 });
}

bool revoke_page_add(struct wr *w, const struct revoke_row *row)
{
	uint8_t room[REVOKE_PAYLOAD_MAX];
	struct wr payload = wr_of(room, sizeof(room));
	revocation_write(&payload, &row->r);
	if (payload.full || w->full || w->cap - w->n < ROW_HEAD + payload.n)
		return false;
	wr_u64(w, row->seq);
	wr_i64(w, row->time_ms);
	wr_u16(w, (uint16_t)row->r.kind);
	wr_bytes16(w, wr_bytes(&payload));
	return true;
}

void revoke_page_end(struct wr *w, const struct revoke_page *p)
{
	struct wr head = wr_of(w->p, REVOKE_PAGE_HEAD);
	head_write(&head, p);
}

static ch_err row_read(struct rd *r, struct revoke_row *ret_row)
{
	ret_row->seq = rd_u64(r);
	ret_row->time_ms = rd_i64(r);
	uint16_t type = rd_u16(r);
	bytes payload = rd_bytes16(r, REVOKE_PAYLOAD_MAX);
	if (r->bad)
		return ch_fail(CH_E_TRUNCATED, "a page of revocations ends early", 0);
	return revocation_read(type, payload, &ret_row->r);
}

static ch_err rows_check(const struct revoke_page *p)
{
	struct rd r = rd_of(p->records);
	uint64_t least = 0;
	for (size_t i = 0; i < p->count; i++) {
		struct revoke_row row;
		TRY(row_read(&r, &row));
		if (row.seq < least || row.seq >= p->next.seq)
			return ch_fail(CH_E_SYNTAX, "revocations are not in their order", row.seq);
		least = row.seq + 1;
	}
	return rd_done(&r);
}

static void take_into(struct rd *r, uint8_t *to, size_t n)
{
	bytes b = rd_take(r, n);
	mem_copy(to, b.p, b.n);
}

ch_err revoke_page_read(bytes b, struct revoke_page *ret_p)
{
	struct rd r = rd_of(b);
	struct revoke_page p = { .count = 0 };
	str first = str_of_bytes(rd_take(&r, magic.n));
	uint16_t version = rd_u16(&r);
	if (!r.bad && !str_eq(first, magic))
		return ch_fail(CH_E_SYNTAX, "this is no page of revocations", 0);
	if (!r.bad && version != VERSION)
		return ch_fail(CH_E_UNSUPPORTED, "a page of revocations of another version",
			       version);
	uint64_t zeros = rd_u16(&r);
	p.count = rd_u32(&r);
	take_into(&r, p.chain, sizeof(p.chain));
	p.next.seq = rd_u64(&r);
	take_into(&r, p.next.hash, sizeof(p.next.hash));
	p.end = rd_u64(&r);
	for (size_t i = 0; i < 3; i++)
		zeros |= rd_u64(&r);
	if (r.bad)
		return ch_fail(CH_E_TRUNCATED, "a page of revocations ends early", b.n);
	if (zeros || p.end < p.next.seq)
		return ch_fail(CH_E_SYNTAX, "this is no page of revocations", p.end);
	p.records = rd_take(&r, rd_left(&r));
	TRY(rows_check(&p));
	*ret_p = p;
	return CH_DONE;
}

bool revoke_page_cut(struct revoke_page *p, struct revoke_row *ret_row)
{
	struct rd r = rd_of(p->records);
	if (p->count == 0 || failed(row_read(&r, ret_row)))
		return false;
	p->count--;
	p->records = rd_take(&r, rd_left(&r));
	return true;
}
