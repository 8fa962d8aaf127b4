/* Asks the supervisor at DIR/run/control for a new generation of signers. */
#include "renew.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/file.h"
#include "wire/control.h"

enum { RENEW_TIMEOUT_MS = 30000, RENEW_AGAIN_MS = 50 };

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

/* Asks once; *ret_runs says whether there was somebody to ask. */
static ch_err ask(const struct authority *a, str realm, bool *ret_runs)
{
	static uint8_t room[CONTROL_MAX];
	AUTO(fd_close) int fd = -1;
	struct control c = { .kind = CONTROL_RENEW, .name = authority_group_of(a, realm)->name };
	ch_err e = connect_supervisor(a, &fd);
	*ret_runs = ch_code_of(e) != CH_E_GONE;
	TRY(e);
	TRY(control_send(fd, &c, NULL));
	if (failed(channel_wait(fd, POLLIN, RENEW_TIMEOUT_MS)))
		return ch_fail(CH_E_GONE, "no new signer serves in time", RENEW_TIMEOUT_MS);
	TRY(control_recv(fd, room, &c, NULL));
	return c.kind == CONTROL_READY ? CH_DONE : ch_err_from_wire((uint16_t)c.code, c.detail);
}

/* It makes one generation at a time. */
ch_err renew(const struct authority *a, str realm, bool *ret_runs)
{
	uint64_t until = clock_mono_ns() + (uint64_t)RENEW_TIMEOUT_MS * 1000000;
	ch_err e = ask(a, realm, ret_runs);
	while (ch_code_of(e) == CH_E_BUSY && clock_mono_ns() < until) {
		(void)poll(NULL, 0, RENEW_AGAIN_MS);
		e = ask(a, realm, ret_runs);
	}
	return *ret_runs ? e : CH_DONE;
}
