/* `chancery user`: people, each in one realm. A password is typed, read from a file, or made
 * here and shown once; it is hashed at once and wiped. */
#include <stdio.h>

#include "admin.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "commands.h"
#include "crypto/key.h"
#include "crypto/password.h"
#include "prompt.h"
#include "revoke_ask.h"
#include "say.h"

enum { MADE_BYTES = 18, ROOM = 2 * (PASSWORD_MAX + 2) };

static const char usage[] =
	"usage: chancery user add|edit|reset|show|disable|enable|remove\n"
	"                     --realm R --username U [options] [--json] [-C DIR]\n"
	"       chancery user list [--realm R] [--json] [-C DIR]\n"
	"       chancery user export [--realm R] [--with-hashes] [-C DIR] > FILE\n"
	"       chancery user import [--dry-run] [--json] [-C DIR] FILE|-\n"
	"\n"
	"add, edit:\n"
	"  --mailbox M         what mail tokens claim; without it the username\n"
	"  --name N, --email E what ID tokens say with scopes profile and email\n"
	"  --new-username U    edit: another name to sign in with; it stays the same person\n"
	"add, reset:\n"
	"  --password-file F   file whose first line is the password; - is standard input.\n"
	"                      Without it you are asked at the terminal\n"
	"  --generate          make the password, and print it this once\n"
	"all:\n"
	"  -C DIR              the authority; without it $CHANCERY_DIR\n"
	"\n"
	"add prints the user's subject identifier, and one who is there just so is fine. edit\n"
	"changes what is named and nothing else. disable and remove hold from the next request\n"
	"on; remove takes along all that hangs on the user. reset gives a new password and ends\n"
	"logins that are under way. import adds and changes, and removes nobody; with --dry-run\n"
	"it only says what it would do. Passwords' hashes are in an export if --with-hashes\n"
	"says so; without them, people who are new to the other side need a reset.\n";

#define AT(field) offsetof(struct store_user, field)

static const struct attr attrs[] = {
	{ .name = { "realm", 5 }, .kind = ATTR_TEXT, .at = AT(realm) },
	{ .name = { "username", 8 },
	  .option = "--new-username",
	  .kind = ATTR_LOWER,
	  .at = AT(username) },
	{ .name = { "sub", 3 }, .kind = ATTR_TEXT, .at = AT(sub) },
	{ .name = { "mailbox", 7 }, .option = "--mailbox", .kind = ATTR_TEXT, .at = AT(mailbox) },
	{ .name = { "name", 4 }, .option = "--name", .kind = ATTR_TEXT, .at = AT(name) },
	{ .name = { "email", 5 }, .option = "--email", .kind = ATTR_TEXT, .at = AT(email) },
	{ .name = { "disabled", 8 }, .kind = ATTR_FLAG, .at = AT(disabled) },
	{ .name = { "password_hash", 13 },
	  .told_as = { "has_password", 12 },
	  .kind = ATTR_TEXT,
	  .at = AT(password_hash) },
};

/* Who has the sub is the person, whatever the name; without a sub, who has the name. */
static ch_err find(struct store *s, const union admin_row *known, struct arena *a,
		   union admin_row *ret_row)
{
	const struct store_user *u = &known->user;
	ch_err e = u->sub.n > 0 ? store_user_by_sub(s, u->realm, u->sub, a, &ret_row->user)
				: store_user_by_name(s, u->realm, u->username, a, &ret_row->user);
	if (u->sub.n == 0 || ch_code_of(e) != CH_E_NOT_FOUND)
		return e;
	union admin_row other = { 0 };
	ch_err by_name = store_user_by_name(s, u->realm, u->username, a, &other.user);
	if (!failed(by_name))
		return ch_fail(CH_E_MISMATCH,
			       "somebody with another sub has the username: take the sub out of"
			       " the entry if it is the same person",
			       0);
	return by_name;
}

