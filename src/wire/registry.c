/* Asking the registry of secrets. What it answers is checked like a stranger's word; a secret
 * is in the caller's room only until it was sent. */
#include "wire/registry.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"
#include "wire_internal.h"

void registry_config_write(struct wr *w, const struct registry_config *c)
{
	wr_u16(w, u16_from(c->n_uids));
	for (size_t i = 0; i < c->n_uids; i++)
		wr_u32(w, c->uids[i]);
}

ch_err registry_config_read(bytes b, struct registry_config *ret_c)
{
	struct rd r = rd_of(b);
	struct registry_config c = { 0 };
	c.n_uids = rd_count16(&r, REGISTRY_UIDS_MAX);
	for (size_t i = 0; i < c.n_uids; i++)
		c.uids[i] = rd_u32(&r);
	TRY(wire_done(&r));
	*ret_c = c;
	return CH_DONE;
}

static ch_err why_not(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return ch_fail(CH_E_NOT_FOUND, "there is no registry of secrets", error);
	if (error == EACCES || error == EPERM)
		return ch_fail(CH_E_DENIED, "the registry of secrets may not be asked", error);
	return ch_fail(CH_E_GONE, "the registry of secrets does not answer", error);
}

ch_err registry_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct wr w = wr_of(a.sun_path, sizeof(a.sun_path) - 1);
	wr_str(&w, str_from_c(path));
	TRY(wr_done(&w));
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a socket", errno);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return why_not(errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err send_ask(int fd, const struct registry_ask *a, uint8_t *room)
{
	struct wr w = wr_of(room, MESSAGE_MAX);
	registry_ask_write(&w, a);
	ch_err e = wr_done(&w);
	if (!failed(e))
		e = channel_send(fd, wr_bytes(&w), NULL);
	if (ch_code_of(e) == CH_E_BUSY && !failed(channel_wait(fd, POLLOUT, REGISTRY_WAIT_MS)))
		e = channel_send(fd, wr_bytes(&w), NULL);
	mem_wipe(room, w.n);
	return e;
}

ch_err registry_tell(int fd, const struct registry_ask *a, uint8_t room[static MESSAGE_MAX],
		     struct registry_answer *ret_answer, int *ret_fd_or_null)
{
	bytes message = { 0 };
	struct registry_answer answer = { 0 };
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	TRY(send_ask(fd, a, room));
	TRY(channel_wait(fd, POLLIN, REGISTRY_WAIT_MS));
	TRY(channel_recv(fd, room, MESSAGE_MAX, &message, ret_fd_or_null ? &fds : NULL));
	TRY(registry_answer_read(message, &answer));
	if (answer.code != CH_OK)
		return ch_err_from_wire(answer.code, answer.detail);
	if (ret_fd_or_null && fds.n != 1)
		return ch_fail(CH_E_PROTOCOL, "the registry gives no snapshot", fds.n);
	if (ret_fd_or_null)
		*ret_fd_or_null = message_fds_take(&fds, 0);
	*ret_answer = answer;
	return CH_DONE;
}
