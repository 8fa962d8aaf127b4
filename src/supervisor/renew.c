/* DIR/run/control: an administrator's command asks for a new generation of signers, and is
 * answered when the issuer asks it; or that an issuer takes in what is revoked (ask_revoke.c). Only our own user and root may ask. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "supervisor_internal.h"

ch_err renew_listen(struct supervisor *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct path path;
	TRY(path_join(&path, s->plan.dir, LIT("run/control"), (str){ 0 }));
	str name = str_from_c(path.p);
	if (name.n >= sizeof(address.sun_path))
		return ch_fail(CH_E_FULL, "the authority's folder has too long a name for a socket",
			       name.n);
	mem_copy(address.sun_path, name.p, name.n);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(path.p);
	mode_t before = umask(0177);
	int r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	(void)umask(before);
	if (fd < 0 || r != 0 || listen(fd, 4) != 0)
		return ch_fail(CH_E_IO, "cannot listen on run/control", errno);
	s->listener = TAKE_FD(fd);
	return CH_DONE;
}

static bool may_ask(int fd)
{
	struct ucred who = { 0 };
	socklen_t n = sizeof(who);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
	       (who.uid == 0 || who.uid == geteuid());
}

static ch_err read_request(struct supervisor *s, int fd, enum control_kind *ret_kind,
			   size_t *ret_group)
{
	static uint8_t room[CONTROL_MAX];
	struct control c = { 0 };
	TRY(channel_wait(fd, POLLIN, 1000));
	TRY(control_recv(fd, room, &c, NULL));
	*ret_kind = c.kind;
	if (c.kind != CONTROL_RENEW && c.kind != CONTROL_REVOKE)
		return ch_fail(CH_E_PROTOCOL, "a message that is not taken here", c.kind);
	for (size_t i = 0; i < s->plan.n_groups; i++)
		if (str_eq(s->plan.groups[i].name, c.name)) {
			*ret_group = i;
			return CH_DONE;
		}
	return ch_fail(CH_E_NOT_FOUND, "the authority runs no such group: restart it", 0);
}

void control_answer(int fd, ch_err result)
{
	const struct control c = {
		.kind = failed(result) ? CONTROL_FAILED : CONTROL_READY,
		.code = ch_code_of(result),
		.detail = result.detail,
		.text = result.site ? bytes_of_str(str_from_c(result.site->what)) : (bytes){ 0 },
	};
	/* if it did not wait for the answer, it does not want it */
	(void)control_send(fd, &c, NULL);
}

void renew_answer(struct supervisor *s, size_t group, ch_err result)
{
	if (s->asker < 0 || s->asker_group != group)
		return;
	control_answer(s->asker, result);
	fd_close(&s->asker);
}

/* Its sockets being on their way to the issuer is not enough: what is asked for next must
 * come from the new signer. */
void renew_attached(struct supervisor *s, const struct process *issuer, const struct control *c)
{
	const struct plan_group *g = &s->plan.groups[issuer->group];
	if (s->asker < 0 || s->asker_group != issuer->group || c->generation < s->asker_generation)
		return;
	for (size_t i = 0; i < g->n_realms; i++)
		if (str_eq(g->realms[i].name, c->name))
			s->asker_realms |= (uint32_t)1 << i;
	if (s->asker_realms == ((uint32_t)1 << g->n_realms) - 1)
		renew_answer(s, issuer->group, CH_DONE);
}

bool renew_is_waited_for(struct supervisor *s, size_t group)
{
	struct pollfd p = { .fd = s->asker, .events = POLLRDHUP };
	if (s->asker >= 0 && poll(&p, 1, 0) == 1)
		fd_close(&s->asker);
	return s->asker >= 0 && s->asker_group == group;
}

/* Without a warden none can start now; when the next one serves, it starts signers for all,
 * and any generation from then on has the key. */
static ch_err start_for(struct supervisor *s, size_t group)
{
	ch_err e = generation_start(s, group);
	s->asker_generation = s->generation;
	if (ch_code_of(e) != CH_E_GONE)
		return e;
	s->asker_generation++;
	return CH_DONE;
}

void renew_accept(struct supervisor *s)
{
	size_t group = 0;
	enum control_kind kind = CONTROL_RENEW;
	AUTO(fd_close) int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	/* read in any case: who is closed upon with a word unread is not told why */
	ch_err e = may_ask(fd) ? read_request(s, fd, &kind, &group)
			       : ch_fail(CH_E_DENIED, "another user may not ask", 0);
	if (!failed(e) && kind == CONTROL_REVOKE) {
		revoke_ask(s, group, TAKE_FD(fd));
		return;
	}
	if (!failed(e) && renew_is_waited_for(s, s->asker_group))
		e = ch_fail(CH_E_BUSY, "another renewal is under way", 0);
	if (!failed(e))
		e = start_for(s, group);
	if (failed(e)) {
		control_answer(fd, e);
		return;
	}
	s->asker = TAKE_FD(fd);
	s->asker_group = group;
	s->asker_realms = 0;
	LOG(LOG_INFO, "a new generation was asked for",
	    log_str("group", s->plan.groups[group].name));
}