static ch_err insert(struct store *s, union admin_row *row, struct arena *a)
{
	char sub[STORE_SUB_SIZE];
	TRY(store_user_add(s, &row->user, sub));
	return arena_str(a, (str){ sub, sizeof(sub) }, &row->user.sub);
}

static ch_err set(struct store *s, const union admin_row *row)
{
	return store_user_set(s, &row->user);
}

/* A hash that costs more or less than ours would tell strangers whose account it is. */
static ch_err brought(const union admin_row *old_or_null, const union admin_row *row)
{
	str hash = row->user.password_hash;
	if (hash.n == 0 || (old_or_null && str_eq(hash, old_or_null->user.password_hash)))
		return CH_DONE;
	return password_hash_alike(hash);
}

static ch_err revoke_user(struct store *s, const struct store_user *u, enum revoke_why why)
{
	return revoke_due(s, u->realm,
			  &(struct revocation){ .kind = REVOKE_USER,
						.why = why,
						.when_s = clock_unix_s(),
						.subject = bytes_of_str(u->sub),
						.name = u->mailbox });
}

static ch_err end(struct store *s, const union admin_row *row)
{
	TRY(store_user_end(s, row->user.sub));
	return revoke_user(s, &row->user, row->user.disabled ? REVOKE_DISABLED : REVOKE_RESET);
}

static ch_err remove_user(struct store *s, const union admin_row *row)
{
	TRY(store_user_remove(s, row->user.realm, row->user.sub));
	return revoke_user(s, &row->user, REVOKE_REMOVED);
}

static ch_err each_user(void *ctx, const struct store_user *u)
{
	const struct admin_each *each = ctx;
	const union admin_row row = { .user = *u };
	return each->one(each->ctx, &row);
}

static ch_err list(struct store *s, str realm, const struct admin_each *each)
{
	struct admin_each copy = *each;
	return store_user_list(s, realm, each_user, &copy);
}

static void complete(const struct config_realm *realm, union admin_row *row)
{
	(void)realm;
	if (row->user.mailbox.n == 0)
		row->user.mailbox = row->user.username;
}

static bool fits(const struct config_realm *realm, const union admin_row *row)
{
	(void)realm;
	(void)row;
	return true;
}

static bool *disabled(union admin_row *row)
{
	return &row->user.disabled;
}

struct password {
	char room[ROOM];
	str text; /* empty: one is to be made */
};

static void password_done(struct password *p)
{
	mem_wipe(p, sizeof(*p));
}

/* The password that was given, before the store is opened: root can read its file no more
 * then. */
static int password_take(const struct admin_call *c, struct password *p)
{
	const char *from = c->secret_file;
	if (c->own_flag)
		return EXIT_YES;
	if (!from && !prompt_possible()) {
		say("nobody is there to be asked: name --password-file, or --generate", (str){ 0 });
		return EXIT_USAGE;
	}
	ch_err e =
		from ? first_line_read(from, p->room, PASSWORD_MAX + 2, &p->text)
		     : prompt_new_password(str_from_c(c->id), p->room, sizeof(p->room), &p->text);
	return failed(e) ? say_trouble("password", str_from_c(from), e) : EXIT_YES;
}

static ch_err password_make(struct password *p)
{
	SECRET_BUF(random, MADE_BYTES);
	struct wr w = wr_of(p->room, sizeof(p->room));
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	p->text = wr_text(&w);
	return wr_done(&w);
}

static ch_err password_set(struct admin_call *c, struct password *p, struct store_user *u)
{
	char room[PASSWORD_HASH_MAX];
	struct wr w = wr_of(room, sizeof(room));
	if (c->own_flag)
		TRY(password_make(p));
	TRY(crypto_init(NULL));
	TRY(password_hash(secret_bytes_of(bytes_of_str(p->text)), &w));
	return arena_str(&c->arena, wr_text(&w), &u->password_hash);
}

static int tell_added(struct admin_call *c, const union admin_row *row, enum admin_outcome outcome,
		      str made)
{
	admin_note(c, outcome, 0);
	if (c->json) {
		admin_tell(c, row, outcome, 0, made);
		return EXIT_YES;
	}
	(void)printf("%.*s\n", (int)row->user.sub.n, row->user.sub.p);
	if (made.n > 0)
		(void)printf("%.*s\n", (int)made.n, made.p);
	return EXIT_YES;
}

