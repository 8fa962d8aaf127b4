/* What doctor looks at of the collector: what it was given, what it keeps, and, if it runs, whether it
 * knows its gates. It asks by GETs alone: no sighting and no alarm comes of them. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "collector_plan.h"
#include "doctor.h"
#include "fetch/fetch.h"
#include "wire/sighting.h"

enum {
	SECRET_MIN = 16,
	SECRET_ROOM = 256,
	WEBHOOK_SECRET_MAX = 32,
	QUIET_S = 24 * 3600,
	UNTOLD_S = 300,
	ID_SIZE = 32,
	ADDRESS_MAX = 160,
	ASK_S = 5,
	ANSWER_MAX = 64 * 1024,
	MIB = 1024 * 1024,
};

/* --- what it was given --- */

static bool secret_of(struct doctor *d, str file, size_t max, uint8_t room[static SECRET_ROOM],
		      str *ret_secret)
{
	if (!failed(collector_secret(&d->a, file, SECRET_MIN, room, max, ret_secret)))
		return true;
	finding(d, FINDING_PROBLEM, "a secret of the collector cannot be taken", file,
		"see above; `openssl rand -hex 16` makes one: chmod 600, and give it to the gate");
	return false;
}

static void given(struct doctor *d)
{
	const struct config_collector *k = &d->a.config.collector;
	uint8_t room[SECRET_ROOM];
	struct path ca;
	str secret = { 0 };
	for (size_t i = 0; i < k->n_gates; i++)
		(void)secret_of(d, k->gates[i].secret_file, SECRET_ROOM, room, &secret);
	if (k->webhook_secret_file.n > 0)
		(void)secret_of(d, k->webhook_secret_file, WEBHOOK_SECRET_MAX + 1, room, &secret);
	mem_wipe(room, sizeof(room));
	if (k->webhook_ca_file.n > 0 &&
	    (failed(path_of(&ca, k->webhook_ca_file)) || faccessat(d->a.fd, ca.p, R_OK, 0) != 0))
		finding(d, FINDING_PROBLEM, "the webhook's certificates cannot be read",
			k->webhook_ca_file,
			"name a PEM file that is there: collector.webhook.ca_file");
	if (k->webhook_uri.n == 0)
		finding(d, FINDING_WARNING, "nobody is told of an alarm", LIT("collector.webhook"),
			"name a webhook, or watch chancery_collector_alarms_total and the log");
}

/* --- what it keeps --- */

struct spool {
	uint64_t bytes;
	int64_t newest_s; /* 0: nothing */
};

/* Names of the collector's, which may be taken over: no link is followed. */
static void spool_add(int dir_fd, const char *name, struct spool *s)
{
	AUTO(dir_done) DIR *dir = NULL;
	AUTO(fd_close) int fd =
		openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || failed(dir_open(fd, ".", &dir)))
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		struct stat st = { 0 };
		if (!str_ends(str_from_c(e->d_name), LIT(".chain")) ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		s->bytes += (uint64_t)st.st_size;
		s->newest_s = st.st_mtime > s->newest_s ? st.st_mtime : s->newest_s;
	}
}

