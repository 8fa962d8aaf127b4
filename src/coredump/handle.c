/* One crash from its first to its last. Order matters: who it is before what is wanted,
 * what is wanted before anything is opened, all opened before anybody is started, and
 * the process let go as soon as its redactor has what it needs. Whatever fails leaves a
 * note in the store and no byte of the core. */
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "coredump_internal.h"
#include "former.h"
#include "report_facts.h"
#include "stones.h"

enum { REPORT_MAX = 1024 * 1024 + 64 * 1024, UIDS = 3 };

struct dump {
	struct state *state;
	struct crash *crash;
	struct dump_self_test test; /* store.n > 0: this crash is the self-test's */
	enum verdict verdict;
	enum dump_wish wish;
	bool by_build_id, registry_silent, handed_over;
	bool again; /* it is kept out by its rate, as one before it was, which was said */
	struct path store;
	int dir; /* the store */
	uint64_t room;
	int64_t time_s;
	struct dump_id id;
};

static const str wish_names[WISH_COUNT] = {
	{ "triage", 6 }, { "strict", 6 }, { "full", 4 }, { "never", 5 }, { "former", 6 }
};

static struct dump_facts facts_of(const struct dump *d)
{
	const struct crash *c = d->crash;
	return (struct dump_facts){ .time_s = d->time_s,
				    .pid = (uint32_t)c->pid,
				    .uid = c->uid,
				    .signal = c->signal,
				    .executable = { c->executable, c->executable_n },
				    .device = c->device,
				    .inode = c->inode,
				    .level = d->by_build_id ? (str){ "", 0 } : wish_names[d->wish],
				    .cgroup = { c->cgroup, c->cgroup_n } };
}

/* Kept out of the store, but not out of sight. */
static ch_err leave_note(struct dump *d, str why)
{
	struct dump_facts f = facts_of(d);
	if (d->dir < 0)
		return CH_DONE;
	return dumpstore_note(d->dir, &f, why, &d->id);
}

/* Is it the crash that the command line makes to test us? */
static void look_for_self_test(struct dump *d)
{
	static uint8_t room[1024];
	bytes b = { 0 };
	struct dump_self_test t = { 0 };
	if (d->crash->uid != geteuid() ||
	    failed(state_read(d->state->dir, DUMP_FILE_SELF_TEST, room, sizeof(room), &b)) ||
	    failed(dump_self_test_read(b, &t)) || t.pid != (uint32_t)d->crash->pid)
		return;
	d->test = t;
}

static bool is_our_own(const struct dump *d)
{
	uint32_t base = d->state->settings.uid_base;
	return d->crash->uid >= base && d->crash->uid - base < UIDS;
}

/* E_DENIED: it is not wanted, and nothing is to be kept of it. */
static ch_err judge(struct dump *d)
{
	const struct culprit who = { d->crash->uid, d->crash->device, d->crash->inode };
	if (is_our_own(d))
		return ch_fail(CH_E_DENIED, "a part of the handler itself crashed", who.uid);
	d->verdict = policy_judge(&d->state->settings, &who, &d->wish);
	if (d->test.store.n > 0) {
		d->verdict = VERDICT_DUMP;
		d->wish = WISH_TRIAGE;
	}
	d->by_build_id = d->verdict == VERDICT_ASK;
	if (d->verdict == VERDICT_NEVER || d->verdict == VERDICT_FORMER)
		return ch_fail(CH_E_DENIED, "the policy wants no dump", 0);
	return CH_DONE;
}

static ch_err open_store(struct dump *d)
{
	str store = d->test.store.n > 0 ? d->test.store : d->state->settings.store;
	TRY(path_of(&d->store, store));
	return dumpstore_open(d->store.p, &d->dir);
}

/* E_LIMIT and E_FULL leave a note, the first only once in a row. */
static ch_err is_there_room(struct dump *d)
{
	const struct dump_limits *l = &d->state->settings.limits;
	const struct culprit who = { d->crash->uid, d->crash->device, d->crash->inode };
	const struct dumpstore_limits of_store = { l->keep_days, l->total_bytes, l->file_bytes,
						   l->free_bytes };
	enum rate_answer rate = RATE_GO;
	size_t removed = 0;
	d->room = l->file_bytes;
	if (d->test.store.n > 0)
		return CH_DONE;
	TRY(rate_ask(d->state->dir, &who, l, &rate));
	d->again = rate == RATE_TOO_MANY;
	if (rate == RATE_FIRST_TOO_MANY)
		(void)leave_note(d, LIT("rate"));
	if (rate != RATE_GO)
		return ch_fail(CH_E_LIMIT, "it crashes too often", l->crashes);
	TRY(dumpstore_prune(d->dir, &of_store, d->time_s, &removed));
	ch_err e = dumpstore_space(d->dir, &of_store, &d->room);
	if (failed(e))
		(void)leave_note(d, LIT("room"));
	return e;
}

