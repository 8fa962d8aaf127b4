/* Lines and hashes as text. Nothing about either is trusted. */
#include "codec/base64.h"
#include "internal.h"

bool line_take(str *left, str *ret_line)
{
	str rest = *left;
	str line = str_cut(&rest, '\n');
	if (!rest.p)
		return false;
	*ret_line = line;
	*left = rest;
	return true;
}

void hash_write(struct wr *w, const struct merkle_hash *h)
{
	base64_write(w, BYTES_OF(h->b));
}

bool hash_read(str base64, struct merkle_hash *ret_h)
{
	struct merkle_hash h = { { 0 } };
	struct wr w = wr_of(h.b, sizeof(h.b));
	if (base64.n != base64_text_size(sizeof(h.b)) || failed(base64_read(base64, &w)) ||
	    w.n != sizeof(h.b))
		return false;
	*ret_h = h;
	return true;
}
