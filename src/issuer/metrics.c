/* Counters of the issuer as text. A series is there from the start, at 0, so that an alert on
 * it can be written before it happens. */
#include "metrics.h"

#include "codec/json.h"

static const struct prom_bounds bounds = {
	(const uint64_t[]){ 500000, 1000000, 2500000, 5000000, 10000000, 25000000, 50000000,
			    100000000, 250000000, 500000000, 1000000000, 2500000000, 5000000000 },
	(const char *const[]){ "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1",
			       "0.25", "0.5", "1", "2.5", "5" },
	13,
};

/* The last stands for all others. */
static const unsigned statuses[METRICS_STATUSES] = { 200, 201, 204, 302, 303, 304, 400, 401,
						     403, 404, 405, 413, 429, 500, 503, 0 };

static const struct {
	str name;
	const char *label; /* NULL: none besides the realm */
	str value;
	const char *help;
} counters[METRICS_COUNTERS] = {
	[COUNT_LOGIN_OK] = { { "logins_total", 12 }, "result", { "ok", 2 }, "Passwords tried." },
	[COUNT_LOGIN_WRONG] = { { "logins_total", 12 }, "result", { "wrong", 5 }, NULL },
	[COUNT_LOGIN_THROTTLED] = { { "logins_total", 12 }, "result", { "throttled", 9 }, NULL },
	[COUNT_LOGIN_BUSY] = { { "logins_total", 12 }, "result", { "busy", 4 }, NULL },
	[COUNT_CLIENT_REFUSED] = { { "clients_refused_total", 21 },
				   NULL,
				   { NULL, 0 },
				   "Clients that could not say who they are." },
	[COUNT_REFRESH_ROTATED] = { { "refreshes_total", 15 },
				    "result",
				    { "rotated", 7 },
				    "Refresh tokens shown; reused: a theft, the grant is "
				    "revoked." },
	[COUNT_REFRESH_REPEATED] = { { "refreshes_total", 15 }, "result", { "repeated", 8 }, NULL },
	[COUNT_REFRESH_REFUSED] = { { "refreshes_total", 15 }, "result", { "refused", 7 }, NULL },
	[COUNT_REFRESH_REUSED] = { { "refreshes_total", 15 }, "result", { "reused", 6 }, NULL },
	[COUNT_CODE_REUSED] = { { "codes_reused_total", 18 },
				NULL,
				{ NULL, 0 },
				"Codes shown a second time: what they gave is revoked." },
	[COUNT_DEVICE_BEGUN] = { { "devices_total", 13 },
				 "result",
				 { "begun", 5 },
				 "Devices that asked, and what people said; wrong: a code that is "
				 "none." },
	[COUNT_DEVICE_ALLOWED] = { { "devices_total", 13 }, "result", { "allowed", 7 }, NULL },
	[COUNT_DEVICE_DENIED] = { { "devices_total", 13 }, "result", { "denied", 6 }, NULL },
	[COUNT_DEVICE_WRONG] = { { "devices_total", 13 }, "result", { "wrong", 5 }, NULL },
	[COUNT_GRANT_REVOKED] = { { "grants_revoked_total", 20 },
				  NULL,
				  { NULL, 0 },
				  "Grants that ended before their time." },
	[COUNT_SIGNER_GONE] = { { "signers_gone_total", 18 },
				NULL,
				{ NULL, 0 },
				"Signers that ended without being told to." },
};

void metrics_init(struct metrics *m, int64_t now_s)
{
	m->n_endpoints = 0;
	m->started_s = now_s;
	(void)metrics_endpoint(m, LIT("none"), LIT("any"));
}

size_t metrics_endpoint(struct metrics *m, str name, str method)
{
	for (size_t i = 0; i < m->n_endpoints; i++)
		if (str_eq(m->endpoints[i].name, name) && str_eq(m->endpoints[i].method, method))
			return i;
	if (m->n_endpoints == METRICS_ENDPOINTS_MAX)
		return 0;
	m->endpoints[m->n_endpoints].name = name;
	m->endpoints[m->n_endpoints].method = method;
	return m->n_endpoints++;
}

