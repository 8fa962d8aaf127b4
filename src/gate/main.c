/* The relying party's daemon: read the configuration, take the keys, put up the walls,
 * answer. Trusts its configuration and the key files; whoever asks must know the client
 * secret, and a token is believed for nothing but what the policy says of its issuer. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "crypto/key.h"
#include "gate_internal.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/control.h"

enum {
	TICK_MS = 1000,
	WARM_MS = 5,
	DRAIN_MS = 5000,
	HANDOVER_MS = 1000,
	EXIT_TROUBLE = 3,
	FDS_MAX = 3,
	ROUTES = 4
};

/* Where it is asked; two of them, for mail servers and for web servers. */
struct door {
	int fd;
	struct http *http;
	struct http_route routes[ROUTES];
};

struct loop {
	struct gate *gate;
	struct door doors[2];
	size_t n_doors;
	int proofs_fd;
	int epoll, signals;
	bool waiting; /* for its turn to serve */
	bool opening; /* it is its turn, once the logs are read */
	bool unready; /* who started it has not been told that it can */
	bool stopping;
	uint64_t drain_until_ns;
	uint64_t warm_by_ns;    /* a cold key is warmed then, busy or not */
	uint64_t idle_until_ns; /* so long connections that say nothing may stay */
};

static uint8_t boot_storage[BOOT_MAX];
static struct gate gate;

static ch_err configure(struct gate *g)
{
	bytes config = { 0 };
	TRY(crypto_init(NULL));
	TRY(boot_read(LIT("gate"), boot_storage, sizeof(boot_storage), &config));
	return gate_config_read(config, &g->config);
}

/* In the order of PROTOCOL.md. */
static void take_fds(struct loop *l)
{
	const struct gate_config *c = &l->gate->config;
	int next = ROLE_FD;
	const struct http_route mail = { LIT("/introspect"), HTTP_POST, serve_introspect, l->gate };
	const struct http_route web = { LIT("/check/*"), HTTP_GET, serve_check, l->gate };
	if (c->introspects)
		l->doors[l->n_doors++] = (struct door){ .fd = next++, .routes = { mail } };
	if (c->checks)
		l->doors[l->n_doors++] = (struct door){ .fd = next++, .routes = { web } };
	l->proofs_fd = c->has_proofs ? next : -1;
	for (size_t i = 0; i < l->n_doors; i++) {
		struct http_route *r = l->doors[i].routes;
		r[1] = (struct http_route){ LIT("/metrics"), HTTP_GET, serve_metrics, l->gate };
		r[2] = (struct http_route){ LIT("/health"), HTTP_GET, serve_health, l->gate };
		r[3] = (struct http_route){ LIT("/ready"), HTTP_GET, serve_ready, l->gate };
	}
}

static ch_err watch(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		return ch_fail(CH_E_IO, "cannot watch a descriptor", errno);
	return CH_DONE;
}

static ch_err open_signals(int *ret_fd)
{
	const int stops[] = { SIGTERM, SIGINT };
	(void)signal(SIGPIPE, SIG_IGN);
	return signals_open(stops, COUNT_OF(stops), ret_fd);
}

static ch_err loop_open(struct loop *l)
{
	TRY(open_signals(&l->signals));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return ch_fail(CH_E_IO, "cannot make an epoll", errno);
	TRY(watch(l->epoll, l->signals));
	if (keys_fd(&l->gate->keys) >= 0)
		TRY(watch(l->epoll, keys_fd(&l->gate->keys)));
	if (l->gate->revocations.wake >= 0)
		TRY(watch(l->epoll, l->gate->revocations.wake));
	if (l->gate->logs.wake >= 0)
		TRY(watch(l->epoll, l->gate->logs.wake));
	return l->gate->config.supervised ? watch(l->epoll, CONTROL_FD) : CH_DONE;
}

/* What we were given and do not know is closed before anything is opened. */
static ch_err close_others(const struct loop *l)
{
	int keep[8];
	size_t n = 0;
	if (l->gate->config.supervised)
		keep[n++] = CONTROL_FD;
	for (size_t i = 0; i < l->n_doors; i++)
		keep[n++] = l->doors[i].fd;
	if (l->proofs_fd >= 0)
		keep[n++] = l->proofs_fd;
	if (gate_fetcher_fd(&l->gate->config) >= 0)
		keep[n++] = gate_fetcher_fd(&l->gate->config);
	return sandbox_close_from(3, keep, n);
}

