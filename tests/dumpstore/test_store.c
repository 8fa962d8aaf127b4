/* The folder of dumps: what is committed is there whole; killed at any system call, a dump
 * counts or leaves nothing that counts; quota, age and room; names and rights of others. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "codec/json.h"
#include "dumpstore/sealed.h"
#include "dumpstore/store.h"

enum { T0 = 1700000000, DAY = 86400 };

/* The linker puts these before the calls that change the folder: at the given one the
 * process is killed, before or after it. */
static int kill_before = -1, calls;

int __real_linkat(int from, const char *a, int to, const char *b, int flags);
int __wrap_linkat(int from, const char *a, int to, const char *b, int flags);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);

static void step(void)
{
	if (calls++ == kill_before)
		(void)kill(getpid(), SIGKILL);
}

int __wrap_linkat(int from, const char *a, int to, const char *b, int flags)
{
	step();
	int r = __real_linkat(from, a, to, b, flags);
	step();
	return r;
}

int __wrap_fsync(int fd)
{
	step();
	return __real_fsync(fd);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
	step();
	int r = __real_unlinkat(dir, name, flags);
	step();
	return r;
}

int __wrap_fchmod(int fd, mode_t mode)
{
	step();
	return __real_fchmod(fd, mode);
}

static void ok(ch_err e)
{
	assert_int_equal(ch_code_of(e), CH_OK);
}

struct folder {
	char path[64];
	int dir;
};

