/* Files: whole or not at all, and nothing beside them is left behind. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char folder[64];
static int dir = -1;

static int start(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/chancery-test-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static void remove_all(int at)
{
	DIR *d = fdopendir(dup(at));
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (e->d_name[0] == '.')
			continue;
		if (unlinkat(at, e->d_name, 0) == 0)
			continue;
		int below = openat(at, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		remove_all(below);
		(void)close(below);
		(void)unlinkat(at, e->d_name, AT_REMOVEDIR);
	}
	(void)closedir(d);
}

static int stop(void **state)
{
	(void)state;
	remove_all(dir);
	fd_close(&dir);
	return rmdir(folder);
}

static size_t entries(void)
{
	size_t n = 0;
	int at = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(at);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static void is(const char *path, str content)
{
	char got[64];
	size_t n = 0;
	assert_false(failed(file_read(dir, path, got, sizeof(got), &n)));
	assert_true(str_eq((str){ got, n }, content));
}

static void replaced(void **state)
{
	(void)state;
	struct stat st;
	mode_t old = umask(0);
	assert_false(failed(file_replace(dir, "a", bytes_of_str(LIT("one")), 0600)));
	is("a", LIT("one"));
	(void)umask(0777);
	assert_false(failed(file_replace(dir, "a", bytes_of_str(LIT("two")), 0640)));
	(void)umask(old);
	is("a", LIT("two"));
	assert_int_equal(fstatat(dir, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(entries(), 1);
}

static void created_once(void **state)
{
	(void)state;
	assert_false(failed(file_create(dir, "a", bytes_of_str(LIT("one")), 0600)));
	assert_int_equal(ch_code_of(file_create(dir, "a", bytes_of_str(LIT("two")), 0600)),
			 CH_E_EXISTS);
	is("a", LIT("one"));
	assert_int_equal(entries(), 1);
}

static void a_failure_leaves_nothing(void **state)
{
	(void)state;
	/* a folder of that name cannot be replaced by a file */
	assert_int_equal(mkdirat(dir, "a", 0700), 0);
	assert_true(failed(file_replace(dir, "a", bytes_of_str(LIT("x")), 0600)));
	assert_int_equal(entries(), 1);
	assert_true(failed(file_replace(dir, "no/such", bytes_of_str(LIT("x")), 0600)));
	assert_int_equal(entries(), 1);
}

/* The write fails half way, as on a full disk. */
static void fill_the_disk(void)
{
	static uint8_t big[8192];
	const struct rlimit few = { 4096, 4096 };
	(void)signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &few) != 0)
		_exit(2);
	_exit(failed(file_replace(dir, "a", BYTES_OF(big), 0600)) ? 0 : 1);
}

static void a_full_disk_keeps_the_old_file(void **state)
{
	(void)state;
	int status = 0;
	assert_false(failed(file_replace(dir, "a", bytes_of_str(LIT("old")), 0600)));
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		fill_the_disk();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	is("a", LIT("old"));
	assert_int_equal(entries(), 1);
}

enum { ROUNDS = 60, WHOLE = 20000 };

static void replace_for_ever(void)
{
	static uint8_t a[WHOLE], b[WHOLE / 2];
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	for (;;)
		if (failed(file_replace(dir, "f", BYTES_OF(a), 0600)) ||
		    failed(file_replace(dir, "f", BYTES_OF(b), 0600)))
			_exit(1);
}

/* A reader sees one of the two, whole, whenever it looks. */
static void replaced_at_once(void **state)
{
	(void)state;
	static uint8_t got[WHOLE];
	assert_false(failed(file_replace(dir, "f", bytes_of_str(LIT("b")), 0600)));
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		replace_for_ever();
	size_t bad = 0;
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = 0;
		(void)usleep(500);
		if (failed(file_read(dir, "f", got, sizeof(got), &n))) {
			bad++;
			continue;
		}
		bad += n != 1 && n != (got[0] == 'a' ? WHOLE : WHOLE / 2);
		bad += got[n - 1] != got[0];
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(bad, 0);
}

