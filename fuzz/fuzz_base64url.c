/* Whatever decodes encodes back to the same text: one spelling per value; and a plain
 * decoder agrees on every text. */
#include <assert.h>

#include "codec/base64url.h"
#include "plain.h"
#include "unwritten.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t plain[4096], again[8192], other[8192];
	size_t n = 0;
	str text = str_of_bytes((bytes){ data, size });
	struct wr w = wr_of(plain, sizeof(plain));
	if (size > 5000)
		return 0;
	unwritten(plain, sizeof(plain));
	unwritten(again, sizeof(again));
	bool good = plain_base64url(text, other, &n);
	assert(failed(base64url_read(text, &w)) == !good);
	if (!good)
		return 0;
	assert(bytes_eq(wr_bytes(&w), (bytes){ other, n }));
	assert(w.n == base64url_byte_size(size));
	struct wr t = wr_of(again, sizeof(again));
	base64url_write(&t, wr_bytes(&w));
	assert(str_eq(wr_text(&t), text));
	return 0;
}
