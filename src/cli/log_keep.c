/* `chancery log stat | check | repair | prune`: an authority's log on its own disk. They read and
 * write the folder as its owner, never as root, and believe no file in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "base/clock.h"
#include "base/file.h"
#include "chain/cursor.h"
#include "codec/json.h"
#include "commands.h"
#include "crypto/key.h"
#include "log.h"
#include "logstore/check.h"
#include "logstore/journal.h"
#include "logstore/state.h"
#include "merkle/checkpoint.h"
#include "options.h"
#include "owner.h"
#include "say.h"
#include "utc.h"

static const char usage[] =
	"usage: chancery log stat   [--json] [-C DIR | --folder F]\n"
	"       chancery log check  [--json] [-C DIR | --folder F]\n"
	"       chancery log repair [--json] [-C DIR | --folder F]\n"
	"       chancery log prune  [--days N | --minimum INDEX] [-C DIR | --folder F]\n"
	"\n"
	"stat says how large the log is, how old its head, from when on its journal goes.\n"
	"check reads all of it: entries make the tiles, tiles make the published head, the "
	"journal\n"
	"and the index files have the same entries. A line for each thing that is damaged; exit\n"
	"status 1 if there is one. It may run while the authority does.\n"
	"repair makes tiles, index files and the state again, from the journal, and from entry\n"
	"bundles where the journal has been erased; only if the published head comes out of them.\n"
	"Stop the authority first. What cannot be made again is named, exit status 1.\n"
	"prune erases tiles and entries at the start of the log that expired N days ago or\n"
	"earlier (400), or those below INDEX. The tree stays valid; who has not read them cannot\n"
	"any more. The journal, of who got what, needs no pruning: the ledger erases it by itself\n"
	"(log.journal_days of chancery.yaml, 400).\n"
	"\n"
	"  --days N         at least 1\n"
	"  --minimum INDEX  the first entry that stays; all below must have expired\n"
	"  --json           one object\n"
	"  --folder F       the log's folder itself\n"
	"  -C DIR           the authority; without it $CHANCERY_DIR\n"
	"\n"
	"Started by root, they become the owner of the log's folder.\n";

enum { PRUNE_DAYS = 400, PRUNE_DAYS_MAX = 36500, DAY_S = 24 * 3600, TEXT = 8192 };

struct keeping {
	const char *dir, *folder, *days, *minimum;
	bool json;
	int fd; /* of the log */
	char vkey_text[NOTE_VKEY_MAX + 2];
	struct note_key key;
	bool has_key;
	struct json_out out;
	struct wr text;
	char text_room[512 * 1024];
};

static struct keeping keeping;

/* --- the folder, and the key beside it --- */

static ch_err read_key(struct keeping *k, int authority)
{
	size_t n = 0;
	ch_err e = file_read(authority, "log.vkey", k->vkey_text, sizeof(k->vkey_text), &n);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	TRY(e);
	TRY(vkey_read(str_trim((str){ k->vkey_text, n }, LIT("\n")), &k->key));
	k->has_key = true;
	return CH_DONE;
}

