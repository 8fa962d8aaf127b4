/* A request as it arrives: target, header, body, into a slot of its own. There is room for
 * one for every connection that may be open; what none has used is untouched. */
#include <arpa/inet.h>
#include <malloc.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/rand.h"
#include "http_internal.h"

struct slot *slot_of(struct http_req *r)
{
	return (struct slot *)(void *)r;
}

struct slot *slot_take(struct http *h)
{
	struct slot *s = h->free_slots;
	if (s)
		h->free_slots = s->next_free;
	else if (h->n_made < h->n_slots)
		s = &h->slots[h->n_made++];
	else
		return NULL;
	uint8_t *memory = h->arenas + (size_t)(s - h->slots) * h->limits.arena;
	h->under_way++;
	*s = (struct slot){ .h = h, .in_use = true, .status = MHD_HTTP_INTERNAL_SERVER_ERROR };
	s->req.started_ns = clock_mono_ns();
	arena_init(&s->req.arena, memory, h->limits.arena);
	return s;
}

/* The last one given is the first one taken: its memory is warm. */
void slot_give(struct slot *s)
{
	if (s->response)
		MHD_destroy_response(s->response);
	s->response = NULL;
	arena_reset(&s->req.arena);
	s->in_use = false;
	s->next_free = s->h->free_slots;
	s->h->free_slots = s;
	s->h->under_way--;
}

void slots_trim(struct http *h)
{
	for (size_t i = 0; i < h->n_made; i++)
		if (!h->slots[i].in_use)
			(void)madvise(h->arenas + i * h->limits.arena, h->limits.arena,
				      MADV_DONTNEED);
	(void)malloc_trim(0);
}

struct lookup {
	const char *name;
	str found;
	unsigned times;
};

static enum MHD_Result look(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct lookup *l = ctx;
	(void)kind;
	if (str_eq_nocase(str_from_c(name), str_from_c(l->name))) {
		l->times++;
		l->found = value ? str_from_c(value) : LIT("");
	}
	return MHD_YES;
}

str http_field(struct http_req *r, const char *name)
{
	struct lookup l = { .name = name };
	(void)MHD_get_connection_values(slot_of(r)->connection, MHD_HEADER_KIND, look, &l);
	if (l.times == 0)
		return (str){ 0 };
	return l.times > 1 || !l.found.p ? LIT("") : l.found;
}

struct framing {
	unsigned hosts, lengths, codings;
	bool odd; /* a field's name is none, or a value is not one that we know */
};

static bool is_token(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || str_has(LIT("\"(),/:;<=>?@[\\]{}"), s.p[i]))
			return false;
	return s.n > 0;
}

static enum MHD_Result frame(void *ctx, enum MHD_ValueKind kind, const char *name,
			     const char *value)
{
	struct framing *f = ctx;
	str n = str_from_c(name), v = str_from_c(value);
	uint64_t length = 0;
	(void)kind;
	f->odd = f->odd || !is_token(n);
	if (str_eq_nocase(n, LIT("Host"))) {
		f->hosts++;
	} else if (str_eq_nocase(n, LIT("Content-Length"))) {
		f->lengths++;
		f->odd = f->odd || !str_to_u64(v, UINT64_MAX, &length);
	} else if (str_eq_nocase(n, LIT("Transfer-Encoding"))) {
		f->codings++;
		f->odd = f->odd || !str_eq_nocase(v, LIT("chunked"));
	}
	return MHD_YES;
}

bool header_is_clear(struct slot *s)
{
	struct framing f = { 0 };
	(void)MHD_get_connection_values(s->connection, MHD_HEADER_KIND, frame, &f);
	return !f.odd && f.hosts <= 1 && f.lengths + f.codings <= 1;
}

void trace_take(struct slot *s)
{
	if (!s->h->limits.traces)
		return;
	str parent = http_field(&s->req, "traceparent");
	if (parent.n > 0 && !failed(trace_read(parent, &s->req.trace)))
		rand_fill(s->span, sizeof(s->span));
}

static str trimmed(str s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s = str_sub(s, 1, s.n);
	return s;
}

str http_cookie(struct http_req *r, str name)
{
	str left = http_field(r, "Cookie");
	str found = { 0 };
	while (left.n > 0) {
		str value = trimmed(str_cut(&left, ';'));
		str key = str_cut(&value, '=');
		if (!str_eq(key, name))
			continue;
		if (found.p)
			return (str){ 0 };
		found = value;
	}
	return found;
}

struct address http_peer(struct http_req *r)
{
	char text[INET6_ADDRSTRLEN] = { 0 };
	struct address a = { 0 };
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(slot_of(r)->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!info || !info->client_addr)
		return a;
	const struct sockaddr *s = info->client_addr;
	const void *ip =
		s->sa_family == AF_INET6
			? (const void *)&((const struct sockaddr_in6 *)(const void *)s)->sin6_addr
			: (const void *)&((const struct sockaddr_in *)(const void *)s)->sin_addr;
	if ((s->sa_family == AF_INET || s->sa_family == AF_INET6) &&
	    inet_ntop(s->sa_family, ip, text, sizeof(text)))
		(void)address_of(str_from_c(text), &a);
	return a;
}