static void fill_config(struct dump *d, bool has_registered, struct redactor_config *c)
{
	const struct dump_settings *s = &d->state->settings;
	*c = (struct redactor_config){ .duty = REDACT_CRASH,
				       .wish = d->wish,
				       .has_registered = has_registered,
				       .registry_silent = d->registry_silent,
				       .size_max = s->limits.core_bytes,
				       .uid = d->crash->uid,
				       .device = d->crash->device,
				       .inode = d->crash->inode,
				       .signal = d->crash->signal };
	if (d->by_build_id) {
		c->wish = s->wish;
		c->n_rules = s->n_rules;
		for (size_t i = 0; i < s->n_rules; i++)
			c->rules[i] = s->rules[i];
	}
	if (!d->registry_silent)
		return;
	/* in a dump of the allow-list no registered secret can be but as an address or a name:
	 * so much may be kept without knowing what is registered */
	policy_only_triage(c);
}

static ch_err start_workers(struct dump *d, struct workers *w)
{
	static struct redactor_config config;
	struct crash *c = d->crash;
	AUTO(fd_close) int registered = -1;
	ch_err e = registered_snapshot(d->state->dir, &registered);
	d->registry_silent = failed(e);
	if (d->registry_silent)
		LOG(LOG_ERROR, "the registry of secrets is silent: kept at triage", log_err(e));
	if (d->registry_silent && !d->by_build_id)
		d->wish = WISH_TRIAGE;
	fill_config(d, registered >= 0, &config);
	TRY(dumpstore_begin(d->dir, &w->file));
	w->room = d->room;
	const struct work work = {
		.settings = &d->state->settings,
		.public_key = d->test.store.n > 0 ? d->test.public_key
						  : d->state->settings.public_key,
		.config = &config,
		.core = c->core,
		.mem = c->mem,
		.pagemap = c->pagemap,
		.exe = c->exe,
		.registered = registered,
	};
	e = workers_start(&work, w);
	/* only the redactor holds the process now: when it closes, the process is let go */
	int *const handed_on[] = { &c->core, &c->mem, &c->pagemap, &c->exe, &c->proc, &c->pidfd };
	for (size_t i = 0; i < COUNT_OF(handed_on); i++)
		fd_close(handed_on[i]);
	return e;
}

static ch_err confine(const struct dump *d, const struct workers *w)
{
	const int keep[] = { d->dir, w->file, w->report, w->redactor_fd, w->packer_fd };
	int kept[COUNT_OF(keep)];
	size_t n = 0;
	for (size_t i = 0; i < COUNT_OF(keep); i++)
		if (keep[i] >= 0)
			kept[n++] = keep[i];
	return confine_opener(d->store.p, kept, n);
}

static ch_err finish(struct dump *d, struct workers *w)
{
	static uint8_t room[REPORT_MAX];
	static struct report_facts_said said;
	struct wr report = wr_of(room, sizeof(room));
	bool whole = false;
	TRY(confine(d, w));
	TRY(workers_wait(w, d->state->settings.limits.seconds, &report, &whole));
	TRY(report_facts_read(wr_bytes(&report), &said));
	str flaws = { said.flaws, said.flaws_n };
	if (!whole)
		LOG(LOG_WARN, "a redactor names flaws of a dump", log_str("flaws", flaws));
	/* what is not whole must say why */
	if (said.unusable || (!whole && flaws.n == 0))
		return ch_fail(CH_E_TRUNCATED, "the core was cut off or is none", 0);
	struct dump_facts f = facts_of(d);
	f.level = said.level;
	f.build_id = said.build_id;
	if (f.signal == SIGNAL_UNKNOWN)
		f.signal = said.signal;
	return dumpstore_commit(d->dir, w->file, &f, wr_bytes(&report), &d->id);
}

static str why_of(ch_err e)
{
	static const struct {
		enum ch_code code;
		str why;
	} words[] = {
		{ CH_E_BUSY, { "time", 4 } },       { CH_E_TRUNCATED, { "incomplete", 10 } },
		{ CH_E_GONE, { "failed", 6 } },     { CH_E_FULL, { "room", 4 } },
		{ CH_E_PROTOCOL, { "report", 6 } }, { CH_E_SYNTAX, { "report", 6 } },
	};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (ch_code_of(e) == words[i].code)
			return words[i].why;
	return LIT("error");
}

