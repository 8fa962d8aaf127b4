/* One error type, returned by value: where it failed (a static site), what kind,
 * and one number. No text of the peer's and no secret can enter it: `what` is a
 * string literal. 16 bytes, nothing allocated.
 *
 * A function that can fail returns ch_err and writes its ret_ outputs on success
 * only. Across processes only code and detail travel. The type and its kinds are in the
 * installed header; here is how to make one. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/err_codes.h"
#include "chancery/err.h"

enum {
#define X(name, text, http, oauth, shown) CH_INDEX_##name,
	CH_CODES(X)
#undef X
		CH_INDEX_COUNT
};
#define CH_CODE_COUNT ((unsigned int)CH_INDEX_COUNT)

#define CH_DONE ((ch_err){ 0 })

/* The error `code` at this line; `text` must be a literal. */
#define ch_fail(code_, text, number)                                                          \
	({                                                                                    \
		static const struct ch_site site_ = { (code_), __LINE__, __FILE__, "" text }; \
		(ch_err){ &site_, (uint64_t)(number) };                                       \
	})

/* Leaves the function with the error, if there is one. The only hidden return. */
#define TRY(expr)                     \
	do {                          \
		ch_err try_ = (expr); \
		if (try_.site)        \
			return try_;  \
	} while (0)

static inline bool failed(ch_err e)
{
	return e.site;
}

/* An error that came over a wire: the code is checked, `what` is the code's text. */
ch_err ch_err_from_wire(uint16_t code, uint64_t detail);

/* RFC 6749 section 5.2 error string and HTTP status for it. */
const char *ch_code_oauth(enum ch_code code);
int ch_code_http(enum ch_code code);
/* May the text be shown to the client? */
bool ch_code_shown(enum ch_code code);
