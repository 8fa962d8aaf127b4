/* Inside fetch: several at once. */
#pragma once
#include "fetch/many.h"
#include "fetch_internal.h"

enum { FETCHES_MAX = 24, FETCH_TEXTS_MAX = 16 * 1024 };

struct slot {
	CURL *curl;
	bool busy, over;
	CURLcode code;
	struct sink sink;
	struct arena arena;
};

struct fetches {
	CURLM *multi;
	int epoll;
	uint64_t wake_ns; /* libcurl's timer; 0: none */
	size_t n, body_max;
	uint8_t *room; /* of the slots' arenas */
	struct slot slots[FETCHES_MAX];
};

/* libcurl's two questions: which sockets, and when. */
int on_socket(CURL *c, curl_socket_t fd, int what, void *ctx, void *of_socket);
int on_timer(CURLM *m, long ms, void *ctx);
