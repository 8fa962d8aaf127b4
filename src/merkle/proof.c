/* Proofs as text. They come from whoever wants to be believed: only one spelling is read, and
 * nothing of what they say is judged here. */
#include "merkle/proof.h"

#include "codec/base64.h"
#include "internal.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"

/* Lines of hashes up to the empty line. */
static ch_err hashes_read(str *left, size_t max, struct merkle_proof *ret_p)
{
	str line = { 0 };
	ret_p->n = 0;
	for (;;) {
		if (!line_take(left, &line))
			return ch_fail(CH_E_SYNTAX, "the proof ends early", ret_p->n);
		if (line.n == 0)
			return CH_DONE;
		if (ret_p->n == max)
			return ch_fail(CH_E_LIMIT, "the proof has too many hashes", max);
		if (!hash_read(line, &ret_p->h[ret_p->n]))
			return ch_fail(CH_E_SYNTAX, "a line of the proof is no hash", ret_p->n);
		ret_p->n++;
	}
}

static void hashes_write(struct wr *w, const struct merkle_proof *p)
{
	for (size_t i = 0; i < p->n; i++) {
		hash_write(w, &p->h[i]);
		wr_char(w, '\n');
	}
	wr_char(w, '\n');
}

/* "index 12". */
static bool number_read(str line, str name, uint64_t *ret_v)
{
	return str_starts(line, name) &&
	       str_to_u64(str_sub(line, name.n, line.n), MERKLE_SIZE_MAX, ret_v);
}

static bool extra_read(str line, str *ret_extra)
{
	size_t n = 0;
	*ret_extra = str_sub(line, sizeof("extra ") - 1, line.n);
	return line.n <= PROOF_EXTRA_MAX && base64_ok(*ret_extra, &n) && n > 0;
}

ch_err tlog_proof_read(str text, struct tlog_proof *ret_p)
{
	NOT_ZEROED struct tlog_proof p;
	str left = text, line = { 0 };
	p.extra = (str){ 0 };
	if (text.n > PROOF_MAX)
		return ch_fail(CH_E_LIMIT, "the proof is too long", text.n);
	if (!line_take(&left, &line) || !str_eq(line, LIT(FIRST_LINE)))
		return ch_fail(CH_E_UNSUPPORTED, "this is no tlog-proof of version 1", 0);
	if (!line_take(&left, &line) ||
	    (str_starts(line, LIT("extra ")) &&
	     (!extra_read(line, &p.extra) || !line_take(&left, &line))) ||
	    !number_read(line, LIT("index "), &p.index))
		return ch_fail(CH_E_SYNTAX, "the proof names no index", text.n - left.n);
	TRY(hashes_read(&left, MERKLE_PROOF_MAX, &p.proof));
	if (left.n == 0)
		return ch_fail(CH_E_SYNTAX, "the proof has no checkpoint", text.n);
	p.checkpoint = left;
	*ret_p = p;
	return CH_DONE;
}

void tlog_proof_write(struct wr *w, const struct tlog_proof *p)
{
	wr_lit(w, FIRST_LINE "\n");
	if (p->extra.n > 0) {
		wr_lit(w, "extra ");
		wr_str(w, p->extra);
		wr_char(w, '\n');
	}
	wr_lit(w, "index ");
	wr_dec(w, p->index);
	wr_char(w, '\n');
	hashes_write(w, &p->proof);
	wr_str(w, p->checkpoint);
}

ch_err witness_request_read(str text, struct witness_request *ret_r)
{
	NOT_ZEROED struct witness_request r;
	str left = text, line = { 0 };
	if (text.n > WITNESS_REQUEST_MAX)
		return ch_fail(CH_E_LIMIT, "the request is too long", text.n);
	if (!line_take(&left, &line) || !number_read(line, LIT("old "), &r.old_size))
		return ch_fail(CH_E_SYNTAX, "the request names no old size", 0);
	TRY(hashes_read(&left, WITNESS_PROOF_MAX, &r.proof));
	if (left.n == 0)
		return ch_fail(CH_E_SYNTAX, "the request has no checkpoint", text.n);
	r.checkpoint = left;
	*ret_r = r;
	return CH_DONE;
}

void witness_request_write(struct wr *w, const struct witness_request *r)
{
	wr_lit(w, "old ");
	wr_dec(w, r->old_size);
	wr_char(w, '\n');
	hashes_write(w, &r->proof);
	wr_str(w, r->checkpoint);
}
