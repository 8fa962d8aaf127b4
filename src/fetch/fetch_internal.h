/* Inside fetch: one request on its handle, and the answer that gathers. */
#pragma once
#include <curl/curl.h>

#include "fetch/fetch.h"

struct fetch {
	CURL *curl;
};

/* Where an answer gathers; must stay where it is while the request runs. */
struct sink {
	struct arena *a;
	struct wr body;
	struct fetch_answer answer;
	struct curl_slist *fields; /* of the request */
	struct curl_slist *addresses;
	ch_err e;
};

/* Sets all of q on the handle, and where the answer goes. The texts are libcurl's then. */
ch_err request_set(CURL *c, const struct fetch_request *q, struct arena *a, struct sink *s);
/* What libcurl says at the end; on success, the answer is whole. */
ch_err request_end(CURL *c, CURLcode code, struct sink *s);
void sink_done(struct sink *s);

/* max-age of one Cache-Control field, so_far from those before it (-1: none). Pure. */
int64_t max_age_read(str field, int64_t so_far);