/* Each worker of a web server keeps dozens of connections. A header that holds a token, a
 * proof and a certificate is larger than most, but the library wipes all of its memory between
 * two requests. Pages that nobody uses are not there. */
static ch_err open_doors(struct loop *l)
{
	struct http_limits limits = http_limits_default();
	limits.connections = DOOR_CONNECTIONS;
	limits.connection_memory = 32 * 1024;
	limits.arena = 160 * 1024;
	for (size_t i = 0; i < l->n_doors; i++) {
		struct door *d = &l->doors[i];
		TRY(http_new(d->fd, &limits, d->routes, ROUTES, &d->http));
		TRY(watch(l->epoll, http_epoll_fd(d->http)));
	}
	l->waiting = false;
	/* iat has whole seconds: one of this second may have been used just before */
	if (l->gate->config.proofs_since_s == 0)
		l->gate->config.proofs_since_s = clock_unix_s() + 1;
	LOG(LOG_INFO, "gate is ready", log_u64("issuers", l->gate->config.n_issuers),
	    log_u64("locations", l->gate->config.n_locations));
	return CH_DONE;
}

/* idle_ms is 0 at the end, else another waits for its turn, and with it those who ask. What
 * is under way then is a question that its sender has not finished. */
static void begin_stop(struct loop *l, uint64_t idle_ms)
{
	uint64_t now = clock_mono_ns(), most_ms = idle_ms > 0 ? HANDOVER_MS : DRAIN_MS;
	if (l->stopping)
		return;
	l->stopping = true;
	l->drain_until_ns = now + most_ms * 1000000;
	l->idle_until_ns = now + (idle_ms < most_ms ? idle_ms : most_ms) * 1000000;
	for (size_t i = 0; i < l->n_doors; i++)
		if (l->doors[i].http)
			http_stop(l->doors[i].http);
}

/* A socket of a log's ledger, which we asked for. */
static void attach(struct loop *l, str name, int fd)
{
	if (fd >= 0 && failed(watch(l->epoll, fd)))
		LOG(LOG_WARN, "a log's ledger is looked at, not listened to");
	logs_attached(&l->gate->logs, name, fd);
}

/* That who started it is gone says the same as to stop. */
static ch_err on_control(struct loop *l)
{
	static uint8_t storage[CONTROL_MAX];
	struct control c = { 0 };
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	ch_err e = control_recv(CONTROL_FD, storage, &c, &fds);
	if (ch_code_of(e) == CH_E_BUSY)
		return CH_DONE;
	if (!failed(e) && c.kind == CONTROL_SERVE && l->waiting)
		return open_doors(l);
	if (!failed(e) && c.kind == CONTROL_ATTACH)
		attach(l, c.name, message_fds_take(&fds, 0));
	if (!failed(e) && c.kind == CONTROL_FAILED)
		l->gate->metrics.reloads_failed++;
	if (failed(e) || c.kind == CONTROL_STOP)
		begin_stop(l, failed(e) ? 0 : c.detail);
	if (failed(e))
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, CONTROL_FD, NULL);
	return CH_DONE;
}

