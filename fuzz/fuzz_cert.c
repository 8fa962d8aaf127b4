/* Whatever a client's certificate field holds: DER comes out only of one PEM, is shorter than
 * the text, and the same PEM gives the same DER. */
#include <assert.h>

#include "cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t one[64 * 1024], two[64 * 1024];
	struct arena a, b;
	bytes der = { 0 }, again = { 0 };
	str text = str_of_bytes((bytes){ data, size });
	arena_init(&a, one, sizeof(one));
	arena_init(&b, two, sizeof(two));
	if (failed(cert_read(text, &a, &der)))
		return 0;
	assert(der.n > 0 && der.n < size);
	assert(!failed(cert_read(text, &b, &again)) && bytes_eq(der, again));
	return 0;
}
