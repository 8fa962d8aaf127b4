/* A revocation's record, both halves. What is read may come from a file that somebody else
 * wrote: every length is checked, and a text is clean or it is none. */
#include "revoke/record.h"

const str revoke_purpose = { "revocations", 11 };

static const str kinds[REVOKE_KIND_COUNT] = {
	[REVOKE_TOKEN] = { "token", 5 },   [REVOKE_GRANT] = { "grant", 5 },
	[REVOKE_CLIENT] = { "client", 6 }, [REVOKE_USER] = { "user", 4 },
	[REVOKE_KEY] = { "key", 3 },
};

static const str whys[REVOKE_WHY_COUNT] = {
	[REVOKE_BY_ADMIN] = { "admin", 5 },    [REVOKE_BY_CLIENT] = { "client", 6 },
	[REVOKE_BY_USER] = { "user", 4 },      [REVOKE_REUSED] = { "reused", 6 },
	[REVOKE_DISABLED] = { "disabled", 8 }, [REVOKE_REMOVED] = { "removed", 7 },
	[REVOKE_RESET] = { "reset", 5 },       [REVOKE_COMPROMISED] = { "compromised", 11 },
};

str revoke_kind_name(enum revoke_kind kind)
{
	return kind > 0 && kind < REVOKE_KIND_COUNT ? kinds[kind] : (str){ 0 };
}

str revoke_why_name(enum revoke_why why)
{
	return why > 0 && why < REVOKE_WHY_COUNT ? whys[why] : (str){ 0 };
}

static bool is_clean(bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < ' ' || b.p[i] == 0x7f)
			return false;
	return true;
}

static bool is_whole(const struct revocation *r)
{
	if (r->kind < REVOKE_TOKEN || r->kind >= REVOKE_KIND_COUNT || r->why < REVOKE_BY_ADMIN ||
	    r->why >= REVOKE_WHY_COUNT || r->when_s < 0)
		return false;
	bool subject = r->kind == REVOKE_TOKEN
			       ? r->subject.n == REVOKE_TOKEN_ID
			       : r->subject.n > 0 && r->subject.n <= REVOKE_SUBJECT_MAX &&
					 is_clean(r->subject);
	return subject && r->name.n <= REVOKE_NAME_MAX && is_clean(bytes_of_str(r->name));
}

void revocation_write(struct wr *w, const struct revocation *r)
{
	if (!is_whole(r)) {
		w->full = true;
		return;
	}
	wr_i64(w, r->when_s);
	wr_u8(w, (uint8_t)r->why);
	wr_bytes16(w, r->subject);
	wr_str16(w, r->name);
}

ch_err revocation_read(uint16_t type, bytes payload, struct revocation *ret_r)
{
	struct rd rd = rd_of(payload);
	struct revocation r = { .kind = (enum revoke_kind)type };
	if (type < REVOKE_TOKEN || type >= REVOKE_KIND_COUNT)
		return ch_fail(CH_E_UNSUPPORTED, "a revocation of a kind that is not known here",
			       type);
	r.when_s = rd_i64(&rd);
	r.why = (enum revoke_why)rd_u8(&rd);
	r.subject = rd_bytes16(&rd, REVOKE_SUBJECT_MAX);
	r.name = rd_str16(&rd, REVOKE_NAME_MAX);
	TRY(rd_done(&rd));
	if (!is_whole(&r))
		return ch_fail(CH_E_SYNTAX, "this is no revocation", type);
	*ret_r = r;
	return CH_DONE;
}

void revocation_due_write(struct wr *w, const struct revocation *r)
{
	wr_u16(w, (uint16_t)r->kind);
	revocation_write(w, r);
}

ch_err revocation_due_read(bytes b, struct revocation *ret_r)
{
	struct rd r = rd_of(b);
	uint16_t type = rd_u16(&r);
	return revocation_read(type, rd_take(&r, rd_left(&r)), ret_r);
}
