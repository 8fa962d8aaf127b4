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
#include "crypto/key.h"
#include "gate_internal.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/control.h"

enum { LISTEN_FD = ROLE_FD, TICK_MS = 1000, DRAIN_MS = 5000, EXIT_TROUBLE = 3 };

struct loop {
	struct gate *gate;
	struct http *http;
	int epoll, signals;
	bool stopping;
	uint64_t drain_until_ns;
};

static uint8_t boot_storage[BOOT_MAX];
static struct gate gate;

static ch_err configure(struct gate *g)
{
	bytes config = { 0 };
	TRY(crypto_init(NULL));
	TRY(boot_read(LIT("gate"), boot_storage, sizeof(boot_storage), &config));
	TRY(gate_config_read(config, &g->config));
	TRY(basic_init(&g->basic, g->config.client_id, g->config.client_secret));
	for (size_t i = 0; i < g->config.n_issuers; i++) {
		const struct gate_issuer *from = &g->config.issuers[i];
		g->issuers[i] = (struct introspect_issuer){ from->issuer, from->mailboxes,
							    from->n_mailboxes };
		if (from->n_mailboxes == 0)
			LOG(LOG_ALARM,
			    "realm has no mailbox rule: its tokens open EVERY mailbox; "
			    "give it a line under `mailboxes` in the policy",
			    log_str("realm", from->realm), log_str("issuer", from->issuer));
	}
	g->rules = (struct introspect_rules){ g->config.scope, g->issuers, g->config.n_issuers };
	keys_open(&g->keys, &g->config);
	return CH_DONE;
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
	sigset_t set;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ch_fail(CH_E_IO, "cannot block signals", errno);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot wait for signals", errno);
	*ret_fd = fd;
	return CH_DONE;
}

static ch_err loop_open(struct loop *l)
{
	static struct http_route routes[1];
	struct http_limits limits = http_limits_default();
	limits.connections = 256;
	routes[0] = (struct http_route){ LIT("/introspect"), HTTP_POST, serve_introspect, l->gate };
	TRY(open_signals(&l->signals));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return ch_fail(CH_E_IO, "cannot make an epoll", errno);
	TRY(http_new(LISTEN_FD, &limits, routes, COUNT_OF(routes), &l->http));
	TRY(watch(l->epoll, http_epoll_fd(l->http)));
	TRY(watch(l->epoll, l->signals));
	return l->gate->config.supervised ? watch(l->epoll, CONTROL_FD) : CH_DONE;
}

static ch_err enter(struct loop *l)
{
	const int keep[] = { LISTEN_FD, l->epoll, l->signals, http_epoll_fd(l->http),
			     l->gate->config.supervised ? CONTROL_FD : LISTEN_FD };
	return confine(&l->gate->config, keep, COUNT_OF(keep));
}

static void begin_stop(struct loop *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	l->drain_until_ns = clock_mono_ns() + (uint64_t)DRAIN_MS * 1000000;
	http_stop(l->http);
}

/* The supervisor says one thing to a gate; that it is gone says the same. */
static void on_control(struct loop *l)
{
	static uint8_t storage[CONTROL_MAX];
	struct control c = { 0 };
	ch_err e = control_recv(CONTROL_FD, storage, &c, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return;
	if (failed(e) || c.kind == CONTROL_STOP)
		begin_stop(l);
	if (failed(e))
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, CONTROL_FD, NULL);
}

static void on_signal(struct loop *l)
{
	struct signalfd_siginfo info;
	if (read(l->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		begin_stop(l);
}

static int wait_ms(struct loop *l)
{
	int ms = http_timeout_ms(l->http);
	int most = l->stopping ? 20 : TICK_MS;
	return ms < 0 || ms > most ? most : ms;
}

static bool is_over(const struct loop *l)
{
	return l->stopping && (http_under_way(l->http) == 0 || clock_mono_ns() > l->drain_until_ns);
}

static void turn(struct loop *l)
{
	struct epoll_event events[4];
	int n = epoll_wait(l->epoll, events, COUNT_OF(events), wait_ms(l));
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == l->signals)
			on_signal(l);
		if (l->gate->config.supervised && events[i].data.fd == CONTROL_FD)
			on_control(l);
	}
	keys_refresh(&l->gate->keys);
	http_run(l->http);
}

static ch_err serve(struct gate *g)
{
	struct loop l = { .gate = g, .epoll = -1, .signals = -1 };
	TRY(configure(g));
	TRY(loop_open(&l));
	TRY(enter(&l));
	if (g->config.supervised)
		TRY(control_ready());
	else if (geteuid() == 0)
		LOG(LOG_WARN, "the gate runs as root; start it as a user of its own");
	LOG(LOG_INFO, "gate is ready", log_u64("issuers", g->config.n_issuers));
	while (!is_over(&l))
		turn(&l);
	http_free(l.http);
	keys_done(&g->keys);
	LOG(LOG_INFO, "gate has stopped");
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
