/* The key-encryption key on its way: it travels as a descriptor of secret memory, which
 * both sides close once it is mapped. */
#include <poll.h>

#include "base/file.h"
#include "warden_internal.h"

enum { KEEPER_TIMEOUT_MS = 60000, KEY_MAX = 4096 };

ch_err key_receive(int keeper_fd, enum secretmem_kind kind, struct secretmem *ret_key,
		   size_t *ret_size)
{
	static uint8_t room[CONTROL_MAX];
	struct control c = { 0 };
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	TRY(channel_wait(keeper_fd, POLLIN, KEEPER_TIMEOUT_MS));
	TRY(control_recv(keeper_fd, room, &c, &fds));
	if (c.kind != CONTROL_KEY || fds.n != 1 || c.detail == 0 || c.detail > KEY_MAX)
		return ch_fail(CH_E_PROTOCOL, "the keeper sent no key", c.kind);
	TRY(secretmem_receive(fds.fd[0], kind, c.detail, ret_key));
	*ret_size = c.detail;
	return CH_DONE;
}

ch_err key_hand_over(const struct secretmem *key, size_t size, int signer_fd)
{
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	struct control c = { .kind = CONTROL_KEY, .detail = size };
	TRY(secretmem_share(key->kind, (bytes){ key->p, size }, &fds.fd[0]));
	fds.n = 1;
	return control_send(signer_fd, &c, &fds);
}
