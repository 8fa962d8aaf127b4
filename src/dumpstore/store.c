/* The folder of dumps: its rights, its names, finding and listing. Names that are not exactly
 * ours are not looked at, links are not followed. What a sidecar says is passed on as it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rand.h"
#include "store_internal.h"

enum {
	TIME_TEXT = 16,  /* 20261122T183440Z */
	RANDOM_SIZE = 8, /* twice as many digits behind a "-" */
	ID_TEXT = TIME_TEXT + 1 + 2 * RANDOM_SIZE,
	IDS_MAX = 1000000,
	MODE_MAX = 0750,
	YEAR_MAX = 9999,
};

_Static_assert((int)ID_TEXT < (int)DUMP_ID_SIZE, "an id and its NUL");

/* --- the folder --- */

ch_err dumpstore_open_to_read(const char *path, int *ret_dir)
{
	AUTO(fd_close) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 && errno == ENOENT)
		return ch_fail(
			CH_E_NOT_FOUND,
			"there is no folder of dumps: install the handler, or name another folder",
			errno);
	if (dir < 0)
		return ch_fail(CH_E_IO, "cannot open the folder of dumps", errno);
	*ret_dir = TAKE_FD(dir);
	return CH_DONE;
}

ch_err dumpstore_open(const char *path, int *ret_dir)
{
	AUTO(fd_close) int dir = -1;
	struct stat st = { 0 };
	TRY(dumpstore_open_to_read(path, &dir));
	if (fstat(dir, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the folder of dumps", errno);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return ch_fail(CH_E_DENIED, "the folder of dumps is somebody else's", st.st_uid);
	if (st.st_mode & 07777 & ~(mode_t)(MODE_MAX | S_ISGID))
		return ch_fail(CH_E_DENIED, "the folder of dumps is open to others: chmod 0750",
			       st.st_mode & 07777);
	*ret_dir = TAKE_FD(dir);
	return CH_DONE;
}

ch_err dumpstore_begin(int dir, int *ret_fd)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		return ch_fail(CH_E_UNSUPPORTED,
			       "the folder of dumps is on a file system without unnamed files",
			       errno);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a file for a dump", errno);
	*ret_fd = fd;
	return CH_DONE;
}

ch_err store_lock(int dir, enum store_lock how, int *ret_fd)
{
	AUTO(fd_close) int fd =
		openat(dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the lock of the folder of dumps", errno);
	while (flock(fd, how == LOCK_ALONE ? LOCK_EX : LOCK_SH) != 0)
		if (errno != EINTR)
			return ch_fail(CH_E_IO, "cannot lock the folder of dumps", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

ch_err store_sync(int dir)
{
	return fsync(dir) == 0 ? CH_DONE
			       : ch_fail(CH_E_IO, "cannot sync the folder of dumps", errno);
}

/* --- names --- */

static void put_digits(struct wr *w, int v, int digits)
{
	int unit = 1;
	while (--digits > 0)
		unit *= 10;
	for (; unit > 0; unit /= 10)
		wr_char(w, (char)('0' + v / unit % 10));
}

ch_err dump_id_new(int64_t time_s, struct dump_id *ret_id)
{
	struct dump_id id = { 0 };
	struct wr w = wr_of(id.p, sizeof(id.p) - 1);
	uint8_t salt[RANDOM_SIZE];
	struct tm tm = { 0 };
	time_t t = (time_t)time_s;
	if (!gmtime_r(&t, &tm) || tm.tm_year < 70 || tm.tm_year + 1900 > YEAR_MAX)
		return ch_fail(CH_E_RANGE, "no time of a crash", time_s);
	put_digits(&w, tm.tm_year + 1900, 4);
	put_digits(&w, tm.tm_mon + 1, 2);
	put_digits(&w, tm.tm_mday, 2);
	wr_char(&w, 'T');
	put_digits(&w, tm.tm_hour, 2);
	put_digits(&w, tm.tm_min, 2);
	put_digits(&w, tm.tm_sec, 2);
	wr_lit(&w, "Z-");
	rand_fill(salt, sizeof(salt));
	wr_hex(&w, BYTES_OF(salt));
	TRY(wr_done(&w));
	*ret_id = id;
	return CH_DONE;
}

static bool is_digit(char c, bool hex)
{
	return (c >= '0' && c <= '9') || (hex && c >= 'a' && c <= 'f');
}

static bool id_ok(str s)
{
	static const char form[ID_TEXT + 1] = "ddddddddTddddddZ-hhhhhhhhhhhhhhhh";
	if (s.n != ID_TEXT)
		return false;
	for (size_t i = 0; i < ID_TEXT; i++) {
		bool any = form[i] == 'd' || form[i] == 'h';
		if (any ? !is_digit(s.p[i], form[i] == 'h') : s.p[i] != form[i])
			return false;
	}
	return true;
}

bool dump_name_read(str name, str ending, struct dump_id *ret_id)
{
	str id = str_sub(name, 0, ID_TEXT);
	if (!id_ok(id) || !str_eq(str_sub(name, ID_TEXT, name.n - ID_TEXT), ending))
		return false;
	*ret_id = (struct dump_id){ 0 };
	mem_copy(ret_id->p, id.p, id.n);
	return true;
}

struct dump_name dump_name_of(const struct dump_id *id, str ending)
{
	struct dump_name name = { 0 };
	struct wr w = wr_of(name.p, sizeof(name.p) - 1);
	wr_str(&w, str_from_c(id->p));
	wr_str(&w, ending);
	return name;
}

void dump_ids_done(struct dump_ids *ids)
{
	free(ids->p);
	*ids = (struct dump_ids){ 0 };
}

static ch_err ids_add(struct dump_ids *ids, const struct dump_id *id)
{
	if (ids->n == IDS_MAX)
		return ch_fail(CH_E_LIMIT, "too many dumps", IDS_MAX);
	if (ids->n == ids->cap) {
		size_t cap = ids->cap ? 2 * ids->cap : 256;
		struct dump_id *p = realloc(ids->p, cap * sizeof(*p));
		if (!p)
			return ch_fail(CH_E_NOMEM, "no memory to list dumps", cap);
		ids->p = p;
		ids->cap = cap;
	}
	ids->p[ids->n++] = *id;
	return CH_DONE;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct dump_id *)a)->p, ((const struct dump_id *)b)->p);
}

ch_err dump_ids_read(int dir, str ending, struct dump_ids *ret_ids)
{
	AUTO(dump_ids_done) struct dump_ids ids = { 0 };
	AUTO(dir_done) DIR *d = NULL;
	struct dump_id id;
	TRY(dir_open(dir, ".", &d));
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (dump_name_read(str_from_c(e->d_name), ending, &id))
			TRY(ids_add(&ids, &id));
	if (ids.n > 0)
		qsort(ids.p, ids.n, sizeof(*ids.p), by_id);
	*ret_ids = ids;
	ids = (struct dump_ids){ 0 };
	return CH_DONE;
}

/* --- finding and listing --- */

static bool fits(const struct dump_id *id, str prefix)
{
	str s = str_from_c(id->p);
	return str_starts(s, prefix) || str_starts(str_sub(s, TIME_TEXT + 1, s.n), prefix);
}

ch_err dumpstore_find(int dir, str id_or_prefix, struct dump_id *ret_id)
{
	AUTO(dump_ids_done) struct dump_ids ids = { 0 };
	const struct dump_id *found = NULL;
	TRY(dump_ids_read(dir, LIT(SIDECAR_ENDING), &ids));
	for (size_t i = 0; i < ids.n && id_or_prefix.n > 0; i++) {
		if (!fits(&ids.p[i], id_or_prefix))
			continue;
		if (found)
			return ch_fail(CH_E_DUPLICATE, "several dumps begin so", id_or_prefix.n);
		found = &ids.p[i];
	}
	if (!found)
		return ch_fail(CH_E_NOT_FOUND, "there is no such dump", 0);
	*ret_id = *found;
	return CH_DONE;
}

static ch_err give(int dir, const struct dump_id *id, uint8_t *room, struct entry_taker *t)
{
	struct dump_name sidecar = dump_name_of(id, LIT(SIDECAR_ENDING));
	struct dump_name dump = dump_name_of(id, LIT(DUMP_ENDING));
	struct dump_entry e = { .id = *id };
	struct stat st = { 0 };
	TRY(file_read(dir, sidecar.p, room, DUMP_SIDECAR_MAX, &e.sidecar.n));
	e.sidecar.p = room;
	e.has_dump = fstatat(dir, dump.p, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
	e.stored_bytes = e.has_dump ? (uint64_t)st.st_size : 0;
	return t->take(t, &e);
}

static void room_done(uint8_t **room)
{
	free(*room);
}

ch_err dumpstore_show(int dir, const struct dump_id *id, struct entry_taker *t)
{
	AUTO(room_done) uint8_t *room = malloc(DUMP_SIDECAR_MAX);
	if (!room)
		return ch_fail(CH_E_NOMEM, "no memory to list dumps", DUMP_SIDECAR_MAX);
	return give(dir, id, room, t);
}

ch_err dumpstore_list(int dir, struct entry_taker *t)
{
	AUTO(dump_ids_done) struct dump_ids ids = { 0 };
	AUTO(room_done) uint8_t *room = malloc(DUMP_SIDECAR_MAX);
	if (!room)
		return ch_fail(CH_E_NOMEM, "no memory to list dumps", DUMP_SIDECAR_MAX);
	TRY(dump_ids_read(dir, LIT(SIDECAR_ENDING), &ids));
	for (size_t i = 0; i < ids.n; i++) {
		ch_err e = give(dir, &ids.p[i], room, t);
		/* somebody else removed it in the meantime */
		if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
			return e;
	}
	return CH_DONE;
}

ch_err dumpstore_open_dump(int dir, const struct dump_id *id, int *ret_fd)
{
	struct dump_name name = dump_name_of(id, LIT(DUMP_ENDING));
	int fd = openat(dir, name.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "the dump of this crash was not kept", 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the dump", errno);
	*ret_fd = fd;
	return CH_DONE;
}