static int folder_make(void **state)
{
	static struct folder f;
	const char *base = getenv("TMPDIR");
	(void)snprintf(f.path, sizeof(f.path), "%s/dumps.XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(f.path) || chmod(f.path, 0750) != 0)
		return -1;
	*state = &f;
	return failed(dumpstore_open(f.path, &f.dir)) ? -1 : 0;
}

static int folder_drop(void **state)
{
	struct folder *f = *state;
	fd_close(&f->dir);
	return failed(dir_remove(AT_FDCWD, f->path)) ? -1 : 0;
}

static struct dump_facts facts_at(int64_t time_s)
{
	return (struct dump_facts){ .time_s = time_s,
				    .pid = 4711,
				    .uid = 1000,
				    .signal = 11,
				    .executable = LIT("/usr/sbin/\"odd\"\n\xff"),
				    .build_id = LIT("abcdef"),
				    .device = 64769,
				    .inode = UINT64_MAX,
				    .level = LIT("triage"),
				    .cgroup = LIT("/system.slice/nginx.service") };
}

static ch_err commit(int dir, int64_t time_s, size_t n, struct dump_id *ret_id)
{
	static uint8_t content[8192];
	struct dump_facts f = facts_at(time_s);
	AUTO(fd_close) int fd = -1;
	TRY(dumpstore_begin(dir, &fd));
	TRY(fd_write_all(fd, (bytes){ content, n }));
	return dumpstore_commit(dir, fd, &f, bytes_of_str(LIT("{\"whole\":true}")), ret_id);
}

struct seen {
	struct entry_taker t;
	size_t n, dumps;
	uint64_t stored;
	char last[2048];
	struct dump_id ids[64];
};

static ch_err see(struct entry_taker *t, const struct dump_entry *e)
{
	struct seen *s = (struct seen *)t;
	assert_true(s->n < COUNT_OF(s->ids) && e->sidecar.n < sizeof(s->last));
	s->ids[s->n++] = e->id;
	s->dumps += e->has_dump;
	s->stored += e->stored_bytes;
	mem_copy(s->last, e->sidecar.p, e->sidecar.n);
	s->last[e->sidecar.n] = 0;
	return CH_DONE;
}

static struct seen list(int dir)
{
	struct seen s = { .t = { see } };
	ok(dumpstore_list(dir, &s.t));
	return s;
}

static size_t files_in(const char *path)
{
	AUTO(dir_done) DIR *d = NULL;
	size_t n = 0;
	ok(dir_open(AT_FDCWD, path, &d));
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += e->d_name[0] != '.';
	return n;
}

static void test_commit_and_list(void **state)
{
	struct folder *f = *state;
	struct dump_id id;
	struct stat st;
	char name[DUMP_ID_SIZE + 8];
	ok(commit(f->dir, T0, 1000, &id));
	struct seen s = list(f->dir);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.dumps, 1);
	assert_int_equal(s.stored, 1000);
	assert_string_equal(s.ids[0].p, id.p);
	assert_int_equal(strncmp(id.p, "20231114T221320Z-", 17), 0);
	(void)snprintf(name, sizeof(name), "%s.dump", id.p);
	assert_int_equal(fstatat(f->dir, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	(void)snprintf(name, sizeof(name), "%s.json", id.p);
	assert_int_equal(fstatat(f->dir, name, &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(files_in(f->path), 2);
}

static void test_sidecar(void **state)
{
	struct folder *f = *state;
	struct json_node nodes[64];
	struct dump_id id;
	size_t n = 0;
	ok(commit(f->dir, T0, 1000, &id));
	struct seen s = list(f->dir);
	ok(json_parse(bytes_of_str(str_from_c(s.last)), (struct json_limits){ 8, 60 }, nodes,
		      COUNT_OF(nodes), &n));
	static const struct {
		const char *name;
		int64_t v;
	} numbers[] = { { "time", T0 },      { "pid", 4711 },        { "uid", 1000 },
			{ "signal", 11 },    { "inode", INT64_MAX }, { "stored_bytes", 1000 },
			{ "device", 64769 }, { "version", 1 } };
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		const struct json_node *m = json_member(nodes, str_from_c(numbers[i].name));
		assert_non_null(m);
		assert_int_equal(m->number, numbers[i].v);
	}
	assert_true(json_is_str(json_member(nodes, LIT("id")), str_from_c(id.p)));
	assert_true(json_is_str(json_member(nodes, LIT("build_id")), LIT("abcdef")));
	assert_int_equal(json_member(nodes, LIT("dump"))->type, JSON_TRUE);
	const struct json_node *report = json_member(nodes, LIT("report"));
	assert_int_equal(json_member(report, LIT("whole"))->type, JSON_TRUE);
}

static void test_note(void **state)
{
	struct folder *f = *state;
	struct dump_facts facts = facts_at(T0);
	struct dump_id id;
	int fd = -1;
	ok(dumpstore_note(f->dir, &facts, LIT("size"), &id));
	struct seen s = list(f->dir);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.dumps, 0);
	assert_non_null(strstr(s.last, "\"why\":\"size\""));
	assert_non_null(strstr(s.last, "\"dump\":false"));
	assert_int_equal(ch_code_of(dumpstore_open_dump(f->dir, &id, &fd)), CH_E_NOT_FOUND);
}

static void test_bad_reports(void **state)
{
	static const struct {
		const char *report;
		enum ch_code code;
	} cases[] = {
		{ "", CH_OK },
		{ "{}", CH_OK },
		{ "[]", CH_E_SYNTAX },
		{ "{\"a\":1},\"dump\":false", CH_E_TRAILING },
		{ "{\"a\":1", CH_E_TRUNCATED },
		{ "{\"a\":1,\"a\":2}", CH_E_DUPLICATE },
		{ "[[[[[[[[[1]]]]]]]]]", CH_E_LIMIT },
	};
	struct folder *f = *state;
	struct dump_facts facts = facts_at(T0);
	struct dump_id id;
	size_t kept = 0;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		AUTO(fd_close) int fd = -1;
		ok(dumpstore_begin(f->dir, &fd));
		ok(fd_write_all(fd, bytes_of_str(LIT("x"))));
		ch_err e = dumpstore_commit(f->dir, fd, &facts,
					    bytes_of_str(str_from_c(cases[i].report)), &id);
		assert_int_equal(ch_code_of(e), cases[i].code);
		kept += !failed(e);
	}
	assert_int_equal(files_in(f->path), 2 * kept);
}

static void test_empty_file(void **state)
{
	struct folder *f = *state;
	struct dump_id id;
	assert_int_equal(ch_code_of(commit(f->dir, T0, 0, &id)), CH_E_TRUNCATED);
	assert_int_equal(files_in(f->path), 0);
}

static void test_times(void **state)
{
	struct folder *f = *state;
	struct dump_id id;
	ok(commit(f->dir, 0, 1, &id));
	assert_int_equal(strncmp(id.p, "19700101T000000Z-", 17), 0);
	ok(commit(f->dir, 253402300799, 1, &id));
	assert_int_equal(strncmp(id.p, "99991231T235959Z-", 17), 0);
	assert_int_equal(ch_code_of(commit(f->dir, 253402300800, 1, &id)), CH_E_RANGE);
	assert_int_equal(ch_code_of(commit(f->dir, -1, 1, &id)), CH_E_RANGE);
	assert_int_equal(ch_code_of(commit(f->dir, INT64_MAX, 1, &id)), CH_E_RANGE);
}

static void test_find(void **state)
{
	struct folder *f = *state;
	struct dump_id a, b, got;
	ok(commit(f->dir, T0, 1, &a));
	ok(commit(f->dir, T0 + DAY, 1, &b));
	ok(dumpstore_find(f->dir, str_from_c(a.p), &got));
	assert_string_equal(got.p, a.p);
	ok(dumpstore_find(f->dir, str_sub(str_from_c(b.p), 0, 8), &got));
	assert_string_equal(got.p, b.p);
	ok(dumpstore_find(f->dir, str_sub(str_from_c(b.p), 17, 12), &got));
	assert_string_equal(got.p, b.p);
	assert_int_equal(ch_code_of(dumpstore_find(f->dir, LIT("2023"), &got)), CH_E_DUPLICATE);
	assert_int_equal(ch_code_of(dumpstore_find(f->dir, LIT("2024"), &got)), CH_E_NOT_FOUND);
	assert_int_equal(ch_code_of(dumpstore_find(f->dir, LIT(""), &got)), CH_E_NOT_FOUND);
	assert_int_equal(ch_code_of(dumpstore_find(f->dir, LIT("../x"), &got)), CH_E_NOT_FOUND);
}

static void test_remove(void **state)
{
	struct folder *f = *state;
	struct dump_id a, b;
	ok(commit(f->dir, T0, 1, &a));
	ok(commit(f->dir, T0 + 1, 1, &b));
	ok(dumpstore_remove(f->dir, &a));
	struct seen s = list(f->dir);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.ids[0].p, b.p);
	assert_int_equal(files_in(f->path), 2);
}

