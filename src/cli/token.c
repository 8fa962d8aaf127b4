/* `chancery token`: an access token on standard output. Secrets and passwords come from
 * files or standard input, never from arguments; the token goes nowhere else. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "codec/url.h"
#include "commands.h"
#include "crypto/key.h"
#include "options.h"
#include "say.h"
#include "token_assertion.h"
#include "token_flow.h"
#include "token_keep.h"
#include "token_proof.h"

static const char usage[] =
	"usage: chancery token --issuer URL --client ID [options]\n"
	"       chancery token --issuer URL --client ID --refresh-file F --login|--device\n"
	"       chancery token --refresh-file F [options]\n"
	"\n"
	"  --secret-file F      the client's secret: client_credentials. Without it a person\n"
	"                       logs in with a browser (- is standard input)\n"
	"  --client-key F       the same by private_key_jwt: the client's private key, as PEM\n"
	"  --client-kid K       the kid of that key; needed when the client has several\n"
	"  --dpop F             a token that is of use with the key in F alone (DPoP): P-256 or\n"
	"                       Ed25519, as PEM. Made when it is not there\n"
	"  --scope S            scopes, with blanks between them\n"
	"  --resource R         the audience's resource URI\n"
	"  --user U --password-file F\n"
	"                       log in without a browser, at an issuer on this machine only\n"
	"  --device             log in with a browser on another device: shows an address and\n"
	"                       a code, and waits\n"
	"  --refresh-file F     an access token without a login, by the refresh token in F,\n"
	"                       which is replaced by the next one. F also knows issuer and\n"
	"                       client. With --login or --device (or --user) a login makes F\n"
	"  --login              with --refresh-file: log in with a browser\n"
	"  --json               print the token endpoint's whole answer\n"
	"\n"
	"The client's redirect URI for logins is http://127.0.0.1/callback. One that uses\n"
	"--refresh-file has the grant refresh_token and the scope offline_access; one that\n"
	"uses --device, the grant device_code.\n";

enum { SECRET_ROOM = 1026 };

struct wish {
	const char *issuer, *client, *secret_file, *key_file, *kid, *dpop_file, *scope, *resource,
		*user, *password_file, *refresh_file;
	bool device, login, json;
};

static bool logs_in(const struct wish *w)
{
	return w->device || w->login || w->user;
}

static bool wish_read(int argc, char **argv, struct wish *w)
{
	const struct option_spec specs[] = {
		{ .name = "--issuer", .value = &w->issuer },
		{ .name = "--client", .value = &w->client },
		{ .name = "--secret-file", .value = &w->secret_file },
		{ .name = "--client-key", .value = &w->key_file },
		{ .name = "--client-kid", .value = &w->kid },
		{ .name = "--dpop", .value = &w->dpop_file },
		{ .name = "--scope", .value = &w->scope },
		{ .name = "--resource", .value = &w->resource },
		{ .name = "--user", .value = &w->user },
		{ .name = "--password-file", .value = &w->password_file },
		{ .name = "--refresh-file", .value = &w->refresh_file },
		{ .name = "--device", .flag = &w->device },
		{ .name = "--login", .flag = &w->login },
		{ .name = "--json", .flag = &w->json },
	};
	if (!options_read(argc, argv, 1, specs, COUNT_OF(specs)))
		return false;
	bool refreshes = w->refresh_file && !logs_in(w);
	const char *wrong = (!w->issuer || !w->client) && !refreshes
				    ? "--issuer and --client must be given"
			    : w->device + w->login + (w->user != NULL) > 1
				    ? "one of --device, --login and --user"
			    : w->login && !w->refresh_file ? "--login is for --refresh-file"
			    : !w->user != !w->password_file
				    ? "--user and --password-file go together"
			    : w->secret_file && w->key_file ? "either --secret-file or --client-key"
			    : w->user && (w->secret_file || w->key_file)
				    ? "either the client's own token or --user"
			    : w->kid && !w->key_file ? "--client-kid is of a --client-key"
						     : NULL;
	if (wrong)
		say(wrong, (str){ 0 });
	return !wrong;
}

/* Before a password is read, and before anybody is asked. */
static int check_issuer(const struct wish *w)
{
	struct url u;
	str issuer = str_from_c(w->issuer);
	if (!w->user || (!failed(url_parse(issuer, &u)) && url_is_loopback(&u)))
		return EXIT_YES;
	say("--user is for issuers on this machine only", issuer);
	return EXIT_USAGE;
}

