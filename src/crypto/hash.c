/* SHA-256. The low-level calls of libcrypto are deprecated, but they are the ones that
 * need no context, no fetch and no allocation: this cannot fail, and its callers have no
 * error path. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/hash.h"

#include <openssl/sha.h>

void sha256(bytes b, uint8_t ret_hash[static SHA256_SIZE])
{
	SHA256_CTX c;
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, b.p, b.n);
	(void)SHA256_Final(ret_hash, &c);
	mem_wipe(&c, sizeof(c));
}

void sha256_tagged(uint8_t tag, bytes b, uint8_t ret_hash[static SHA256_SIZE])
{
	NOT_ZEROED SHA256_CTX c;
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, &tag, 1);
	(void)SHA256_Update(&c, b.p, b.n);
	(void)SHA256_Final(ret_hash, &c);
}
