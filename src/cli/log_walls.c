/* Walls around what parses what strangers wrote: `log cosign`, `monitor`, `verify`, `prove`,
 * `consistency`. Whoever takes one over by a file or an answer of his reaches the logs that it was
 * to read, the folder that it writes, and servers if it asks any: no process, no key. */
#include "log_walls.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "fetch/fetch.h"
#include "sandbox/sandbox.h"

enum { PATHS_MAX = SANDBOX_WEB_PATHS + WATCH_LOGS_MAX + 2 };

static const struct syscall_rule files[] = {
	ALLOW(openat),
	ALLOW(pread64),
	ALLOW(fsync),
	ALLOW(fdatasync),
	ALLOW(fchmod),
	ALLOW(renameat),
	ALLOW(renameat2),
	ALLOW(unlinkat),
	ALLOW(munlock),
	ALLOW(getdents64),
	ALLOW_IF(ioctl, 1, TCGETS), /* stdio asks whether it is a terminal */
};

/* libcurl wakes itself up by a pair of its own */
static const struct syscall_rule waking[] = { ALLOW_IF(socketpair, 0, AF_UNIX) };

static ch_err seccomp(bool asks)
{
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n }, { sandbox_server, sandbox_server_n },
		{ files, COUNT_OF(files) },           { sandbox_web, sandbox_web_n },
		{ waking, COUNT_OF(waking) },
	};
	return sandbox_seccomp(lists, asks ? COUNT_OF(lists) : 3);
}

/* "/proc/self/fd/N": by whatever name, that very folder. */
static ch_err own_folder(int fd, struct path *ret_path)
{
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	wr_lit(&w, "/proc/self/fd/");
	wr_dec(&w, (uint64_t)fd);
	TRY(wr_done(&w));
	ret_path->p[w.n] = 0;
	return CH_DONE;
}

static ch_err landlock(const struct log_walls *w)
{
	struct sandbox_path all[PATHS_MAX];
	struct path opened[WATCH_LOGS_MAX + 1], certificates;
	size_t n = w->asks ? sandbox_web_paths(all) : 0;
	int abi = 0;
	for (size_t i = 0; i < w->n_logs; i++) {
		TRY(own_folder(w->logs[i], &opened[i]));
		all[n++] = (struct sandbox_path){ opened[i].p, ACCESS_READ };
	}
	if (w->asks && w->ca_file) {
		str file = str_from_c(w->ca_file);
		TRY(path_of(&certificates, str_has(file, '/') ? path_folder(file) : LIT(".")));
		all[n++] = (struct sandbox_path){ *certificates.p ? certificates.p : "/",
						  ACCESS_READ };
	}
	if (w->folder >= 0) {
		TRY(own_folder(w->folder, &opened[WATCH_LOGS_MAX]));
		all[n++] = (struct sandbox_path){ opened[WATCH_LOGS_MAX].p,
						  ACCESS_READ | ACCESS_WRITE };
	}
	return sandbox_landlock(all, n, w->asks ? NET_ANY : NET_NONE, &abi);
}

void log_walls_add(struct log_walls *w, const struct log_source *s)
{
	if (s->place->url) {
		w->asks = true;
		w->ca_file = s->place->ca_file;
	} else if (w->n_logs < WATCH_LOGS_MAX) {
		w->logs[w->n_logs++] = s->store.dir_fd;
	}
}

ch_err log_walls_up(const struct log_walls *w)
{
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .processes = 0 }));
	if (w->asks)
		TRY(fetch_lookup_plainly());
	TRY(landlock(w));
	return seccomp(w->asks);
}
