/* The loop: signers, hasher and supervisor first, then HTTP, then one batch a realm.
 * What arrived in one turn is signed together. */
#include <errno.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "issuer.h"
#include "wire/control.h"

enum { EVENTS_MAX = 32, TURN_MAX_MS = 1000, IDLE_MAX_MS = 1000, PATIENCE_MS = 10000 };

ch_err watch_add(struct issuer *is, struct watch *w)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = w };
	if (epoll_ctl(is->epoll, EPOLL_CTL_ADD, w->fd, &e) != 0)
		return ch_fail(CH_E_IO, "cannot watch a socket", errno);
	return CH_DONE;
}

void watch_done(struct issuer *is, struct watch *w)
{
	if (w->fd >= 0)
		(void)epoll_ctl(is->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	fd_close(&w->fd);
}

static ch_err attach(struct issuer *is, const struct control *c, struct message_fds *fds)
{
	int fd = message_fds_take(fds, 0);
	if (fd < 0)
		return ch_fail(CH_E_PROTOCOL, "the supervisor attached nothing", c->generation);
	/* no realm: a new hasher in place of one that died */
	if (c->name.n == 0) {
		watch_done(is, &is->hasher.watch);
		hasher_attach(is, fd);
		return CH_DONE;
	}
	if (str_eq(c->name, LIT("log"))) {
		log_attach(is, fd);
		return CH_DONE;
	}
	for (size_t i = 0; i < is->config.n_realms; i++)
		if (str_eq(is->realms[i].config->name, c->name))
			return signer_attach(&is->realms[i], fd, c->generation);
	fd_close(&fd);
	return ch_fail(CH_E_NOT_FOUND, "a signer of a realm that is not ours", c->generation);
}

/* An administrator's command waits at the supervisor. */
static ch_err revoke_asked(struct issuer *is, const struct control *c)
{
	ch_err e = revocations_drain(is);
	const struct control answer = {
		.kind = CONTROL_REVOKED,
		.generation = c->generation,
		.code = ch_code_of(e),
		.detail = e.detail,
		.text = e.site ? bytes_of_str(str_from_c(e.site->what)) : (bytes){ 0 },
	};
	return control_send(is->control.fd, &answer, NULL);
}

static ch_err control_take(struct issuer *is)
{
	static uint8_t room[CONTROL_MAX];
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	struct control c = { 0 };
	TRY(control_recv(is->control.fd, room, &c, &fds));
	if (c.kind == CONTROL_ATTACH)
		return attach(is, &c, &fds);
	if (c.kind == CONTROL_REVOKE)
		return revoke_asked(is, &c);
	if (c.kind != CONTROL_STOP)
		return ch_fail(CH_E_PROTOCOL, "the supervisor says what an issuer is not told",
			       c.kind);
	http_stop(is->http);
	is->stopping = true;
	is->stop_ns = clock_mono_ns();
	/* another issuer waits for its turn, and with it those who ask */
	is->idle_ns = (c.detail < IDLE_MAX_MS ? c.detail : IDLE_MAX_MS) * 1000000;
	return CH_DONE;
}

void control_event(struct issuer *is, struct watch *w)
{
	ch_err e = CH_DONE;
	while (!failed(e))
		e = control_take(is);
	if (ch_code_of(e) == CH_E_BUSY)
		return;
	if (ch_code_of(e) == CH_E_GONE) {
		watch_done(is, w);
		is->gone = true;
		return;
	}
	LOG(LOG_ERROR, "a message of the supervisor's cannot be obeyed", log_err(e));
}

static int sooner_ms(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int sleep_ms(struct issuer *is, int sweep_ms)
{
	int ms = http_timeout_ms(is->http);
	if (ms < 0 || ms > TURN_MAX_MS)
		ms = TURN_MAX_MS;
	/* codes of this turn: the signers have their batches by now */
	if (is->settle_first)
		return 0;
	if (sweep_ms >= 0 && sweep_ms < ms)
		ms = sweep_ms;
	return is->stopping && ms > 10 ? 10 : ms;
}

static bool is_over(const struct issuer *is)
{
	if (is->gone || is->silent)
		return true;
	if (!is->stopping)
		return false;
	uint64_t since_ns = clock_mono_ns() - is->stop_ns;
	/* who has connected may have asked already, in bytes that were not read yet */
	bool idle = http_connections(is->http) == 0 || since_ns >= is->idle_ns;
	return (http_under_way(is->http) == 0 && idle) || since_ns > (uint64_t)STOP_MS * 1000000;
}

static bool has_signers(const struct issuer *is)
{
	for (size_t i = 0; i < is->config.n_realms; i++)
		if (!is->realms[i].knows_keys)
			return false;
	return true;
}

/* Who asks before there is a signer waits in the socket's queue: it is there in an instant, at a
 * start and after a crash. If it is not, 503 tells more than silence. */
static ch_err serve(struct issuer *is, uint64_t since_ns)
{
	struct epoll_event e = { .events = EPOLLIN };
	bool late = clock_mono_ns() - since_ns > (uint64_t)PATIENCE_MS * 1000000;
	if (!is->serves) {
		if (!late && !is->stopping && !has_signers(is))
			return CH_DONE;
		if (epoll_ctl(is->epoll, EPOLL_CTL_ADD, http_epoll_fd(is->http), &e) != 0)
			return ch_fail(CH_E_IO, "cannot watch the connections", errno);
		is->serves = true;
	}
	http_run(is->http);
	return CH_DONE;
}

ch_err issuer_loop(struct issuer *is)
{
	const uint64_t since_ns = clock_mono_ns();
	struct epoll_event events[EVENTS_MAX];
	int sweep_ms = -1;
	while (!is_over(is)) {
		int n = epoll_wait(is->epoll, events, EVENTS_MAX, sleep_ms(is, sweep_ms));
		if (n < 0 && errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait for events", errno);
		is->clients.checked = false;
		for (int i = 0; i < n; i++) {
			struct watch *w = events[i].data.ptr;
			/* the first may have closed the second's */
			if (w && w->fd >= 0)
				w->ready(is, w);
		}
		settle_run(is);
		room_turn(is);
		revocations_turn(is);
		TRY(serve(is, since_ns));
		monitor_run(is);
		signers_flush(is);
		hasher_flush(is);
		sweep_ms = sooner_ms(signers_sweep(is, clock_mono_ns()),
				     log_turn(is, clock_mono_ns()));
		hasher_sweep(is, clock_mono_ns());
	}
	if (is->silent)
		return ch_fail(CH_E_GONE,
			       "no signer answers, or no hasher: the issuer must start anew", 0);
	return CH_DONE;
}