static int secret_take(const char *file, uint8_t *storage, struct secret_bytes *ret_secret)
{
	str line = { 0 };
	if (!file)
		return EXIT_YES;
	ch_err e = first_line_read(file, storage, SECRET_ROOM, &line);
	if (failed(e))
		return say_trouble("cannot read", str_from_c(file), e);
	*ret_secret = secret_bytes_of(bytes_of_str(line));
	return EXIT_YES;
}

static int body_get(struct flow *f, const struct wish *w, const struct kept *k, str *ret_body)
{
	if (w->refresh_file && !logs_in(w))
		return flow_refresh(f, k, ret_body);
	if (w->device)
		return flow_device(f, ret_body);
	return (w->secret_file || w->key_file) && !w->login ? flow_client(f, ret_body)
							    : flow_login(f, ret_body);
}

static int run(struct flow *f, const struct wish *w, struct kept *k)
{
	str body = { 0 }, token = { 0 };
	int r = flow_discover(f);
	if (r == EXIT_YES)
		r = body_get(f, w, k, &body);
	if (r == EXIT_YES)
		r = flow_access_token(f, body, &token);
	if (r == EXIT_YES && w->refresh_file)
		r = kept_replace(k, f, body);
	if (r == EXIT_YES)
		r = proof_bound(f, body);
	if (r != EXIT_YES)
		return r;
	if (w->json)
		token = body;
	(void)printf("%.*s\n", (int)token.n, token.p);
	return EXIT_YES;
}

/* Issuer and client are those of the file; naming others is a mistake. */
static int kept_take(struct flow *f, const struct wish *w, struct kept *k, uint8_t *storage)
{
	if (!w->refresh_file)
		return EXIT_YES;
	int r = kept_open(k, w->refresh_file, logs_in(w), storage, &f->arena);
	if (r != EXIT_YES || logs_in(w))
		return r;
	if ((f->issuer.p && !str_eq(f->issuer, k->issuer)) ||
	    (f->client.p && !str_eq(f->client, k->client))) {
		say("the file is of another issuer or client: leave out --issuer and --client",
		    str_from_c(w->refresh_file));
		return EXIT_USAGE;
	}
	f->issuer = k->issuer;
	f->client = k->client;
	return EXIT_YES;
}

static str given(const char *text)
{
	return text ? str_from_c(text) : (str){ 0 };
}

static int prepare(struct flow *f, const struct wish *w)
{
	void *p =
		mmap(NULL, FLOW_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ch_err e = p == MAP_FAILED ? ch_fail(CH_E_NOMEM, "no memory", FLOW_MEMORY) : CH_DONE;
	if (!failed(e))
		e = crypto_init(NULL);
	if (!failed(e))
		e = fetch_new(&f->fetch);
	if (failed(e))
		return say_trouble("cannot start", (str){ 0 }, e);
	arena_init(&f->arena, p, FLOW_MEMORY);
	f->issuer = given(w->issuer);
	f->client = given(w->client);
	f->key_id = given(w->kid);
	f->scope = given(w->scope);
	f->resource = given(w->resource);
	f->user = given(w->user);
	return EXIT_YES;
}

int cmd_token(int argc, char **argv)
{
	static struct flow flow;
	SECRET_BUF(secret, SECRET_ROOM);
	SECRET_BUF(password, SECRET_ROOM);
	SECRET_BUF(file, KEPT_MAX);
	struct kept kept = { .fd = -1 };
	struct wish w = { 0 };
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!wish_read(argc, argv, &w))
		return command_usage(usage, false);
	int r = check_issuer(&w);
	if (r == EXIT_YES)
		r = secret_take(w.secret_file, secret, &flow.secret);
	if (r == EXIT_YES && w.key_file)
		r = client_key_take(w.key_file, &flow.key);
	if (r == EXIT_YES && w.dpop_file)
		r = proof_key_take(w.dpop_file, &flow.proof_key);
	if (r == EXIT_YES)
		r = secret_take(w.password_file, password, &flow.password);
	if (r == EXIT_YES)
		r = prepare(&flow, &w);
	if (r == EXIT_YES)
		r = kept_take(&flow, &w, &kept, file);
	if (r == EXIT_YES)
		r = run(&flow, &w, &kept);
	kept_done(&kept);
	private_key_free(flow.key);
	private_key_free(flow.proof_key);
	fetch_free(flow.fetch);
	return r;
}