static void fill_ten(struct folder *f)
{
	struct dump_id id;
	for (int i = 0; i < 10; i++)
		ok(commit(f->dir, T0 + i * (int64_t)DAY, 4000, &id));
}

static void test_prune_by_age(void **state)
{
	struct folder *f = *state;
	size_t removed = 0;
	fill_ten(f);
	const struct dumpstore_limits l = { .keep_days = 5 };
	ok(dumpstore_prune(f->dir, &l, T0 + 9 * DAY, &removed));
	/* the one of exactly five days stays */
	assert_int_equal(removed, 4);
	assert_int_equal(list(f->dir).n, 6);
	assert_int_equal(strncmp(list(f->dir).ids[0].p, "20231118T", 9), 0);
	const struct dumpstore_limits none = { 0 };
	ok(dumpstore_prune(f->dir, &none, T0 + 1000000 * (int64_t)DAY, &removed));
	assert_int_equal(removed, 0);
}

static void test_prune_by_size(void **state)
{
	struct folder *f = *state;
	size_t removed = 0;
	fill_ten(f);
	const struct dumpstore_limits l = { .total_bytes = 5 * 5000 };
	ok(dumpstore_prune(f->dir, &l, T0, &removed));
	struct seen s = list(f->dir);
	assert_int_equal(s.n, 5);
	assert_int_equal(removed, 5);
	assert_int_equal(strncmp(s.ids[0].p, "20231119T", 9), 0);
	const struct dumpstore_limits nothing = { .total_bytes = 1 };
	ok(dumpstore_prune(f->dir, &nothing, T0, &removed));
	assert_int_equal(removed, 5);
	assert_int_equal(files_in(f->path), 0);
}

