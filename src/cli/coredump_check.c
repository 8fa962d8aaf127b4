/* What `install` refuses, with the reason: whatever would leave a raw dump on a disk, or let
 * the machine that crashes read what it sealed. Looks, and makes the store's folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "coredump_plan.h"
#include "dumpstore/store.h"
#include "sandbox/spawn.h"
#include "say.h"

enum { KEY_HEAD = 4096 };
/* inode numbers of the initial namespaces: include/linux/proc_ns.h */
#define INITIAL_USER "user:[4026531837]"
#define INITIAL_PID "pid:[4026531836]"
#define PRIVATE_KEY "chancery-dump-private-key-1"

static int refuse(const char *why, const char *about)
{
	say(why, str_from_c(about));
	return EXIT_NO;
}

static bool is_in(const char *name, const char *wanted)
{
	char text[64] = { 0 };
	return readlink(name, text, sizeof(text) - 1) > 0 && strcmp(text, wanted) == 0;
}

static int check_host(void)
{
	if (geteuid() != 0)
		return refuse("coredump install: core_pattern is root's to change", NULL);
	/* core_pattern is the machine's, and the kernel starts what it names outside */
	if (!is_in("/proc/self/ns/user", INITIAL_USER) || !is_in("/proc/self/ns/pid", INITIAL_PID))
		return refuse("coredump install: this is a container; core_pattern belongs to its "
			      "host: install there",
			      NULL);
	return EXIT_YES;
}

static bool has_private_key(int folder, const char *name)
{
	uint8_t head[KEY_HEAD];
	AUTO(fd_close) int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
	bool has = n > 0 && memmem(head, (size_t)n, PRIVATE_KEY, sizeof(PRIVATE_KEY) - 1);
	mem_wipe(head, sizeof(head));
	return has;
}

static int check_key(const struct install_plan *p)
{
	struct path folder;
	AUTO(dir_done) DIR *d = NULL;
	ch_err e = path_of(&folder, path_folder(str_from_c(p->seal_to.p)));
	if (!failed(e))
		e = dir_open(AT_FDCWD, folder.p, &d);
	if (failed(e))
		return say_trouble("coredump install: cannot look beside", str_from_c(p->seal_to.p),
				   e);
	for (struct dirent *f = readdir(d); f; f = readdir(d)) {
		struct stat st = { 0 };
		if (fstatat(dirfd(d), f->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode) ||
		    !has_private_key(dirfd(d), f->d_name))
			continue;
		return refuse("coredump install: the private half lies beside the public one: "
			      "this machine could read its own dumps. Take it away to where dumps "
			      "are opened",
			      f->d_name);
	}
	return EXIT_YES;
}

/* Nobody but root may put another program, folder or socket in the place of ours. */
static int check_folders(const char *path)
{
	struct path part;
	str whole = str_from_c(path);
	for (size_t n = 1; n <= whole.n; n++) {
		struct stat st = { 0 };
		if (n < whole.n && whole.p[n] != '/')
			continue;
		if (failed(path_of(&part, str_sub(whole, 0, n))))
			return refuse("coredump install: too long a path", path);
		if (stat(part.p, &st) != 0)
			return errno == ENOENT ? EXIT_YES
					       : refuse("coredump install: cannot look at", part.p);
		bool others = (st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX);
		if (st.st_uid != 0 || others)
			return refuse("coredump install: others than root can write in this "
				      "folder, and so take the handler's place",
				      part.p);
	}
	return EXIT_YES;
}

static int check_name(const char *path)
{
	if (path[0] == '/' && !strpbrk(path, " \t\n%\"'\\"))
		return EXIT_YES;
	return refuse(
		"coredump install: core_pattern needs an absolute path without blanks, quotes "
		"and %",
		path);
}

static int check_programs(const struct install_plan *p)
{
	static const str names[] = { { "coredump", 8 }, { "redactor", 8 }, { "packer", 6 } };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct path path;
		AUTO(fd_close) int fd = -1;
		ch_err e = path_join(&path, str_from_c(p->libexec.p), names[i], (str){ NULL, 0 });
		if (!failed(e))
			e = spawn_open(path.p, &fd);
		if (failed(e))
			return say_trouble("coredump install: a program cannot be used",
					   str_from_c(path.p), e);
	}
	return EXIT_YES;
}

/* Private, and able to keep a file without a name until it is whole. */
static int check_store(const struct install_plan *p)
{
	AUTO(fd_close) int dir = -1, fd = -1;
	ch_err e = dir_make(AT_FDCWD, p->store.p, 0750);
	if (!failed(e))
		e = dumpstore_open(p->store.p, &dir);
	if (!failed(e))
		e = dumpstore_begin(dir, &fd);
	if (!failed(e))
		return EXIT_YES;
	(void)say_trouble("coredump install: the store cannot be used", str_from_c(p->store.p), e);
	return EXIT_NO;
}

int install_plan_check(const struct install_wish *w, struct install_plan *p)
{
	const char *state = w->state ? w->state : DUMP_STATE_DEFAULT;
	int status = check_host();
	const char *const names[] = { state, p->libexec.p };
	for (size_t i = 0; status == EXIT_YES && i < COUNT_OF(names); i++) {
		status = check_name(names[i]);
		if (status == EXIT_YES)
			status = check_folders(names[i]);
	}
	if (status == EXIT_YES)
		status = check_programs(p);
	if (status == EXIT_YES)
		status = check_key(p);
	return status == EXIT_YES ? check_store(p) : status;
}
