/* `chancery revoke`: ends a token, a grant, what a client or a person got, or a key; and lists
 * what was ended. It writes no chain: that is the issuer's, which is asked to. A token is read from
 * a file or standard input, and is never repeated. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "chain_text.h"
#include "codec/json.h"
#include "commands.h"
#include "crypto/key.h"
#include "options.h"
#include "revoke.h"
#include "revoke/follow.h"
#include "revoke_ask.h"
#include "say.h"
#include "stores.h"
#include "token/jwk.h"
#include "token/verify.h"

static const char usage[] =
	"usage: chancery revoke --realm R (--grant ID | --client ID | --user NAME | --key KID)\n"
	"                       [--json] [-C DIR]\n"
	"       chancery revoke --token FILE|- [--realm R] [--json] [-C DIR]\n"
	"       chancery revoke list [--realm R] [--json] [-C DIR]\n"
	"       chancery revoke follow --realm R|--folder F [--since T] [--json] [-- PROGRAM …]\n"
	"       chancery revoke follow --url U --client ID --secret-file F [--ca-file F] …\n"
	"\n"
	"Ends what was given, at every gate that follows this authority: one access token; all of\n"
	"a refresh token (its grant); a grant; what a client, or what clients in a person's name,\n"
	"got until now (both can get new tokens: `client disable` and `user disable` see to that,\n"
	"and revoke as well); or all that a key ever signed. It is in force, and on the disk, "
	"when\n"
	"this returns; once is as good as twice. If the authority does not run, it takes this in\n"
	"when it starts.\n"
	"\n"
	"  --token FILE|-  an access or refresh token, from a file or standard input\n"
	"  --grant ID      the grant_id of access tokens\n"
	"  --client ID     a client of the realm\n"
	"  --user NAME     the username of a person of the realm\n"
	"  --key KID       a key of the realm, at once and for ever: `key compromise` also makes\n"
	"                  its successor sign\n"
	"\n"
	"list prints what is in the realms' chains: sequence number, time, realm, kind, subject,\n"
	"why. follow prints what comes: `chancery revoke follow --help`.\n"
	"\n"
	"  -C DIR          the authority; without it $CHANCERY_DIR\n";

enum { TOKEN_SKEW_S = 60 };

struct wish {
	const char *dir, *realm, *token, *grant, *client, *user, *key;
	bool json;
};

/* What is to be revoked, in storage of its own. */
struct target {
	struct revocation r;
	uint8_t identity[REVOKE_TOKEN_ID];
	char text[REVOKE_SUBJECT_MAX], name[REVOKE_NAME_MAX], realm[NAME_MAX_BYTES];
	str realm_name;
};

str revocation_subject(struct wr *room, const struct revocation *r)
{
	if (r->kind == REVOKE_TOKEN)
		wr_hex(room, r->subject);
	else
		wr_put(room, r->subject);
	return wr_text(room);
}

static str keep(char *room, size_t cap, str s)
{
	size_t n = s.n < cap ? s.n : cap;
	mem_copy(room, s.p, n);
	return (str){ room, n };
}

static void about(struct target *t, enum revoke_kind kind, str subject)
{
	t->r.kind = kind;
	t->r.subject = bytes_of_str(keep(t->text, sizeof(t->text), subject));
	t->r.when_s = clock_unix_s();
}

/* --- a token --- */

/* As the realm signs them, for any of its audiences; the issuer is named by the token. */
static ch_err policy_of(const struct authority *a, str realm, struct policy **ret_p)
{
	static uint8_t jwks[JWKS_TEXT_MAX];
	char room[NAME_MAX_BYTES + 16];
	struct wr name = wr_of(room, sizeof(room) - 1);
	str audiences[AUDIENCES_MAX];
	size_t n = 0;
	const struct config_realm *m = authority_realm(a, realm);
	for (size_t i = 0; i < m->n_audiences; i++)
		audiences[i] = m->audiences[i].name;
	wr_lit(&name, "jwks/");
	wr_str(&name, realm);
	wr_lit(&name, ".json");
	room[name.n] = 0;
	TRY(crypto_init(NULL));
	TRY(file_read(a->fd, room, jwks, sizeof(jwks), &n));
	const struct policy_issuer one = { .issuer = m->issuer,
					   .realm = m->name,
					   .typ = LIT("at+jwt"),
					   .audiences = audiences,
					   .n_audiences = m->n_audiences,
					   .jwks = { jwks, n },
					   .skew_s = TOKEN_SKEW_S,
					   .max_ttl_s = CONFIG_TTL_MAX_S };
	return policy_new(&one, 1, NULL, ret_p);
}

