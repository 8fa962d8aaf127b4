/* One error type, returned by value: where it failed (a static site), what kind of
 * failure, and one number. Nothing of a peer's and no secret can be in it. 16 bytes; there
 * is nothing to free. A compiler warns when one is ignored. */
#ifndef CHANCERY_ERR_H
#define CHANCERY_ERR_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CH_API __attribute__((visibility("default")))
#define CH_MUST_CHECK __attribute__((warn_unused_result))
#else
#define CH_API
#define CH_MUST_CHECK
#endif

#if defined(__clang__)
#define CH_NODISCARD __attribute__((warn_unused_result))
#elif defined(__GNUC__)
#define CH_NODISCARD [[nodiscard]]
#else
#define CH_NODISCARD
#endif

#if defined(__GNUC__)
#define CH_EXTENSION __extension__
#else
#define CH_EXTENSION
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds of failure. Numbers are never changed, only added. Beyond CH_E_LIMIT they
 * are what Chancery's programs say to each other; the library does not return them. */
enum ch_code {
	CH_OK = 0,
	CH_E_INTERNAL = 1,
	CH_E_USAGE = 2, /* called wrongly: a NULL, a size, an order of calls */
	CH_E_NOMEM = 3,
	CH_E_IO = 4,     /* detail: errno */
	CH_E_CRYPTO = 5, /* detail: libcrypto's error number */
	CH_E_UNSUPPORTED = 6,
	CH_E_STORE = 7,
	CH_E_TRUNCATED = 8,
	CH_E_TRAILING = 9,
	CH_E_SYNTAX = 10,
	CH_E_RANGE = 11,
	CH_E_FULL = 12,
	CH_E_DUPLICATE = 13,
	CH_E_MISSING = 14,
	CH_E_MISMATCH = 15,
	CH_E_NOT_FOUND = 16,
	CH_E_EXISTS = 17,
	CH_E_DENIED = 18,
	CH_E_BUSY = 19,
	CH_E_LIMIT = 20,

	CH_E_GONE = 21,
	CH_E_PROTOCOL = 22,
	CH_E_SEALED = 23,
	CH_E_NO_KEY = 24,
	CH_E_INVALID_REQUEST = 25,
	CH_E_INVALID_CLIENT = 26,
	CH_E_INVALID_GRANT = 27,
	CH_E_UNAUTHORIZED_CLIENT = 28,
	CH_E_UNSUPPORTED_GRANT = 29,
	CH_E_UNSUPPORTED_RESPONSE = 30,
	CH_E_INVALID_SCOPE = 31,
	CH_E_INVALID_TARGET = 32,
	CH_E_PENDING = 33,
	CH_E_SLOW_DOWN = 34,
	CH_E_EXPIRED = 35,
	CH_E_REFUSED = 36,
	CH_E_INVALID_PROOF = 37,
	CH_E_NONCE = 38,
	CH_E_NO_ROOM = 39,
	CH_E_LOG = 40
};

/* A place that can fail; constant, one for each such place. */
struct ch_site {
	uint16_t code; /* enum ch_code */
	uint16_t line;
	const char *file;
	const char *what; /* a sentence for people */
};

CH_EXTENSION typedef struct CH_NODISCARD ch_err {
	const struct ch_site *site; /* NULL: success */
	uint64_t detail;            /* one number: an offset, a limit, an errno */
} ch_err;

static inline bool ch_failed(ch_err e)
{
	return e.site != 0;
}

/* CH_OK on success. */
CH_API enum ch_code ch_code_of(ch_err e);
/* "E_USAGE", and a sentence about the kind; constants, also for a number that is none. */
CH_API const char *ch_code_name(enum ch_code code);
CH_API const char *ch_code_text(enum ch_code code);

#ifdef __cplusplus
}
#endif
#endif
