/* The registry of secrets, as a child of the server: under a uid of its own, with the socket
 * that was made before it and a folder that is its own. It is started again when it dies, and
 * the socket stays meanwhile: who asks waits, and does not take it for gone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "coredump_internal.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/registry.h"

enum { UID_REGISTRY = 2 };
#define FOLDER "registry"
#define AGAIN_NS UINT64_C(1000000000)

static uint32_t uid_of(const struct dump_settings *s)
{
	return geteuid() == 0 ? s->uid_base + UID_REGISTRY : 0;
}

/* STATE/registry, the registry's alone. */
static ch_err open_folder(const struct state *s, int *ret_fd)
{
	uint32_t uid = uid_of(&s->settings);
	TRY(dir_make(s->dir, FOLDER, 0700));
	AUTO(fd_close) int fd =
		openat(s->dir, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0700) != 0 || (uid && fchown(fd, uid, uid) != 0))
		return ch_fail(CH_E_IO, "cannot give the registry its folder", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err make_boot(const struct dump_settings *s, int *ret_fd)
{
	uint8_t room[REGISTRY_CONFIG_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct registry_config c = { .n_uids = s->n_reporters };
	_Static_assert((int)REGISTRY_UIDS_MAX >= DUMP_REPORTERS_MAX, "who reports may register");
	for (size_t i = 0; i < s->n_reporters; i++)
		c.uids[i] = s->reporters[i];
	registry_config_write(&w, &c);
	TRY(wr_done(&w));
	return boot_make(LIT("registry"), wr_bytes(&w), ret_fd);
}

static ch_err start(const struct state *s, int listener, pid_t *ret_pid)
{
	struct path path;
	AUTO(fd_close) int program = -1, boot = -1, folder = -1;
	TRY(path_join(&path, s->settings.libexec, LIT("registry"), (str){ 0 }));
	TRY(spawn_open(path.p, &program));
	TRY(open_folder(s, &folder));
	TRY(make_boot(&s->settings, &boot));
	const struct spawn spawn = {
		.program = program,
		.name = "chancery-regist",
		.uid = uid_of(&s->settings),
		.fds = { boot, -1, listener, folder },
		.n_fds = 4,
		.gate = -1,
	};
	return spawn_role(&spawn, ret_pid);
}

void registry_child_keep(struct registry_child *c, const struct state *s)
{
	uint64_t now_ns = clock_mono_ns();
	int status = 0;
	if (c->listener < 0)
		return;
	if (c->pid > 0 && waitpid(c->pid, &status, WNOHANG) == c->pid) {
		LOG(LOG_ERROR, "the registry of secrets died; another is started",
		    log_u64("status", (uint64_t)status));
		c->pid = 0;
		c->again_ns = now_ns + AGAIN_NS;
	}
	if (c->pid > 0 || now_ns < c->again_ns)
		return;
	ch_err e = start(s, c->listener, &c->pid);
	if (!failed(e))
		return;
	LOG(LOG_ERROR, "the registry of secrets cannot be started", log_err(e));
	c->again_ns = now_ns + AGAIN_NS;
}