static int judge_in(const struct authority *a, str realm, str token, struct target *t,
		    enum token_code *ret_code)
{
	static struct token_scratch scratch;
	AUTO(policy_done) struct policy *p = NULL;
	struct token_verdict v;
	ch_err e = policy_of(a, realm, &p);
	if (failed(e))
		return say_trouble("cannot read the public keys of realm", realm, e);
	token_verify(p, token, clock_unix_s(), &scratch, &v);
	*ret_code = v.code;
	if (v.code != TOKEN_accepted)
		return EXIT_YES;
	t->realm_name = keep(t->realm, sizeof(t->realm), realm);
	mem_copy(t->identity, v.identity, sizeof(t->identity));
	t->r = (struct revocation){ .kind = REVOKE_TOKEN,
				    .when_s = v.exp,
				    .subject = BYTES_OF(t->identity),
				    .name = keep(t->name, sizeof(t->name), v.username) };
	return EXIT_YES;
}

static int target_access(const struct authority *a, const struct wish *w, str token,
			 struct target *t)
{
	enum token_code code = TOKEN_malformed;
	for (size_t i = 0; i < a->config.n_realms && code != TOKEN_accepted; i++) {
		str realm = a->config.realms[i].name;
		if (w->realm && !str_eq(realm, str_from_c(w->realm)))
			continue;
		int r = judge_in(a, realm, token, t, &code);
		if (r != EXIT_YES)
			return r;
		if (code == TOKEN_expired) {
			say("the token has expired: there is nothing to revoke", (str){ 0 });
			return EXIT_NO;
		}
	}
	if (code == TOKEN_accepted)
		return EXIT_YES;
	say("this is no token of this authority that is good now", token_code_name(code));
	return EXIT_NO;
}

/* rt.GRANT.NUMBER.CODE; who has it knows the grant, and who may run this may end any. */
static int target_refresh(const struct wish *w, str token, struct target *t)
{
	(void)str_cut(&token, '.');
	str grant = str_cut(&token, '.');
	if (!w->realm) {
		say("a refresh token does not say its realm: name it with --realm", (str){ 0 });
		return EXIT_USAGE;
	}
	about(t, REVOKE_GRANT, grant);
	t->realm_name = str_from_c(w->realm);
	return EXIT_YES;
}

static int target_token(const struct authority *a, const struct wish *w, struct target *t)
{
	static uint8_t room[TOKEN_MAX + 2];
	str token = { 0 };
	ch_err e = first_line_read(w->token, room, sizeof(room), &token);
	/* a token given as an argument by mistake must not be repeated */
	if (failed(e))
		return say_trouble("cannot read the file of the token (`-` is standard input)",
				   (str){ 0 }, e);
	if (str_starts(token, LIT("rt.")))
		return target_refresh(w, token, t);
	return target_access(a, w, token, t);
}

/* --- in the store --- */

struct ending {
	const struct wish *w;
	struct target *t;
	struct arena arena;
};

static ch_err end_grant(struct store *s, struct ending *e)
{
	struct store_grant g = { 0 };
	struct store_user u = { 0 };
	str id = str_of_bytes(e->t->r.subject);
	TRY(store_grant_get(s, e->t->realm_name, id, &e->arena, &g));
	ch_err found = store_user_by_sub(s, g.realm, g.sub, &e->arena, &u);
	if (failed(found) && ch_code_of(found) != CH_E_NOT_FOUND)
		return found;
	e->t->r.name = keep(e->t->name, sizeof(e->t->name), u.mailbox);
	return store_grant_revoke(s, g.realm, g.id);
}

static ch_err end_client(struct store *s, struct ending *e)
{
	struct store_client c = { 0 };
	TRY(store_client_get(s, e->t->realm_name, str_from_c(e->w->client), &e->arena, &c));
	about(e->t, REVOKE_CLIENT, c.id);
	return store_client_end(s, c.realm, c.id);
}

static ch_err end_user(struct store *s, struct ending *e)
{
	struct store_user u = { 0 };
	TRY(store_user_by_name(s, e->t->realm_name, str_from_c(e->w->user), &e->arena, &u));
	about(e->t, REVOKE_USER, u.sub);
	e->t->r.name = keep(e->t->name, sizeof(e->t->name), u.mailbox);
	return store_user_end(s, u.sub);
}

static ch_err end_it(struct store *s, struct ending *e)
{
	if (e->w->client)
		TRY(end_client(s, e));
	if (e->w->user)
		TRY(end_user(s, e));
	if (e->t->r.kind == REVOKE_GRANT)
		TRY(end_grant(s, e));
	e->t->r.why = e->t->r.kind == REVOKE_KEY ? REVOKE_COMPROMISED : REVOKE_BY_ADMIN;
	return revoke_due(s, e->t->realm_name, &e->t->r);
}

