/* Fetches what a gate asks for by number, and hands it on unread. The gate may be taken
 * over, the servers are strangers: neither can make it talk to any other address than
 * those of its configuration, nor ask one of them more than once a second for long. */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "fetcher_internal.h"

enum { ADDRESSES_MAX = 512, URL_ROOM = 1024, SLOTS_MAX = FETCH_URLS_MAX + FETCHER_POSTS_MAX };
#define SECOND_NS UINT64_C(1000000000)

struct worker {
	const struct fetcher_config *config;
	struct fetches *fetches;
	int gate;
	bool lost; /* a name was not found */
	uint32_t reqs[SLOTS_MAX];
	/* by the pace of what is asked for */
	uint64_t spent_until_ns[SLOTS_MAX];
};

/* How often one place may be asked, and how often at once. Revocations come in pages, a log in
 * tiles. */
enum kind { KEYS, REVOCATIONS, LOGS, POSTS };
static const struct {
	uint64_t each_ns, burst;
} paces[] = {
	[KEYS] = { SECOND_NS, 4 },
	[REVOCATIONS] = { SECOND_NS / 10, 50 },
	[LOGS] = { SECOND_NS / 500, 2000 },
	[POSTS] = { SECOND_NS / 10, 50 },
};

static size_t urls_of(const struct fetcher_config *c)
{
	return c->n_urls + c->n_revocations + c->n_logs;
}

static enum kind kind_of(const struct fetcher_config *c, size_t slot)
{
	if (slot < c->n_urls)
		return KEYS;
	if (slot < c->n_urls + c->n_revocations)
		return REVOCATIONS;
	return slot < urls_of(c) ? LOGS : POSTS;
}

static ch_err tell(const struct worker *w, const struct fetch_told *t)
{
	static uint8_t room[FETCH_MESSAGE_MAX];
	struct wr out = wr_of(room, sizeof(room));
	fetch_write_told(&out, t);
	TRY(wr_done(&out));
	ch_err e = channel_send(w->gate, wr_bytes(&out), NULL);
	if (ch_code_of(e) != CH_E_BUSY)
		return e;
	TRY(channel_wait(w->gate, POLLOUT, -1));
	return channel_send(w->gate, wr_bytes(&out), NULL);
}

/* The slot of the first place that something is sent to. */
static size_t first_post(const struct fetcher_config *c)
{
	return urls_of(c);
}

static ch_err tell_posted(const struct worker *w, const struct fetch_posted *p)
{
	uint8_t room[FETCH_ANSWER_MAX + 64];
	struct wr out = wr_of(room, sizeof(room));
	fetch_write_posted(&out, p);
	TRY(wr_done(&out));
	ch_err e = channel_send(w->gate, wr_bytes(&out), NULL);
	if (ch_code_of(e) != CH_E_BUSY)
		return e;
	TRY(channel_wait(w->gate, POLLOUT, -1));
	return channel_send(w->gate, wr_bytes(&out), NULL);
}

static ch_err tell_not_posted(const struct worker *w, uint32_t req, size_t post, ch_err why)
{
	return tell_posted(w, &(struct fetch_posted){ .req = req,
						      .post = (uint16_t)post,
						      .code = (uint16_t)ch_code_of(why),
						      .detail = why.detail });
}

static ch_err tell_failure(const struct worker *w, uint32_t req, uint16_t url, ch_err why)
{
	return tell(w, &(struct fetch_told){ .req = req,
					     .url = url,
					     .code = (uint16_t)ch_code_of(why),
					     .detail = why.detail,
					     .max_age_s = -1 });
}

