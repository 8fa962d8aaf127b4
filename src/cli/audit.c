/* The record of administrators' acts. The chain is opened for each record and closed again, so
 * that a person at a prompt keeps nobody waiting. Trusts the folder, which is the
 * administrator's; never writes what was read from a file or a terminal. */
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "chain/chain.h"
#include "say.h"
#include "wire/audit.h"

enum { SEGMENT = 1024 * 1024, WAIT_MS = 30000, AGAIN_MS = 20 };

const char audit_folder[] = "audit";

static struct chain chain = { .dir_fd = -1, .lock_fd = -1, .fd = -1 };
static bool is_open;

struct rights {
	uid_t uid;
	gid_t gid;
};

static ch_err be_oneself(struct rights *was)
{
	*was = (struct rights){ geteuid(), getegid() };
	if (was->uid == getuid() && was->gid == getgid())
		return CH_DONE;
	if (seteuid(getuid()) != 0 || setegid(getgid()) != 0)
		return ch_fail(CH_E_IO, "cannot write the audit with one's own rights", errno);
	return CH_DONE;
}

/* What follows must not be done with more rights than it was begun with. */
static ch_err be_again(const struct rights *was)
{
	if (getegid() != was->gid && setegid(was->gid) != 0)
		return ch_fail(CH_E_IO, "cannot take back the rights of a store's owner", errno);
	if (geteuid() != was->uid && seteuid(was->uid) != 0)
		return ch_fail(CH_E_IO, "cannot take back the rights of a store's owner", errno);
	return CH_DONE;
}

static ch_err open_once(const struct authority *a)
{
	static uint8_t room[AUDIT_ROOM];
	struct chain_opened o;
	const struct chain_config config = {
		.ref = { a->fd, audit_folder, AUDIT_PURPOSE, room, sizeof(room) },
		.limits = { .segment_bytes = SEGMENT, .segment_ms = INT64_MAX },
	};
	ch_err e = chain_open(&chain, &config, clock_unix_ms(), &o);
	is_open = !failed(e);
	if (is_open && o.cut_bytes > 0)
		say("the audit ended in a half-written record, of an act that was not begun or"
		    " whose outcome is not known; it was cut off",
		    (str){ 0 });
	return e;
}

static ch_err open_it(const struct authority *a)
{
	uint64_t until = clock_mono_ns() + (uint64_t)WAIT_MS * 1000000;
	if (is_open)
		return CH_DONE;
	ch_err e = open_once(a);
	while (ch_code_of(e) == CH_E_BUSY && clock_mono_ns() < until) {
		(void)poll(NULL, 0, AGAIN_MS);
		e = open_once(a);
	}
	return e;
}

static void close_it(void)
{
	if (is_open)
		chain_close(&chain);
	is_open = false;
}

static ch_err add(uint16_t type, bytes record)
{
	ch_err e = chain_add(&chain, type, clock_unix_ms(), record);
	if (ch_code_of(e) != CH_E_FULL)
		return e;
	TRY(chain_write(&chain, clock_unix_ms(), CHAIN_LATER));
	return chain_add(&chain, type, clock_unix_ms(), record);
}

static ch_err write_record(const struct authority *a, enum audit_type type, bytes record,
			   uint64_t *ret_seq)
{
	TRY(open_it(a));
	TRY(add((uint16_t)type, record));
	*ret_seq = chain.next_seq + chain_waiting(&chain) - 1;
	return type == AUDIT_ITEM ? CH_DONE : chain_write(&chain, clock_unix_ms(), CHAIN_NOW);
}

static ch_err record(const struct authority *a, enum audit_type type, const struct wr *w,
		     uint64_t *ret_seq)
{
	struct rights was;
	ch_err e = wr_done(w);
	TRY(e);
	e = be_oneself(&was);
	if (!failed(e))
		e = write_record(a, type, wr_bytes(w), ret_seq);
	if (failed(e) || type != AUDIT_ITEM)
		close_it();
	ch_err back = be_again(&was);
	return failed(e) ? e : back;
}

