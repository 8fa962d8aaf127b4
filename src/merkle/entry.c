/* Entries of the log. They are read from logs that others keep: what is not of the one form is
 * no entry. */
#include "merkle/entry.h"

#include "base/path.h"

enum { VERSION = 1 };

static bool kid_ok(str kid)
{
	for (size_t i = 0; i < kid.n; i++)
		if (kid.p[i] <= ' ' || kid.p[i] > '~')
			return false;
	return kid.n > 0 && kid.n <= LOG_ENTRY_KID_MAX;
}

static bool entry_ok(const struct log_entry *e)
{
	return (e->typ == LOG_TYP_AT_JWT || e->typ == LOG_TYP_JWT) && e->iat_s >= 0 &&
	       e->exp_s >= e->iat_s && name_ok(e->realm, LOG_ENTRY_REALM_MAX) && kid_ok(e->kid);
}

ch_err log_entry_write(struct wr *w, const struct log_entry *e)
{
	if (!entry_ok(e))
		return ch_fail(CH_E_RANGE, "no entry of the log", e->typ);
	wr_u8(w, VERSION);
	wr_u8(w, e->typ);
	wr_i64(w, e->iat_s);
	wr_i64(w, e->exp_s);
	wr_put(w, BYTES_OF(e->hash));
	wr_u8(w, (uint8_t)e->realm.n);
	wr_str(w, e->realm);
	wr_u8(w, (uint8_t)e->kid.n);
	wr_str(w, e->kid);
	return wr_done(w);
}

ch_err log_entry_read(bytes b, struct log_entry *ret_e)
{
	struct log_entry e = { 0 };
	struct rd r = rd_of(b);
	if (rd_u8(&r) != VERSION && !r.bad)
		return ch_fail(CH_E_UNSUPPORTED, "an entry of another version", b.p[0]);
	e.typ = rd_u8(&r);
	e.iat_s = rd_i64(&r);
	e.exp_s = rd_i64(&r);
	bytes hash = rd_take(&r, sizeof(e.hash));
	e.realm = str_of_bytes(rd_take(&r, rd_u8(&r)));
	e.kid = str_of_bytes(rd_take(&r, rd_u8(&r)));
	TRY(rd_done(&r));
	if (!entry_ok(&e))
		return ch_fail(CH_E_SYNTAX, "no entry of the log", e.typ);
	mem_copy(e.hash, hash.p, sizeof(e.hash));
	*ret_e = e;
	return CH_DONE;
}
