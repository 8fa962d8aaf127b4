/* HTTP/1.1 for one thread that has its own epoll loop. A listening socket comes in,
 * requests go to the routes' functions, which answer at once or suspend and answer
 * later. Everything is bounded: connections, header size, body, memory of a request,
 * idle time. TLS and HTTP/2 are the front's.
 *
 * What the routes do not serve is answered here: 400, 404, 405 with Allow, 413, 414, 431, 503. */
#pragma once
#include "base/address.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "codec/trace.h"

enum http_method { HTTP_GET = 1, HTTP_POST = 2 }; /* HEAD counts as GET */

/* One request. It dies when its answer has been sent, and all of its arena with it. */
struct http_req {
	enum http_method method;
	str path;  /* raw: percent escapes stand as they came */
	str query; /* raw; p == NULL: there is no '?' */
	bytes body;
	struct arena arena;
	uint64_t started_ns; /* clock_mono_ns */
	struct trace trace;  /* of its traceparent; only where limits say so */
	void *state;         /* the handler's own, NULL at first */
};

/* ctx is the route's. It must call http_answer or http_suspend. */
typedef void http_serve(struct http_req *r, void *ctx);

struct http_route {
	str path; /* the whole of it, byte for byte; ending in '*': what begins so, too */
	enum http_method method;
	http_serve *serve;
	void *ctx;
};

struct http_limits {
	unsigned connections;
	unsigned idle_s;          /* a connection that says nothing for so long is closed */
	unsigned request_s;       /* from one answer to the next; who waits for us has time. When
				   * 7 of 8 connections are taken, it is 1 s */
	size_t connection_memory; /* its header must fit in a part of this */
	size_t body;
	size_t arena; /* of a request, body included */
	bool traces;  /* traceparent is read, and answered by a traceresponse */
};

/* 512 connections, 15 s idle, 30 s a request, 16 KiB, 16 KiB, 64 KiB */
struct http_limits http_limits_default(void);

/* Called once for each request, when its answer goes out; its log and its counters. route NULL:
 * none was found, or the request was refused before one was looked for. */
struct http_watcher {
	void (*answered)(void *ctx, const struct http_req *r, const struct http_route *route,
			 unsigned status);
	void *ctx;
};

struct http;
/* Serves on listen_fd, which becomes its own. The routes, n of them, must outlive it;
 * they may be for the same path with another method. */
ch_err http_new(int listen_fd, const struct http_limits *limits, const struct http_route *routes,
		size_t n, struct http **ret_h);
/* From then on; the watcher must outlive h. */
void http_watch(struct http *h, const struct http_watcher *watcher);
/* Requests that got a 503 without being read: no slot was free. */
uint64_t http_turned_away(const struct http *h);
/* Whoever still waits gets a 503. NULL is fine. */
void http_free(struct http *h);
void http_done(struct http **h);

/* For the caller's epoll: readable when http_run has something to do. */
int http_epoll_fd(const struct http *h);
/* How long the caller may sleep before http_run; -1: for ever. */
int http_timeout_ms(struct http *h);
/* Reads, serves, writes what can be without waiting. */
void http_run(struct http *h);
/* Takes no new connection; each answer from now on closes its connection. */
void http_stop(struct http *h);
/* Requests that have begun and whose answer has not gone out. */
size_t http_under_way(const struct http *h);
/* Connections that are open, busy or idle. */
size_t http_connections(const struct http *h);

/* A request's header field. p == NULL: absent; it occurs twice: empty with p set, so
 * that no parser takes it. Lives as long as the request. */
str http_field(struct http_req *r, const char *name);
/* Who is at the other end of the connection: a front, perhaps. Family 0 on a unix socket. */
struct address http_peer(struct http_req *r);
/* The value of a cookie of this name; p == NULL: none, or two of them. */
str http_cookie(struct http_req *r, str name);

struct http_out {
	str name;
	str value;
};

struct http_answer {
	unsigned status;
	str type;   /* Content-Type; empty: none */
	bytes body; /* must live as long as the request: in its arena, or static */
	const struct http_out *fields;
	size_t n_fields;
};

/* Once a request. A field that cannot be one (a line break in it) makes it a 500. */
void http_answer(struct http_req *r, const struct http_answer *a);
/* A short text/plain answer; the text is a literal or lives in the arena. */
void http_answer_text(struct http_req *r, unsigned status, str text);
/* From within serve: the request waits, without a time limit of its own, until
 * http_answer is called for it. */
void http_suspend(struct http_req *r);