static void on_signal(struct loop *l)
{
	struct signalfd_siginfo info;
	if (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		begin_stop(l, 0);
}

static void on_keys(struct loop *l)
{
	int fd = keys_fd(&l->gate->keys);
	keys_answers(&l->gate->keys);
	if (fd >= 0 && keys_fd(&l->gate->keys) < 0) {
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
		l->gate->revocations.fetcher = l->gate->logs.fetcher = -1;
	}
}

static int wait_ms(struct loop *l)
{
	int most = l->stopping ? 5 : gate_is_cold(l->gate) ? WARM_MS : TICK_MS;
	int logs_ms = logs_wait_ms(&l->gate->logs);
	most = logs_ms < most ? logs_ms : most;
	for (size_t i = 0; i < l->n_doors; i++) {
		int ms = l->doors[i].http ? http_timeout_ms(l->doors[i].http) : -1;
		most = ms >= 0 && ms < most ? ms : most;
	}
	return most;
}

static bool is_over(const struct loop *l)
{
	uint64_t now = clock_mono_ns();
	size_t busy = 0, open = 0;
	if (!l->stopping)
		return false;
	for (size_t i = 0; i < l->n_doors; i++) {
		busy += l->doors[i].http ? http_under_way(l->doors[i].http) : 0;
		open += l->doors[i].http ? http_connections(l->doors[i].http) : 0;
	}
	return open == 0 || (busy == 0 && now > l->idle_until_ns) || now > l->drain_until_ns;
}

/* A key's table takes as long as hundreds of judgements: one at a time, when nobody asks,
 * or a while later all the same. */
static void warm_if_idle(struct loop *l, bool idle)
{
	uint64_t now = clock_mono_ns();
	if (!gate_is_cold(l->gate)) {
		l->warm_by_ns = 0;
		return;
	}
	if (l->warm_by_ns == 0)
		l->warm_by_ns = now + (uint64_t)TICK_MS * 1000000;
	if (!idle && now < l->warm_by_ns)
		return;
	(void)gate_warm(l->gate);
	l->warm_by_ns = 0;
}

static ch_err turn(struct loop *l)
{
	struct epoll_event events[8];
	bool woken = false, logs_woken = false;
	int n = epoll_wait(l->epoll, events, COUNT_OF(events), wait_ms(l));
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == l->signals)
			on_signal(l);
		if (l->gate->config.supervised && events[i].data.fd == CONTROL_FD)
			TRY(on_control(l));
		if (events[i].data.fd == gate_fetcher_fd(&l->gate->config))
			on_keys(l);
		woken |= events[i].data.fd == l->gate->revocations.wake;
		logs_woken |= events[i].data.fd == l->gate->logs.wake;
	}
	keys_refresh(&l->gate->keys);
	revocations_turn(&l->gate->revocations, woken);
	logs_turn(&l->gate->logs, logs_woken);
	for (size_t i = 0; i < l->n_doors; i++)
		if (l->doors[i].http)
			http_run(l->doors[i].http);
	uint64_t now = clock_mono_ns();
	refusals_tick(&l->gate->refusals, now);
	if (l->gate->sightings)
		sightings_flush(l->gate->sightings, clock_unix_ms(), now);
	reports_turn(l->gate->reports, now);
	warm_if_idle(l, n == 0);
	return CH_DONE;
}

static void close_all(struct loop *l)
{
	for (size_t i = 0; i < l->n_doors; i++)
		http_free(l->doors[i].http);
	refusals_finish(&l->gate->refusals, clock_mono_ns());
	reports_close(l->gate->reports);
	sightings_close(l->gate->sightings);
	revocations_done(&l->gate->revocations);
	logs_done(&l->gate->logs);
	keys_done(&l->gate->keys);
	LOG(LOG_INFO, "gate has stopped");
}

/* Who asks before that waits in the socket's queue: who knows no token yet would refuse them all. */
static ch_err open_when_read(struct loop *l)
{
	if (!l->opening || l->stopping || !logs_settled(&l->gate->logs))
		return CH_DONE;
	l->opening = false;
	return open_doors(l);
}

/* Another may stop serving for us once we say so: not before the keys have come. */
static ch_err say_ready(struct loop *l)
{
	if (!l->unready || !keys_settled(&l->gate->keys) ||
	    !revocations_settled(&l->gate->revocations) || !logs_settled(&l->gate->logs))
		return CH_DONE;
	l->unready = false;
	return control_ready();
}

static ch_err serve(struct gate *g)
{
	struct loop l = { .gate = g, .proofs_fd = -1, .epoll = -1, .signals = -1 };
	TRY(configure(g));
	take_fds(&l);
	l.waiting = g->config.waits;
	TRY(close_others(&l));
	TRY(gate_prepare(g, l.proofs_fd));
	fd_close(&l.proofs_fd);
	TRY(loop_open(&l));
	TRY(confine(&g->config, NULL, 0));
	if (geteuid() == 0)
		LOG(LOG_WARN, "the gate runs as root; give it a user of its own: `user: NAME` in "
			      "the policy");
	l.opening = !l.waiting;
	l.unready = g->config.supervised;
	while (!is_over(&l)) {
		TRY(open_when_read(&l));
		TRY(say_ready(&l));
		TRY(turn(&l));
	}
	close_all(&l);
	return CH_DONE;
}

int main(void)
{
	log_open("chancery-gate");
	spawn_name("chancery-gate");
	ch_err e = serve(&gate);
	if (!failed(e))
		return 0;
	LOG(LOG_ERROR, "the gate cannot serve", log_err(e));
	if (gate.config.supervised)
		control_failed(e);
	return EXIT_TROUBLE;
}
