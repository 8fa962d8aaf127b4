/* HTTP Basic the other way round: what the one client must send is made once and
 * compared in constant time, so nothing of a stranger's is decoded. */
#include "http/basic.h"

#include "base/secret.h"
#include "codec/base64.h"

ch_err basic_init(struct basic *b, str id, str secret)
{
	SECRET_BUF(plain, 340);
	struct wr p = wr_of(plain, sizeof(plain)), w = wr_of(b->expected, sizeof(b->expected));
	if (secret.n < 8)
		return ch_fail(CH_E_RANGE, "the client secret has fewer than 8 bytes", secret.n);
	wr_str(&p, id);
	wr_char(&p, ':');
	wr_str(&p, secret);
	TRY(wr_done(&p));
	base64_write(&w, wr_bytes(&p));
	TRY(wr_done(&w));
	b->n = w.n;
	return CH_DONE;
}

bool basic_ok(const struct basic *b, str field)
{
	str scheme = str_cut(&field, ' ');
	while (field.n > 0 && field.p[0] == ' ')
		field = str_sub(field, 1, field.n);
	return str_eq_nocase(scheme, LIT("Basic")) && b->n > 0 &&
	       secret_eq(secret_bytes_of(bytes_of_str(field)),
			 secret_bytes_of((bytes){ b->expected, b->n }));
}