static uint32_t number_of(str text)
{
	uint64_t v = 0;
	return str_to_u64(str_trim(text, LIT("\n")), AUDIT_NOBODY, &v) ? (uint32_t)v : AUDIT_NOBODY;
}

static uint32_t login_uid(void)
{
	char text[16];
	size_t n = 0;
	ch_err e = file_read(AT_FDCWD, "/proc/self/loginuid", text, sizeof(text), &n);
	return failed(e) ? AUDIT_NOBODY : number_of((str){ text, n });
}

static str name_of(const struct audit_intent *i)
{
	const uint32_t uids[] = { i->login_uid, i->sudo_uid, i->uid };
	for (size_t k = 0; k < COUNT_OF(uids); k++) {
		const struct passwd *p = uids[k] == AUDIT_NOBODY ? NULL : getpwuid(uids[k]);
		if (p)
			return str_from_c(p->pw_name);
	}
	return (str){ 0 };
}

int audit_begin(const struct authority *a, const char *command, str object, struct audit *ret_t)
{
	uint8_t room[AUDIT_RECORD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct audit t = { .a = a };
	struct audit_intent i = { .uid = getuid(),
				  .login_uid = login_uid(),
				  .sudo_uid = number_of(str_from_c(secure_getenv("SUDO_UID"))),
				  .pid = (uint32_t)getpid(),
				  .command = str_from_c(command),
				  .object = object };
	i.who = name_of(&i);
	audit_intent_write(&w, &i);
	ch_err e = record(a, AUDIT_INTENT, &w, &t.intent);
	if (ch_code_of(e) == CH_E_MISMATCH)
		say("the audit is damaged (`chancery audit verify` says where): move its folder"
		    " away and keep it for whoever looks into it; a new one is begun then",
		    str_from_c(audit_folder));
	if (failed(e))
		return say_trouble("nothing was done, since it could not be recorded in the audit:",
				   object, e);
	*ret_t = t;
	return EXIT_YES;
}

static ch_err outcome(struct audit *t, enum audit_type type, const struct audit_outcome *o)
{
	uint8_t room[AUDIT_RECORD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	uint64_t seq = 0;
	audit_outcome_write(&w, o);
	return record(t->a, type, &w, &seq);
}

int audit_item(struct audit *t, str object, str detail)
{
	const struct audit_outcome o = { .intent = t->intent, .object = object, .detail = detail };
	ch_err e = outcome(t, AUDIT_ITEM, &o);
	return failed(e) ? say_trouble("cannot record in the audit:", object, e) : EXIT_YES;
}

int audit_keep_items(struct audit *t)
{
	struct rights was;
	if (!is_open || !t->a)
		return EXIT_YES;
	ch_err e = be_oneself(&was);
	if (!failed(e))
		e = chain_write(&chain, clock_unix_ms(), CHAIN_NOW);
	ch_err back = be_again(&was);
	e = failed(e) ? e : back;
	return failed(e) ? say_trouble("cannot record in the audit", (str){ 0 }, e) : EXIT_YES;
}

int audit_end(struct audit *t, int status, str detail)
{
	static const uint8_t results[] = { [EXIT_YES] = AUDIT_DONE,
					   [EXIT_NO] = AUDIT_REFUSED,
					   [EXIT_USAGE] = AUDIT_REFUSED,
					   [EXIT_TROUBLE] = AUDIT_FAILED };
	const struct audit_outcome o = { .result = results[status & 3],
					 .intent = t->intent,
					 .detail = detail };
	if (!t->a)
		return status;
	ch_err e = outcome(t, AUDIT_OUTCOME, &o);
	t->a = NULL;
	if (!failed(e))
		return status;
	return say_trouble(status == EXIT_YES ? "it was done, but the audit could not take that"
					      : "the audit could not take what came of it",
			   (str){ 0 }, e);
}

str audit_object(struct wr *room, str realm, str id)
{
	wr_str(room, realm);
	if (id.n > 0)
		wr_char(room, '/');
	wr_str(room, id);
	return wr_text(room);
}
