/* libmicrohttpd, driven from outside: what it calls back, and the loop's handles. It
 * parses the header; it must never parse a form, decode a path or print an error. */
#include <errno.h>
#include <string.h>

#include "http_internal.h"

enum { BODY_SWALLOWED_MAX = 1 << 20 };

/* The first word of a request: its target as it came, before the library cuts it. */
static void *on_target(void *ctx, const char *target, struct MHD_Connection *c)
{
	struct slot *s = slot_take(ctx);
	if (!s)
		return NULL;
	str copy = { 0 };
	s->connection = c;
	if (failed(arena_str(&s->req.arena, str_from_c(target), &copy))) {
		slot_give(s);
		return NULL;
	}
	bool query = str_has(copy, '?');
	s->req.path = str_cut(&copy, '?');
	s->req.query = query ? (str){ s->req.path.p + s->req.path.n + 1, copy.n } : (str){ 0 };
	return s;
}

static size_t keep_escapes(void *ctx, struct MHD_Connection *c, char *text)
{
	(void)ctx;
	(void)c;
	return strlen(text);
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode code)
{
	(void)ctx;
	(void)code;
	link_moved_on(c, false);
	if (*state)
		slot_give(*state);
	*state = NULL;
}

/* Room for the body, from the arena. A body that is too large is read and dropped,
 * that the client may read the answer; a much too large one is not even read. */
static enum MHD_Result begin(struct slot *s, const char *method)
{
	uint64_t length = 0;
	bool chunked = http_field(&s->req, "Transfer-Encoding").p;
	str given = http_field(&s->req, "Content-Length");
	s->begun = true;
	if (given.p && !str_to_u64(given, UINT64_MAX, &length))
		length = UINT64_MAX;
	s->too_large = length > s->h->limits.body;
	s->ambiguous = !header_is_clear(s);
	trace_take(s);
	if (length > BODY_SWALLOWED_MAX || s->ambiguous) {
		route_serve(s, method);
		return answer_queue(s);
	}
	s->body_cap = chunked ? s->h->limits.body : (size_t)length;
	if (s->too_large || s->body_cap == 0)
		s->body_cap = 0;
	else
		s->body = arena_alloc(&s->req.arena, s->body_cap);
	if (s->body_cap > 0 && !s->body)
		s->too_large = true;
	return MHD_YES;
}

static enum MHD_Result body_part(struct slot *s, const char *data, size_t *n)
{
	size_t at = s->req.body.n;
	s->swallowed += *n;
	if (s->swallowed > BODY_SWALLOWED_MAX)
		return MHD_NO;
	if (s->too_large || *n > s->body_cap - at || !s->body) {
		s->too_large = true;
	} else {
		mem_copy(s->body + at, data, *n);
		s->req.body = (bytes){ s->body, at + *n };
	}
	*n = 0;
	return MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libmicrohttpd's */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *path,
				  const char *method, const char *version, const char *data,
				  size_t *n, void **state)
{
	struct slot *s = *state;
	(void)path;
	(void)version;
	if (!s)
		return answer_busy(ctx, c);
	if (!s->begun)
		return begin(s, method);
	if (*n > 0)
		return body_part(s, data, n);
	if (!s->response && !s->served) {
		s->served = true;
		route_serve(s, method);
		/* even when it was answered meanwhile: the library calls again */
		if (s->waited)
			return MHD_YES;
	}
	return s->suspended ? MHD_YES : answer_queue(s);
}

ch_err http_start(struct http *h)
{
	struct MHD_OptionItem options[] = {
		{ MHD_OPTION_LISTEN_SOCKET, h->listen_fd, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, h->limits.connections, NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, h->limits.idle_s, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)h->limits.connection_memory, NULL },
		{ MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL },
		{ MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)link_changed, h },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, h },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, h },
		{ MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, h },
		{ MHD_OPTION_END, 0, NULL },
	};
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
				     on_request, h, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
	if (!h->daemon)
		return ch_fail(CH_E_IO, "cannot serve HTTP on the socket", errno);
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return ch_fail(CH_E_UNSUPPORTED, "libmicrohttpd has no epoll", 0);
	h->epoll_fd = info->epoll_fd;
	return CH_DONE;
}

int http_epoll_fd(const struct http *h)
{
	return h->epoll_fd;
}

int http_timeout_ms(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;
	int look_ms = links_timeout_ms(h);
	if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
		return look_ms;
	return look_ms >= 0 && ms > (unsigned)look_ms ? look_ms : (int)(ms > 60000 ? 60000 : ms);
}

void http_run(struct http *h)
{
	(void)MHD_run(h->daemon);
	links_sweep(h);
}

void http_stop(struct http *h)
{
	if (h->stopping)
		return;
	h->stopping = true;
	h->listen_fd = MHD_quiesce_daemon(h->daemon);
}

void http_watch(struct http *h, const struct http_watcher *watcher)
{
	h->watcher = watcher;
}

uint64_t http_turned_away(const struct http *h)
{
	return h->turned_away;
}

size_t http_under_way(const struct http *h)
{
	return h->under_way;
}

size_t http_connections(const struct http *h)
{
	return h->n_links;
}
