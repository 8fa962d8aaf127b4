/* What the files of this library share: how the caller's storage is laid out, and how the
 * caller's structs are taken in. */
#pragma once
#include <stdatomic.h>

#include "base/bytes.h"
#include "base/err.h"
#include "chancery/chancery.h"
#include "token/cache.h"
#include "token/policy.h"
#include "token/verify.h"

struct ch_verifier {
	_Atomic uint32_t refs;
	atomic_flag warming;
	struct policy *policy;
};

/* What a union ch_scratch holds. */
struct inside {
	uint64_t seal; /* tells one that was made from any other memory, a copy included */
	struct token_verdict last;
	bool misused;              /* the last call; last then says nothing */
	struct ch_options options; /* of the call under way, and what it points to */
	struct ch_request request;
	struct token_cache *cache; /* NULL: none; not owned */
	struct token_scratch judge;
	struct token_scratch proof; /* judge holds what the verdict points to */
};

/* NULL unless ch_scratch_init has made it, in this place. */
struct inside *inside_of(union ch_scratch *s);
const struct inside *inside_seen(const union ch_scratch *s);

str str_of_text(ch_text t);
ch_text text_of_str(str s);

/* Is the token shown by who holds the keys that it is bound to? Refuses in *v. False: the
 * caller called wrongly. */
bool request_take(const struct ch_request *from, int64_t now_s, struct ch_request *ret_to);
enum token_code request_confirm(const struct ch_request *shown, str token, int64_t now_s,
				struct inside *in);

/* A struct whose first member is its size, of a caller that was perhaps built against a
 * header of another year: E_USAGE when it is smaller than ours ever was, or says more than
 * we understand. known: the bytes that we have room for. */
ch_err struct_take(const void *from, size_t known, void *ret_to);
