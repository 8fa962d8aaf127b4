/* `chancery user add|list`: people, each in one realm. A password is read from a file or
 * from standard input, hashed at once and wiped. */
#include <stdio.h>

#include "base/cleanup.h"
#include "codec/json.h"
#include "commands.h"
#include "crypto/key.h"
#include "crypto/password.h"
#include "options.h"
#include "say.h"
#include "stores.h"

static const char usage[] =
	"usage: chancery user add --realm R --username U --password-file F [options] [-C DIR]\n"
	"       chancery user list [--realm R] [--json] [-C DIR]\n"
	"\n"
	"  --password-file F   file whose first line is the password; - is standard input\n"
	"  --mailbox M         what mail tokens claim; without it the username\n"
	"  --name N, --email E what ID tokens say with scopes profile and email\n"
	"  -C DIR              the authority; without it $CHANCERY_DIR\n"
	"\n"
	"add prints the user's subject identifier.\n";

struct wish {
	const char *dir, *realm, *username, *password_file, *mailbox, *name, *email;
	bool json;
};

static ch_err hash_password(const char *file, struct wr *w)
{
	SECRET_BUF(room, PASSWORD_MAX + 2);
	str password = { 0 };
	TRY(first_line_read(file, room, sizeof(room), &password));
	TRY(crypto_init(NULL));
	return password_hash(secret_bytes_of(bytes_of_str(password)), w);
}

static int add(const struct authority *a, const struct wish *w)
{
	char hash[PASSWORD_HASH_MAX];
	char sub[STORE_SUB_SIZE];
	struct wr hashed = wr_of(hash, sizeof(hash));
	AUTO(store_done) struct store *s = NULL;
	ch_err e = hash_password(w->password_file, &hashed);
	if (failed(e))
		return say_trouble("password in", str_from_c(w->password_file), e);
	int r = store_of_realm(a, str_from_c(w->realm), &s);
	if (r != EXIT_YES)
		return r;
	struct store_user u = {
		.realm = str_from_c(w->realm),
		.username = str_from_c(w->username),
		.password_hash = wr_text(&hashed),
		.mailbox = str_from_c(w->mailbox),
		.name = str_from_c(w->name),
		.email = str_from_c(w->email),
	};
	e = store_user_add(s, &u, sub);
	if (failed(e)) {
		r = say_trouble("cannot add", u.username, e);
		return ch_code_of(e) == CH_E_EXISTS ? EXIT_NO : r;
	}
	(void)printf("%.*s\n", (int)sizeof(sub), sub);
	return EXIT_YES;
}

struct listing {
	str realm;
	bool json;
	bool any;
};

static ch_err user_json(struct listing *l, const struct store_user *u)
{
	static char room[8192];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("realm"), u->realm);
	json_put_str(&o, LIT("username"), u->username);
	json_put_str(&o, LIT("sub"), u->sub);
	json_put_str(&o, LIT("mailbox"), u->mailbox);
	json_put_str(&o, LIT("name"), u->name);
	json_put_str(&o, LIT("email"), u->email);
	json_put_bool(&o, LIT("disabled"), u->disabled);
	json_finish(&o, '}');
	TRY(wr_done(&w));
	(void)printf("%s%.*s", l->any ? ",\n" : "", (int)w.n, room);
	return CH_DONE;
}

static ch_err user_print(void *ctx, const struct store_user *u)
{
	struct listing *l = ctx;
	if (l->json)
		TRY(user_json(l, u));
	else
		(void)printf("%-10.*s %-32.*s %-32.*s %.*s%s\n", (int)u->realm.n, u->realm.p,
			     (int)u->username.n, u->username.p, (int)u->mailbox.n, u->mailbox.p,
			     (int)u->sub.n, u->sub.p, u->disabled ? " disabled" : "");
	l->any = true;
	return CH_DONE;
}

static int list_store(struct store *s, void *ctx)
{
	struct listing *l = ctx;
	ch_err e = store_user_list(s, l->realm, user_print, l);
	return failed(e) ? say_trouble("cannot list users", (str){ 0 }, e) : EXIT_YES;
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
	const struct option_spec specs[] = {
		{ .name = "-C", .value = &w->dir },
		{ .name = "--realm", .value = &w->realm },
		{ .name = "--username", .value = &w->username },
		{ .name = "--password-file", .value = &w->password_file },
		{ .name = "--mailbox", .value = &w->mailbox },
		{ .name = "--name", .value = &w->name },
		{ .name = "--email", .value = &w->email },
		{ .name = "--json", .flag = &w->json },
	};
	return options_read(argc, argv, 2, specs, COUNT_OF(specs));
}

int cmd_user(int argc, char **argv)
{
	struct wish w = { 0 };
	AUTO(authority_done) struct authority a = { .fd = -1 };
	str verb = str_from_c(argc > 1 ? argv[1] : NULL);
	bool adds = str_eq(verb, LIT("add"));
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!adds && !str_eq(verb, LIT("list")))
		return command_wrong(usage, "say what to do with users: add or list");
	if (!wish_read(argc, argv, &w))
		return command_usage(usage, false);
	if (adds && (!w.realm || !w.username || !w.password_file))
		return command_wrong(usage, "add needs --realm, --username and --password-file");
	int r = authority_open(w.dir, &a);
	if (r != EXIT_YES)
		return r;
	return adds ? add(&a, &w) : list(&a, &w);
}