/* A copy that is root's own was made by root. */
static ch_err become_owner(int folder)
{
	struct stat st = { 0 };
	if (fstat(folder, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the log's folder", errno);
	return geteuid() == 0 && st.st_uid != 0 ? owner_become(folder) : CH_DONE;
}

static ch_err open_log(struct keeping *k)
{
	AUTO(fd_close) int authority = -1;
	if (k->folder) {
		k->fd = open(k->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		TRY(authority_folder(k->dir, &authority));
		TRY(read_key(k, authority));
		k->fd = openat(authority, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (k->fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no log", ENOENT);
	if (k->fd < 0)
		return ch_fail(CH_E_IO, "cannot open the log's folder", errno);
	return become_owner(k->fd);
}

static int begin(struct keeping *k)
{
	if (!k->folder && !k->dir)
		k->dir = getenv("CHANCERY_DIR");
	if (!k->folder && !k->dir) {
		say("which authority? give -C DIR, or set CHANCERY_DIR", (str){ 0 });
		return EXIT_USAGE;
	}
	str of = str_from_c(k->folder ? k->folder : k->dir);
	ch_err e = crypto_init(NULL);
	if (!failed(e))
		e = open_log(k);
	if (failed(e))
		return say_trouble("cannot open the log", of, e);
	k->text = wr_of(k->text_room, sizeof(k->text_room));
	k->out = json_out_of(&k->text);
	return EXIT_YES;
}

static int finish_json(struct keeping *k, int status)
{
	json_finish(&k->out, '}');
	wr_char(&k->text, '\n');
	if (k->text.full)
		return say_trouble("too much to say", (str){ 0 },
				   ch_fail(CH_E_FULL, "output", k->text.cap));
	(void)fwrite(k->text_room, 1, k->text.n, stdout);
	return status;
}

/* --- stat --- */

struct numbers {
	struct checkpoint head;
	int64_t head_s; /* 0: not known */
	struct logstate state;
	uint64_t minimum, journal_first, journal_bytes;
	int64_t journal_ms; /* of its oldest record; 0: none */
	bool has_head, has_journal;
};

static ch_err read_head(const struct keeping *k, const struct logstore *s, struct numbers *n)
{
	static char room[LOGSTORE_NOTE_MAX];
	static struct note note;
	static struct log_head head;
	struct wr w = wr_of(room, sizeof(room));
	ch_err e = logstore_checkpoint(s, &w);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	TRY(e);
	TRY(note_open(wr_text(&w), &note));
	TRY(checkpoint_read(note.body, &n->head));
	n->has_head = true;
	if (!k->has_key)
		return CH_DONE;
	TRY(log_head_open(wr_text(&w), &k->key, &head));
	n->head_s = head.time_s;
	return CH_DONE;
}

/* Its owner alone may look; others get the rest. */
static ch_err read_journal(const struct keeping *k, struct numbers *n)
{
	static uint8_t room[CHAIN_ROOM_MAX];
	AUTO(cursor_close) struct chain_cursor c = { .dir_fd = -1 };
	AUTO(dir_done) DIR *d = NULL;
	const struct chain_ref ref = { k->fd, LOGSTORE_JOURNAL, JOURNAL_PURPOSE, room,
				       sizeof(room) };
	struct chain_record r;
	bool got = false;
	ch_err e = dir_open(k->fd, LOGSTORE_JOURNAL, &d);
	if (failed(e))
		return e.detail == EACCES || e.detail == ENOENT ? CH_DONE : e;
	for (struct dirent *f = readdir(d); f; f = readdir(d)) {
		struct stat st = { 0 };
		if (fstatat(dirfd(d), f->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			n->journal_bytes += (uint64_t)st.st_size;
	}
	TRY(cursor_open(&c, &ref, CHAIN_OLDEST));
	n->has_journal = true;
	n->journal_first = cursor_head(&c).seq;
	TRY(cursor_next(&c, &r, &got));
	n->journal_ms = got ? r.time_ms : 0;
	return CH_DONE;
}

static ch_err read_numbers(const struct keeping *k, struct numbers *n)
{
	struct logstore s;
	logstore_of(k->fd, &s);
	TRY(read_head(k, &s, n));
	TRY(logstore_minimum(&s, &n->minimum));
	ch_err e = logstate_read(k->fd, &n->state);
	if (ch_code_of(e) != CH_E_NOT_FOUND)
		TRY(e);
	return read_journal(k, n);
}

static void hex_of(const struct merkle_hash *h, char room[static 65])
{
	struct wr w = wr_of(room, 64);
	wr_hex(&w, BYTES_OF(h->b));
	room[64] = 0;
}

static void put_stat_json(struct keeping *k, const struct numbers *n)
{
	char root[65];
	hex_of(&n->head.root, root);
	json_begin(&k->out, (str){ 0 }, '{');
	if (n->has_head) {
		json_put_str(&k->out, LIT("origin"), n->head.origin);
		json_put_u64(&k->out, LIT("size"), n->head.size);
		json_put_str(&k->out, LIT("root"), (str){ root, 64 });
	}
	if (n->head_s)
		json_put_int(&k->out, LIT("time"), n->head_s);
	json_put_u64(&k->out, LIT("minimum"), n->minimum);
	json_put_u64(&k->out, LIT("durable"), n->state.durable);
	json_put_u64(&k->out, LIT("indexed"), n->state.indexed);
	if (n->has_journal) {
		json_put_u64(&k->out, LIT("journal_first"), n->journal_first);
		json_put_int(&k->out, LIT("journal_since"), n->journal_ms / 1000);
		json_put_u64(&k->out, LIT("journal_bytes"), n->journal_bytes);
	}
}

static void put_stat(const struct numbers *n)
{
	char root[65], at[UTC_MAX], since[UTC_MAX];
	str when = utc_text(n->head_s, at), oldest = utc_text(n->journal_ms / 1000, since);
	hex_of(&n->head.root, root);
	if (n->has_head)
		(void)printf("origin\t%.*s\nentries\t%llu\nroot\t%s\n", (int)n->head.origin.n,
			     n->head.origin.p, (unsigned long long)n->head.size, root);
	else
		(void)printf("entries\tno head has been published\n");
	if (n->head_s)
		(void)printf("head of\t%.*s, %lld s ago\n", (int)when.n, when.p,
			     (long long)(clock_unix_s() - n->head_s));
	(void)printf("pruned below\t%llu\ntiles on disk for good below\t%llu\nindex files "
		     "below\t%llu\n",
		     (unsigned long long)n->minimum, (unsigned long long)n->state.durable,
		     (unsigned long long)n->state.indexed);
	if (n->has_journal)
		(void)printf("journal from\t%llu, %.*s\njournal bytes\t%llu\n",
			     (unsigned long long)n->journal_first, (int)oldest.n, oldest.p,
			     (unsigned long long)n->journal_bytes);
}

static int run_stat(struct keeping *k)
{
	struct numbers n = { 0 };
	ch_err e = read_numbers(k, &n);
	if (failed(e))
		return say_trouble("cannot read the log", (str){ 0 }, e);
	if (!k->json) {
		put_stat(&n);
		return EXIT_YES;
	}
	put_stat_json(k, &n);
	return finish_json(k, EXIT_YES);
}

/* --- check and repair --- */

static void on_found(void *ctx, const struct logfound *f)
{
	struct keeping *k = ctx;
	str what = str_from_c(f->what), why = str_from_c(failed(f->e) ? f->e.site->what : "");
	if (!k->json) {
		(void)printf("%.*s\t%.*s\t%llu%s%.*s\n", (int)f->file.n, f->file.p, (int)what.n,
			     what.p, (unsigned long long)f->at, why.n ? "\t" : "", (int)why.n,
			     why.p);
		return;
	}
	if (k->text.cap - k->text.n < TEXT)
		return; /* the number of them says how many there were */
	json_begin(&k->out, (str){ 0 }, '{');
	json_put_str(&k->out, LIT("file"), f->file);
	json_put_str(&k->out, LIT("what"), what);
	json_put_u64(&k->out, LIT("at"), f->at);
	if (why.n > 0)
		json_put_str(&k->out, LIT("why"), why);
	json_finish(&k->out, '}');
}

static int end_report(struct keeping *k, const struct logcheck_report *r, int status)
{
	if (!k->json) {
		if (status == EXIT_YES)
			(void)printf("whole: %llu entries, %llu tiles, %llu index files\n",
				     (unsigned long long)r->size, (unsigned long long)r->tiles,
				     (unsigned long long)r->index_files);
		return status;
	}
	json_finish(&k->out, ']');
	json_put_bool(&k->out, LIT("whole"), status == EXIT_YES);
	json_put_u64(&k->out, LIT("damaged"), r->damaged);
	json_put_u64(&k->out, LIT("size"), r->size);
	json_put_u64(&k->out, LIT("minimum"), r->minimum);
	json_put_u64(&k->out, LIT("journal_first"), r->journal_first);
	json_put_u64(&k->out, LIT("journal_next"), r->journal_next);
	return finish_json(k, status);
}

static int run_look(struct keeping *k, bool mends)
{
	struct logcheck_report r;
	const struct logcheck c = { .dir_fd = k->fd,
				    .key = k->has_key ? &k->key : NULL,
				    .has_journal = faccessat(k->fd, LOGSTORE_JOURNAL, R_OK | X_OK,
							     AT_EACCESS) == 0,
				    .found = on_found,
				    .ctx = k };
	if (k->json) {
		json_begin(&k->out, (str){ 0 }, '{');
		json_begin(&k->out, mends ? LIT("done") : LIT("found"), '[');
	}
	ch_err e = mends ? logrepair(&c, &r) : logcheck(&c, &r);
	if (mends && ch_code_of(e) == CH_E_MISMATCH) {
		(void)say_trouble("the log cannot be mended", (str){ 0 }, e);
		return end_report(k, &r, EXIT_NO);
	}
	if (failed(e))
		return say_trouble(mends ? "cannot mend the log" : "cannot look at the log",
				   (str){ 0 }, e);
	return end_report(k, &r, r.damaged > 0 ? EXIT_NO : EXIT_YES);
}

static int run_check(struct keeping *k)
{
	return run_look(k, false);
}

static int run_repair(struct keeping *k)
{
	return run_look(k, true);
}

/* --- prune --- */

static ch_err find_point(struct keeping *k, struct logstore *s, uint64_t size, uint64_t days,
			 uint64_t *ret_minimum)
{
	uint64_t wanted = 0;
	int64_t before_s = clock_unix_s() - (k->minimum ? 0 : (int64_t)days * DAY_S);
	TRY(logprune_point(s, size, before_s, ret_minimum));
	if (!k->minimum)
		return CH_DONE;
	if (!str_to_u64(str_from_c(k->minimum), INT64_MAX, &wanted))
		return ch_fail(CH_E_USAGE, "an index is a number", 0);
	if (wanted > *ret_minimum)
		return ch_fail(
			CH_E_DENIED,
			"there are entries below it that have not expired, or that are not on "
			"disk for good; this may be pruned now",
			*ret_minimum);
	*ret_minimum = wanted;
	return CH_DONE;
}

static ch_err prune(struct keeping *k, uint64_t days, uint64_t *ret_minimum, uint64_t *ret_erased)
{
	struct numbers n = { 0 };
	struct logstore s;
	uint64_t before = 0;
	logstore_of(k->fd, &s);
	TRY(read_head(k, &s, &n));
	TRY(logstore_minimum(&s, &before));
	TRY(find_point(k, &s, n.head.size, days, ret_minimum));
	*ret_minimum = *ret_minimum < before ? before : *ret_minimum;
	return logprune(k->fd, *ret_minimum, n.head.size, ret_erased);
}

static int run_prune(struct keeping *k)
{
	uint64_t days = PRUNE_DAYS, minimum = 0, erased = 0;
	if (k->days && k->minimum)
		return command_wrong(usage, "give --days or --minimum, not both");
	if (k->days && (!str_to_u64(str_from_c(k->days), PRUNE_DAYS_MAX, &days) || days == 0)) {
		say("a number of days, 1 to 36500", str_from_c(k->days));
		return EXIT_USAGE;
	}
	ch_err e = prune(k, days, &minimum, &erased);
	if (ch_code_of(e) == CH_E_DENIED || ch_code_of(e) == CH_E_USAGE) {
		(void)say_trouble("not pruned", str_from_c(k->minimum), e);
		return ch_code_of(e) == CH_E_USAGE ? EXIT_USAGE : EXIT_NO;
	}
	if (failed(e))
		return say_trouble("cannot prune the log", (str){ 0 }, e);
	if (!k->json) {
		(void)printf("minimum index\t%llu\nfiles erased\t%llu\n",
			     (unsigned long long)minimum, (unsigned long long)erased);
		return EXIT_YES;
	}
	json_begin(&k->out, (str){ 0 }, '{');
	json_put_u64(&k->out, LIT("minimum"), minimum);
	json_put_u64(&k->out, LIT("erased"), erased);
	return finish_json(k, EXIT_YES);
}

/* --- the verbs --- */

static int run(int argc, char **argv, int (*verb)(struct keeping *), bool prunes)
{
	struct keeping *k = &keeping;
	const struct option_spec options[] = {
		{ .name = "-C", .value = &k->dir },
		{ .name = "--folder", .value = &k->folder },
		{ .name = "--json", .flag = &k->json },
		{ .name = "--days", .value = &k->days },
		{ .name = "--minimum", .value = &k->minimum },
	};
	size_t n = prunes ? COUNT_OF(options) : COUNT_OF(options) - 2;
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, options, n))
		return command_usage(usage, false);
	if (k->dir && k->folder)
		return command_wrong(usage, "give -C or --folder, not both");
	int r = begin(k);
	return r == EXIT_YES ? verb(k) : r;
}

int log_stat(int argc, char **argv)
{
	return run(argc, argv, run_stat, false);
}

int log_check(int argc, char **argv)
{
	return run(argc, argv, run_check, false);
}

int log_repair(int argc, char **argv)
{
	return run(argc, argv, run_repair, false);
}

int log_prune(int argc, char **argv)
{
	return run(argc, argv, run_prune, true);
}