static int in_store(const struct authority *a, struct ending *en)
{
	AUTO(store_done) struct store *s = NULL;
	int r = store_of_realm(a, en->t->realm_name, &s);
	if (r != EXIT_YES)
		return r;
	ch_err e = store_begin(s);
	if (!failed(e)) {
		e = end_it(s, en);
		ch_err end = store_end(s, !failed(e));
		e = failed(e) ? e : end;
	}
	if (!failed(e))
		return EXIT_YES;
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		say("there is none of that name in this realm: nothing was revoked", (str){ 0 });
		return EXIT_NO;
	}
	return say_trouble("nothing was revoked", en->t->realm_name, e);
}

static void tell(const struct wish *w, const struct target *t, bool queued)
{
	char room[2 * REVOKE_SUBJECT_MAX], out[1024];
	struct wr subject = wr_of(room, sizeof(room)), line = wr_of(out, sizeof(out));
	str text = revocation_subject(&subject, &t->r), kind = revoke_kind_name(t->r.kind);
	struct json_out o = json_out_of(&line);
	if (!w->json) {
		(void)printf("%s %.*s %.*s\n", queued ? "queued" : "revoked", (int)kind.n, kind.p,
			     (int)text.n, text.p);
		return;
	}
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("realm"), t->realm_name);
	json_put_str(&o, LIT("kind"), kind);
	json_put_str(&o, LIT("subject"), text);
	json_put_str(&o, LIT("outcome"), queued ? LIT("queued") : LIT("revoked"));
	json_finish(&o, '}');
	(void)printf("%.*s\n", (int)line.n, out);
}

static int revoke_recorded(const struct authority *a, const struct wish *w, struct target *t)
{
	static uint8_t memory[64 * 1024];
	struct ending en = { .w = w, .t = t };
	bool queued = false;
	arena_init(&en.arena, memory, sizeof(memory));
	int r = in_store(a, &en);
	if (r == EXIT_YES)
		r = revoke_settle(a, &queued);
	if (r == EXIT_YES)
		tell(w, t, queued);
	return r;
}

static int key_check(const struct authority *a, str realm, str kid)
{
	struct path folder;
	char room[REVOKE_SUBJECT_MAX + 8];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, kid);
	wr_lit(&w, ".jwk");
	ch_err e = path_join(&folder, LIT("keys"), realm, wr_text(&w));
	if (!name_ok(kid, NAME_MAX_BYTES) || w.full || failed(e) ||
	    faccessat(a->fd, folder.p, F_OK, 0) != 0) {
		say("the realm has no key of this kid (`chancery key list` has all)", kid);
		return EXIT_NO;
	}
	return EXIT_YES;
}

static int target_of(const struct authority *a, const struct wish *w, struct target *t)
{
	str realm = str_from_c(w->realm);
	t->realm_name = realm;
	if (w->token)
		return target_token(a, w, t);
	if (w->grant)
		about(t, REVOKE_GRANT, str_from_c(w->grant));
	if (!w->key)
		return EXIT_YES;
	about(t, REVOKE_KEY, str_from_c(w->key));
	return key_check(a, realm, str_from_c(w->key));
}

static int run(const struct authority *a, const struct wish *w)
{
	struct target t = { 0 };
	struct audit au = { 0 };
	char room[NAME_MAX_BYTES + 2 * REVOKE_SUBJECT_MAX + 2], hex[2 * REVOKE_TOKEN_ID];
	struct wr object = wr_of(room, sizeof(room)), text = wr_of(hex, sizeof(hex));
	const char *const names[] = { w->client, w->user };
	int r = target_of(a, w, &t);
	if (r != EXIT_YES)
		return r;
	str id = t.r.kind == REVOKE_TOKEN ? revocation_subject(&text, &t.r)
					  : str_of_bytes(t.r.subject);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		id = names[i] ? str_from_c(names[i]) : id;
	r = audit_begin(a, "revoke", audit_object(&object, t.realm_name, id), &au);
	if (r != EXIT_YES)
		return r;
	return audit_end(&au, revoke_recorded(a, w, &t),
			 w->client ? LIT("client")
			 : w->user ? LIT("user")
				   : revoke_kind_name(t.r.kind));
}

/* --- list --- */

struct listing {
	str realm;
	struct json_out *o; /* NULL: lines */
	struct wr *w;
};

void revocation_json(struct json_out *o, str realm, uint64_t seq, int64_t time_ms,
		     const struct revocation *r)
{
	char room[2 * REVOKE_SUBJECT_MAX];
	struct wr subject = wr_of(room, sizeof(room));
	json_begin(o, (str){ 0 }, '{');
	if (realm.n > 0)
		json_put_str(o, LIT("realm"), realm);
	json_put_u64(o, LIT("seq"), seq);
	json_put_int(o, LIT("time_ms"), time_ms);
	json_put_str(o, LIT("kind"), revoke_kind_name(r->kind));
	json_put_str(o, LIT("subject"), revocation_subject(&subject, r));
	json_put_int(o, r->kind == REVOKE_TOKEN ? LIT("exp") : LIT("until"), r->when_s);
	json_put_str(o, LIT("why"), revoke_why_name(r->why));
	if (r->name.n > 0)
		json_put_str(o, LIT("mailbox"), r->name);
	json_finish(o, '}');
}

