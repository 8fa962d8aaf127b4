/* `chancery client add|list`: applications that may ask a realm for tokens. A secret is
 * made here and shown once, or read from a file; the store has only its hash. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "codec/url.h"
#include "client_method.h"
#include "commands.h"
#include "crypto/hash.h"
#include "options.h"
#include "say.h"
#include "stores.h"

static const char usage[] =
	"usage: chancery client add --realm R --id ID --scope S… [options] [-C DIR]\n"
	"       chancery client list [--realm R] [--json] [-C DIR]\n"
	"\n"
	"  --scope S            a scope it may have; once for each\n"
	"  --audience NAME      the audience of its tokens (needed when the realm has several)\n"
	"  --also-audience NAME another one that it may ask for; once for each\n"
	"  --redirect URI       where a login may return to; once for each\n"
	"  --grant G            client_credentials or authorization_code; once for each.\n"
	"                       Without it: authorization_code if there is a --redirect\n"
	"  --public             it can keep no secret (a program on people's machines)\n"
	"  --auth M             how it authenticates: client_secret_basic (the default),\n"
	"                       client_secret_post, private_key_jwt or none (--public)\n"
	"  --jwks F             its public keys, a JWK set, for private_key_jwt (- is stdin)\n"
	"  --secret-file F      its secret (16 bytes or more); without it one is made\n"
	"  --username U         the mailbox of its client_credentials tokens\n"
	"  -C DIR               the authority; without it $CHANCERY_DIR\n"
	"\n"
	"add prints the secret that it made: it is nowhere else.\n";

enum { SECRET_MIN = 16, SECRET_MAX = 256, SECRET_RANDOM = 32, LIST_MAX = STORE_LIST_MAX };

struct wish {
	const char *dir, *realm, *id, *audience, *secret_file, *username, *auth, *jwks;
	bool json, is_public;
	struct client_method method;
	struct wr scopes, audiences, redirects, grants;
	char rooms[4][LIST_MAX];
};

static str list_next(str *list)
{
	return str_cut(list, ' ');
}

static bool redirect_ok(str uri)
{
	struct url u;
	str rest = uri;
	str scheme = str_cut(&rest, ':');
	if (str_has(uri, '#') || !rest.p || rest.n == 0)
		return false;
	if (!str_eq(scheme, LIT("http")) && !str_eq(scheme, LIT("https")))
		return str_has(scheme, '.'); /* RFC 8252 section 7.1: a domain name, reversed */
	return !failed(url_parse(uri, &u)) && (str_eq(scheme, LIT("https")) || url_is_loopback(&u));
}

static bool grant_ok(str grant)
{
	return str_eq(grant, LIT("authorization_code")) || str_eq(grant, LIT("client_credentials"));
}

static bool scope_known(const struct config_realm *realm, str scope)
{
	for (size_t i = 0; i < realm->n_scopes; i++)
		if (str_eq(realm->scopes[i], scope))
			return true;
	return false;
}

static bool audience_known(const struct config_realm *realm, str name)
{
	for (size_t i = 0; i < realm->n_audiences; i++)
		if (str_eq(realm->audiences[i].name, name))
			return true;
	return false;
}

static bool complain(const char *text, str what)
{
	say(text, what);
	return false;
}

static bool lists_check(const struct wish *w, const struct config_realm *realm)
{
	str left = wr_text(&w->scopes);
	while (left.n > 0) {
		str one = list_next(&left);
		if (!scope_known(realm, one))
			return complain("the realm has no such scope", one);
	}
	left = wr_text(&w->audiences);
	while (left.n > 0) {
		str one = list_next(&left);
		if (!audience_known(realm, one))
			return complain("the realm has no such audience", one);
	}
	left = wr_text(&w->redirects);
	while (left.n > 0) {
		str one = list_next(&left);
		if (!redirect_ok(one))
			return complain(
				"a redirect URI is https, http on loopback, or com.example.app:…,"
				" without #",
				one);
	}
	left = wr_text(&w->grants);
	while (left.n > 0) {
		str one = list_next(&left);
		if (!grant_ok(one))
			return complain("there is no such grant", one);
	}
	return true;
}

