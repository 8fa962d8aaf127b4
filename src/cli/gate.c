/* `chancery gate -c FILE [--check]`: reads the policy and says what is wrong with it; who
 * serves by it is gate_keep.c. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/secret.h"
#include "commands.h"
#include "crypto/key.h"
#include "gate.h"
#include "jwks/source.h"
#include "say.h"
#include "token/jwk.h"
#include "token/policy.h"

static const char usage[] =
	"usage: chancery gate -c FILE [--check]\n"
	"\n"
	"Says whether a token is good, by the policy in FILE: whose keys, which audiences,\n"
	"which mailboxes each realm may claim, which scope each place of a web server asks\n"
	"for. Mail servers ask at http://HOST:PORT/introspect (RFC 7662), web servers at the\n"
	"policy's socket, GET /check/LOCATION. Serves until SIGTERM; SIGHUP reads FILE again,\n"
	"and a bad one changes nothing.\n"
	"\n"
	"  -c FILE    the policy\n"
	"  --check    only say whether the policy, its secret, names and key files are good\n"
	"  --help     this text\n";

void policy_file_done(struct policy_file *p)
{
	config_text_done(&p->text);
	mem_wipe(p->secret, sizeof(p->secret));
	mem_wipe(p->revocation_rooms, sizeof(p->revocation_rooms));
	mem_wipe(p->log_rooms, sizeof(p->log_rooms));
	mem_wipe(p->collector_room, sizeof(p->collector_room));
}

/* "FILE:LINE: what", for the value of the policy that is at fault. */
const char *policy_placed(const struct policy_file *p, uint32_t line, const char *what)
{
	static uint8_t room[PATH_MAX + 128];
	struct wr w = wr_of(room, sizeof(room) - 1);
	wr_str(&w, str_from_c(p->name));
	wr_char(&w, ':');
	if (line > 0) {
		wr_dec(&w, line);
		wr_char(&w, ':');
	}
	wr_char(&w, ' ');
	wr_str(&w, str_from_c(what));
	room[w.n] = 0;
	return w.full ? what : (const char *)room;
}

static const char *placed_at(const struct policy_file *p, str value, const char *what)
{
	return policy_placed(p, config_text_line(p->text, value), what);
}

static ch_err folder_of(const char *file, struct path *ret_folder)
{
	char real[PATH_MAX];
	if (!realpath(file, real))
		return ch_fail(CH_E_IO, "cannot find the file", errno);
	char *slash = strrchr(real, '/');
	return path_of(ret_folder, (str){ real, (size_t)(slash - real) + 1 });
}

ch_err policy_resolve(const struct policy_file *p, str name, struct path *ret_path)
{
	str folder = str_from_c(p->folder.p);
	if (name.n > 0 && name.p[0] == '/')
		return path_of(ret_path, name);
	return path_join(ret_path, folder, name, (str){ 0 });
}

static void bytes_done(uint8_t **p)
{
	free(*p);
}

static ch_err read_policy(struct policy_file *p)
{
	uint8_t room[CONFIG_WHY_MAX];
	struct wr why = wr_of(room, sizeof(room));
	AUTO(bytes_done) uint8_t *yaml = NULL;
	size_t n = 0;
	ch_err e = file_read_new(AT_FDCWD, p->name, CONFIG_FILE_MAX, &yaml, &n);
	if (!failed(e))
		e = folder_of(p->name, &p->folder);
	if (failed(e)) {
		(void)say_trouble("cannot read", str_from_c(p->name), e);
		return e;
	}
	e = gate_file_parse(str_from_c(p->name), (bytes){ yaml, n }, &why, &p->g, &p->text);
	if (failed(e))
		(void)fprintf(stderr, "%.*s\n", (int)why.n, (const char *)why.p);
	return e;
}

