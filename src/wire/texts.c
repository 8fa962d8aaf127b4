/* Lists of texts in a role's configuration: bounded in count and length. */
#include "base/ck.h"
#include "wire/roles.h"
#include "wire_internal.h"

void wire_texts_write(struct wr *w, const str *texts, size_t n)
{
	wr_u16(w, u16_from(n));
	for (size_t i = 0; i < n; i++)
		wr_str16(w, texts[i]);
}

size_t wire_texts_read(struct rd *r, str *texts, size_t max)
{
	size_t n = rd_count16(r, max);
	for (size_t i = 0; i < n; i++)
		texts[i] = rd_str16(r, URL_MAX_BYTES);
	return n;
}
