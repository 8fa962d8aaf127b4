/* `chancery client`: applications that may ask a realm for tokens. A secret is made here and
 * shown once, or read from a file; the store has only its hash. */
#include <stdio.h>

#include "admin.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rand.h"
#include "client_check.h"
#include "client_method.h"
#include "codec/base64url.h"
#include "commands.h"
#include "crypto/hash.h"
#include "revoke_ask.h"
#include "say.h"

static const char usage[] =
	"usage: chancery client add|edit|reset|show|disable|enable|remove\n"
	"                       --realm R --id ID [options] [--json] [-C DIR]\n"
	"       chancery client list [--realm R] [--json] [-C DIR]\n"
	"       chancery client export [--realm R] [--with-hashes] [-C DIR] > FILE\n"
	"       chancery client import [--dry-run] [--json] [-C DIR] FILE|-\n"
	"\n"
	"add, edit:\n"
	"  --scope S            a scope it may have; once for each\n"
	"  --audience NAME      the audience of its tokens (needed when the realm has several)\n"
	"  --also-audience NAME another one that it may ask for; once for each\n"
	"  --redirect URI       where a login may return to; once for each\n"
	"  --grant G            client_credentials, authorization_code, device_code or\n"
	"                       refresh_token (with the scope offline_access); once for each.\n"
	"                       Without it: authorization_code if there is a --redirect\n"
	"  --username U         the mailbox of its client_credentials tokens\n"
	"  --auth M             how it authenticates: client_secret_basic (the default),\n"
	"                       client_secret_post, private_key_jwt or none (--public)\n"
	"  --jwks F             its public keys, a JWK set, for private_key_jwt (- is stdin)\n"
	"  --name N             as people know it; else they see its id\n"
	"  --home URL           where people read about it\n"
	"  --logout-redirect U  where a sign-out may lead to; once for each\n"
	"  --consent C          ask (the default): people say whether it may have what it asks\n"
	"                       for; none: it is your own, and they are not asked\n"
	"  --dpop yes|no        its tokens are bound to a key that it shows (RFC 9449)\n"
	"  --par yes|no         it pushes its authorization requests (RFC 9126)\n"
	"  --public             add: it can keep no secret (a program on people's machines)\n"
	"add, reset:\n"
	"  --secret-file F      its secret (16 bytes or more); without it one is made\n"
	"all:\n"
	"  -C DIR               the authority; without it $CHANCERY_DIR\n"
	"\n"
	"add and reset print the secret that they made: it is nowhere else. add is fine with a\n"
	"client that is there just so; its secret stays. edit changes what is named and nothing\n"
	"else; of a list, what is named replaces what was there, but --scope +S adds one and\n"
	"--scope -S takes one out, and so for the other lists. disable, remove and reset hold\n"
	"from the next request on; disable and remove also revoke the tokens that are out.\n"
	"import adds and changes, and removes none; with --dry-run it only says what it would\n"
	"do. Secrets' hashes are in an export if --with-hashes says so; without them, clients that "
	"are new\n"
	"to the other side need a reset.\n";

enum { SECRET_MIN = 16, SECRET_MAX = 256, SECRET_RANDOM = 32 };

/* where two are in the table */
enum { METHOD = 2, KEYS = 9 };

#define AT(field) offsetof(struct store_client, field)

static const struct attr attrs[] = {
	{ .name = { "realm", 5 }, .kind = ATTR_TEXT, .at = AT(realm) },
	{ .name = { "client_id", 9 }, .kind = ATTR_TEXT, .at = AT(id) },
	[METHOD] = { .name = { "auth_method", 11 },
		     .option = "--auth",
		     .kind = ATTR_TEXT,
		     .at = AT(auth_method) },
	{ .name = { "grant_types", 11 },
	  .option = "--grant",
	  .kind = ATTR_LIST,
	  .at = AT(grant_types) },
	{ .name = { "redirect_uris", 13 },
	  .option = "--redirect",
	  .kind = ATTR_LIST,
	  .at = AT(redirect_uris) },
	{ .name = { "scope", 5 }, .option = "--scope", .kind = ATTR_WORDS, .at = AT(scopes) },
	{ .name = { "audience", 8 },
	  .option = "--audience",
	  .kind = ATTR_TEXT,
	  .at = AT(audience) },
	{ .name = { "audiences", 9 },
	  .option = "--also-audience",
	  .kind = ATTR_LIST,
	  .at = AT(audiences) },
	{ .name = { "username", 8 },
	  .option = "--username",
	  .kind = ATTR_TEXT,
	  .at = AT(username) },
	[KEYS] = { .name = { "jwks", 4 }, .option = "--jwks", .kind = ATTR_JSON, .at = AT(jwks) },
	{ .name = { "name", 4 }, .option = "--name", .kind = ATTR_TEXT, .at = AT(name) },
	{ .name = { "home", 4 }, .option = "--home", .kind = ATTR_TEXT, .at = AT(home) },
	{ .name = { "post_logout_redirect_uris", 25 },
	  .option = "--logout-redirect",
	  .kind = ATTR_LIST,
	  .at = AT(logout_uris) },
	{ .name = { "consent", 7 }, .option = "--consent", .kind = ATTR_TEXT, .at = AT(consent) },
	{ .name = { "dpop_bound_access_tokens", 24 },
	  .option = "--dpop",
	  .kind = ATTR_FLAG,
	  .at = AT(dpop) },
	{ .name = { "require_pushed_authorization_requests", 37 },
	  .option = "--par",
	  .kind = ATTR_FLAG,
	  .at = AT(par) },
	{ .name = { "disabled", 8 }, .kind = ATTR_FLAG, .at = AT(disabled) },
	{ .name = { "secret_hash", 11 },
	  .told_as = { "has_secret", 10 },
	  .kind = ATTR_HASH,
	  .at = AT(secret_hash) },
};

