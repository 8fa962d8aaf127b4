/* Answers. Header and body leave in one write; the body stays where the handler has
 * it, since its arena lives until the answer is out. */
#include "base/ck.h"
#include "http_internal.h"

/* libmicrohttpd wants a NUL at the end, and refuses line breaks by itself. */
static bool field_add(struct slot *s, struct MHD_Response *out, str name, str value)
{
	char *n = arena_alloc(&s->req.arena, name.n + 1);
	char *v = arena_alloc(&s->req.arena, value.n + 1);
	if (!n || !v || str_has(name, 0) || str_has(value, 0))
		return false;
	mem_copy(n, name.p, name.n);
	mem_copy(v, value.p, value.n);
	return MHD_add_response_header(out, n, v) == MHD_YES;
}

/* https://w3c.github.io/trace-context/#traceresponse-header */
static bool trace_add(struct slot *s, struct MHD_Response *out)
{
	char text[TRACE_PARENT_TEXT];
	struct wr w = wr_of(text, sizeof(text));
	trace_write(&w, &s->req.trace, s->span);
	return field_add(s, out, LIT("traceresponse"), wr_text(&w));
}

static struct MHD_Response *response_make(struct slot *s, const struct http_answer *a)
{
	union {
		const void *in;
		void *out; /* the library's prototype forgot const: it does not write */
	} body = { a->body.p };
	struct MHD_Response *out =
		MHD_create_response_from_buffer(a->body.n, body.out, MHD_RESPMEM_PERSISTENT);
	bool fine = out && (a->type.n == 0 || field_add(s, out, LIT("Content-Type"), a->type));
	for (size_t i = 0; fine && i < a->n_fields; i++)
		fine = field_add(s, out, a->fields[i].name, a->fields[i].value);
	if (fine && s->req.trace.present)
		fine = trace_add(s, out);
	if (fine && (s->h->stopping || s->ambiguous))
		fine = MHD_add_response_header(out, "Connection", "close") == MHD_YES;
	if (fine)
		return out;
	if (out)
		MHD_destroy_response(out);
	return NULL;
}

void http_answer(struct http_req *r, const struct http_answer *a)
{
	struct slot *s = slot_of(r);
	assert(!s->response);
	s->response = response_make(s, a);
	/* the least that works; NULL still gives a closed connection */
	if (!s->response)
		s->response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	else
		s->status = a->status;
	if (s->suspended) {
		s->suspended = false;
		link_moved_on(s->connection, false);
		MHD_resume_connection(s->connection);
	}
}

void http_answer_text(struct http_req *r, unsigned status, str text)
{
	http_answer(r, &(struct http_answer){ .status = status,
					      .type = LIT("text/plain; charset=utf-8"),
					      .body = bytes_of_str(text) });
}

void http_suspend(struct http_req *r)
{
	struct slot *s = slot_of(r);
	assert(!s->response && !s->suspended);
	s->suspended = true;
	s->waited = true;
	link_moved_on(s->connection, true);
	MHD_suspend_connection(s->connection);
}

enum MHD_Result answer_queue(struct slot *s)
{
	struct MHD_Response *out = s->response;
	s->response = NULL;
	if (!out)
		return MHD_NO;
	const struct http_watcher *watcher = s->h->watcher;
	enum MHD_Result result = MHD_queue_response(s->connection, s->status, out);
	if (watcher)
		watcher->answered(watcher->ctx, &s->req, s->route, s->status);
	MHD_destroy_response(out);
	return result;
}

enum MHD_Result answer_busy(struct http *h, struct MHD_Connection *c)
{
	h->turned_away++;
	struct MHD_Response *out = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	if (!out)
		return MHD_NO;
	enum MHD_Result result = MHD_add_response_header(out, "Retry-After", "1");
	if (result == MHD_YES)
		result = MHD_queue_response(c, MHD_HTTP_SERVICE_UNAVAILABLE, out);
	MHD_destroy_response(out);
	return result;
}