void metrics_answered(struct metrics *m, size_t endpoint, unsigned status, uint64_t ns)
{
	size_t i = 0;
	while (i < METRICS_STATUSES - 1 && statuses[i] != status)
		i++;
	m->endpoints[endpoint].answered[i]++;
	prom_time(&m->endpoints[endpoint].times, &bounds, ns);
}

void metrics_time(struct prom_times *t, uint64_t ns)
{
	prom_time(t, &bounds, ns);
}

static str status_text(unsigned status, uint8_t room[static 8])
{
	struct wr w = wr_of(room, 8);
	if (status == 0)
		return LIT("other");
	wr_dec(&w, status);
	return wr_text(&w);
}

static void put_endpoints(const struct prom *p, const struct metrics *m)
{
	uint8_t room[8];
	prom_head(p, LIT("requests_total"), "counter", "Requests answered, by status.");
	for (size_t i = 0; i < m->n_endpoints; i++) {
		const struct metrics_endpoint *e = &m->endpoints[i];
		for (size_t k = 0; k < METRICS_STATUSES; k++) {
			const struct prom_label l[] = {
				{ "endpoint", e->name },
				{ "method", e->method },
				{ "status", status_text(statuses[k], room) },
			};
			prom_u64(p, LIT("requests_total"), (struct prom_labels){ l, COUNT_OF(l) },
				 e->answered[k]);
		}
	}
	prom_head(p, LIT("request_seconds"), "histogram",
		  "From a request's first line to its answer.");
	for (size_t i = 0; i < m->n_endpoints; i++) {
		const struct metrics_endpoint *e = &m->endpoints[i];
		const struct prom_label l[] = { { "endpoint", e->name }, { "method", e->method } };
		prom_times_write(p, LIT("request_seconds"), (struct prom_labels){ l, COUNT_OF(l) },
				 &bounds, &e->times);
	}
}

static void put_counter(const struct prom *p, const struct metrics *m,
			const struct metrics_now *now, enum metrics_counter c)
{
	if (c == 0 || !str_eq(counters[c].name, counters[c - 1].name))
		prom_head(p, counters[c].name, "counter", counters[c].help);
	for (size_t r = 0; r < now->n_realms; r++) {
		const struct prom_label l[] = { { "realm", now->realms[r].name },
						{ counters[c].label, counters[c].value } };
		prom_u64(p, counters[c].name, (struct prom_labels){ l, counters[c].label ? 2 : 1 },
			 m->realms[r].counts[c]);
	}
}

static void put_tokens(const struct prom *p, const struct metrics *m, const struct metrics_now *now)
{
	prom_head(p, LIT("tokens_total"), "counter", "Answers with tokens, by grant.");
	for (size_t r = 0; r < now->n_realms; r++)
		for (size_t i = 0; i < now->n_grants && i < METRICS_GRANTS_MAX; i++) {
			const struct prom_label l[] = { { "realm", now->realms[r].name },
							{ "grant", now->grants[i] } };
			prom_u64(p, LIT("tokens_total"), (struct prom_labels){ l, COUNT_OF(l) },
				 m->realms[r].tokens[i]);
		}
}

static void put_realms(const struct prom *p, const struct metrics_now *now)
{
	static const struct {
		str name;
		const char *help;
	} rows[] = {
		{ { "realm_keys", 10 }, "Keys that the realm publishes." },
		{ { "realm_ready", 11 }, "1: the realm's signer can be asked for tokens." },
		{ { "signer_generation", 17 },
		  "Counts up with each new signer; 0: there is none." },
		{ { "signatures_waiting", 18 }, "Requests that wait to be sent to a signer." },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		prom_head(p, rows[i].name, "gauge", rows[i].help);
		for (size_t r = 0; r < now->n_realms; r++) {
			const struct prom_label l = { "realm", now->realms[r].name };
			const uint64_t v[] = { now->realms[r].keys, now->realms[r].signs,
					       now->realms[r].generation, now->realms[r].waiting };
			prom_u64(p, rows[i].name, (struct prom_labels){ &l, 1 }, v[i]);
		}
	}
}

