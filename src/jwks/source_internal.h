/* Inside jwks. */
#pragma once
#include "jwks/source.h"

struct source {
	struct source_limits limits;
	size_t url_n, etag_n, n;
	int64_t now_s;     /* the latest that was heard of */
	int64_t started_s; /* of the fetch under way */
	int64_t due_s;     /* of the next */
	int64_t good_s;    /* start of the fetch that brought or confirmed the set */
	int64_t cool_s;    /* until then no refetch for an unknown kid */
	uint64_t generation;
	unsigned misses;
	bool under_way, has_set, closed;
	char url[SOURCE_URL_MAX];
	char etag[SOURCE_ETAG_MAX];
	uint8_t text[JWKS_TEXT_MAX];
};
