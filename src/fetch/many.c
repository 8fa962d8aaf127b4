/* Several requests in somebody else's loop: libcurl says which sockets it waits for, an
 * epoll gathers them, and the caller watches that. Nothing here waits. */
#include "fetch/many.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "many_internal.h"

int on_socket(CURL *c, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
	const struct fetches *f = ctx;
	struct epoll_event e = { .data.fd = fd };
	(void)c;
	(void)of_socket;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(f->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	e.events |= what & CURL_POLL_IN ? EPOLLIN : 0U;
	e.events |= what & CURL_POLL_OUT ? EPOLLOUT : 0U;
	if (epoll_ctl(f->epoll, EPOLL_CTL_MOD, fd, &e) == 0)
		return 0;
	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -1;
}

int on_timer(CURLM *m, long ms, void *ctx)
{
	struct fetches *f = ctx;
	(void)m;
	f->wake_ns = ms < 0 ? 0 : clock_mono_ns() + (uint64_t)ms * 1000000;
	return 0;
}

static void reset(struct slot *s)
{
	curl_easy_reset(s->curl);
	sink_done(&s->sink);
	arena_reset(&s->arena);
	s->over = false;
}

ch_err fetches_start(struct fetches *f, size_t slot, const struct fetch_request *q)
{
	struct fetch_request own = *q;
	if (slot >= f->n)
		return ch_fail(CH_E_RANGE, "there is no such slot for a request", slot);
	struct slot *s = &f->slots[slot];
	if (s->busy)
		return ch_fail(CH_E_BUSY, "a request is under way there", slot);
	if (own.max == 0 || own.max > f->body_max)
		own.max = f->body_max;
	reset(s);
	TRY(request_set(s->curl, &own, &s->arena, &s->sink));
	(void)curl_easy_setopt(s->curl, CURLOPT_PRIVATE, s);
	if (curl_multi_add_handle(f->multi, s->curl) != CURLM_OK)
		return ch_fail(CH_E_NOMEM, "libcurl does not take a request", slot);
	s->busy = true;
	return CH_DONE;
}

bool fetches_busy(const struct fetches *f, size_t slot)
{
	return slot < f->n && f->slots[slot].busy;
}

static void collect(struct fetches *f)
{
	int left = 0;
	for (CURLMsg *m; (m = curl_multi_info_read(f->multi, &left));) {
		struct slot *s = NULL;
		if (m->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s) != CURLE_OK)
			continue;
		s->code = m->data.result;
		s->busy = false;
		s->over = true;
		(void)curl_multi_remove_handle(f->multi, s->curl);
	}
}

static ch_err act(struct fetches *f, curl_socket_t fd, int what)
{
	int running = 0;
	CURLMcode code = curl_multi_socket_action(f->multi, fd, what, &running);
	/* an event of a socket that is closed by now is no trouble */
	if (code != CURLM_OK && code != CURLM_BAD_SOCKET)
		return ch_fail(CH_E_INTERNAL, "libcurl lost its way", code);
	return CH_DONE;
}

ch_err fetches_run(struct fetches *f)
{
	struct epoll_event events[FETCHES_MAX];
	int n = epoll_wait(f->epoll, events, COUNT_OF(events), 0);
	for (int i = 0; i < n; i++) {
		int what = events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0;
		what |= events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
		what |= events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
		TRY(act(f, events[i].data.fd, what));
	}
	if (f->wake_ns > 0 && clock_mono_ns() >= f->wake_ns) {
		f->wake_ns = 0;
		TRY(act(f, CURL_SOCKET_TIMEOUT, 0));
	}
	collect(f);
	return CH_DONE;
}

bool fetches_next(struct fetches *f, size_t *ret_slot, ch_err *ret_e,
		  struct fetch_answer *ret_answer)
{
	for (size_t i = 0; i < f->n; i++) {
		struct slot *s = &f->slots[i];
		if (!s->over)
			continue;
		s->over = false;
		*ret_slot = i;
		*ret_e = request_end(s->curl, s->code, &s->sink);
		if (!failed(*ret_e))
			*ret_answer = s->sink.answer;
		return true;
	}
	return false;
}

int fetches_fd(const struct fetches *f)
{
	return f->epoll;
}

int fetches_timeout_ms(const struct fetches *f)
{
	uint64_t now = clock_mono_ns();
	if (f->wake_ns == 0)
		return -1;
	if (f->wake_ns <= now)
		return 0;
	uint64_t ms = (f->wake_ns - now + 999999) / 1000000;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}
