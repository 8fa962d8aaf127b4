/* Asks the supervisor at DIR/run/control, and waits for its one answer. */
#include "control_ask.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/file.h"

enum { PATIENCE_MS = 30000, AGAIN_MS = 50 };

static ch_err connect_supervisor(const struct authority *a, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct path path;
	TRY(path_join(&path, str_from_c(a->dir.p), LIT("run/control"), (str){ 0 }));
	str name = str_from_c(path.p);
	if (name.n >= sizeof(address.sun_path))
		return ch_fail(CH_E_FULL, "the folder's name is too long for a socket", name.n);
	mem_copy(address.sun_path, name.p, name.n);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return ch_fail(CH_E_GONE, "the authority does not run", 0);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err ask_once(const struct authority *a, const struct control *question, int answer_ms,
		       bool *ret_runs)
{
	static uint8_t room[CONTROL_MAX];
	AUTO(fd_close) int fd = -1;
	struct control c = *question;
	ch_err e = connect_supervisor(a, &fd);
	*ret_runs = ch_code_of(e) != CH_E_GONE;
	TRY(e);
	TRY(control_send(fd, &c, NULL));
	if (failed(channel_wait(fd, POLLIN, answer_ms)))
		return ch_fail(CH_E_GONE, "the authority does not answer in time", answer_ms);
	TRY(control_recv(fd, room, &c, NULL));
	return c.kind == CONTROL_READY ? CH_DONE : ch_err_from_wire((uint16_t)c.code, c.detail);
}

ch_err control_ask(const struct authority *a, enum control_kind kind, str group, int answer_ms,
		   bool *ret_runs)
{
	const struct control question = { .kind = kind, .name = group };
	uint64_t until = clock_mono_ns() + (uint64_t)PATIENCE_MS * 1000000;
	ch_err e = ask_once(a, &question, answer_ms, ret_runs);
	while (ch_code_of(e) == CH_E_BUSY && clock_mono_ns() < until) {
		(void)poll(NULL, 0, AGAIN_MS);
		e = ask_once(a, &question, answer_ms, ret_runs);
	}
	return e;
}
