/* The sample data of a throw-away authority: three people, two clients a realm, a gate. */
#include "base/file.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "crypto/hash.h"
#include "crypto/password.h"
#include "dev.h"
#include "fetcher.h"
#include "store/store.h"

static const struct {
	str realm, username, name;
} people[DEV_USERS] = {
	{ { "home", 4 }, { "alice@home.test", 15 }, { "Alice Home", 10 } },
	{ { "home", 4 }, { "bob@home.test", 13 }, { "Bob Home", 8 } },
	{ { "corp", 4 }, { "carol@corp.test", 15 }, { "Carol Corp", 10 } },
};

/* Storage for the texts that depend on ports. */
static char issuer_urls[REALMS_MAX][URL_MAX_BYTES];

void dev_config(const struct dev_wish *w, struct config *ret_c)
{
	config_defaults(ret_c);
	ret_c->log_public = true;
	ret_c->passphrase_file = LIT("passphrase");
	/* keys that live as long as an afternoon */
	ret_c->crash_handler = LIT("none");
	ret_c->secret_memory = secretmem_available() ? SECRETMEM_MEMFD : SECRETMEM_MLOCK;
	for (size_t g = 0; g < ret_c->n_groups; g++)
		ret_c->groups[g].host = ret_c->groups[g].monitor_host = w->listen;
	/* its own gate reports; whoever wants another one adds it to chancery.yaml */
	ret_c->collector.host = w->listen;
	ret_c->collector.compromise = w->guarded;
	ret_c->collector.webhook_uri = w->webhook;
	ret_c->collector.n_gates = 1;
	ret_c->collector.gates[0] = (struct config_reporter){ LIT("dev"), LIT("reporter.secret") };
}

void dev_issuers(struct config *c)
{
	for (size_t g = 0; g < c->n_groups; g++)
		for (size_t k = 0; k < c->groups[g].n_realms; k++)
			for (size_t i = 0; i < c->n_realms; i++) {
				struct config_realm *m = &c->realms[i];
				if (!str_eq(m->name, c->groups[g].realms[k]))
					continue;
				struct wr w = wr_of(issuer_urls[i], URL_MAX_BYTES);
				wr_lit(&w, "http://localhost:");
				wr_dec(&w, c->groups[g].port);
				wr_char(&w, '/');
				wr_str(&w, m->name);
				m->issuer = wr_text(&w);
			}
}

static void random_text(char *text, size_t n)
{
	uint8_t random[64], room[96];
	struct wr w = wr_of(room, sizeof(room));
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	mem_copy(text, room, n);
	text[n] = 0;
}

static ch_err write_password(const struct authority *a, const struct dev_user *u)
{
	struct path path;
	uint8_t room[DEV_PASSWORD_SIZE + 1];
	struct wr w = wr_of(room, sizeof(room));
	TRY(dir_make(a->fd, "passwords", 0700));
	TRY(path_join(&path, LIT("passwords"), u->username, (str){ 0 }));
	wr_str(&w, str_from_c(u->password));
	wr_char(&w, '\n');
	return file_create(a->fd, path.p, wr_bytes(&w), 0600);
}

static ch_err add_user(const struct authority *a, struct store *s, size_t i, struct dev_user *u)
{
	uint8_t hash_room[PASSWORD_HASH_MAX];
	struct wr hash = wr_of(hash_room, sizeof(hash_room));
	*u = (struct dev_user){ .realm = people[i].realm,
				.username = people[i].username,
				.sub_n = STORE_SUB_SIZE };
	random_text(u->password, DEV_PASSWORD_SIZE);
	TRY(password_hash(secret_bytes_of(bytes_of_str(str_from_c(u->password))), &hash));
	const struct store_user row = { .realm = u->realm,
					.username = u->username,
					.password_hash = wr_text(&hash),
					.name = people[i].name,
					.email = u->username };
	TRY(store_user_add(s, &row, u->sub));
	return write_password(a, u);
}

static ch_err add_demo(struct store *s, str realm)
{
	const struct store_client demo = {
		.realm = realm,
		.id = LIT("demo"),
		.auth_method = LIT("none"),
		.grant_types = LIT("authorization_code device_code"),
		.redirect_uris = LIT("http://127.0.0.1/callback"),
		.scopes = LIT("openid profile email mail.read mail.send"),
		.audience = LIT("mail"),
		.audiences = LIT("mail api"),
		.name = LIT("Demo"),
		.consent = LIT("none"),
	};
	return store_client_add(s, &demo);
}

static ch_err add_bench(struct store *s)
{
	uint8_t hash[SHA256_SIZE];
	secret_hash(secret_bytes_of(bytes_of_str(LIT(DEV_BENCH_SECRET))), hash);
	const struct store_client bench = {
		.realm = LIT("home"),
		.id = LIT("bench"),
		.secret_hash = BYTES_OF(hash),
		.auth_method = LIT("client_secret_basic"),
		.grant_types = LIT("client_credentials"),
		.scopes = LIT("mail.read"),
		.audience = LIT("mail"),
		.username = LIT("alice@home.test"),
		.consent = LIT("ask"),
	};
	return store_client_add(s, &bench);
}

