/* Whatever decodes encodes back to the same text: one spelling per value. */
#include <assert.h>

#include "codec/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t plain[4096], again[8192];
	str text = str_of_bytes((bytes){ data, size });
	struct wr w = wr_of(plain, sizeof(plain));
	if (failed(base64url_read(text, &w)))
		return 0;
	assert(w.n == base64url_byte_size(size));
	struct wr t = wr_of(again, sizeof(again));
	base64url_write(&t, wr_bytes(&w));
	assert(str_eq(wr_text(&t), text));
	return 0;
}