static ch_err list_one(void *ctx, const struct chain_record *c, const struct revocation *r)
{
	struct listing *l = ctx;
	char room[2 * REVOKE_SUBJECT_MAX];
	struct wr subject = wr_of(room, sizeof(room));
	if (l->o) {
		revocation_json(l->o, l->realm, c->seq, c->time_ms, r);
		(void)printf("%.*s", (int)l->w->n, (const char *)l->w->p);
		l->w->n = 0;
		return CH_DONE;
	}
	(void)printf("%llu\t", (unsigned long long)c->seq);
	print_time(c->time_ms);
	(void)printf("\t");
	print_field(l->realm, '\t');
	print_field(revoke_kind_name(r->kind), '\t');
	print_field(revocation_subject(&subject, r), '\t');
	print_field(revoke_why_name(r->why), '\t');
	print_field(r->name, '\n');
	return CH_DONE;
}

static int list_realm(const struct authority *a, struct listing *l)
{
	static struct follow f;
	struct path folder;
	bool alive = false;
	ch_err e = path_join(&folder, LIT("revocations"), l->realm, (str){ 0 });
	if (!failed(e))
		e = follow_look(&f, a->fd, folder.p, list_one, l, &alive);
	const struct chain_place fault = f.cursor.fault;
	follow_done(&f);
	if (ch_code_of(e) == CH_E_MISMATCH)
		return say_damage("revoke", folder.p, NULL, &fault, e);
	/* none was ever made */
	return failed(e) && ch_code_of(e) != CH_E_NOT_FOUND
		       ? say_trouble("cannot read the revocations of realm", l->realm, e)
		       : EXIT_YES;
}

static int list(const struct authority *a, str realm, bool json)
{
	static uint8_t room[4096];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	int status = authority_check_realm(a, realm);
	if (status != EXIT_YES)
		return status;
	json_begin(&o, (str){ 0 }, '[');
	for (size_t i = 0; i < a->config.n_realms && status == EXIT_YES; i++) {
		struct listing l = { a->config.realms[i].name, json ? &o : NULL, &w };
		if (realm.n == 0 || str_eq(realm, l.realm))
			status = list_realm(a, &l);
	}
	json_finish(&o, ']');
	if (json)
		(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return status;
}

/* --- the command --- */

static const char *wish_wrong(const struct wish *w, bool lists)
{
	const char *const targets[] = { w->token, w->grant, w->client, w->user, w->key };
	size_t n = 0;
	for (size_t i = 0; i < COUNT_OF(targets); i++)
		n += targets[i] != NULL;
	if (lists)
		return n > 0 ? "list shows all that was revoked: it takes --realm alone" : NULL;
	if (n != 1)
		return "say one thing to revoke: --token, --grant, --client, --user or --key";
	return w->token || w->realm ? NULL : "which realm? name it with --realm";
}

static int command(int argc, char **argv, int from, bool lists)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	struct wish w = { 0 };
	const struct option_spec specs[] = {
		{ .name = "-C", .value = &w.dir },
		{ .name = "--realm", .value = &w.realm },
		{ .name = "--token", .value = &w.token },
		{ .name = "--grant", .value = &w.grant },
		{ .name = "--client", .value = &w.client },
		{ .name = "--user", .value = &w.user },
		{ .name = "--key", .value = &w.key },
		{ .name = "--json", .flag = &w.json },
	};
	if (!options_read(argc, argv, from, specs, COUNT_OF(specs)))
		return command_usage(usage, false);
	const char *why = wish_wrong(&w, lists);
	if (why)
		return command_wrong(usage, why);
	int r = authority_open(w.dir, &a);
	if (r == EXIT_YES)
		r = authority_check_realm(&a, str_from_c(w.realm));
	if (r != EXIT_YES)
		return r;
	return lists ? list(&a, str_from_c(w.realm), w.json) : run(&a, &w);
}

int cmd_revoke(int argc, char **argv)
{
	bool lists = argc > 1 && strcmp(argv[1], "list") == 0;
	if (argc > 1 && strcmp(argv[1], "follow") == 0)
		return revoke_follow(argc - 1, argv + 1);
	if (options_help(argc, argv))
		return command_usage(usage, true);
	return command(argc, argv, lists ? 2 : 1, lists);
}
