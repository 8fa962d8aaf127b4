/* Walls around a role, put up by the role itself before it serves: each call is whole
 * or an error, and an error is fatal to the role.
 *
 * Order: undumpable, limits, close what is not needed, landlock, seccomp. The uid
 * was dropped before exec (spawn.h). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* PR_SET_DUMPABLE 0, and read back: no core, no ptrace by others of the uid. Must come
 * after exec, which resets it. Also RLIMIT_CORE 0 and no_new_privs, both read back. */
ch_err sandbox_undumpable(void);

struct sandbox_limits {
	uint64_t files;     /* RLIMIT_NOFILE; 0: leave */
	uint64_t processes; /* RLIMIT_NPROC; UINT64_MAX: leave. 0: no fork, no thread */
};
ch_err sandbox_limits(const struct sandbox_limits *l);

/* Closes every descriptor from first on but those in keep (sorted or not). */
ch_err sandbox_close_from(int first, const int *keep, size_t n);

/* Landlock: beneath each path, what is allowed; all else of the file system is shut,
 * and TCP bind/connect, abstract sockets and signals outside as far as the
 * kernel's ABI goes. n == 0 shuts everything. *ret_abi is the kernel's ABI (0: none). Without
 * landlock: E_UNSUPPORTED. */
enum sandbox_access {
	ACCESS_READ = 1,
	ACCESS_WRITE = 2, /* files: make, write, rename in their folder, remove */
	ACCESS_EXEC = 4,
	ACCESS_FOLDERS = 8, /* make and remove folders */
};
struct sandbox_path {
	const char *path;
	unsigned access;
};
enum sandbox_net { NET_NONE, NET_ANY };
ch_err sandbox_landlock(const struct sandbox_path *paths, size_t n, enum sandbox_net net,
			int *ret_abi);

/* Seccomp: the list of what the steady state needs; any other system call kills the
 * process. A rule may compare one argument (masked equality). */
struct syscall_rule {
	int number;
	bool has_arg;
	unsigned arg;
	uint64_t mask, value;
};
#define ALLOW(name)                                   \
	{                                             \
		SCMP_SYS_NUMBER(name), false, 0, 0, 0 \
	}
#define ALLOW_IF(name, index, is)                                      \
	{                                                              \
		SCMP_SYS_NUMBER(name), true, (index), UINT64_MAX, (is) \
	}
#define SCMP_SYS_NUMBER(name) (__NR_##name)

/* What almost every role needs: read, write, sendmsg, recvmsg, poll, clock, exit… */
extern const struct syscall_rule sandbox_common[];
extern const size_t sandbox_common_n;
/* What a single-threaded server with malloc and epoll needs besides. */
extern const struct syscall_rule sandbox_server[];
extern const size_t sandbox_server_n;

/* What a client of servers elsewhere needs besides (TLS, names, connections), and the files that it
 * must read for that: those there are, their number is returned. */
extern const struct syscall_rule sandbox_web[];
extern const size_t sandbox_web_n;
enum { SANDBOX_WEB_PATHS = 10 };
size_t sandbox_web_paths(struct sandbox_path ret_paths[static SANDBOX_WEB_PATHS]);

struct syscall_list {
	const struct syscall_rule *rules;
	size_t n;
};
/* The union of the lists, for all threads of the process; irrevocable. */
ch_err sandbox_seccomp(const struct syscall_list *lists, size_t n);
