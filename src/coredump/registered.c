/* The fingerprints of registered secrets, for the redactor. A registry that is there and
 * silent is an error: what somebody asked to be removed would stay. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "coredump_internal.h"

enum { ANSWER_MS = 2000, ASK_MAX = 16 };

static ch_err connect_in(int state_dir, int *ret_fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct wr w = wr_of(a.sun_path, sizeof(a.sun_path) - 1);
	wr_lit(&w, "/proc/self/fd/");
	wr_dec(&w, (uint64_t)state_dir);
	wr_lit(&w, "/" DUMP_SOCKET_REGISTRY);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a socket", errno);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return ch_fail(CH_E_GONE, "the registry of secrets does not answer", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err ask(int fd, int *ret_snapshot)
{
	static uint8_t room[MESSAGE_MAX];
	struct wr w = wr_of(room, ASK_MAX);
	bytes message = { 0 };
	struct registry_answer answer = { 0 };
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	registry_ask_write(&w, &(struct registry_ask){ .kind = REGISTRY_SNAPSHOT });
	TRY(wr_done(&w));
	TRY(channel_send(fd, wr_bytes(&w), NULL));
	TRY(channel_wait(fd, POLLIN, ANSWER_MS));
	TRY(channel_recv(fd, room, sizeof(room), &message, &fds));
	TRY(registry_answer_read(message, &answer));
	if (answer.code != CH_OK)
		return ch_err_from_wire(answer.code, answer.detail);
	if (fds.n != 1)
		return ch_fail(CH_E_PROTOCOL, "the registry gives no snapshot", fds.n);
	*ret_snapshot = message_fds_take(&fds, 0);
	return CH_DONE;
}

ch_err registered_snapshot(int state_dir, int *ret_fd)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd = -1;
	if (fstatat(state_dir, DUMP_SOCKET_REGISTRY, &st, AT_SYMLINK_NOFOLLOW) != 0 &&
	    errno == ENOENT) {
		*ret_fd = -1;
		return CH_DONE;
	}
	TRY(connect_in(state_dir, &fd));
	return ask(fd, ret_fd);
}
