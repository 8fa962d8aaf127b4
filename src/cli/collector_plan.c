/* From chancery.yaml to the collector's configuration and its fetcher's. */
#include "collector_plan.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/secret.h"
#include "say.h"

enum {
	SECRET_MIN = 16,
	SECRET_MAX = 256,
	WEBHOOK_SECRET_MAX = 32, /* RFC 2104: what is longer would be hashed first */
	VKEY_ROOM = 512,
	CONFIG_ROOM = 64 * 1024,
	FETCHERS_MAX = 2,
	FETCHER_ROOM = 16 * 1024,
	WEBHOOK_TIMEOUT_S = 10,
};

static uint8_t config_room[CONFIG_ROOM], fetcher_rooms[FETCHERS_MAX][FETCHER_ROOM];
static uint8_t gate_secrets[COLLECTOR_GATES_MAX][SECRET_MAX], webhook_secret[SECRET_MAX];
static uint8_t vkey_room[VKEY_ROOM];
static struct path jwks_paths[REALMS_MAX], sightings, alarms, log_folder, log_socket, ca_file;
static size_t n_fetchers;

static ch_err path_in(const struct authority *a, str name, struct path *ret_path)
{
	if (name.n > 0 && name.p[0] == '/')
		return path_of(ret_path, name);
	return path_join(ret_path, str_from_c(a->dir.p), name, (str){ 0 });
}

static ch_err line_read(const struct path *path, size_t min, uint8_t *room, size_t max,
			str *ret_secret)
{
	struct stat st = { 0 };
	size_t n = 0;
	if (stat(path->p, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)))
		return ch_fail(CH_E_DENIED, "others can read the secret: chmod o= it", st.st_mode);
	TRY(file_read(AT_FDCWD, path->p, room, max, &n));
	str left = str_of_bytes((bytes){ room, n });
	str secret = str_cut(&left, '\n');
	if (secret.n < min)
		return ch_fail(CH_E_RANGE, "the secret is too short: 16 bytes are the least",
			       secret.n);
	*ret_secret = secret;
	return CH_DONE;
}

ch_err collector_secret(const struct authority *a, str file, size_t min, uint8_t *room, size_t max,
			str *ret_secret)
{
	struct path path;
	TRY(path_in(a, file, &path));
	ch_err e = line_read(&path, min, room, max, ret_secret);
	if (failed(e))
		(void)say_trouble("collector: cannot take the secret in", file, e);
	return e;
}

static ch_err add_issuers(const struct authority *a, struct collector_config *c)
{
	for (size_t i = 0; i < a->config.n_realms; i++) {
		const struct config_realm *m = &a->config.realms[i];
		uint8_t name[NAME_MAX_BYTES + 8];
		struct wr w = wr_of(name, sizeof(name));
		wr_str(&w, m->name);
		wr_lit(&w, ".json");
		TRY(path_join(&jwks_paths[i], str_from_c(a->dir.p), LIT("jwks"), wr_text(&w)));
		struct collector_issuer *to = &c->issuers[c->n_issuers++];
		*to = (struct collector_issuer){ .issuer = m->issuer,
						 .realm = m->name,
						 .jwks = str_from_c(jwks_paths[i].p),
						 .n_audiences = m->n_audiences };
		for (size_t k = 0; k < m->n_audiences; k++)
			to->audiences[k] = m->audiences[k].name;
	}
	return CH_DONE;
}

static ch_err add_gates(const struct authority *a, struct collector_config *c)
{
	const struct config_collector *k = &a->config.collector;
	for (size_t i = 0; i < k->n_gates; i++) {
		struct collector_gate *g = &c->gates[c->n_gates++];
		g->name = k->gates[i].name;
		TRY(collector_secret(a, k->gates[i].secret_file, SECRET_MIN, gate_secrets[i],
				     SECRET_MAX, &g->secret));
	}
	return CH_DONE;
}

/* An authority of before there were logs has none. */
static ch_err add_log(const struct authority *a, struct collector_config *c)
{
	size_t n = 0;
	ch_err e = file_read(a->fd, "log.vkey", vkey_room, sizeof(vkey_room), &n);
	if (failed(e))
		return CH_DONE;
	str left = str_of_bytes((bytes){ vkey_room, n });
	c->log_vkey = str_cut(&left, '\n');
	TRY(path_in(a, LIT("log"), &log_folder));
	TRY(path_in(a, LIT("run/log"), &log_socket));
	c->log = str_from_c(log_folder.p);
	c->log_socket = str_from_c(log_socket.p);
	return CH_DONE;
}

static ch_err add_webhook(const struct authority *a, struct collector_config *c,
			  struct plan_collector *p)
{
	const struct config_collector *k = &a->config.collector;
	struct fetcher_config f = { .timeout_s = WEBHOOK_TIMEOUT_S, .n_posts = 1 };
	if (k->webhook_uri.n == 0)
		return CH_DONE;
	c->has_webhook = true;
	if (k->webhook_secret_file.n > 0)
		TRY(collector_secret(a, k->webhook_secret_file, SECRET_MIN, webhook_secret,
				     WEBHOOK_SECRET_MAX + 1, &c->webhook_secret));
	if (k->webhook_ca_file.n > 0) {
		TRY(path_in(a, k->webhook_ca_file, &ca_file));
		f.ca_file = str_from_c(ca_file.p);
	}
	f.posts[0] =
		(struct fetcher_post){ .url = k->webhook_uri, .type = LIT("application/json") };
	return plan_fetcher(&f, &p->fetcher);
}

ch_err plan_fetcher(const struct fetcher_config *f, bytes *ret_config)
{
	if (n_fetchers == FETCHERS_MAX)
		return ch_fail(CH_E_LIMIT, "too many fetchers", n_fetchers);
	struct wr w = wr_of(fetcher_rooms[n_fetchers++], FETCHER_ROOM);
	fetcher_config_write(&w, f);
	TRY(wr_done(&w));
	*ret_config = wr_bytes(&w);
	return CH_DONE;
}

ch_err plan_collector(const struct authority *a, struct plan_collector *p)
{
	const struct config_collector *k = &a->config.collector;
	static struct collector_config c;
	struct wr w = wr_of(config_room, sizeof(config_room));
	if (k->host.n == 0)
		return CH_DONE;
	c = (struct collector_config){ .total_mb = k->total_mb,
				       .keep_days = k->keep_days,
				       .compromises = k->compromise == 1 };
	TRY(path_in(a, LIT("collector"), &sightings));
	TRY(path_in(a, LIT("alarms"), &alarms));
	c.sightings = str_from_c(sightings.p);
	c.alarms = str_from_c(alarms.p);
	TRY(add_issuers(a, &c));
	TRY(add_gates(a, &c));
	TRY(add_log(a, &c));
	TRY(add_webhook(a, &c, p));
	collector_config_write(&w, &c);
	TRY(wr_done(&w));
	p->config = wr_bytes(&w);
	return CH_DONE;
}
