/* What is due goes into a store first; that the issuer takes it in is asked of the supervisor,
 * at DIR/run/control. Nothing of it travels there: whoever asks twice, asks for the same. */
#include "revoke_ask.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "say.h"
#include "stores.h"
#include "wire/control.h"

enum { ANSWER_MS = 20000, PATIENCE_MS = 30000, AGAIN_MS = 50 };

ch_err revoke_due(struct store *s, str realm, const struct revocation *r)
{
	uint8_t room[REVOKE_DUE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	revocation_due_write(&w, r);
	TRY(wr_done(&w));
	return store_due_add(s, realm, wr_bytes(&w));
}

static ch_err control_connect(const struct authority *a, int *ret_fd)
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

static ch_err ask_once(const struct authority *a, str group, bool *ret_runs)
{
	static uint8_t room[CONTROL_MAX];
	AUTO(fd_close) int fd = -1;
	struct control c = { .kind = CONTROL_REVOKE, .name = group };
	ch_err e = control_connect(a, &fd);
	*ret_runs = ch_code_of(e) != CH_E_GONE;
	TRY(e);
	TRY(control_send(fd, &c, NULL));
	if (failed(channel_wait(fd, POLLIN, ANSWER_MS)))
		return ch_fail(CH_E_GONE, "the authority does not answer", ANSWER_MS);
	TRY(control_recv(fd, room, &c, NULL));
	return c.kind == CONTROL_READY ? CH_DONE : ch_err_from_wire((uint16_t)c.code, c.detail);
}

/* An issuer that is on its way, or ended before it answered, is asked again. */
static ch_err ask(const struct authority *a, str group, bool *ret_runs)
{
	uint64_t until = clock_mono_ns() + (uint64_t)PATIENCE_MS * 1000000;
	ch_err e = ask_once(a, group, ret_runs);
	while (ch_code_of(e) == CH_E_BUSY && clock_mono_ns() < until) {
		(void)poll(NULL, 0, AGAIN_MS);
		e = ask_once(a, group, ret_runs);
	}
	return e;
}

struct settling {
	const struct authority *a;
	bool due[PLAN_GROUPS_MAX];
};

static ch_err one_due(void *ctx, const struct store_due *d)
{
	bool *due = ctx;
	(void)d;
	*due = true;
	return CH_DONE;
}

static int look(struct store *s, str group, void *ctx)
{
	struct settling *st = ctx;
	for (size_t i = 0; i < st->a->config.n_groups; i++) {
		if (!str_eq(st->a->config.groups[i].name, group))
			continue;
		ch_err e = store_due_list(s, one_due, &st->due[i]);
		if (failed(e))
			return say_trouble("cannot read the store of group", group, e);
	}
	return EXIT_YES;
}

static int settle_group(const struct authority *a, str group, bool *ret_queued)
{
	bool runs = false;
	ch_err e = ask(a, group, &runs);
	if (!runs) {
		*ret_queued = true;
		say("the authority does not run: it takes this in when it starts, and no gate "
		    "hears of it before",
		    (str){ 0 });
		return EXIT_YES;
	}
	if (!failed(e))
		return EXIT_YES;
	return say_trouble("this is kept and tried again each second, but NOT IN FORCE yet: the "
			   "issuer cannot write its revocations (its log says why)",
			   group, e);
}

int revoke_settle(const struct authority *a, bool *ret_queued)
{
	struct settling st = { .a = a };
	*ret_queued = false;
	ch_err e = stores_leave();
	if (failed(e))
		return say_trouble("cannot go on", (str){ 0 }, e);
	int r = stores_each(a, look, &st);
	for (size_t i = 0; i < a->config.n_groups && r == EXIT_YES; i++)
		if (st.due[i])
			r = settle_group(a, a->config.groups[i].name, ret_queued);
	return r;
}
