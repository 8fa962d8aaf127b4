/* The audit for people and programs. Reads beside whoever writes; an act and its outcome are
 * two records, with others between them perhaps. Trusts only the chain's own hashes; texts
 * are printed escaped. */
#include "audit_read.h"

#include <inttypes.h>
#include <stdio.h>

#include "audit.h"
#include "chain/cursor.h"
#include "chain_text.h"
#include "codec/json.h"
#include "say.h"
#include "wire/audit.h"

enum { PENDING = 64 };

/* An act whose outcome has not been seen yet. */
struct act {
	bool used;
	uint64_t seq;
	int64_t time_ms;
	struct audit_intent intent;
	uint8_t room[AUDIT_RECORD_MAX]; /* of its texts */
};

struct listing {
	const struct audit_wish *w;
	struct act acts[PENDING];
	bool any;
};

static uint8_t room[CHAIN_ROOM_MAX];

static struct chain_ref ref_of(const struct audit_wish *w)
{
	return (struct chain_ref){ w->a->fd, audit_folder, AUDIT_PURPOSE, room, sizeof(room) };
}

static void put_uid(struct json_out *o, str name, uint32_t uid)
{
	if (uid == AUDIT_NOBODY)
		json_put_null(o, name);
	else
		json_put_int(o, name, uid);
}

static void put_act_json(struct json_out *o, const struct act *a)
{
	json_put_int(o, LIT("seq"), (int64_t)a->seq);
	json_put_int(o, LIT("time_ms"), a->time_ms);
	json_put_str(o, LIT("who"), a->intent.who);
	put_uid(o, LIT("uid"), a->intent.uid);
	put_uid(o, LIT("login_uid"), a->intent.login_uid);
	put_uid(o, LIT("sudo_uid"), a->intent.sudo_uid);
	json_put_int(o, LIT("pid"), a->intent.pid);
	json_put_str(o, LIT("command"), a->intent.command);
	json_put_str(o, LIT("object"), a->intent.object);
}

/* What is told of an act: how it ended, or one thing of it. */
struct told {
	str result, object, detail;
	int64_t end_ms;
};

static void tell_json(struct listing *l, const struct act *a, const struct told *t)
{
	static uint8_t text[16 * 1024];
	struct wr w = wr_of(text, sizeof(text));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	put_act_json(&o, a);
	json_put_str(&o, LIT("result"), t->result);
	if (t->object.n > 0)
		json_put_str(&o, LIT("item"), t->object);
	json_put_str(&o, LIT("detail"), t->detail);
	if (t->end_ms > 0)
		json_put_int(&o, LIT("end_ms"), t->end_ms);
	json_finish(&o, '}');
	(void)printf("%s%.*s", l->any ? ",\n " : "", (int)w.n, (const char *)w.p);
}

static void tell(struct listing *l, const struct act *a, const struct told *t)
{
	if (a->time_ms < l->w->since_ms)
		return;
	if (l->w->json) {
		tell_json(l, a, t);
	} else {
		print_time(a->time_ms);
		(void)putchar('\t');
		print_words(a->intent.who, '\t');
		print_words(a->intent.command, '\t');
		print_words(t->object.n > 0 ? t->object : a->intent.object, '\t');
		print_words(t->result, '\t');
		print_words(t->detail, '\n');
	}
	l->any = true;
}

static void tell_unknown(struct listing *l, struct act *a)
{
	const struct told t = { .result = LIT("unknown") };
	if (a->used)
		tell(l, a, &t);
	a->used = false;
}

static struct act *act_of(struct listing *l, uint64_t seq)
{
	for (size_t i = 0; i < PENDING; i++)
		if (l->acts[i].used && l->acts[i].seq == seq)
			return &l->acts[i];
	return NULL;
}

/* A free place; else the oldest gives way. */
static struct act *act_place(struct listing *l)
{
	struct act *oldest = &l->acts[0];
	for (size_t i = 0; i < PENDING; i++) {
		if (!l->acts[i].used)
			return &l->acts[i];
		if (l->acts[i].seq < oldest->seq)
			oldest = &l->acts[i];
	}
	tell_unknown(l, oldest);
	return oldest;
}

static ch_err take_intent(struct listing *l, const struct chain_record *r)
{
	struct act *a = act_place(l);
	if (r->payload.n > sizeof(a->room))
		return ch_fail(CH_E_RANGE, "a record is longer than any of ours", r->payload.n);
	mem_copy(a->room, r->payload.p, r->payload.n);
	TRY(audit_intent_read((bytes){ a->room, r->payload.n }, &a->intent));
	a->used = true;
	a->seq = r->seq;
	a->time_ms = r->time_ms;
	return CH_DONE;
}

static ch_err take_outcome(struct listing *l, const struct chain_record *r)
{
	struct audit_outcome o;
	bool item = r->type == AUDIT_ITEM;
	TRY(audit_outcome_read(r->payload, &o));
	struct act *a = act_of(l, o.intent);
	const struct told t = { .result = item ? LIT("item") : audit_result_name(o.result),
				.object = o.object,
				.detail = o.detail,
				.end_ms = r->time_ms };
	if (a)
		tell(l, a, &t);
	if (a && !item)
		a->used = false;
	return CH_DONE;
}