static ch_err find(struct store *s, const union admin_row *known, struct arena *a,
		   union admin_row *ret_row)
{
	return store_client_get(s, known->client.realm, known->client.id, a, &ret_row->client);
}

static ch_err insert(struct store *s, union admin_row *row, struct arena *a)
{
	(void)a;
	return store_client_add(s, &row->client);
}

static ch_err set(struct store *s, const union admin_row *row)
{
	return store_client_set(s, &row->client);
}

static ch_err revoke_client(struct store *s, const struct store_client *c, enum revoke_why why)
{
	return revoke_due(s, c->realm,
			  &(struct revocation){ .kind = REVOKE_CLIENT,
						.why = why,
						.when_s = clock_unix_s(),
						.subject = bytes_of_str(c->id) });
}

/* A code is taken by its client, which is looked up: a disabled one takes none. */
static ch_err end(struct store *s, const union admin_row *row)
{
	if (!row->client.disabled)
		return CH_DONE;
	TRY(store_client_end(s, row->client.realm, row->client.id));
	return revoke_client(s, &row->client, REVOKE_DISABLED);
}

static ch_err remove_client(struct store *s, const union admin_row *row)
{
	TRY(store_client_remove(s, row->client.realm, row->client.id));
	return revoke_client(s, &row->client, REVOKE_REMOVED);
}

static ch_err each_client(void *ctx, const struct store_client *c)
{
	const struct admin_each *each = ctx;
	const union admin_row row = { .client = *c };
	return each->one(each->ctx, &row);
}

static ch_err list(struct store *s, str realm, const struct admin_each *each)
{
	struct admin_each copy = *each;
	return store_client_list(s, realm, each_client, &copy);
}

static void complete(const struct config_realm *realm, union admin_row *row)
{
	client_complete(realm, &row->client);
}

static bool fits(const struct config_realm *realm, const union admin_row *row)
{
	return client_fits(realm, &row->client);
}

/* Another way to authenticate: what the old one needed goes. */
static void follow(const struct admin_call *c, const union admin_row *old, union admin_row *row)
{
	const struct client_method *m = NULL;
	if (str_eq(old->client.auth_method, row->client.auth_method))
		return;
	m = client_method_of(row->client.auth_method);
	if (m && !m->has_secret)
		row->client.secret_hash = (bytes){ 0 };
	if (m && !m->has_keys && !c->given[KEYS].text)
		row->client.jwks = (str){ 0 };
}

static int prepare(struct admin_call *c)
{
	str jwks = { 0 };
	if (!c->given[KEYS].text)
		return EXIT_YES;
	int r = client_keys_take(c->given[KEYS].text, &jwks);
	c->given[KEYS].text = jwks.p;
	return r;
}

static bool *disabled(union admin_row *row)
{
	return &row->client.disabled;
}

struct client_secret {
	uint8_t room[SECRET_MAX];
	str text;
	uint8_t hash[SHA256_SIZE];
};

static void client_secret_done(struct client_secret *s)
{
	mem_wipe(s, sizeof(*s));
}

/* Read or made, before the store is opened: root can read its file no more then. */
static ch_err secret_take(const struct admin_call *c, struct client_secret *s)
{
	SECRET_BUF(random, SECRET_RANDOM);
	struct wr w = wr_of(s->room, sizeof(s->room));
	if (c->secret_file) {
		TRY(first_line_read(c->secret_file, s->room, sizeof(s->room), &s->text));
	} else {
		rand_fill(random, sizeof(random));
		base64url_write(&w, BYTES_OF(random));
		s->text = wr_text(&w);
	}
	if (s->text.n < SECRET_MIN)
		return ch_fail(CH_E_RANGE, "a client's secret has 16 random bytes or more",
			       s->text.n);
	secret_hash(secret_bytes_of(bytes_of_str(s->text)), s->hash);
	return CH_DONE;
}