static bool wish_check(struct wish *w, const struct config_realm *realm)
{
	bool has_redirect = w->redirects.n > 0;
	if (!w->audience && realm->n_audiences != 1)
		return complain("the realm has several audiences: name one with --audience",
				(str){ 0 });
	if (w->audience && !audience_known(realm, str_from_c(w->audience)))
		return complain("the realm has no such audience", str_from_c(w->audience));
	if (!w->method.has_secret && w->secret_file)
		return complain("such a client has no secret: leave out --secret-file", (str){ 0 });
	if (str_eq(w->method.name, LIT("none")) && !has_redirect)
		return complain("a public client needs a --redirect", (str){ 0 });
	if (w->grants.n == 0)
		wr_str(&w->grants,
		       has_redirect ? LIT("authorization_code") : LIT("client_credentials"));
	return lists_check(w, realm);
}

/* The secret's text into w. */
static ch_err secret_take(const struct wish *wish, struct wr *w)
{
	SECRET_BUF(random, SECRET_RANDOM);
	SECRET_BUF(room, SECRET_MAX);
	str line = { 0 };
	if (!wish->secret_file) {
		rand_fill(random, sizeof(random));
		base64url_write(w, BYTES_OF(random));
		return wr_done(w);
	}
	TRY(first_line_read(wish->secret_file, room, sizeof(room), &line));
	if (line.n < SECRET_MIN)
		return ch_fail(CH_E_RANGE, "a client's secret has 16 random bytes or more", line.n);
	wr_str(w, line);
	return wr_done(w);
}

static int store_it(struct store *s, const struct wish *w, const struct config_realm *realm,
		    bytes secret_hashed)
{
	struct store_client c = {
		.realm = realm->name,
		.id = str_from_c(w->id),
		.secret_hash = secret_hashed,
		.auth_method = w->method.name,
		.grant_types = wr_text(&w->grants),
		.redirect_uris = wr_text(&w->redirects),
		.scopes = wr_text(&w->scopes),
		.audience = w->audience ? str_from_c(w->audience) : realm->audiences[0].name,
		.audiences = wr_text(&w->audiences),
		.username = str_from_c(w->username),
		.jwks = w->method.jwks,
	};
	ch_err e = store_client_add(s, &c);
	if (!failed(e))
		return EXIT_YES;
	int r = say_trouble("cannot add", c.id, e);
	return ch_code_of(e) == CH_E_EXISTS ? EXIT_NO : r;
}

static int add(const struct authority *a, struct wish *w)
{
	SECRET_BUF(room, SECRET_MAX);
	uint8_t hash[SHA256_SIZE];
	struct wr secret = wr_of(room, sizeof(room));
	AUTO(store_done) struct store *s = NULL;
	const struct config_realm *realm = authority_realm(a, str_from_c(w->realm));
	if (!realm)
		return authority_check_realm(a, str_from_c(w->realm));
	int r = client_method_take(w->auth, w->jwks, w->is_public, &w->method);
	if (r != EXIT_YES)
		return r;
	if (!wish_check(w, realm))
		return EXIT_USAGE;
	ch_err e = w->method.has_secret ? secret_take(w, &secret) : CH_DONE;
	if (failed(e))
		return say_trouble("secret", str_from_c(w->secret_file), e);
	secret_hash(secret_bytes_of(wr_bytes(&secret)), hash);
	r = store_of_realm(a, str_from_c(w->realm), &s);
	if (r != EXIT_YES)
		return r;
	r = store_it(s, w, realm, w->method.has_secret ? BYTES_OF(hash) : (bytes){ 0 });
	if (r == EXIT_YES && w->method.has_secret && !w->secret_file)
		(void)printf("%.*s\n", (int)secret.n, (const char *)room);
	return r;
}

struct listing {
	str realm;
	bool json;
	bool any;
};

static void put_list(struct json_out *o, str name, str list)
{
	json_begin(o, name, '[');
	while (list.n > 0)
		json_put_str(o, (str){ 0 }, list_next(&list));
	json_finish(o, ']');
}

