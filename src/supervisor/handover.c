/* Crash reports to the machine's handler of crash dumps, where one is installed: there they are
 * sealed, and kept with the dumps. A child does it, since the supervisor waits for nobody; it
 * trusts the answer of root alone, and leaves the report where it is otherwise. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "supervisor_internal.h"
#include "wire/channel.h"
#include "wire/dump_settings.h"

enum { STORE_MS = 40000, EXIT_TROUBLE = 3 };
#define PLACE DUMP_STATE_DEFAULT "/" DUMP_SOCKET_REPORTS

static ch_err connect_handler(int *ret_fd)
{
	static const struct sockaddr_un place = { .sun_family = AF_UNIX, .sun_path = PLACE };
	struct ucred peer = { 0 };
	socklen_t n = sizeof(peer);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a socket", errno);
	if (connect(fd, (const struct sockaddr *)&place, sizeof(place)) != 0)
		return ch_fail(CH_E_NOT_FOUND, "no handler of crash dumps is installed", errno);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 || peer.uid != 0)
		return ch_fail(CH_E_DENIED, "the handler of crash dumps is not root's", peer.uid);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err store(int fd, const struct control *c, struct crash_stored *ret_stored)
{
	static uint8_t room[MESSAGE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	bytes message = { 0 };
	crash_report_write(&w, &(struct crash_report){ .pid = c->pid,
						       .signal = c->code,
						       .time_s = clock_unix_s(),
						       .program = LIT("chancery-signer"),
						       .text = c->text });
	TRY(wr_done(&w));
	TRY(channel_send(fd, wr_bytes(&w), NULL));
	TRY(channel_wait(fd, POLLIN, STORE_MS));
	TRY(channel_recv(fd, room, sizeof(room), &message, NULL));
	TRY(crash_stored_read(message, ret_stored));
	return ret_stored->code == CH_OK ? CH_DONE
					 : ch_err_from_wire(ret_stored->code, ret_stored->detail);
}

static ch_err hand_over(int dir, const struct control *c, const char *path)
{
	struct crash_stored stored = { 0 };
	AUTO(fd_close) int fd = -1;
	TRY(connect_handler(&fd));
	TRY(store(fd, c, &stored));
	LOG(LOG_INFO, "a crash report is with the handler of crash dumps",
	    log_str("report", str_from_c(path)), log_str("id", stored.id));
	if (unlinkat(dir, path, 0) != 0)
		return ch_fail(CH_E_IO, "cannot remove a report that is stored elsewhere", errno);
	return CH_DONE;
}

_Noreturn static void be_messenger(int dir, const struct control *c, const char *path)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		_exit(EXIT_TROUBLE);
	ch_err e = hand_over(dir, c, path);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		LOG(LOG_WARN, "a crash report stays where it is",
		    log_str("report", str_from_c(path)), log_err(e));
	_exit(failed(e) ? EXIT_TROUBLE : 0);
}

void report_hand_over(struct supervisor *s, const struct control *c, const char *path)
{
	if (access(PLACE, F_OK) != 0)
		return;
	pid_t pid = fork();
	if (pid == 0)
		be_messenger(s->dir, c, path);
	if (pid < 0)
		LOG(LOG_WARN, "a crash report stays where it is",
		    log_str("report", str_from_c(path)));
}