static void spool_of(struct doctor *d, str gate)
{
	struct spool s = { 0 };
	struct path path;
	AUTO(fd_close) int fd = -1;
	if (failed(path_join(&path, LIT("collector"), gate, (str){ 0 })))
		return;
	fd = openat(d->a.fd, path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	for (size_t i = 0; fd >= 0 && i < SIGHTINGS_CHAINS; i++)
		spool_add(fd, sighting_folder[i], &s);
	if (s.newest_s == 0)
		finding(d, FINDING_WARNING, "no sighting of this gate ever came", gate,
			"name the collector in its policy (docs/ALARMS.md); see what it logs");
	else if (clock_unix_s() - s.newest_s > QUIET_S)
		finding(d, FINDING_WARNING, "nothing came from this gate for a day", gate,
			"is it up, is it used? `collector_failed_total` of its /metrics, and its "
			"log");
	if (s.bytes > (uint64_t)d->a.config.collector.total_mb * MIB / 10 * 9)
		finding(d, FINDING_WARNING, "sightings of this gate fill nine tenths of their room",
			gate, "the oldest are erased next: raise collector.total_mb, or accept it");
}

/* Alarms that the webhook has not taken. */
static void untold(struct doctor *d)
{
	AUTO(dir_done) DIR *dir = NULL;
	size_t n = 0;
	if (d->a.config.collector.webhook_uri.n == 0 || failed(dir_open(d->a.fd, "alarms", &dir)))
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		struct stat st = { 0 };
		struct path told;
		if (str_from_c(e->d_name).n != ID_SIZE ||
		    fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    failed(path_join(&told, str_from_c(e->d_name), LIT("told"), (str){ 0 })))
			continue;
		n += clock_unix_s() - st.st_mtime > UNTOLD_S &&
		     faccessat(dirfd(dir), told.p, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
	}
	if (n > 0)
		finding(d, FINDING_PROBLEM,
			"alarms wait for the webhook for more than five minutes",
			d->a.config.collector.webhook_uri,
			"the collector logs why it does not take them; DIR/alarms has what it "
			"would say");
}

/* --- what answers --- */

static bool asked(struct doctor *d, const struct fetch_request *q, unsigned *ret_status)
{
	static uint8_t memory[192 * 1024];
	struct arena a;
	struct fetch_answer answer = { 0 };
	struct fetch_request own = *q;
	own.max = ANSWER_MAX;
	own.timeout_s = ASK_S;
	own.pinned = true;
	arena_init(&a, memory, sizeof(memory));
	if (failed(fetch_run(d->fetch, &own, &a, &answer)))
		return false;
	*ret_status = answer.status;
	return true;
}

static str place_of(const struct doctor *d, struct wr *w, const char *path)
{
	const struct config_collector *k = &d->a.config.collector;
	bool v6 = str_has(k->host, ':');
	wr_lit(w, "http://");
	wr_str(w, v6 ? LIT("[") : LIT(""));
	wr_str(w, k->host);
	wr_str(w, v6 ? LIT("]:") : LIT(":"));
	wr_dec(w, k->port);
	wr_str(w, str_from_c(path));
	return wr_text(w);
}

static void ask_as(struct doctor *d, const struct config_reporter *g)
{
	char address[ADDRESS_MAX];
	uint8_t room[SECRET_ROOM];
	struct wr w = wr_of(address, sizeof(address));
	str secret = { 0 };
	unsigned status = 0;
	if (failed(collector_secret(&d->a, g->secret_file, SECRET_MIN, room, SECRET_ROOM, &secret)))
		return;
	const struct fetch_request q = { .url = place_of(d, &w, "/sightings"),
					 .user = g->name,
					 .password = secret_bytes_of(bytes_of_str(secret)) };
	bool answered = asked(d, &q, &status);
	mem_wipe(room, sizeof(room));
	if (answered && status == 401)
		finding(d, FINDING_PROBLEM,
			"the collector that runs does not know this gate's secret", g->name,
			"it was changed since: restart the authority");
	else if (!answered || status != 204)
		finding(d, FINDING_PROBLEM, "the collector does not answer as one", g->name,
			"does another program have its port? see what the collector logs");
}

static void running(struct doctor *d)
{
	const struct config_collector *k = &d->a.config.collector;
	char address[ADDRESS_MAX];
	struct wr w = wr_of(address, sizeof(address));
	unsigned status = 0;
	str url = place_of(d, &w, "/ready");
	const struct fetch_request q = {
		.url = url,
	};
	if (!asked(d, &q, &status)) {
		finding(d, FINDING_PROBLEM, "the collector does not answer", url,
			"it is started with the authority: restart that if `collector` is new in "
			"chancery.yaml, and see what it logs");
		return;
	}
	if (status != 200)
		finding(d, FINDING_PROBLEM, "the collector cannot ask the log: it decides no alarm",
			url, "is there a log (DIR/log.vkey)? see what ledger and collector log");
	for (size_t i = 0; i < k->n_gates; i++)
		ask_as(d, &k->gates[i]);
}

/* A GET is no alarm; whoever takes POSTs alone says 405. */
static void webhook(struct doctor *d)
{
	const struct config_collector *k = &d->a.config.collector;
	struct path ca;
	unsigned status = 0;
	if (k->webhook_uri.n == 0)
		return;
	if (failed(k->webhook_ca_file.n == 0 || k->webhook_ca_file.p[0] == '/'
			   ? path_of(&ca, k->webhook_ca_file)
			   : path_join(&ca, str_from_c(d->a.dir.p), k->webhook_ca_file,
				       (str){ 0 })))
		return;
	const struct fetch_request q = {
		.url = k->webhook_uri,
		.ca_file = str_from_c(ca.p),
	};
	/* one client has one set of certificates */
	AUTO(fetch_done) struct fetch *own = NULL;
	struct fetch *shared = d->fetch;
	if (failed(fetch_new(&own)))
		return;
	d->fetch = own;
	bool answered = asked(d, &q, &status);
	d->fetch = shared;
	if (!answered)
		finding(d, FINDING_PROBLEM, "the webhook's server does not answer", k->webhook_uri,
			"look at its name, its certificate (collector.webhook.ca_file) and the "
			"way there");
	else if (status == 404 || status == 410 || status >= 500)
		finding(d, FINDING_WARNING, "the webhook's server has nothing at this address",
			k->webhook_uri, "alarms are POSTed there: compare the path");
}

void check_collector(struct doctor *d)
{
	const struct config_collector *k = &d->a.config.collector;
	if (k->host.n == 0)
		return;
	given(d);
	mode_of(d, "collector", authority_uid(&d->a, UID_COLLECTOR), 0077);
	mode_of(d, "alarms", authority_uid(&d->a, UID_COLLECTOR), 0077);
	for (size_t i = 0; i < k->n_gates; i++)
		spool_of(d, k->gates[i].name);
	untold(d);
	if (failed(fetch_new(&d->fetch)))
		return;
	webhook(d);
	if (d->runs)
		running(d);
	fetch_done(&d->fetch);
}