static ch_err client_json(const struct listing *l, const struct store_client *c)
{
	static char room[32768];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("realm"), c->realm);
	json_put_str(&o, LIT("client_id"), c->id);
	json_put_str(&o, LIT("auth_method"), c->auth_method);
	put_list(&o, LIT("grant_types"), c->grant_types);
	put_list(&o, LIT("redirect_uris"), c->redirect_uris);
	json_put_str(&o, LIT("scope"), c->scopes);
	json_put_str(&o, LIT("audience"), c->audience);
	put_list(&o, LIT("audiences"), c->audiences);
	json_put_str(&o, LIT("username"), c->username);
	if (c->jwks.n > 0)
		json_put_raw(&o, LIT("jwks"), c->jwks);
	json_put_bool(&o, LIT("disabled"), c->disabled);
	json_finish(&o, '}');
	TRY(wr_done(&w));
	(void)printf("%s%.*s", l->any ? ",\n" : "", (int)w.n, room);
	return CH_DONE;
}

static ch_err client_print(void *ctx, const struct store_client *c)
{
	struct listing *l = ctx;
	if (l->json)
		TRY(client_json(l, c));
	else
		(void)printf("%-10.*s %-24.*s %-20.*s %-8.*s %.*s%s\n", (int)c->realm.n, c->realm.p,
			     (int)c->id.n, c->id.p, (int)c->auth_method.n, c->auth_method.p,
			     (int)c->audience.n, c->audience.p, (int)c->scopes.n, c->scopes.p,
			     c->disabled ? " disabled" : "");
	l->any = true;
	return CH_DONE;
}

static int list_store(struct store *s, void *ctx)
{
	struct listing *l = ctx;
	ch_err e = store_client_list(s, l->realm, client_print, l);
	return failed(e) ? say_trouble("cannot list clients", (str){ 0 }, e) : EXIT_YES;
}

static int list(const struct authority *a, const struct wish *w)
{
	struct listing l = { .realm = str_from_c(w->realm), .json = w->json };
	int r = authority_check_realm(a, l.realm);
	if (r != EXIT_YES)
		return r;
	if (l.json)
		(void)printf("[");
	r = stores_each(a, list_store, &l);
	if (l.json)
		(void)printf("]\n");
	return r;
}

static bool wish_read(int argc, char **argv, struct wish *w)
{
	struct wr *lists[] = { &w->scopes, &w->audiences, &w->redirects, &w->grants };
	const struct option_spec specs[] = {
		{ .name = "-C", .value = &w->dir },
		{ .name = "--realm", .value = &w->realm },
		{ .name = "--id", .value = &w->id },
		{ .name = "--scope", .list = &w->scopes },
		{ .name = "--audience", .value = &w->audience },
		{ .name = "--also-audience", .list = &w->audiences },
		{ .name = "--redirect", .list = &w->redirects },
		{ .name = "--grant", .list = &w->grants },
		{ .name = "--public", .flag = &w->is_public },
		{ .name = "--auth", .value = &w->auth },
		{ .name = "--jwks", .value = &w->jwks },
		{ .name = "--secret-file", .value = &w->secret_file },
		{ .name = "--username", .value = &w->username },
		{ .name = "--json", .flag = &w->json },
	};
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		*lists[i] = wr_of(w->rooms[i], LIST_MAX);
	return options_read(argc, argv, 2, specs, COUNT_OF(specs));
}

int cmd_client(int argc, char **argv)
{
	static struct wish w;
	AUTO(authority_done) struct authority a = { .fd = -1 };
	str verb = str_from_c(argc > 1 ? argv[1] : NULL);
	bool adds = str_eq(verb, LIT("add"));
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!adds && !str_eq(verb, LIT("list")))
		return command_wrong(usage, "say what to do with clients: add or list");
	if (!wish_read(argc, argv, &w))
		return command_usage(usage, false);
	if (adds && (!w.realm || !w.id || w.scopes.n == 0))
		return command_wrong(usage, "add needs --realm, --id and --scope");
	int r = authority_open(w.dir, &a);
	if (r != EXIT_YES)
		return r;
	return adds ? add(&a, &w) : list(&a, &w);
}
