/* Connections, each with the time by which it must have got somewhere. The library
 * closes who says nothing; here is who says a byte now and then, before or in a request,
 * or reads an answer as slowly. */
#include <sys/socket.h>

#include "base/clock.h"
#include "http_internal.h"

enum { LOOK_EVERY_MS = 500, CROWDED_MS = 1000, MS = 1000000, MANY = 16 };

static struct link *link_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

void link_changed(void *ctx, struct MHD_Connection *c, void **socket_context,
		  enum MHD_ConnectionNotificationCode code)
{
	struct http *h = ctx;
	struct link *l = *socket_context;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		h->n_links -= l != NULL;
		if (l)
			l->connection = NULL;
		*socket_context = NULL;
		return;
	}
	for (size_t i = 0; i < h->n_slots; i++) {
		l = &h->links[(h->next_link + i) % h->n_slots];
		if (l->connection)
			continue;
		*l = (struct link){ .connection = c, .since_ns = clock_mono_ns() };
		*socket_context = l;
		h->n_links++;
		if (h->n_links > h->most_links)
			h->most_links = h->n_links;
		h->next_link = (h->next_link + i + 1) % h->n_slots;
		return;
	}
}

void link_moved_on(struct MHD_Connection *c, bool waits_for_us)
{
	struct link *l = link_of(c);
	if (!l)
		return;
	l->since_ns = clock_mono_ns();
	l->waits_for_us = waits_for_us;
}

/* The library then finds the connection closed, and does the rest. */
static void cut(const struct link *l)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(l->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info)
		(void)shutdown(info->connect_fd, SHUT_RDWR);
}

/* While there is room, slowness is borne; when nearly every place is taken, who dawdles makes
 * room for who does not. */
static uint64_t patience_ns(const struct http *h)
{
	bool crowded = h->n_links > h->n_slots - h->n_slots / 8;
	uint64_t whole_ms = (uint64_t)h->limits.request_s * 1000;
	return (crowded && whole_ms > CROWDED_MS ? CROWDED_MS : whole_ms) * MS;
}

/* What a crowd needed is kept while it comes and goes, and given back when it has gone. */
static bool has_thinned(const struct http *h)
{
	return h->most_links >= MANY && h->n_links <= h->most_links / 4;
}

void links_sweep(struct http *h)
{
	uint64_t now = clock_mono_ns();
	if (now < h->next_look_ns)
		return;
	h->next_look_ns = now + (uint64_t)LOOK_EVERY_MS * MS;
	uint64_t patience = patience_ns(h);
	for (size_t i = 0; i < h->n_slots; i++) {
		const struct link *l = &h->links[i];
		if (l->connection && !l->waits_for_us && now - l->since_ns > patience)
			cut(l);
	}
	if (!has_thinned(h))
		return;
	slots_trim(h);
	h->most_links = h->n_links;
}

int links_timeout_ms(const struct http *h)
{
	return h->n_links > 0 || has_thinned(h) ? LOOK_EVERY_MS : -1;
}