static ch_err may_start(struct worker *w, size_t url)
{
	uint64_t now = clock_mono_ns();
	enum kind kind = kind_of(w->config, url);
	uint64_t each = paces[kind].each_ns, burst = paces[kind].burst;
	if (fetches_busy(w->fetches, url))
		return ch_fail(CH_E_BUSY, "that URL is being fetched", url);
	if (w->spent_until_ns[url] > now + (burst - 1) * each)
		return ch_fail(CH_E_LIMIT, "that URL is asked for too often", url);
	w->spent_until_ns[url] = each +
				 (w->spent_until_ns[url] > now ? w->spent_until_ns[url] : now);
	return CH_DONE;
}

/* A head that was made after the question: a cache that keeps what it must not has none for a
 * question that nobody else has put. */
static void put_once(struct wr *url)
{
	uint8_t once[8];
	rand_fill(once, sizeof(once));
	wr_char(url, '?');
	wr_hex(url, BYTES_OF(once));
}

/* What is asked for by this number: the text of its URL, and who asks. */
static ch_err request_of(const struct fetcher_config *c, const struct fetch_ask *a, struct wr *url,
			 struct fetch_request *q)
{
	enum kind kind = kind_of(c, a->url);
	size_t at = a->url - (kind == KEYS ? 0 : c->n_urls) - (kind == LOGS ? c->n_revocations : 0);
	const struct fetcher_revocations *r = kind == LOGS ? &c->logs[at] : &c->revocations[at];
	wr_str(url, kind == KEYS ? c->urls[at] : r->url);
	if (kind != KEYS) {
		wr_char(url, kind == REVOCATIONS ? '?' : '/');
		wr_str(url, kind == REVOCATIONS ? a->query : a->path);
	}
	if (kind == LOGS && str_eq(a->path, LIT("now")))
		put_once(url);
	if (kind != KEYS && r->client.n > 0) {
		q->user = r->client;
		q->password = secret_bytes_of(bytes_of_str(r->secret));
	}
	q->url = wr_text(url);
	return wr_done(url);
}

static ch_err start(struct worker *w, const struct fetch_ask *a)
{
	char room[ADDRESSES_MAX], text[URL_ROOM];
	struct wr addresses = wr_of(room, sizeof(room)), url_w = wr_of(text, sizeof(text));
	struct fetch_request q = { .timeout_s = w->config->timeout_s,
				   .max = FETCH_BODY_MAX,
				   .pinned = true,
				   .if_none_match = a->etag,
				   .ca_file = w->config->ca_file };
	TRY(request_of(w->config, a, &url_w, &q));
	str url = q.url;
	TRY(may_start(w, a->url));
	w->reqs[a->url] = a->req;
	ch_err e = fetch_lookup(url, &addresses);
	w->lost = w->lost || ch_code_of(e) == CH_E_GONE;
	TRY(e);
	q.addresses = wr_text(&addresses);
	return fetches_start(w->fetches, a->url, &q);
}

static ch_err start_post(struct worker *w, const struct fetch_post *p)
{
	char room[ADDRESSES_MAX];
	struct wr addresses = wr_of(room, sizeof(room));
	const struct fetcher_post *to = &w->config->posts[p->post];
	size_t slot = first_post(w->config) + p->post;
	struct fetch_request q = { .url = to->url,
				   .timeout_s = w->config->timeout_s,
				   .max = FETCH_BODY_MAX,
				   .pinned = true,
				   .ca_file = w->config->ca_file,
				   .form = str_of_bytes(p->body),
				   .form_type = to->type,
				   .signature = p->signature };
	if (to->client.n > 0) {
		q.user = to->client;
		q.password = secret_bytes_of(bytes_of_str(to->secret));
	}
	TRY(may_start(w, slot));
	w->reqs[slot] = p->req;
	ch_err e = fetch_lookup(to->url, &addresses);
	w->lost = w->lost || ch_code_of(e) == CH_E_GONE;
	TRY(e);
	q.addresses = wr_text(&addresses);
	return fetches_start(w->fetches, slot, &q);
}