static void reading_has_bounds(void **state)
{
	(void)state;
	char got[8];
	uint8_t *p = NULL;
	size_t n = 77;
	assert_int_equal(ch_code_of(file_read(dir, "a", got, sizeof(got), &n)), CH_E_NOT_FOUND);
	assert_false(failed(file_replace(dir, "a", bytes_of_str(LIT("12345678")), 0600)));
	assert_int_equal(ch_code_of(file_read(dir, "a", got, 7, &n)), CH_E_FULL);
	assert_int_equal(ch_code_of(file_read_new(dir, "a", 7, &p, &n)), CH_E_FULL);
	assert_int_equal(n, 77);
	is("a", LIT("12345678"));
	assert_false(failed(file_read_new(dir, "a", 8, &p, &n)));
	assert_int_equal(n, 8);
	assert_string_equal((char *)p, "12345678");
	free(p);
	assert_true(failed(file_read(dir, ".", got, sizeof(got), &n)));
}

static void exactly_so_many(void **state)
{
	(void)state;
	char room[8] = "";
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	/* in pieces, and the next byte stays where it is */
	assert_int_equal(write(ends[1], "ab", 2), 2);
	assert_int_equal(write(ends[1], "cdef", 4), 4);
	assert_false(failed(fd_read_exactly(ends[0], room, 5)));
	assert_string_equal(room, "abcde");
	assert_false(failed(fd_read_exactly(ends[0], room, 0)));
	(void)close(ends[1]);
	ch_err e = fd_read_exactly(ends[0], room, 3);
	assert_int_equal(ch_code_of(e), CH_E_TRUNCATED);
	assert_int_equal(e.detail, 2);
	(void)close(ends[0]);
	assert_int_equal(ch_code_of(fd_read_exactly(dir, room, 1)), CH_E_IO);
}

static void folders(void **state)
{
	(void)state;
	struct stat st;
	mode_t old = umask(0);
	assert_false(failed(dir_make(dir, "x/y//z/", 0700)));
	(void)umask(old);
	assert_int_equal(fstatat(dir, "x/y/z", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_false(failed(dir_make(dir, "x/y/z", 0700)));
	assert_false(failed(dir_make(dir, folder, 0700)));
	assert_false(failed(dir_make(dir, "/", 0700)));
	assert_false(failed(file_create(dir, "f", bytes_of_str(LIT("x")), 0600)));
	assert_int_equal(ch_code_of(dir_make(dir, "f", 0700)), CH_E_EXISTS);
	assert_true(failed(dir_make(dir, "f/g", 0700)));
	assert_true(failed(dir_make(dir, "", 0700)));
}

static void removed_without_following_links(void **state)
{
	(void)state;
	struct stat st;
	assert_false(failed(dir_make(dir, "kept", 0700)));
	assert_false(failed(file_create(dir, "kept/f", bytes_of_str(LIT("x")), 0600)));
	assert_false(failed(dir_make(dir, "gone/deeper", 0700)));
	assert_false(failed(file_create(dir, "gone/deeper/f", bytes_of_str(LIT("x")), 0600)));
	assert_int_equal(symlinkat("../kept", dir, "gone/link"), 0);
	assert_int_equal(symlinkat("kept", dir, "link"), 0);
	assert_false(failed(dir_remove(dir, "gone")));
	assert_false(failed(dir_remove(dir, "link")));
	assert_false(failed(dir_remove(dir, "never there")));
	assert_int_equal(fstatat(dir, "gone", &st, 0), -1);
	assert_int_equal(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(fstatat(dir, "kept/f", &st, 0), 0);
	assert_false(
		failed(dir_make(dir, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20", 0700)));
	assert_int_equal(ch_code_of(dir_remove(dir, "1")), CH_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replaced, start, stop),
		cmocka_unit_test_setup_teardown(created_once, start, stop),
		cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, start, stop),
		cmocka_unit_test_setup_teardown(a_full_disk_keeps_the_old_file, start, stop),
		cmocka_unit_test_setup_teardown(replaced_at_once, start, stop),
		cmocka_unit_test_setup_teardown(reading_has_bounds, start, stop),
		cmocka_unit_test_setup_teardown(exactly_so_many, start, stop),
		cmocka_unit_test_setup_teardown(folders, start, stop),
		cmocka_unit_test_setup_teardown(removed_without_following_links, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