static ch_err work(struct dump *d)
{
	AUTO(workers_done) struct workers w;
	workers_init(&w);
	(void)stones_lay(d->crash);
	TRY(crash_open(d->crash));
	TRY(start_workers(d, &w));
	return finish(d, &w);
}

/* The note comes when the workers are gone, and with them what they had written. */
static ch_err make_dump(struct dump *d)
{
	ch_err e = work(d);
	if (ch_code_of(e) == CH_E_DENIED)
		return e;
	if (failed(e) && failed(leave_note(d, why_of(e))))
		LOG(LOG_ERROR, "not even a note can be written");
	return e;
}

/* Everything that decides whether the core is wanted at all. */
static ch_err admit(struct dump *d)
{
	TRY(crash_identify(d->crash));
	look_for_self_test(d);
	TRY(judge(d));
	TRY(open_store(d));
	return is_there_room(d);
}

/* Is what is not kept the former handler's? One whose level may still turn out to be never
 * is nobody's. */
static bool is_formers(const struct dump *d, ch_err why)
{
	bool beyond = ch_code_of(why) == CH_E_LIMIT || ch_code_of(why) == CH_E_FULL;
	return d->verdict == VERDICT_FORMER ||
	       (d->verdict == VERDICT_DUMP && beyond && d->state->settings.beyond_to_former);
}

/* As it is, to whoever handled crashes before. */
static ch_err hand_over(struct dump *d, bool by_request)
{
	static struct former_command command;
	ch_err e = former_prepare(d->state, d->crash, &command);
	if (failed(e) && by_request)
		(void)request_reject(d->crash->core);
	TRY(e);
	if (by_request)
		TRY(request_accept(d->crash->core));
	d->handed_over = true;
	return former_run(&command, d->crash, d->state->settings.limits.seconds);
}

static ch_err run(struct dump *d, bool by_request)
{
	if (by_request)
		TRY(request_read(d->crash->core));
	ch_err e = admit(d);
	if (failed(e) && is_formers(d, e))
		return hand_over(d, by_request);
	if (failed(e)) {
		/* in a mode without questions the kernel is on its way already */
		(void)(by_request ? request_reject(d->crash->core) : stones_lay(d->crash));
		return e;
	}
	if (by_request)
		TRY(request_accept(d->crash->core));
	return make_dump(d);
}

static void dump_done(struct dump *d)
{
	fd_close(&d->dir);
}

/* What became of it, once. */
static void say(const struct dump *d, ch_err e)
{
	const struct crash *c = d->crash;
	str program = { c->executable, c->executable_n };
	if (d->handed_over && !failed(e))
		LOG(LOG_INFO, "a crash was handed to the former handler",
		    log_str("program", program), log_u64("pid", (uint64_t)c->pid),
		    log_u64("uid", c->uid));
	else if (d->handed_over)
		LOG(LOG_WARN, "a crash was handed to the former handler, which failed",
		    log_str("program", program), log_u64("pid", (uint64_t)c->pid),
		    log_u64("uid", c->uid), log_err(e));
	else if (!failed(e))
		LOG(LOG_INFO, "a crash was stored", log_str("program", program),
		    log_u64("pid", (uint64_t)c->pid), log_u64("uid", c->uid),
		    log_str("id", str_from_c(d->id.p)));
	else if (ch_code_of(e) == CH_E_UNSUPPORTED && d->verdict == VERDICT_FORMER)
		LOG(LOG_INFO, "a crash was left to the former core_pattern, which is no program",
		    log_str("program", program), log_u64("pid", (uint64_t)c->pid),
		    log_u64("uid", c->uid));
	else if (ch_code_of(e) == CH_E_DENIED || d->again)
		/* who crashes a thousand times a second must not fill the log either */
		LOG(LOG_DEBUG, "a crash was not wanted", log_u64("uid", c->uid), log_err(e));
	else
		LOG(LOG_WARN, "a crash was not kept", log_str("program", program),
		    log_u64("pid", (uint64_t)c->pid), log_u64("uid", c->uid), log_err(e));
}

ch_err handle_crash(struct state *s, struct crash *c, bool by_request)
{
	AUTO(dump_done) struct dump d = {
		.state = s, .crash = c, .dir = -1, .time_s = clock_unix_s()
	};
	ch_err e = run(&d, by_request);
	say(&d, e);
	return e;
}