static void test_room(void **state)
{
	struct folder *f = *state;
	uint64_t n = 0;
	const struct dumpstore_limits all = { 0 }, full = { .free_bytes = UINT64_MAX / 2 },
				      small = { .file_bytes = 1000, .total_bytes = 900 };
	ok(dumpstore_room(f->dir, &all));
	ok(dumpstore_space(f->dir, &all, &n));
	assert_true(n > 0);
	assert_int_equal(ch_code_of(dumpstore_room(f->dir, &full)), CH_E_FULL);
	ok(dumpstore_space(f->dir, &small, &n));
	assert_int_equal(n, 900);
}

/* Files that are not ours are neither listed nor removed. */
static void test_strangers(void **state)
{
	static const char *const names[] = { "README", "x.json", "20231114T221320Z-.json",
					     "20231114T221320Z-0123456789abcdeF.json",
					     "20231114T221320Z-0123456789abcdef.json.new" };
	struct folder *f = *state;
	const struct dumpstore_limits nothing = { .total_bytes = 1, .keep_days = 1 };
	size_t removed = 0;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		ok(file_create(f->dir, names[i], bytes_of_str(LIT("{}")), 0600));
	assert_int_equal(list(f->dir).n, 0);
	ok(dumpstore_prune(f->dir, &nothing, T0 + 100 * DAY, &removed));
	assert_int_equal(removed, 0);
	assert_int_equal(files_in(f->path), COUNT_OF(names));
}

/* A name that leads elsewhere is not followed. */
static void test_links(void **state)
{
	struct folder *f = *state;
	struct dump_id id = { "20231114T221320Z-0123456789abcdef" };
	int fd = -1;
	assert_int_equal(symlinkat("/etc/passwd", f->dir, "20231114T221320Z-0123456789abcdef.dump"),
			 0);
	assert_int_equal(ch_code_of(dumpstore_open_dump(f->dir, &id, &fd)), CH_E_IO);
	ok(file_create(f->dir, "20231114T221320Z-0123456789abcdef.json", bytes_of_str(LIT("{}")),
		       0600));
	assert_int_equal(list(f->dir).dumps, 0);
}

static void test_rights(void **state)
{
	static const struct {
		mode_t mode;
		enum ch_code code;
	} cases[] = { { 0700, CH_OK },       { 0750, CH_OK },        { 02750, CH_OK },
		      { 0710, CH_OK },       { 0770, CH_E_DENIED },  { 0755, CH_E_DENIED },
		      { 0751, CH_E_DENIED }, { 01750, CH_E_DENIED }, { 0777, CH_E_DENIED } };
	struct folder *f = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		AUTO(fd_close) int dir = -1;
		assert_int_equal(chmod(f->path, cases[i].mode), 0);
		assert_int_equal(ch_code_of(dumpstore_open(f->path, &dir)), cases[i].code);
	}
	AUTO(fd_close) int dir = -1;
	assert_int_equal(ch_code_of(dumpstore_open("/nonexistent/dumps", &dir)), CH_E_NOT_FOUND);
	if (geteuid() == 0) {
		assert_int_equal(chmod(f->path, 0750), 0);
		assert_int_equal(chown(f->path, 12345, 0), 0);
		assert_int_equal(ch_code_of(dumpstore_open(f->path, &dir)), CH_E_DENIED);
		ok(dumpstore_open_to_read(f->path, &dir));
	}
}

