/* `chancery coredump list` and `prune`: what is in the store. Listing opens no dump and needs
 * no key; pruning is for who may write into the folder. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "commands.h"
#include "coredump.h"
#include "coredump_row.h"
#include "options.h"
#include "say.h"
#include "when.h"

static const char list_usage[] =
	"usage: chancery coredump list [--exe PATH|NAME] [--build-id HEX] [--signal S]\n"
	"                              [--uid UID] [--since T] [--json] [--store DIR]\n"
	"\n"
	"Lists the crashes in the store, oldest first. A dump is named by ID, or by the\n"
	"beginning of it.\n"
	"\n"
	"  --exe PATH|NAME  only of this executable: its path, or the last part of it\n"
	"  --build-id HEX   only of the build whose id begins so\n"
	"  --signal S       only of this signal: SIGSEGV, SEGV or 11\n"
	"  --uid UID        only of this user\n"
	"  --since T        only from this time on: " WHEN_FORMS "\n"
	"  --json           an array of objects\n"
	"  --store DIR      the folder of dumps (" DUMPS_DEFAULT ")\n";

static const char prune_usage[] =
	"usage: chancery coredump prune [--keep-days N] [--total SIZE] [--store DIR]\n"
	"\n"
	"Removes what is older than N days, and then the oldest until all together are at most\n"
	"SIZE (digits, then K, M, G or T); also what an interrupted command left behind.\n";

struct filter {
	const char *exe, *build_id, *signal, *uid, *since;
	int64_t since_ms;
	uint64_t uid_number;
};

struct listing {
	struct entry_taker t;
	struct filter f;
	bool json;
	size_t n;
};

static bool is_exe(str path, str wanted)
{
	if (str_has(wanted, '/'))
		return str_eq(path, wanted);
	return str_eq(path, wanted) || (path.n > wanted.n && path.p[path.n - wanted.n - 1] == '/' &&
					str_ends(path, wanted));
}

static bool is_signal(int64_t number, str wanted)
{
	char room[32];
	uint64_t n = 0;
	str name = signal_text(number, room, sizeof(room));
	if (str_to_u64(wanted, INT32_MAX, &n))
		return (int64_t)n == number;
	return str_eq_nocase(name, wanted) ||
	       (name.n > 3 && str_eq_nocase(str_sub(name, 3, name.n), wanted));
}

static bool is_wanted(const struct filter *f, const struct row *r)
{
	return (!f->exe || is_exe(r->executable, str_from_c(f->exe))) &&
	       (!f->build_id || str_starts(r->build_id, str_from_c(f->build_id))) &&
	       (!f->signal || is_signal(r->signal, str_from_c(f->signal))) &&
	       (!f->uid || r->uid == (int64_t)f->uid_number) &&
	       (!f->since || r->time_s >= f->since_ms / 1000);
}

/* The random part of an id is enough to name it. */
static str short_id(const struct dump_entry *e)
{
	return str_sub(str_from_c(e->id.p), sizeof("20261122T183440Z-") - 1, 8);
}

static void print_row(const struct row *r)
{
	char when[32], sig[16], size[16];
	str id = short_id(r->entry), t = time_text(r->time_s, when, sizeof(when));
	str s = signal_text(r->signal, sig, sizeof(sig));
	str n = r->entry->has_dump ? size_text(r->entry->stored_bytes, size, sizeof(size))
				   : LIT("-");
	(void)printf("%.*s  %-19.*s %8" PRId64 " %6" PRId64 " %-8.*s ", (int)id.n, id.p, (int)t.n,
		     t.p, r->pid, r->uid, (int)s.n, s.p);
	print_shown(r->level);
	(void)printf("%*s %7.*s ", r->level.n < 6 ? (int)(6 - r->level.n) : 0, "", (int)n.n, n.p);
	print_shown(r->executable);
	if (!r->entry->has_dump) {
		(void)fputs("  (not kept", stdout);
		(void)fputs(r->why.n > 0 ? ": " : "", stdout);
		print_shown(r->why);
		(void)putchar(')');
	}
	(void)putchar('\n');
}

static void print_head(void)
{
	(void)printf("%-8s  %-19s %8s %6s %-8s %-6s %7s %s\n", "ID", "TIME", "PID", "UID", "SIG",
		     "LEVEL", "SIZE", "EXE");
}

