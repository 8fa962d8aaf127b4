/* chancery-collector: takes what gates saw and what they hold to be forged, believes the latter only
 * when the published keys and the log say so too, and then tells people. Read the configuration,
 * open the folders, put up the walls, serve. Signs nothing, issues nothing. */
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
#include "collector_internal.h"
#include "crypto/key.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/control.h"

enum {
	LISTEN_FD = ROLE_FD,
	FETCHER_FD = ROLE_FD + 1,
	TICK_MS = 500,
	DRAIN_MS = 2000,
	EXIT_TROUBLE = 3
};

static uint8_t boot_storage[BOOT_MAX];
static struct collector collector;

struct loop {
	struct collector *c;
	struct http *http;
	int epoll, signals;
	int watched; /* the ledger's socket that the epoll has; -1: none */
	bool stopping;
	uint64_t drain_until_ns;
};

static const struct http_route routes[] = {
	{ { "/sightings", 10 }, HTTP_POST, serve_sightings, &collector },
	{ { "/sightings", 10 }, HTTP_GET, serve_known, &collector },
	{ { "/alarms", 7 }, HTTP_POST, serve_alarms, &collector },
	{ { "/metrics", 8 }, HTTP_GET, serve_metrics, &collector },
	{ { "/health", 7 }, HTTP_GET, serve_health, &collector },
	{ { "/ready", 6 }, HTTP_GET, serve_ready, &collector },
};

static ch_err configure(struct collector *c)
{
	bytes config = { 0 };
	TRY(crypto_init(NULL));
	TRY(boot_read(LIT("collector"), boot_storage, sizeof(boot_storage), &config));
	return collector_config_read(config, &c->config);
}

static ch_err close_others(const struct collector_config *config)
{
	const int keep[] = { CONTROL_FD, LISTEN_FD, FETCHER_FD };
	return sandbox_close_from(3, keep, config->has_webhook ? 3 : 2);
}

static ch_err open_log(struct collector *c)
{
	static struct path folder, socket;
	TRY(path_of(&folder, c->config.log));
	TRY(path_of(&socket, c->config.log_socket));
	TRY(heads_open(&c->heads, c->config.log_vkey, folder.p, socket.p));
	if (!c->heads.configured)
		LOG(LOG_WARN, "the authority has no log: no alarm of a gate can be believed");
	return CH_DONE;
}

static ch_err prepare(struct collector *c)
{
	struct path alarms;
	c->started_s = clock_unix_s();
	TRY(key_work_new(&c->scratch.work));
	for (size_t i = 0; i < c->config.n_gates; i++)
		TRY(basic_init(&c->gates[i], c->config.gates[i].name, c->config.gates[i].secret));
	TRY(taken_open(&c->taken, &c->config));
	TRY(path_of(&alarms, c->config.alarms));
	c->alarms_fd = open(alarms.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->alarms_fd < 0)
		return ch_fail(CH_E_IO, "cannot open the folder of alarms", errno);
	TRY(outbox_open(&c->outbox, &c->config, c->alarms_fd,
			c->config.has_webhook ? FETCHER_FD : -1));
	return open_log(c);
}

static ch_err watch(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
		return ch_fail(CH_E_IO, "cannot watch a descriptor", errno);
	return CH_DONE;
}

static ch_err loop_open(struct loop *l)
{
	const int stops[] = { SIGTERM, SIGINT };
	struct http_limits limits = http_limits_default();
	limits.connections = DOOR_CONNECTIONS;
	limits.body = 64 * 1024;
	limits.arena = 96 * 1024;
	(void)signal(SIGPIPE, SIG_IGN);
	TRY(signals_open(stops, COUNT_OF(stops), &l->signals));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		return ch_fail(CH_E_IO, "cannot make an epoll", errno);
	TRY(http_new(LISTEN_FD, &limits, routes, COUNT_OF(routes), &l->http));
	TRY(watch(l->epoll, http_epoll_fd(l->http)));
	TRY(watch(l->epoll, l->signals));
	TRY(watch(l->epoll, CONTROL_FD));
	return l->c->config.has_webhook ? watch(l->epoll, FETCHER_FD) : CH_DONE;
}