static ch_err list_all(struct listing *l, struct chain_cursor *k)
{
	struct chain_record r;
	for (bool got = true; got;) {
		TRY(cursor_next(k, &r, &got));
		if (got && r.type == AUDIT_INTENT)
			TRY(take_intent(l, &r));
		else if (got && (r.type == AUDIT_ITEM || r.type == AUDIT_OUTCOME))
			TRY(take_outcome(l, &r));
	}
	return CH_DONE;
}

/* Those left, oldest first. */
static void tell_left(struct listing *l)
{
	for (;;) {
		struct act *oldest = NULL;
		for (size_t i = 0; i < PENDING; i++)
			if (l->acts[i].used && (!oldest || l->acts[i].seq < oldest->seq))
				oldest = &l->acts[i];
		if (!oldest)
			return;
		tell_unknown(l, oldest);
	}
}

int audit_list(const struct audit_wish *w)
{
	static struct listing l;
	struct chain_cursor k = { .dir_fd = -1 };
	const struct chain_ref ref = ref_of(w);
	l = (struct listing){ .w = w };
	ch_err e = cursor_open(&k, &ref, CHAIN_OLDEST);
	bool none = ch_code_of(e) == CH_E_NOT_FOUND;
	if (w->json)
		(void)putchar('[');
	if (none)
		say("nothing was ever recorded in", str_from_c(w->a->dir.p));
	if (!failed(e)) {
		e = list_all(&l, &k);
		tell_left(&l);
		cursor_close(&k);
	}
	if (w->json)
		(void)puts("]");
	if (!failed(e) || none)
		return EXIT_YES;
	if (ch_code_of(e) != CH_E_MISMATCH)
		return say_trouble("cannot read the audit of", str_from_c(w->a->dir.p), e);
	(void)say_damage("audit", w->a->dir.p, audit_folder, &k.fault, e);
	return EXIT_TROUBLE;
}

static void put_report(const struct audit_wish *w, const struct chain_report *r)
{
	uint8_t text[1024], hex[64];
	struct wr out = wr_of(text, sizeof(text)), h = wr_of(hex, sizeof(hex));
	struct json_out o = json_out_of(&out);
	if (!w->json) {
		(void)printf("%" PRIu64 " records from number %" PRIu64 ", %" PRIu64
			     " files, %" PRIu64 " bytes",
			     r->records, r->first_seq, r->segments, r->bytes);
		if (r->records > 0) {
			(void)printf(", ");
			print_time(r->first_ms);
			(void)printf(" to ");
			print_time(r->last_ms);
		}
		(void)printf("\n--head ");
		print_head(&r->head);
		(void)putchar('\n');
		return;
	}
	wr_hex(&h, BYTES_OF(r->head.hash));
	json_begin(&o, (str){ 0 }, '{');
	json_put_int(&o, LIT("records"), (int64_t)r->records);
	json_put_int(&o, LIT("first"), (int64_t)r->first_seq);
	json_put_int(&o, LIT("next"), (int64_t)r->next_seq);
	json_put_str(&o, LIT("hash"), wr_text(&h));
	json_put_int(&o, LIT("first_ms"), r->first_ms);
	json_put_int(&o, LIT("last_ms"), r->last_ms);
	json_put_int(&o, LIT("files"), (int64_t)r->segments);
	json_put_int(&o, LIT("bytes"), (int64_t)r->bytes);
	json_put_int(&o, LIT("torn_bytes"), (int64_t)r->torn_bytes);
	json_finish(&o, '}');
	(void)printf("%.*s\n", (int)out.n, (const char *)out.p);
}

int audit_verify(const struct audit_wish *w)
{
	struct chain_report r = { 0 };
	const struct chain_ref ref = ref_of(w);
	ch_err e = chain_verify(&ref, w->head, &r);
	if (ch_code_of(e) == CH_E_NOT_FOUND && r.segments == 0) {
		say("there is no audit in", str_from_c(w->a->dir.p));
		return EXIT_NO;
	}
	if (ch_code_of(e) == CH_E_MISMATCH && r.fault.segment == 0 && r.fault.offset == 0) {
		say("this is not the audit that the head was of, or it was cut",
		    str_from_c(w->a->dir.p));
		return EXIT_NO;
	}
	if (ch_code_of(e) == CH_E_MISMATCH)
		return say_damage("audit", w->a->dir.p, audit_folder, &r.fault, e);
	if (failed(e))
		return say_trouble("cannot verify the audit of", str_from_c(w->a->dir.p), e);
	put_report(w, &r);
	if (r.torn_bytes > 0)
		say("the end is half a record: somebody is writing it, or was killed (the next act"
		    " cuts it off)",
		    (str){ 0 });
	return EXIT_YES;
}
