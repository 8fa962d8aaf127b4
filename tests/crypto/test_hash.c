/* SHA-256 and HMAC against published values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rw.h"
#include "crypto/hash.h"

static void is_hex(const uint8_t hash[static 32], const char *hex)
{
	uint8_t text[64];
	struct wr w = wr_of(text, sizeof(text));
	wr_hex(&w, (bytes){ hash, 32 });
	assert_memory_equal(text, hex, 64);
}

/* FIPS 180-2 appendix B */
static void sha256_vectors(void **state)
{
	(void)state;
	uint8_t h[SHA256_SIZE];
	sha256((bytes){ NULL, 0 }, h);
	is_hex(h, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256(bytes_of_str(LIT("abc")), h);
	is_hex(h, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	secret_hash(secret_bytes_of(bytes_of_str(LIT("abc"))), h);
	is_hex(h, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231 case 1 and 3: a shorter key is one padded with zeros */
static void mac_vectors(void **state)
{
	(void)state;
	uint8_t key[MAC_KEY_SIZE] = { 0 }, data[50], h[MAC_SIZE];
	memset(key, 0x0b, 20);
	mac(key, bytes_of_str(LIT("Hi There")), h);
	is_hex(h, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	memset(key, 0xaa, 20);
	memset(data, 0xdd, sizeof(data));
	mac(key, BYTES_OF(data), h);
	is_hex(h, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_vectors),
		cmocka_unit_test(mac_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
