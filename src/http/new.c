/* Constructor and destructor of the HTTP server: its slots and their memory. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/ck.h"
#include "base/file.h"
#include "http_internal.h"

struct http_limits http_limits_default(void)
{
	return (struct http_limits){ .connections = 512,
				     .idle_s = 15,
				     .request_s = 30,
				     .connection_memory = 16384,
				     .body = 16384,
				     .arena = 65536 };
}

/* Pages that no request has used are not there: the pool costs what the load needs. */
static ch_err slots_make(struct http *h)
{
	size_t size = 0;
	h->n_slots = h->limits.connections;
	if (!ck_mul(h->n_slots, h->limits.arena, &size))
		return ch_fail(CH_E_RANGE, "the limits of HTTP are too large", h->n_slots);
	h->slots = calloc(h->n_slots, sizeof(*h->slots));
	h->links = calloc(h->n_slots, sizeof(*h->links));
	if (!h->slots || !h->links)
		return ch_fail(CH_E_NOMEM, "no memory for requests", h->n_slots);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for requests", size);
	h->arenas = p;
	return CH_DONE;
}

/* Accepted sockets inherit it; a unix socket has no such option. */
static void nodelay(int fd)
{
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

ch_err http_new(int listen_fd, const struct http_limits *limits, const struct http_route *routes,
		size_t n, struct http **ret_h)
{
	AUTO(http_done) struct http *h = calloc(1, sizeof(*h));
	if (!h)
		return ch_fail(CH_E_NOMEM, "no memory for HTTP", sizeof(*h));
	h->listen_fd = listen_fd;
	h->limits = *limits;
	h->routes = routes;
	h->n_routes = n;
	TRY(slots_make(h));
	nodelay(listen_fd);
	TRY(http_start(h));
	*ret_h = TAKE(h);
	return CH_DONE;
}

/* The library must not be stopped while a connection is suspended. */
static void release_waiting(struct http *h)
{
	static const struct http_out later = { LIT("Retry-After"), LIT("1") };
	for (size_t i = 0; i < h->n_made; i++)
		if (h->slots[i].in_use && h->slots[i].suspended)
			http_answer(&h->slots[i].req,
				    &(struct http_answer){ .status = MHD_HTTP_SERVICE_UNAVAILABLE,
							   .fields = &later,
							   .n_fields = 1 });
	http_run(h);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	if (h->daemon) {
		http_stop(h);
		release_waiting(h);
		MHD_stop_daemon(h->daemon);
	}
	fd_close(&h->listen_fd);
	if (h->arenas)
		(void)munmap(h->arenas, h->n_slots * h->limits.arena);
	free(h->links);
	free(h->slots);
	free(h);
}

void http_done(struct http **h)
{
	http_free(*h);
	*h = NULL;
}