ch_err dev_seed(const struct authority *a, struct dev_data *ret_d)
{
	AUTO(store_done) struct store *s = NULL;
	struct path path;
	const struct config_group *g = authority_group_of(a, LIT("home"));
	TRY(authority_store(a, g->name, &path));
	TRY(store_open(str_from_c(path.p), &s));
	for (size_t i = 0; i < DEV_USERS; i++)
		TRY(add_user(a, s, i, &ret_d->users[i]));
	TRY(add_demo(s, LIT("home")));
	TRY(add_demo(s, LIT("corp")));
	TRY(add_bench(s));
	random_text(ret_d->gate_secret, DEV_SECRET_SIZE);
	return CH_DONE;
}

static ch_err gate_issuer_of(const struct authority *a, const struct config_realm *m,
			     struct path *jwks, struct path *revocations, struct gate_issuer *ret_i)
{
	uint8_t name[NAME_MAX_BYTES + 8];
	struct wr w = wr_of(name, sizeof(name));
	wr_str(&w, m->name);
	wr_lit(&w, ".json");
	TRY(path_join(jwks, str_from_c(a->dir.p), LIT("jwks"), wr_text(&w)));
	ret_i->issuer = m->issuer;
	ret_i->realm = m->name;
	ret_i->jwks = str_from_c(jwks->p);
	TRY(path_join(revocations, str_from_c(a->dir.p), LIT("revocations"), m->name));
	ret_i->revocations.folder = str_from_c(revocations->p);
	ret_i->n_audiences = 1;
	ret_i->audiences[0] = LIT("mail");
	ret_i->n_mailboxes = 1;
	ret_i->mailboxes[0] = str_eq(m->name, LIT("corp")) ? LIT("*@corp.test")
							   : LIT("*@home.test");
	return CH_DONE;
}

/* What the collector and its gate share, before the collector's configuration is read. */
static ch_err report_to(const struct authority *a, const struct dev_data *d, struct dev_gate *g)
{
	struct gate_file *f = &g->file;
	struct wr w = wr_of(g->collector, sizeof(g->collector));
	const struct fetcher_secrets secrets = { .collector = str_from_c(d->reporter_secret) };
	const struct config_collector *k = &a->config.collector;
	TRY(authority_role_folder(a, "sightings", 0700, UID_GATE));
	TRY(path_join(&g->sightings, str_from_c(a->dir.p), LIT("sightings"), (str){ 0 }));
	f->gate.evidence.folder = str_from_c(g->sightings.p);
	wr_str(&w, str_has(k->host, ':') ? LIT("http://[") : LIT("http://"));
	wr_str(&w, k->host);
	wr_str(&w, str_has(k->host, ':') ? LIT("]:") : LIT(":"));
	wr_dec(&w, k->port);
	f->gate.reports = true;
	f->gate.collector = (struct gate_collector){ .uri = wr_text(&w),
						     .client = k->gates[0].name,
						     .secret_file = k->gates[0].secret_file };
	(void)fetcher_config_of(f, &secrets, &g->fetcher);
	return CH_DONE;
}

ch_err dev_reporter(const struct authority *a, struct dev_data *d)
{
	struct path name;
	random_text(d->reporter_secret, DEV_SECRET_SIZE);
	TRY(path_of(&name, a->config.collector.gates[0].secret_file));
	return file_create(a->fd, name.p, bytes_of_str(str_from_c(d->reporter_secret)), 0600);
}

static ch_err follow_log(const struct authority *a, struct dev_gate *g)
{
	str dir = str_from_c(a->dir.p);
	struct gate_config *c = &g->file.gate;
	struct gate_log *l = &c->logs[c->n_logs++];
	TRY(path_join(&g->log_vkey, dir, LIT("log.vkey"), (str){ 0 }));
	TRY(path_join(&g->log_folder, dir, LIT("log"), (str){ 0 }));
	TRY(path_join(&g->log_socket, dir, LIT("run/log"), (str){ 0 }));
	TRY(log_facts_read(a, &g->facts));
	l->name = LIT("main");
	l->vkey_file = str_from_c(g->log_vkey.p);
	l->folder = str_from_c(g->log_folder.p);
	l->socket = str_from_c(g->log_socket.p);
	for (size_t i = 0; i < c->n_issuers; i++)
		c->issuers[i].log = l->name;
	return CH_DONE;
}

ch_err dev_gate_policy(const struct authority *a, const struct dev_data *d, uint32_t port,
		       struct dev_gate *ret_g)
{
	static uint8_t room[CONFIG_WRITE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct gate_file *f = &ret_g->file;
	gate_file_defaults(f);
	f->host = LIT("127.0.0.1");
	f->port = port;
	f->client_secret_file = LIT("gate.secret");
	f->gate.introspects = true;
	f->gate.client_id = LIT("dovecot");
	f->gate.scope = LIT("mail.read");
	f->gate.supervised = true;
	for (size_t i = 0; i < a->config.n_realms; i++)
		if (a->config.realms[i].issues) {
			size_t n = f->gate.n_issuers++;
			TRY(gate_issuer_of(a, &a->config.realms[i], &ret_g->jwks[n],
					   &ret_g->revocations[n], &f->gate.issuers[n]));
		}
	TRY(report_to(a, d, ret_g));
	TRY(follow_log(a, ret_g));
	gate_file_write(&w, f);
	TRY(wr_done(&w));
	TRY(file_create(a->fd, "gate.yaml", wr_bytes(&w), 0644));
	/* the file names the key's file, the gate is told the key */
	f->gate.logs[0].vkey = ret_g->facts.vkey;
	f->gate.client_secret = str_from_c(d->gate_secret);
	return file_create(a->fd, "gate.secret", bytes_of_str(f->gate.client_secret), 0600);
}