static ch_err post(struct worker *w, bytes message)
{
	struct fetch_post p = { 0 };
	TRY(fetch_read_post(message, &p));
	if (p.post >= w->config->n_posts || p.body.n == 0)
		return ch_fail(CH_E_PROTOCOL, "there is no such place to send to", p.post);
	ch_err e = start_post(w, &p);
	return failed(e) ? tell_not_posted(w, p.req, p.post, e) : CH_DONE;
}

static ch_err answer(struct worker *w, bytes message)
{
	struct fetch_ask a = { 0 };
	if (fetch_kind_of(message) == FETCH_POST)
		return post(w, message);
	TRY(fetch_read_ask(message, &a));
	if (a.url >= urls_of(w->config))
		return ch_fail(CH_E_PROTOCOL, "the gate asks for a URL that is not there", a.url);
	ch_err e = start(w, &a);
	return failed(e) ? tell_failure(w, a.req, a.url, e) : CH_DONE;
}

static ch_err take_request(struct worker *w)
{
	static uint8_t room[MESSAGE_MAX];
	bytes message = { 0 };
	ch_err e = channel_recv(w->gate, room, sizeof(room), &message, NULL);
	if (!failed(e))
		return answer(w, message);
	return ch_code_of(e) == CH_E_BUSY ? CH_DONE : e;
}

static str short_etag(str etag)
{
	return etag.n <= FETCH_ETAG_MAX ? etag : (str){ 0 };
}

static ch_err hand_on_posted(const struct worker *w, size_t slot, ch_err how,
			     const struct fetch_answer *a)
{
	size_t number = slot - first_post(w->config);
	if (failed(how))
		return tell_not_posted(w, w->reqs[slot], number, how);
	return tell_posted(w,
			   &(struct fetch_posted){
				   .req = w->reqs[slot],
				   .post = (uint16_t)number,
				   .status = (uint16_t)a->status,
				   .body = a->body.n <= FETCH_ANSWER_MAX ? a->body : (bytes){ 0 },
			   });
}

static ch_err hand_on(struct worker *w)
{
	size_t slot = 0;
	ch_err how = CH_DONE;
	struct fetch_answer a = { 0 };
	while (fetches_next(w->fetches, &slot, &how, &a)) {
		if (slot >= first_post(w->config)) {
			TRY(hand_on_posted(w, slot, how, &a));
			continue;
		}
		if (failed(how)) {
			TRY(tell_failure(w, w->reqs[slot], (uint16_t)slot, how));
			continue;
		}
		TRY(tell(w, &(struct fetch_told){ .req = w->reqs[slot],
						  .url = (uint16_t)slot,
						  .status = (uint16_t)a.status,
						  .max_age_s = a.max_age_s,
						  .etag = short_etag(a.etag),
						  .body = a.body }));
	}
	return CH_DONE;
}

static bool is_idle(const struct worker *w)
{
	for (size_t i = 0; i < first_post(w->config) + w->config->n_posts; i++)
		if (fetches_busy(w->fetches, i))
			return false;
	return true;
}

static ch_err turn(struct worker *w)
{
	struct pollfd p[] = { { .fd = w->gate, .events = POLLIN },
			      { .fd = fetches_fd(w->fetches), .events = POLLIN } };
	if (poll(p, COUNT_OF(p), fetches_timeout_ms(w->fetches)) < 0 && errno != EINTR)
		return ch_fail(CH_E_IO, "cannot wait", errno);
	if (p[0].revents)
		TRY(take_request(w));
	TRY(fetches_run(w->fetches));
	return hand_on(w);
}

ch_err worker_serve(const struct fetcher_config *config, struct fetches *fetches, int gate)
{
	struct worker w = { .config = config, .fetches = fetches, .gate = gate };
	for (;;) {
		ch_err e = turn(&w);
		if (failed(e))
			return ch_code_of(e) == CH_E_GONE ? CH_DONE : e;
		if (w.lost && is_idle(&w))
			return ch_fail(CH_E_GONE, "a name was not found", 0);
	}
}
