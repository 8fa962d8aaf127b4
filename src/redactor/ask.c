/* Asks the one who started this redactor for a file that was mapped. It trusts no answer to
 * be the right file (code.h compares), only that there is one. */
#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/file.h"
#include "redactor_internal.h"
#include "wire/boot.h"

enum { ANSWER_MS = 20 * 1000 };

static ch_err exchange(str path, int *ret_fd)
{
	uint8_t room[CODE_MESSAGE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	bytes message = { 0 };
	uint16_t code = 0;
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	code_ask_write(&w, path);
	TRY(wr_done(&w));
	TRY(channel_send(CONTROL_FD, wr_bytes(&w), NULL));
	TRY(channel_wait(CONTROL_FD, POLLIN, ANSWER_MS));
	TRY(channel_recv(CONTROL_FD, room, sizeof(room), &message, &fds));
	TRY(code_answer_read(message, &code));
	if (code != CH_OK || fds.n != 1)
		return ch_fail(CH_E_NOT_FOUND, "a mapped file is not to be had", code);
	*ret_fd = message_fds_take(&fds, 0);
	return CH_DONE;
}

static ch_err ask(struct code_opener *o, str path, int *ret_fd)
{
	struct asker *a = (struct asker *)o;
	if (a->gone || path.n == 0 || path.n > CODE_PATH_MAX)
		return ch_fail(CH_E_NOT_FOUND, "nobody opens mapped files", path.n);
	ch_err e = exchange(path, ret_fd);
	if (!failed(e) || ch_code_of(e) == CH_E_NOT_FOUND)
		return e;
	a->gone = true;
	return ch_fail(CH_E_NOT_FOUND, "nobody opens mapped files", 0);
}

void asker_init(struct asker *a)
{
	*a = (struct asker){ .opener = { ask } };
}