static int tell_added(struct admin_call *c, const union admin_row *row, enum admin_outcome outcome,
		      str made)
{
	admin_note(c, outcome, 0);
	if (c->json)
		admin_tell(c, row, outcome, 0, made);
	else if (made.n > 0)
		(void)printf("%.*s\n", (int)made.n, made.p);
	return EXIT_YES;
}

/* One of that id is there: just as asked for? A secret that would have been made is none that
 * was asked for. */
static int add_again(struct admin_call *c, const union admin_row *asked, const union admin_row *old,
		     bool made)
{
	union admin_row wanted = *asked;
	if (made)
		wanted.client.secret_hash = old->client.secret_hash;
	if (attrs_diff(&c->kind->attrs, old, &wanted)) {
		say("is there already, and not just so (`edit`, `enable` or `reset` change it)",
		    str_from_c(c->id));
		return EXIT_NO;
	}
	say(made ? "is there already, just so; its secret stays what it was"
		 : "is there already, just so",
	    str_from_c(c->id));
	return tell_added(c, old, ADMIN_SAME, (str){ 0 });
}

static int add_it(struct admin_call *c, union admin_row *row, const struct client_secret *secret)
{
	AUTO(store_done) struct store *s = NULL;
	union admin_row old = { 0 };
	bool made = secret->text.n > 0 && !c->secret_file;
	if (secret->text.n > 0)
		row->client.secret_hash = BYTES_OF(secret->hash);
	int r = store_of_realm(&c->a, str_from_c(c->realm), &s);
	if (r != EXIT_YES)
		return r;
	ch_err e = find(s, row, &c->arena, &old);
	if (!failed(e))
		return add_again(c, row, &old, made);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		e = insert(s, row, &c->arena);
	return failed(e) ? admin_trouble(c, "cannot add", e)
			 : tell_added(c, row, ADMIN_ADDED, made ? secret->text : (str){ 0 });
}

static int add(struct admin_call *c)
{
	AUTO(client_secret_done) struct client_secret secret = { 0 };
	const struct config_realm *realm = authority_realm(&c->a, str_from_c(c->realm));
	union admin_row row = admin_named(c);
	if (c->own_flag && c->given[METHOD].text) {
		say("--public is a way to authenticate: leave out it or --auth", (str){ 0 });
		return EXIT_USAGE;
	}
	ch_err e = attrs_apply(&c->kind->attrs, c->given, &c->arena, &row);
	if (failed(e))
		return admin_trouble(c, "cannot add", e);
	if (c->own_flag)
		row.client.auth_method = LIT("none");
	complete(realm, &row);
	if (!fits(realm, &row))
		return EXIT_USAGE;
	bool has_secret = client_method_of(row.client.auth_method)->has_secret;
	if (!has_secret && c->secret_file) {
		say("such a client has no secret: leave out --secret-file", (str){ 0 });
		return EXIT_USAGE;
	}
	e = has_secret ? secret_take(c, &secret) : CH_DONE;
	if (failed(e))
		return say_trouble("secret", str_from_c(c->secret_file), e);
	int r = admin_begin(c);
	return r == EXIT_YES ? admin_end(c, add_it(c, &row, &secret)) : r;
}

static ch_err take_over(struct admin_call *c, struct store *s, union admin_row *row, void *ctx)
{
	const struct client_method *m = client_method_of(row->client.auth_method);
	(void)c;
	if (!m || !m->has_secret)
		return ch_fail(CH_E_DENIED, "a client that authenticates so has no secret", 0);
	row->client.secret_hash = (bytes){ ctx, SHA256_SIZE };
	return set(s, row);
}

static int reset(struct admin_call *c)
{
	AUTO(client_secret_done) struct client_secret secret = { 0 };
	ch_err e = secret_take(c, &secret);
	if (failed(e))
		return say_trouble("secret", str_from_c(c->secret_file), e);
	return admin_change(
		c, &(struct admin_change){ .run = take_over,
					   .ctx = secret.hash,
					   .done = ADMIN_RESET,
					   .secret = c->secret_file ? (str){ 0 } : secret.text });
}

int cmd_client(int argc, char **argv)
{
	static const struct admin_kind kind = {
		.noun = "client",
		.usage = usage,
		.id_option = "--id",
		.secret_option = "--secret-file",
		.own_flag = "--public",
		.own_flag_verbs = V_ADD,
		.secret_name = "client_secret",
		.attrs = { attrs, COUNT_OF(attrs) },
		.find = find,
		.insert = insert,
		.set = set,
		.end = end,
		.remove = remove_client,
		.list = list,
		.complete = complete,
		.fits = fits,
		.follow = follow,
		.prepare = prepare,
		.disabled = disabled,
		.add = add,
		.reset = reset,
	};
	return admin_main(&kind, argc, argv);
}
