/* Starts the two libraries. With a heap, every allocation of libcrypto's comes from
 * it, from the first one on: key material then lies where the caller wants it and
 * is wiped when freed. There is no way back to malloc: a full heap is a failure. Random
 * numbers are the kernel's own: libcrypto's generators would make an object for each
 * cipher that it knows, and keep state that foretells numbers (decision 036). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sodium.h>

#include "base/rand.h"
#include "crypto/key.h"
#include "private_internal.h"

static struct heap *the_heap;
static bool ready;

static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return heap_alloc(the_heap, n);
}

static void drop(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	heap_free(the_heap, p);
}

static void *resize(void *p, size_t n, const char *file, int line)
{
	if (n > 0)
		return heap_resize(the_heap, p, n);
	drop(p, file, line);
	return NULL;
}

static int fill(unsigned char *p, int n)
{
	if (n > 0)
		rand_fill(p, (size_t)n);
	return n >= 0;
}

static int is_seeded(void)
{
	return 1;
}

static const RAND_METHOD the_kernel = { .bytes = fill, .pseudorand = fill, .status = is_seeded };

/* The kernel is asked now, not first at a moment when a sandbox may forbid it. */
static ch_err start_libcrypto(struct heap *heap_or_null)
{
	const uint64_t how = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT |
			     OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS;
	uint8_t unused[1];
	the_heap = heap_or_null;
	if (heap_or_null && CRYPTO_set_mem_functions(take, resize, drop) != 1)
		return ch_fail(CH_E_CRYPTO, "libcrypto has allocated before it got its heap", 0);
	if (OPENSSL_init_crypto(how, NULL) != 1)
		return ch_fail(CH_E_CRYPTO, "libcrypto does not start", lib_error());
	if (RAND_set_rand_method(&the_kernel) != 1 || RAND_bytes(unused, 1) != 1 ||
	    RAND_priv_bytes(unused, 1) != 1)
		return ch_fail(CH_E_CRYPTO, "libcrypto has no random numbers", lib_error());
	return CH_DONE;
}

ch_err crypto_init(struct heap *heap_or_null)
{
	if (ready)
		return the_heap == heap_or_null
			       ? CH_DONE
			       : ch_fail(CH_E_USAGE, "crypto_init again with another heap", 0);
	TRY(start_libcrypto(heap_or_null));
	if (sodium_init() < 0)
		return ch_fail(CH_E_CRYPTO, "libsodium does not start", 0);
	ready = true;
	return CH_DONE;
}