/* Commits in a child that is killed at step k; returns whether it was. */
static bool killed_at(struct folder *f, int k, void (*act)(struct folder *f))
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* as another process would: nothing shared but the folder */
		calls = 0;
		kill_before = k;
		act(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

static void act_commit(struct folder *f)
{
	struct dump_id id;
	(void)!failed(commit(f->dir, T0, 4000, &id));
}

/* What the list says is whole, and pruning leaves no more than that. */
static void check_whole(struct folder *f, size_t *ret_n)
{
	const struct dumpstore_limits none = { 0 };
	size_t removed = 0;
	struct seen s = list(f->dir);
	assert_int_equal(s.n, s.dumps);
	assert_int_equal(s.stored, 4000 * s.n);
	ok(dumpstore_prune(f->dir, &none, T0, &removed));
	assert_int_equal(files_in(f->path), 2 * s.n);
	*ret_n = s.n;
}

static void test_killed_while_committing(void **state)
{
	struct folder *f = *state;
	size_t n = 0, before = 0, with = 0, without = 0;
	bool killed = true;
	for (int k = 0; killed; k++) {
		killed = killed_at(f, k, act_commit);
		check_whole(f, &n);
		with += n > before;
		without += n == before;
		before = n;
	}
	/* both have been met: killed before it counted, and behind that */
	assert_true(with >= 2 && without >= 5);
}

static void act_remove(struct folder *f)
{
	struct dump_id id;
	(void)!failed(dumpstore_find(f->dir, LIT("2023"), &id));
	(void)!failed(dumpstore_remove(f->dir, &id));
}

static void test_killed_while_removing(void **state)
{
	struct folder *f = *state;
	struct dump_id id;
	size_t n = 0;
	bool killed = true;
	for (int k = 0; killed; k++) {
		if (list(f->dir).n == 0)
			ok(commit(f->dir, T0, 4000, &id));
		killed = killed_at(f, k, act_remove);
		check_whole(f, &n);
		assert_true(n <= 1);
	}
	assert_int_equal(n, 0);
}

/* While one is between its two names, pruning waits and does not take its dump away. */
static void test_prune_waits_for_commits(void **state)
{
	struct folder *f = *state;
	const struct dumpstore_limits none = { 0 };
	size_t removed = 0;
	enum { BESIDE = 4, EACH = 25 };
	pid_t pids[BESIDE];
	for (size_t i = 0; i < BESIDE; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct dump_id id;
			for (int k = 0; k < EACH / BESIDE; k++)
				if (failed(commit(f->dir, T0, 4000, &id)))
					_exit(1);
			_exit(0);
		}
	}
	for (size_t left = BESIDE; left > 0;) {
		int status = 0;
		ok(dumpstore_prune(f->dir, &none, T0, &removed));
		for (size_t i = 0; i < BESIDE; i++)
			if (pids[i] && waitpid(pids[i], &status, WNOHANG) == pids[i]) {
				assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
				pids[i] = 0;
				left--;
			}
	}
	struct seen s = list(f->dir);
	assert_int_equal(s.n, EACH / BESIDE * BESIDE);
	assert_int_equal(s.dumps, s.n);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_make, folder_drop)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_commit_and_list),
		TEST(test_sidecar),
		TEST(test_note),
		TEST(test_bad_reports),
		TEST(test_empty_file),
		TEST(test_times),
		TEST(test_find),
		TEST(test_remove),
		TEST(test_prune_by_age),
		TEST(test_prune_by_size),
		TEST(test_room),
		TEST(test_strangers),
		TEST(test_links),
		TEST(test_rights),
		TEST(test_killed_while_committing),
		TEST(test_killed_while_removing),
		TEST(test_prune_waits_for_commits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