static void begin_stop(struct loop *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	l->drain_until_ns = clock_mono_ns() + (uint64_t)DRAIN_MS * 1000000;
	http_stop(l->http);
}

static void on_control(struct loop *l)
{
	static uint8_t storage[CONTROL_MAX];
	struct control m = { 0 };
	ch_err e = control_recv(CONTROL_FD, storage, &m, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return;
	if (!failed(e) && m.kind == CONTROL_COMPROMISED)
		alarms_compromised(l->c, m.code);
	if (failed(e) || m.kind == CONTROL_STOP)
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

static void on_fetcher(struct loop *l)
{
	outbox_answers(&l->c->outbox, clock_mono_ns());
	if (l->c->outbox.fetcher < 0)
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, FETCHER_FD, NULL);
}

/* Its socket comes and goes; a closed one leaves the epoll by itself. */
static ch_err watch_ledger(struct loop *l)
{
	int fd = l->c->heads.fd;
	if (fd == l->watched)
		return CH_DONE;
	l->watched = fd;
	return fd >= 0 ? watch(l->epoll, fd) : CH_DONE;
}

static void on_log(struct loop *l)
{
	struct collector *c = l->c;
	int before = c->heads.fd;
	bool answered = heads_take(&c->heads);
	if (c->heads.fd != before)
		l->watched = -1;
	if (!answered)
		return;
	alarms_decide(c, c->heads.answered);
	batches_compare(c, c->heads.answered);
}

static int wait_ms(struct loop *l)
{
	int ms = http_timeout_ms(l->http);
	int most = l->stopping ? 5 : l->c->heads.wanted ? 50 : TICK_MS;
	return ms >= 0 && ms < most ? ms : most;
}

static ch_err turn(struct loop *l)
{
	struct epoll_event events[8];
	int n = epoll_wait(l->epoll, events, COUNT_OF(events), wait_ms(l));
	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;
		if (fd == l->signals)
			on_signal(l);
		else if (fd == CONTROL_FD)
			on_control(l);
		else if (l->c->config.has_webhook && fd == FETCHER_FD)
			on_fetcher(l);
		else if (fd == l->c->heads.fd)
			on_log(l);
	}
	http_run(l->http);
	uint64_t now = clock_mono_ns();
	alarms_tick(l->c, now);
	heads_turn(&l->c->heads, now);
	outbox_turn(&l->c->outbox, now);
	taken_tidy(&l->c->taken, now);
	return watch_ledger(l);
}

static bool is_over(const struct loop *l)
{
	if (!l->stopping)
		return false;
	return http_connections(l->http) == 0 || http_under_way(l->http) == 0 ||
	       clock_mono_ns() > l->drain_until_ns;
}

static ch_err serve(struct collector *c)
{
	struct loop l = { .c = c, .epoll = -1, .signals = -1, .watched = -1 };
	TRY(configure(c));
	TRY(close_others(&c->config));
	TRY(prepare(c));
	TRY(loop_open(&l));
	TRY(confine(&c->config));
	TRY(control_ready());
	LOG(LOG_INFO, "the collector is ready", log_u64("gates", c->config.n_gates));
	while (!is_over(&l))
		TRY(turn(&l));
	http_free(l.http);
	taken_close(&c->taken);
	heads_done(&c->heads);
	LOG(LOG_INFO, "the collector has stopped");
	return CH_DONE;
}

int main(void)
{
	log_open("chancery-collector");
	spawn_name("chancery-collec");
	ch_err e = serve(&collector);
	if (!failed(e))
		return 0;
	LOG(LOG_ERROR, "the collector cannot serve", log_err(e));
	control_failed(e);
	return EXIT_TROUBLE;
}