static ch_err print_json(const struct row *r, bool first)
{
	static uint8_t room[DUMP_SIDECAR_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("id"), str_from_c(r->entry->id.p));
	json_put_int(&o, LIT("time"), r->time_s);
	json_put_int(&o, LIT("pid"), r->pid);
	json_put_int(&o, LIT("uid"), r->uid);
	json_put_int(&o, LIT("signal"), r->signal);
	json_put_str(&o, LIT("executable"), r->executable);
	json_put_str(&o, LIT("build_id"), r->build_id);
	json_put_str(&o, LIT("level"), r->level);
	json_put_str(&o, LIT("cgroup"), r->cgroup);
	json_put_bool(&o, LIT("dump"), r->entry->has_dump);
	json_put_int(&o, LIT("stored_bytes"), (int64_t)r->entry->stored_bytes);
	json_put_int(&o, LIT("secrets"), r->secrets);
	if (r->why.n > 0)
		json_put_str(&o, LIT("why"), r->why);
	json_finish(&o, '}');
	TRY(wr_done(&w));
	(void)printf("%s\n  %.*s", first ? "" : ",", (int)w.n, (const char *)w.p);
	return CH_DONE;
}

static ch_err take(struct entry_taker *t, const struct dump_entry *e)
{
	struct listing *l = (struct listing *)t;
	struct row r;
	ch_err bad = row_read(e, &r);
	if (failed(bad)) {
		(void)say_trouble("coredump list: cannot read the sidecar of", str_from_c(e->id.p),
				  bad);
		return CH_DONE;
	}
	if (!is_wanted(&l->f, &r))
		return CH_DONE;
	if (l->json)
		TRY(print_json(&r, l->n == 0));
	else
		print_row(&r);
	l->n++;
	return CH_DONE;
}

static int list_all(struct listing *l, const char *store)
{
	AUTO(fd_close) int dir = -1;
	if (!dumps_open(store, false, &dir))
		return EXIT_TROUBLE;
	if (l->json)
		(void)putchar('[');
	else
		print_head();
	ch_err e = dumpstore_list(dir, &l->t);
	if (l->json)
		(void)fputs(l->n > 0 ? "\n]\n" : "]\n", stdout);
	return failed(e) ? say_trouble("coredump list: cannot list", (str){ 0 }, e) : EXIT_YES;
}

int coredump_list(int argc, char **argv)
{
	struct listing l = { .t = { take } };
	struct filter *f = &l.f;
	const char *store = NULL;
	const struct option_spec options[] = {
		{ .name = "--exe", .value = &f->exe },
		{ .name = "--build-id", .value = &f->build_id },
		{ .name = "--signal", .value = &f->signal },
		{ .name = "--uid", .value = &f->uid },
		{ .name = "--since", .value = &f->since },
		{ .name = "--store", .value = &store },
		{ .name = "--json", .flag = &l.json },
	};
	if (options_help(argc, argv))
		return command_usage(list_usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(list_usage, false);
	if (f->since && !when_read(str_from_c(f->since), &f->since_ms))
		return command_wrong(list_usage, "coredump list: --since takes " WHEN_FORMS);
	if (f->uid && !str_to_u64(str_from_c(f->uid), UINT32_MAX, &f->uid_number))
		return command_wrong(list_usage, "coredump list: --uid takes a number");
	return list_all(&l, store);
}

int coredump_prune(int argc, char **argv)
{
	const char *days = NULL, *total = NULL, *store = NULL;
	struct dumpstore_limits limits = { 0 };
	uint64_t n = 0;
	size_t removed = 0;
	AUTO(fd_close) int dir = -1;
	const struct option_spec options[] = {
		{ .name = "--keep-days", .value = &days },
		{ .name = "--total", .value = &total },
		{ .name = "--store", .value = &store },
	};
	if (options_help(argc, argv))
		return command_usage(prune_usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(prune_usage, false);
	/* 0 stands for no bound: whoever types it means something else */
	if (days && (!str_to_u64(str_from_c(days), 36500, &n) || n == 0))
		return command_wrong(prune_usage, "coredump prune: --keep-days takes 1 to 36500");
	limits.keep_days = (uint32_t)n;
	if (total &&
	    (!size_read(str_from_c(total), &limits.total_bytes) || limits.total_bytes == 0))
		return command_wrong(prune_usage, "coredump prune: --total takes a size: 10G");
	if (!dumps_open(store, true, &dir))
		return EXIT_TROUBLE;
	ch_err e = dumpstore_prune(dir, &limits, clock_unix_s(), &removed);
	(void)printf("removed %zu\n", removed);
	return failed(e) ? say_trouble("coredump prune: cannot remove all", (str){ 0 }, e)
			 : EXIT_YES;
}
