/* DIR/dev.json: where everything of a throw-away authority is, for tests and tools. */
#include "base/file.h"
#include "build_info.h"
#include "codec/json.h"
#include "dev.h"
#include "log_begin.h"

enum { JSON_ROOM = 32 * 1024 };

static const str none = { NULL, 0 };

static void put_url(struct json_out *o, str name, str base, str tail)
{
	uint8_t room[URL_MAX_BYTES * 2];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, base);
	wr_str(&w, tail);
	json_put_str(o, name, wr_text(&w));
}

static void put_realms(struct json_out *o, const struct config *c)
{
	json_begin(o, LIT("realms"), '{');
	for (size_t i = 0; i < c->n_realms; i++) {
		const struct config_realm *m = &c->realms[i];
		json_begin(o, m->name, '{');
		json_put_str(o, LIT("issuer"), m->issuer);
		if (m->issues) {
			put_url(o, LIT("authorization_endpoint"), m->issuer, LIT("/authorize"));
			put_url(o, LIT("token_endpoint"), m->issuer, LIT("/token"));
		} else {
			json_put_null(o, LIT("authorization_endpoint"));
			json_put_null(o, LIT("token_endpoint"));
		}
		put_url(o, LIT("jwks_uri"), m->issuer, LIT("/jwks"));
		json_finish(o, '}');
	}
	json_finish(o, '}');
}

static void put_audiences(struct json_out *o, const struct config_realm *m)
{
	json_begin(o, LIT("audiences"), '[');
	for (size_t i = 0; i < m->n_audiences; i++) {
		json_begin(o, none, '{');
		json_put_str(o, LIT("name"), m->audiences[i].name);
		json_put_str(o, LIT("resource"), m->audiences[i].resource);
		json_finish(o, '}');
	}
	json_finish(o, ']');
}

static void put_users(struct json_out *o, const struct dev_data *d)
{
	json_begin(o, LIT("users"), '[');
	for (size_t i = 0; i < DEV_USERS; i++) {
		const struct dev_user *u = &d->users[i];
		json_begin(o, none, '{');
		json_put_str(o, LIT("realm"), u->realm);
		json_put_str(o, LIT("username"), u->username);
		json_put_str(o, LIT("password"), str_from_c(u->password));
		json_put_str(o, LIT("sub"), (str){ u->sub, u->sub_n });
		json_put_str(o, LIT("mailbox"), u->username);
		json_finish(o, '}');
	}
	json_finish(o, ']');
}

static void put_client(struct json_out *o, str realm, bool bench)
{
	json_begin(o, none, '{');
	json_put_str(o, LIT("realm"), realm);
	json_put_str(o, LIT("client_id"), bench ? LIT("bench") : LIT("demo"));
	if (bench)
		json_put_str(o, LIT("client_secret"), LIT(DEV_BENCH_SECRET));
	else
		json_put_null(o, LIT("client_secret"));
	json_put_str(o, LIT("auth_method"), bench ? LIT("client_secret_basic") : LIT("none"));
	json_begin(o, LIT("grant_types"), '[');
	json_put_str(o, none, bench ? LIT("client_credentials") : LIT("authorization_code"));
	json_finish(o, ']');
	json_begin(o, LIT("redirect_uris"), '[');
	if (!bench)
		json_put_str(o, none, LIT("http://127.0.0.1/callback"));
	json_finish(o, ']');
	json_put_str(o, LIT("scope"),
		     bench ? LIT("mail.read") : LIT("openid profile email mail.read mail.send"));
	json_put_str(o, LIT("audience"), LIT("mail"));
	json_finish(o, '}');
}

static void put_gate(struct json_out *o, const struct authority *a, const struct dev_gate *g)
{
	uint8_t room[URL_MAX_BYTES];
	struct wr w = wr_of(room, sizeof(room));
	struct path policy;
	wr_lit(&w, "http://127.0.0.1:");
	wr_dec(&w, g->file.port);
	wr_lit(&w, "/introspect");
	json_begin(o, LIT("gate"), '{');
	json_put_str(o, LIT("introspection_endpoint"), wr_text(&w));
	json_put_str(o, LIT("client_id"), g->file.gate.client_id);
	json_put_str(o, LIT("client_secret"), g->file.gate.client_secret);
	if (!failed(path_join(&policy, str_from_c(a->dir.p), LIT("gate.yaml"), none)))
		json_put_str(o, LIT("policy"), str_from_c(policy.p));
	json_finish(o, '}');
}

