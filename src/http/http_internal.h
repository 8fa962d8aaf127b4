/* Inside http: the daemon, and the slot that a request and its connection share. */
#pragma once
#include <microhttpd.h>

#include "http/http.h"

struct slot {
	struct http_req req; /* first: a request's slot is at its own address */
	struct http *h;
	struct MHD_Connection *connection;
	const struct http_route *route;
	uint8_t span[TRACE_SPAN_SIZE]; /* ours, when it has a trace */
	struct MHD_Response *response; /* ready, not yet queued */
	uint8_t *body;
	size_t body_cap;
	size_t swallowed;
	unsigned status;
	struct slot *next_free;
	bool begun; /* its header was looked at */
	bool too_large;
	bool ambiguous; /* its length or its host could be read otherwise by a front */
	bool served;    /* its route's function has been called */
	bool suspended;
	bool waited; /* it has been suspended */
	bool in_use;
};

struct link {
	struct MHD_Connection *connection; /* NULL: free */
	uint64_t since_ns;                 /* it was opened, or its last request ended */
	bool waits_for_us;
};

struct http {
	struct MHD_Daemon *daemon;
	struct http_limits limits;
	const struct http_watcher *watcher;
	const struct http_route *routes;
	size_t n_routes;
	uint64_t turned_away;
	struct slot *slots;
	size_t n_slots;
	size_t n_made; /* slots that have been used */
	struct slot *free_slots;
	uint8_t *arenas;
	struct link *links; /* as many as slots */
	size_t n_links;
	size_t most_links; /* since memory was given back */
	size_t next_link;
	uint64_t next_look_ns;
	size_t under_way;
	int listen_fd;
	int epoll_fd;
	bool stopping;
};

ch_err http_start(struct http *h);
struct slot *slot_take(struct http *h);
void slot_give(struct slot *s);
/* Gives the memory of slots that no request has back to the system, and what the heap can spare. */
void slots_trim(struct http *h);
struct slot *slot_of(struct http_req *r);
/* Do all who read this header see the same body and the same host (RFC 9112 sections 3.2,
 * 5.1 and 6.3)? */
bool header_is_clear(struct slot *s);
/* Its traceparent, where it is asked for and good. */
void trace_take(struct slot *s);
/* Finds the route and calls it, or answers for it. */
void route_serve(struct slot *s, const char *method);
/* The library's notification of a connection that opens or closes. */
void link_changed(void *ctx, struct MHD_Connection *c, void **socket_context,
		  enum MHD_ConnectionNotificationCode code);
/* Its time begins anew; while it waits for us it has all the time. */
void link_moved_on(struct MHD_Connection *c, bool waits_for_us);
void links_sweep(struct http *h);
int links_timeout_ms(const struct http *h);
/* For when there is no slot: a 503 without one. */
enum MHD_Result answer_busy(struct http *h, struct MHD_Connection *c);
enum MHD_Result answer_queue(struct slot *s);
