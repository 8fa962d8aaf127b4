/* Records of what administrators did, both halves. What is read may come from a file that
 * somebody else wrote: every length is checked, and texts are only bytes. */
#include "wire/audit.h"

enum { VERSION = 1 };

static str cut(str s, size_t max)
{
	return s.n > max ? str_sub(s, 0, max) : s;
}

static void wr_zeros(struct wr *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wr_u8(w, 0);
}

static ch_err head_read(struct rd *r)
{
	uint8_t version = rd_u8(r);
	if (!r->bad && version != VERSION)
		return ch_fail(CH_E_UNSUPPORTED, "a record of another version", version);
	return CH_DONE;
}

static bool zeros(struct rd *r, size_t n)
{
	return bytes_are_zero(rd_take(r, n));
}

void audit_intent_write(struct wr *w, const struct audit_intent *i)
{
	wr_u8(w, VERSION);
	wr_zeros(w, 3);
	wr_u32(w, i->uid);
	wr_u32(w, i->login_uid);
	wr_u32(w, i->sudo_uid);
	wr_u32(w, i->pid);
	wr_str16(w, cut(i->who, AUDIT_NAME_MAX));
	wr_str16(w, cut(i->command, AUDIT_COMMAND_MAX));
	wr_str16(w, cut(i->object, AUDIT_OBJECT_MAX));
}

ch_err audit_intent_read(bytes b, struct audit_intent *ret_i)
{
	struct rd r = rd_of(b);
	struct audit_intent i = { 0 };
	TRY(head_read(&r));
	bool ok = zeros(&r, 3);
	i.uid = rd_u32(&r);
	i.login_uid = rd_u32(&r);
	i.sudo_uid = rd_u32(&r);
	i.pid = rd_u32(&r);
	i.who = rd_str16(&r, AUDIT_NAME_MAX);
	i.command = rd_str16(&r, AUDIT_COMMAND_MAX);
	i.object = rd_str16(&r, AUDIT_OBJECT_MAX);
	TRY(rd_done(&r));
	if (!ok || i.command.n == 0)
		return ch_fail(CH_E_SYNTAX, "this records no act", 0);
	*ret_i = i;
	return CH_DONE;
}

void audit_outcome_write(struct wr *w, const struct audit_outcome *o)
{
	wr_u8(w, VERSION);
	wr_u8(w, o->result);
	wr_zeros(w, 2);
	wr_u64(w, o->intent);
	wr_str16(w, cut(o->object, AUDIT_OBJECT_MAX));
	wr_str16(w, cut(o->detail, AUDIT_DETAIL_MAX));
}

ch_err audit_outcome_read(bytes b, struct audit_outcome *ret_o)
{
	struct rd r = rd_of(b);
	struct audit_outcome o = { 0 };
	TRY(head_read(&r));
	o.result = rd_u8(&r);
	bool ok = zeros(&r, 2);
	o.intent = rd_u64(&r);
	o.object = rd_str16(&r, AUDIT_OBJECT_MAX);
	o.detail = rd_str16(&r, AUDIT_DETAIL_MAX);
	TRY(rd_done(&r));
	if (!ok || o.result >= AUDIT_RESULTS)
		return ch_fail(CH_E_SYNTAX, "this records no outcome", o.result);
	*ret_o = o;
	return CH_DONE;
}

str audit_result_name(uint8_t result)
{
	static const str names[AUDIT_RESULTS] = {
		[AUDIT_DONE] = { "done", 4 },
		[AUDIT_REFUSED] = { "refused", 7 },
		[AUDIT_FAILED] = { "failed", 6 },
	};
	return result < AUDIT_RESULTS ? names[result] : LIT("unknown");
}