static void put_collector(struct json_out *o, const struct dev_gate *g, const struct dev_data *d)
{
	json_begin(o, LIT("collector"), '{');
	json_put_str(o, LIT("uri"), g->file.gate.collector.uri);
	json_put_str(o, LIT("client"), g->file.gate.collector.client);
	json_put_str(o, LIT("secret"), str_from_c(d->reporter_secret));
	json_finish(o, '}');
}

static void put_mail(struct json_out *o, const struct dev_mail *mail)
{
	if (mail->pid == 0) {
		json_put_null(o, LIT("mail"));
		return;
	}
	json_begin(o, LIT("mail"), '{');
	json_put_str(o, LIT("host"), LIT("127.0.0.1"));
	json_put_int(o, LIT("imap_port"), mail->port);
	json_put_str(o, LIT("config"), str_from_c(mail->config.p));
	json_finish(o, '}');
}

static bool is_first_of_role(const struct dev_pids *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (str_eq(str_from_c(p->entry[k].role), str_from_c(p->entry[i].role)))
			return false;
	return true;
}

static void put_pids(struct json_out *o, const struct dev_pids *p)
{
	json_begin(o, LIT("pids"), '{');
	for (size_t i = 0; i < p->n; i++) {
		str role = str_from_c(p->entry[i].role);
		if (!is_first_of_role(p, i))
			continue;
		json_begin(o, role, '[');
		for (size_t k = i; k < p->n; k++)
			if (str_eq(str_from_c(p->entry[k].role), role))
				json_put_int(o, none, p->entry[k].pid);
		json_finish(o, ']');
	}
	json_finish(o, '}');
}

static void put_base(struct json_out *o, const struct config *c)
{
	uint8_t room[URL_MAX_BYTES];
	struct wr w = wr_of(room, sizeof(room));
	wr_lit(&w, "http://localhost:");
	wr_dec(&w, c->groups[0].port);
	json_put_str(o, LIT("version"), LIT(CHANCERY_VERSION));
	json_put_str(o, LIT("base"), wr_text(&w));
	json_begin(o, LIT("monitors"), '{');
	for (size_t i = 0; i < c->n_groups; i++) {
		w = wr_of(room, sizeof(room));
		wr_lit(&w, "http://localhost:");
		wr_dec(&w, c->groups[i].monitor_port);
		json_put_str(o, c->groups[i].name, wr_text(&w));
	}
	json_finish(o, '}');
}

/* Where the log of tokens is read, and by which key it is checked. */
static ch_err put_log(struct json_out *o, const struct authority *a)
{
	static struct log_facts facts;
	uint8_t room[URL_MAX_BYTES];
	struct wr w = wr_of(room, sizeof(room));
	TRY(log_facts_read(a, &facts));
	wr_lit(&w, "http://localhost:");
	wr_dec(&w, a->config.groups[0].port);
	wr_lit(&w, "/log");
	json_begin(o, LIT("log"), '{');
	json_put_str(o, LIT("url"), wr_text(&w));
	json_put_str(o, LIT("vkey"), facts.vkey);
	json_finish(o, '}');
	return CH_DONE;
}

ch_err dev_json_write(const struct authority *a, const struct dev_data *d, const struct dev_gate *g,
		      const struct dev_mail *mail, const struct dev_pids *pids)
{
	static uint8_t room[JSON_ROOM];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, none, '{');
	put_base(&o, &a->config);
	put_realms(&o, &a->config);
	put_audiences(&o, &a->config.realms[0]);
	put_users(&o, d);
	json_begin(&o, LIT("clients"), '[');
	put_client(&o, LIT("home"), false);
	put_client(&o, LIT("corp"), false);
	put_client(&o, LIT("home"), true);
	json_finish(&o, ']');
	put_gate(&o, a, g);
	put_collector(&o, g, d);
	TRY(put_log(&o, a));
	put_mail(&o, mail);
	put_pids(&o, pids);
	json_finish(&o, '}');
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	ch_err e = file_replace(a->fd, "dev.json", wr_bytes(&w), 0600);
	mem_wipe(room, sizeof(room));
	return e;
}