/* Others on this host must not be able to ask. */
static ch_err check_mode(const char *path)
{
	struct stat st = { 0 };
	if (stat(path, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the client secret", errno);
	if (st.st_mode & (S_IROTH | S_IWOTH))
		return ch_fail(CH_E_DENIED, "others can read the client secret: chmod o= it",
			       st.st_mode);
	return CH_DONE;
}

static ch_err read_secret(struct policy_file *p, const char *path)
{
	size_t n = 0;
	TRY(check_mode(path));
	TRY(file_read(AT_FDCWD, path, p->secret, sizeof(p->secret), &n));
	str left = str_of_bytes((bytes){ p->secret, n });
	p->g.gate.client_secret = str_cut(&left, '\n');
	if (p->g.gate.client_secret.n < 8)
		return ch_fail(CH_E_RANGE,
			       "the client secret has fewer than 8 bytes: make a random one",
			       p->g.gate.client_secret.n);
	return CH_DONE;
}

static ch_err resolve_secret(struct policy_file *p)
{
	struct path secret;
	if (!p->g.gate.introspects)
		return CH_DONE;
	ch_err e = policy_resolve(p, p->g.client_secret_file, &secret);
	if (!failed(e))
		e = read_secret(p, secret.p);
	if (failed(e))
		(void)say_trouble(placed_at(p, p->g.client_secret_file, "client secret"),
				  p->g.client_secret_file, e);
	return e;
}

static ch_err resolve_to(const struct policy_file *p, str *name, struct path *place)
{
	if (name->n == 0)
		return CH_DONE;
	TRY(policy_resolve(p, *name, place));
	*name = str_from_c(place->p);
	return CH_DONE;
}

static ch_err no_such(const struct policy_file *p, const char *what, str name)
{
	say(placed_at(p, name, what), name);
	return ch_fail(CH_E_MISSING, "the system knows no such name", 0);
}

/* Names of the system become numbers; those that are not given stay as they are. */
static ch_err resolve_rights(struct policy_file *p)
{
	struct path name;
	p->owner = (uid_t)-1;
	p->group = (gid_t)-1;
	TRY(path_of(&name, p->g.socket_owner));
	const struct passwd *owner = name.p[0] ? getpwnam(name.p) : NULL;
	if (name.p[0] && !owner)
		return no_such(p, "socket_owner: no such user", p->g.socket_owner);
	p->owner = owner ? owner->pw_uid : p->owner;
	TRY(path_of(&name, p->g.socket_group));
	const struct group *group = name.p[0] ? getgrnam(name.p) : NULL;
	if (name.p[0] && !group)
		return no_such(p, "socket_group: no such group", p->g.socket_group);
	p->group = group ? group->gr_gid : p->group;
	TRY(path_of(&name, p->g.user));
	const struct passwd *user = name.p[0] ? getpwnam(name.p) : NULL;
	if (name.p[0] && (!user || user->pw_uid == 0 || user->pw_gid == 0))
		return no_such(p, "user: no such user, or it is root", p->g.user);
	p->uid = user ? user->pw_uid : 0;
	p->gid = user ? user->pw_gid : 0;
	if (user && geteuid() != 0 && geteuid() != p->uid) {
		say(placed_at(p, p->g.user, "user: start the gate as root or as this user"),
		    p->g.user);
		return ch_fail(CH_E_DENIED, "cannot become another user", 0);
	}
	return CH_DONE;
}

/* What the file says of fetching makes sense, and the certificates can be read. */
static ch_err resolve_fetch(struct policy_file *p)
{
	const struct gate_fetch *f = &p->g.gate.fetch;
	const struct source_limits limits = {
		.fresh_min_s = f->fresh_min_s,
		.fresh_max_s = f->fresh_max_s,
		.fresh_default_s = f->fresh_default_s,
		.stale_s = f->stale_s,
		.cooldown_s = f->cooldown_s,
		.retry_min_s = f->retry_min_s,
		.retry_max_s = f->retry_max_s,
		.timeout_s = f->timeout_s,
	};
	struct source_limits whole;
	ch_err e = source_limits_check(&limits, &whole);
	if (failed(e))
		(void)say_trouble("the numbers under `fetch` contradict each other",
				  str_from_c(p->name), e);
	if (failed(e) || p->g.ca_file.n == 0)
		return e;
	uint32_t line = config_text_line(p->text, p->g.ca_file);
	TRY(resolve_to(p, &p->g.ca_file, &p->ca_file));
	if (access(p->ca_file.p, R_OK) == 0)
		return CH_DONE;
	e = ch_fail(CH_E_IO, "cannot read the file", errno);
	(void)say_trouble(policy_placed(p, line, "fetch: ca_file"), p->g.ca_file, e);
	return e;
}

ch_err policy_secret(const struct policy_file *p, str file, uint8_t room[static GATE_SECRET_MAX],
		     str *ret_secret)
{
	struct path path;
	size_t n = 0;
	TRY(policy_resolve(p, file, &path));
	TRY(check_mode(path.p));
	TRY(file_read(AT_FDCWD, path.p, room, GATE_SECRET_MAX, &n));
	str left = str_of_bytes((bytes){ room, n });
	*ret_secret = str_cut(&left, '\n');
	if (ret_secret->n == 0)
		return ch_fail(CH_E_MISSING, "the file has no secret in its first line", 0);
	return CH_DONE;
}

static ch_err resolve_collector(struct policy_file *p)
{
	str file = p->g.gate.collector.secret_file;
	p->collector_secret = (str){ 0 };
	if (file.n == 0)
		return CH_DONE;
	ch_err e = policy_secret(p, file, p->collector_room, &p->collector_secret);
	if (failed(e))
		(void)say_trouble(placed_at(p, file, "collector: secret_file"), file, e);
	return e;
}

static ch_err resolve_revocations(struct policy_file *p)
{
	for (size_t i = 0; i < p->g.gate.n_issuers; i++) {
		struct gate_revocations *r = &p->g.gate.issuers[i].revocations;
		p->revocation_secrets[i] = (str){ 0 };
		p->revocation_lines[i] = config_text_line(p->text, r->folder);
		TRY(resolve_to(p, &r->folder, &p->revocations[i]));
		ch_err e = r->uri.n > 0 ? policy_secret(p, r->secret_file, p->revocation_rooms[i],
							&p->revocation_secrets[i])
					: CH_DONE;
		if (failed(e))
			(void)say_trouble(placed_at(p, r->secret_file, "revocations: secret_file"),
					  r->secret_file, e);
		TRY(e);
	}
	return CH_DONE;
}

static ch_err resolve_all(struct policy_file *p)
{
	TRY(resolve_secret(p));
	p->socket_line = config_text_line(p->text, p->g.socket);
	p->sightings_line = config_text_line(p->text, p->g.gate.evidence.folder);
	TRY(resolve_to(p, &p->g.socket, &p->socket));
	TRY(resolve_to(p, &p->g.gate.evidence.folder, &p->sightings));
	TRY(resolve_rights(p));
	TRY(resolve_fetch(p));
	TRY(resolve_revocations(p));
	TRY(policy_logs(p));
	TRY(resolve_collector(p));
	for (size_t i = 0; i < p->g.gate.n_issuers; i++) {
		struct gate_issuer *issuer = &p->g.gate.issuers[i];
		if (issuer->jwks.n == 0)
			continue;
		TRY(policy_resolve(p, issuer->jwks, &p->jwks[i]));
		issuer->jwks = str_from_c(p->jwks[i].p);
	}
	return CH_DONE;
}

ch_err policy_file_load(struct policy_file *p)
{
	p->g = (struct gate_file){ 0 };
	TRY(read_policy(p));
	return resolve_all(p);
}

static uint8_t jwks_rooms[REALMS_MAX][JWKS_TEXT_MAX];

static ch_err read_keys(const struct gate_issuer *g, size_t at, struct policy_issuer *ret_i)
{
	struct path path;
	size_t n = 0;
	TRY(path_of(&path, g->jwks));
	TRY(file_read(AT_FDCWD, path.p, jwks_rooms[at], sizeof(jwks_rooms[at]), &n));
	*ret_i = (struct policy_issuer){ .issuer = g->issuer,
					 .realm = g->realm,
					 .typ = LIT("at+jwt"),
					 .audiences = g->audiences,
					 .n_audiences = g->n_audiences,
					 .jwks = { jwks_rooms[at], n },
					 .skew_s = g->skew_s,
					 .max_ttl_s = g->max_ttl_s };
	return CH_DONE;
}

static ch_err check_policy(const char *what, const struct policy_issuer *issuers, size_t n,
			   str subject)
{
	uint8_t room[512];
	struct wr why = wr_of(room, sizeof(room));
	AUTO(policy_done) struct policy *policy = NULL;
	ch_err e = policy_new(issuers, n, &why, &policy);
	if (failed(e))
		(void)say_trouble(what, subject, e);
	if (why.n > 0)
		say("policy", wr_text(&why));
	return e;
}

/* Each key file alone, so that all mistakes are said, then all together: one key must not
 * stand for two issuers. */
static bool check_keys(const struct policy_file *p)
{
	struct policy_issuer issuers[REALMS_MAX];
	size_t n = 0;
	bool good = true;
	for (size_t i = 0; i < p->g.gate.n_issuers; i++) {
		const struct gate_issuer *g = &p->g.gate.issuers[i];
		if (g->jwks.n == 0)
			continue;
		const char *what = placed_at(p, g->issuer, "key file");
		ch_err e = read_keys(g, n, &issuers[n]);
		if (failed(e))
			(void)say_trouble(what, g->jwks, e);
		if (failed(e) || failed(check_policy(what, &issuers[n], 1, g->jwks)))
			good = false;
		else
			n++;
	}
	return good &&
	       !failed(check_policy("key files of the issuers together", issuers, n, (str){ 0 }));
}

/* The folder above path, in which nobody has one of the rights in `denied`; the gate's user
 * may be another than we are now. */
static bool check_folder(const char *what, str path, mode_t denied)
{
	struct stat st = { 0 };
	struct path folder;
	size_t n = path.n;
	while (n > 0 && path.p[n - 1] != '/')
		n--;
	if (path.n == 0)
		return true;
	ch_err e = path_of(&folder, str_sub(path, 0, n));
	if (!failed(e) && (stat(folder.p, &st) != 0 || !S_ISDIR(st.st_mode)))
		e = ch_fail(CH_E_IO, "there is no such folder: make it", errno);
	if (!failed(e) && (st.st_mode & denied))
		e = ch_fail(CH_E_DENIED, "others can write there: give it a folder of its own",
			    st.st_mode);
	if (failed(e))
		(void)say_trouble(what, str_from_c(folder.p), e);
	return !failed(e);
}

static bool check_folders(const struct policy_file *p)
{
	bool good = check_folder(policy_placed(p, p->socket_line, "socket"), p->g.socket,
				 S_IWGRP | S_IWOTH);
	return check_folder(policy_placed(p, p->sightings_line, "sightings: the folder above"),
			    p->g.gate.evidence.folder, 0) &&
	       good;
}

static bool check_revocations(const struct policy_file *p)
{
	bool good = true;
	for (size_t i = 0; i < p->g.gate.n_issuers; i++) {
		const struct gate_issuer *g = &p->g.gate.issuers[i];
		struct stat st = { 0 };
		if (g->revocations.folder.n == 0 ||
		    (stat(p->revocations[i].p, &st) == 0 && S_ISDIR(st.st_mode)))
			continue;
		say(policy_placed(
			    p, p->revocation_lines[i],
			    "revocations: there is no such folder; it is DIR/revocations/REALM of "
			    "the authority"),
		    g->revocations.folder);
		good = false;
	}
	return good;
}

bool policy_file_check(const struct policy_file *p)
{
	bool keys = check_keys(p), folders = check_folders(p);
	folders = check_revocations(p) && folders;
	folders = policy_logs_check(p) && folders;
	for (size_t i = 0; i < p->g.gate.n_issuers; i++)
		if (p->g.gate.introspects && p->g.gate.issuers[i].n_mailboxes == 0)
			say("no mailbox rule, its tokens open EVERY mailbox: realm",
			    p->g.gate.issuers[i].realm);
	return keys && folders;
}

static int check(const struct policy_file *p)
{
	if (failed(crypto_init(NULL)))
		return EXIT_TROUBLE;
	if (!policy_file_check(p))
		return EXIT_NO;
	(void)printf("%s: good\n", p->name);
	return EXIT_YES;
}

static void policy_file_forget(struct policy_file **p)
{
	policy_file_done(*p);
}

static int run(const char *file, bool only_check)
{
	static struct policy_file policy;
	AUTO(policy_file_forget) struct policy_file *p = &policy;
	policy.name = file;
	if (failed(policy_file_load(p)))
		return only_check ? EXIT_NO : EXIT_TROUBLE;
	if (only_check)
		return check(p);
	return gate_keep(p);
}

int cmd_gate(int argc, char **argv)
{
	const char *file = NULL;
	bool only_check = false;
	for (int i = 1; i < argc; i++) {
		str a = str_from_c(argv[i]);
		if (str_eq(a, LIT("--help")) || str_eq(a, LIT("-h")))
			return command_usage(usage, true);
		if (str_eq(a, LIT("--check")))
			only_check = true;
		else if (str_eq(a, LIT("-c")) && i + 1 < argc)
			file = argv[++i];
		else
			return command_wrong(usage,
					     "the gate takes a policy (-c FILE), and --check");
	}
	return file ? run(file, only_check) : command_wrong(usage, "name the policy with -c FILE");
}