static void put_times(const struct prom *p, const struct metrics *m)
{
	const struct {
		str name;
		const char *help;
		const struct prom_times *t;
	} rows[] = {
		{ LIT("signing_seconds"), "A batch of signatures, asked to answered.",
		  &m->signing },
		{ LIT("password_seconds"), "A password, from the queue to the hasher's answer.",
		  &m->hashing },
		{ LIT("store_commit_seconds"), "A transaction of grants and codes.", &m->settling },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		prom_head(p, rows[i].name, "histogram", rows[i].help);
		prom_times_write(p, rows[i].name, PROM_NONE, &bounds, rows[i].t);
	}
	prom_one(p, LIT("store_failures_total"), "counter",
		 "Transactions that failed: no tokens went out for them.", m->settle_failures);
}

static void put_state(const struct prom *p, const struct metrics *m, const struct metrics_now *now)
{
	const struct prom_label l[] = { { "version", now->build }, { "group", now->group } };
	prom_one(p, LIT("passwords_waiting"), "gauge", "People who wait for the hasher.",
		 now->hashes_waiting);
	prom_one(p, LIT("hasher_ready"), "gauge", "1: passwords can be checked.",
		 now->hasher_there);
	prom_one(p, LIT("hashers_gone_total"), "counter",
		 "Hashers that ended without being told to.", m->hasher_gone);
	if (now->has_log)
		prom_one(p, LIT("log_head_age_seconds"), "gauge",
			 "Since the log's last head; more than some seconds: no token is given.",
			 now->log_age_s);
	prom_one(p, LIT("requests_under_way"), "gauge",
		 "Requests that were begun and not answered.", now->under_way);
	prom_one(p, LIT("connections"), "gauge", "Open connections, busy or idle.",
		 now->connections);
	prom_one(p, LIT("requests_turned_away_total"), "counter",
		 "Requests answered 503 unread: too many at once.", now->turned_away);
	prom_head(p, LIT("build_info"), "gauge", "1, with version and group as labels.");
	prom_u64(p, LIT("build_info"), (struct prom_labels){ l, COUNT_OF(l) }, 1);
	prom_one(p, LIT("start_time_seconds"), "gauge", "When the issuer started, since 1970.",
		 (uint64_t)m->started_s);
}

void metrics_write(struct wr *w, const struct metrics *m, const struct metrics_now *now)
{
	const struct prom p = { w, { "chancery_issuer_", 16 } };
	put_endpoints(&p, m);
	put_tokens(&p, m, now);
	for (size_t c = 0; c < METRICS_COUNTERS; c++)
		put_counter(&p, m, now, (enum metrics_counter)c);
	put_realms(&p, now);
	put_times(&p, m);
	put_state(&p, m, now);
}

static void put_reason(struct json_out *o, str reason, str realm)
{
	json_begin(o, (str){ 0 }, '{');
	json_put_str(o, LIT("reason"), reason);
	if (realm.n > 0)
		json_put_str(o, LIT("realm"), realm);
	json_finish(o, '}');
}

static bool log_is_silent(const struct metrics_now *now)
{
	return now->has_log && (now->log_full || now->log_age_s > LOG_SILENT_S);
}

static bool is_ready(const struct metrics_now *now)
{
	bool ready = now->store_ok && !now->stopping && !log_is_silent(now) &&
		     (!now->has_hasher || now->hasher_there);
	for (size_t i = 0; i < now->n_realms; i++)
		ready = ready && now->realms[i].signs;
	return ready;
}

bool ready_write(struct wr *w, const struct metrics_now *now)
{
	struct json_out o = json_out_of(w);
	bool ready = is_ready(now);
	json_begin(&o, (str){ 0 }, '{');
	json_put_bool(&o, LIT("ready"), ready);
	if (!ready) {
		json_begin(&o, LIT("reasons"), '[');
		if (now->stopping)
			put_reason(&o, LIT("stopping"), (str){ 0 });
		if (!now->store_ok)
			put_reason(&o, LIT("store_unwritable"), (str){ 0 });
		if (log_is_silent(now))
			put_reason(&o, LIT("log_silent"), (str){ 0 });
		if (now->has_hasher && !now->hasher_there)
			put_reason(&o, LIT("no_hasher"), (str){ 0 });
		for (size_t i = 0; i < now->n_realms; i++)
			if (!now->realms[i].signs)
				put_reason(&o, LIT("no_signer"), now->realms[i].name);
		json_finish(&o, ']');
	}
	json_finish(&o, '}');
	return ready;
}