/* One of that name is there: just as asked for? */
static int add_again(struct admin_call *c, const struct password *p, const union admin_row *old)
{
	union admin_row asked = *old;
	ch_err e = attrs_apply(&c->kind->attrs, c->given, &c->arena, &asked);
	if (!failed(e))
		e = crypto_init(NULL);
	if (failed(e))
		return admin_trouble(c, "cannot add", e);
	if (attrs_diff(&c->kind->attrs, old, &asked) || old->user.disabled) {
		say("is there already, and not just so (`edit` or `enable` change it)",
		    str_from_c(c->id));
		return EXIT_NO;
	}
	if (!c->own_flag && failed(password_check(old->user.password_hash,
						  secret_bytes_of(bytes_of_str(p->text))))) {
		say("is there already, with another password (`reset` changes it)",
		    str_from_c(c->id));
		return EXIT_NO;
	}
	say(c->own_flag ? "is there already, just so; the password stays what it was"
			: "is there already, just so",
	    str_from_c(c->id));
	return tell_added(c, old, ADMIN_SAME, (str){ 0 });
}

static int add_it(struct admin_call *c, struct password *p)
{
	AUTO(store_done) struct store *s = NULL;
	union admin_row row = admin_named(c), old = { 0 };
	int r = store_of_realm(&c->a, str_from_c(c->realm), &s);
	if (r != EXIT_YES)
		return r;
	ch_err e = find(s, &row, &c->arena, &old);
	if (!failed(e))
		return add_again(c, p, &old);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		e = attrs_apply(&c->kind->attrs, c->given, &c->arena, &row);
	if (!failed(e))
		e = password_set(c, p, &row.user);
	if (!failed(e))
		e = insert(s, &row, &c->arena);
	return failed(e) ? admin_trouble(c, "cannot add", e)
			 : tell_added(c, &row, ADMIN_ADDED, c->own_flag ? p->text : (str){ 0 });
}

static int add(struct admin_call *c)
{
	AUTO(password_done) struct password p = { 0 };
	int r = password_take(c, &p);
	if (r == EXIT_YES)
		r = admin_begin(c);
	return r == EXIT_YES ? admin_end(c, add_it(c, &p)) : r;
}

static ch_err take_over(struct admin_call *c, struct store *s, union admin_row *row, void *ctx)
{
	(void)c;
	row->user.password_hash = *(const str *)ctx;
	TRY(set(s, row));
	return end(s, row);
}

static int reset(struct admin_call *c)
{
	AUTO(password_done) struct password p = { 0 };
	struct store_user u = { 0 };
	int r = password_take(c, &p);
	if (r != EXIT_YES)
		return r;
	/* 20 ms of hashing are not spent while the store is locked */
	ch_err e = password_set(c, &p, &u);
	if (failed(e))
		return admin_trouble(c, "cannot hash the password of", e);
	return admin_change(c,
			    &(struct admin_change){ .run = take_over,
						    .ctx = &u.password_hash,
						    .done = ADMIN_RESET,
						    .secret = c->own_flag ? p.text : (str){ 0 } });
}

int cmd_user(int argc, char **argv)
{
	static const struct admin_kind kind = {
		.noun = "user",
		.usage = usage,
		.id_option = "--username",
		.secret_option = "--password-file",
		.own_flag = "--generate",
		.own_flag_verbs = V_ADD | V_RESET,
		.secret_name = "password",
		.attrs = { attrs, COUNT_OF(attrs) },
		.find = find,
		.insert = insert,
		.set = set,
		.end = end,
		.remove = remove_user,
		.list = list,
		.complete = complete,
		.fits = fits,
		.brought = brought,
		.disabled = disabled,
		.add = add,
		.reset = reset,
	};
	return admin_main(&kind, argc, argv);
}
