/* Revocations for gates elsewhere: GET /REALM/revocations?after=N…, for clients that have the
 * scope "revocations" and a secret. A page is read from the chain itself, and verified on the
 * way; who has all of it may wait for what comes. Believes nothing of the one who asks but
 * who it is: another chain's id or hash gets 409, and never a record. */
#include <fcntl.h>

#include "base/clock.h"
#include "base/path.h"
#include "issuer.h"
#include "revoke/follow.h"
#include "revoke/page.h"

enum { SCANNED_MAX = 4096 };

struct page_waiter {
	struct http_req *http;
	struct revoke_ask ask;
	uint64_t until_ns;
	struct page_waiter *next;
};

struct paging {
	struct realm *m;
	const struct revoke_ask *ask;
	struct wr *w;
	struct revoke_page page;
	int64_t now_s;
	size_t scanned;
	bool full, met; /* met: the place that was asked from has the hash that was said */
};

static ch_err another_chain(void)
{
	return ch_fail(CH_E_EXISTS, "this is not the chain that was read before", 0);
}

static ch_err take(struct paging *p, const struct chain_record *c)
{
	struct revoke_row row = { .seq = c->seq, .time_ms = c->time_ms };
	if (c->seq < p->ask->after)
		return CH_DONE;
	TRY(revocation_read(c->type, c->payload, &row.r));
	p->scanned++;
	/* what can matter no more is not worth the way */
	if (revocation_is_past(&row.r, p->now_s))
		return CH_DONE;
	p->full = !revoke_page_add(p->w, &row);
	p->page.count += !p->full;
	return CH_DONE;
}

/* A page ends where a frame does, since only there the chain has a hash: what of the next one
 * did not fit is cut off again. */
static ch_err read_frames(struct paging *p, struct chain_cursor *k)
{
	size_t n = p->w->n, count = 0;
	bool got = true;
	while (!p->full && p->scanned < SCANNED_MAX) {
		struct chain_record c;
		TRY(cursor_next(k, &c, &got));
		if (!got)
			break;
		TRY(take(p, &c));
		struct chain_head h = cursor_head(k);
		if (k->left.n > 0 || p->full)
			continue;
		p->met = p->met ||
			 (h.seq == p->ask->after && mem_eq(h.hash, p->ask->hash, sizeof(h.hash)));
		if (p->ask->known && !p->met)
			return another_chain();
		if (h.seq < p->ask->after)
			continue;
		p->page.next = h;
		n = p->w->n;
		count = p->page.count;
	}
	p->w->n = n;
	p->page.count = count;
	return CH_DONE;
}

static ch_err read_chain(struct paging *p)
{
	static struct follow reader;
	struct path folder;
	const struct realm *m = p->m;
	TRY(path_join(&folder, m->issuer->config.revocations, m->config->name, (str){ 0 }));
	const struct chain_ref ref = { AT_FDCWD, folder.p, revoke_purpose, reader.room,
				       sizeof(reader.room) };
	p->met = p->ask->after == 0;
	TRY(cursor_open(&reader.cursor, &ref, p->met ? CHAIN_OLDEST : p->ask->after - 1));
	ch_err e = read_frames(p, &reader.cursor);
	cursor_close(&reader.cursor);
	return e;
}

static ch_err page_write(struct realm *m, const struct revoke_ask *ask, struct wr *w)
{
	const struct chain *c = &m->revocations.chain;
	struct chain_head head = chain_head(c);
	struct paging p = { .m = m, .ask = ask, .w = w, .now_s = clock_unix_s() };
	revoke_page_begin(w);
	p.page.end = head.seq;
	p.page.next = head;
	mem_copy(p.page.chain, c->id, sizeof(c->id));
	if (ask->after < head.seq)
		TRY(read_chain(&p));
	revoke_page_end(w, &p.page);
	return wr_done(w);
}

static void answer(struct realm *m, struct http_req *r, const struct revoke_ask *ask)
{
	static const struct http_out never_store = { { "Cache-Control", 13 }, { "no-store", 8 } };
	struct wr w = reply_room(r, REVOKE_PAGE_MAX);
	ch_err e = page_write(m, ask, &w);
	if (failed(e)) {
		reply_error(r, m, e);
		return;
	}
	http_answer(r, &(struct http_answer){ .status = 200,
					      .type = LIT(REVOKE_PAGE_TYPE),
					      .body = wr_bytes(&w),
					      .fields = &never_store,
					      .n_fields = 1 });
}

/* May this be asked, and of this chain? */
static ch_err asked(struct http_req *r, struct realm *m, struct revoke_ask *ret_ask)
{
	struct token_request t = { .http = r, .realm = m };
	const struct chain *c = &m->revocations.chain;
	TRY(client_authenticate(&t));
	if (client_is_public(t.client) || !list_has(t.client->scopes, LIT("revocations")))
		return ch_fail(CH_E_UNAUTHORIZED_CLIENT,
			       "the client may not read revocations: it lacks that scope", 0);
	if (failed(revoke_ask_read(r->query, ret_ask)))
		return ch_fail(CH_E_INVALID_REQUEST,
			       "the query is after=N[&chain=HEX&hash=HEX][&wait=N]", 0);
	if (!m->revocations.open)
		return ch_fail(CH_E_BUSY, "revocations cannot be written now", 0);
	const struct chain_head head = chain_head(c);
	bool same = !ret_ask->known || mem_eq(ret_ask->chain, c->id, sizeof(c->id));
	bool fork = ret_ask->known && ret_ask->after == head.seq &&
		    !mem_eq(ret_ask->hash, head.hash, sizeof(head.hash));
	if (!same || fork || ret_ask->after > head.seq)
		return another_chain();
	return CH_DONE;
}

static bool may_wait(const struct realm *m, const struct revoke_ask *ask)
{
	return ask->wait_s > 0 && ask->after == chain_head(&m->revocations.chain).seq &&
	       m->revocations.n_waiters < PAGE_WAITERS_MAX && !m->issuer->stopping;
}

void serve_revocations(struct http_req *r, void *ctx)
{
	struct realm *m = ctx;
	struct revoke_ask ask = { .after = 0 };
	ch_err e = asked(r, m, &ask);
	if (failed(e)) {
		reply_error(r, m, e);
		return;
	}
	struct page_waiter *p = may_wait(m, &ask) ? arena_new(&r->arena, struct page_waiter, 1)
						  : NULL;
	if (!p) {
		answer(m, r, &ask);
		return;
	}
	*p = (struct page_waiter){ .http = r,
				   .ask = ask,
				   .until_ns = clock_mono_ns() + (uint64_t)ask.wait_s * 1000000000,
				   .next = m->revocations.waiters };
	m->revocations.waiters = p;
	m->revocations.n_waiters++;
	http_suspend(r);
}

void pages_turn(struct realm *m, bool news, uint64_t now_ns)
{
	struct revocations *v = &m->revocations;
	struct page_waiter *all = v->waiters;
	v->waiters = NULL;
	v->n_waiters = 0;
	while (all) {
		/* its memory is the request's, which the answer ends */
		struct page_waiter *p = all;
		all = p->next;
		bool over = now_ns >= p->until_ns || m->issuer->stopping || !v->open;
		if (over || (news && p->ask.after < chain_head(&v->chain).seq)) {
			answer(m, p->http, &p->ask);
			continue;
		}
		p->next = v->waiters;
		v->waiters = p;
		v->n_waiters++;
	}
}
