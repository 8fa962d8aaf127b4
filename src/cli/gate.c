/* `chancery gate -c FILE [--check]`: reads the policy, binds the port and becomes the
 * gate (libexec/chancery/gate), which gets both through descriptors: the client secret
 * is in no argument and no environment. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "base/secret.h"
#include "commands.h"
#include "config/config.h"
#include "crypto/key.h"
#include "libexec.h"
#include "listen.h"
#include "say.h"
#include "token/jwk.h"
#include "token/policy.h"
#include "wire/boot.h"

enum { SECRET_MAX = 256, FIRST_SPARE_FD = 10 };

struct policy_file {
	const char *name;
	struct path folder; /* of the file, absolute */
	struct gate_file g;
	struct config_text *text;
	struct path jwks[REALMS_MAX];
	uint8_t secret[SECRET_MAX];
};

static const char usage[] =
	"usage: chancery gate -c FILE [--check]\n"
	"\n"
	"Answers a mail server's question whether a token is good (RFC 7662), by the policy\n"
	"in FILE: whose keys, which audiences, which mailboxes each realm may claim.\n"
	"Serves http://HOST:PORT/introspect until SIGTERM.\n"
	"\n"
	"  -c FILE    the policy\n"
	"  --check    only say whether the policy, its secret and its key files are good\n"
	"  --help     this text\n";

static void policy_file_done(struct policy_file *p)
{
	config_text_done(&p->text);
	mem_wipe(p->secret, sizeof(p->secret));
}

static ch_err folder_of(const char *file, struct path *ret_folder)
{
	char real[PATH_MAX];
	if (!realpath(file, real))
		return ch_fail(CH_E_IO, "cannot find the file", errno);
	char *slash = strrchr(real, '/');
	return path_of(ret_folder, (str){ real, (size_t)(slash - real) + 1 });
}

static ch_err resolve(const struct policy_file *p, str name, struct path *ret_path)
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

static ch_err resolve_all(struct policy_file *p)
{
	struct path secret;
	ch_err e = resolve(p, p->g.client_secret_file, &secret);
	if (!failed(e))
		e = read_secret(p, secret.p);
	if (failed(e)) {
		(void)say_trouble("client secret", p->g.client_secret_file, e);
		return e;
	}
	for (size_t i = 0; i < p->g.gate.n_issuers; i++) {
		struct gate_issuer *issuer = &p->g.gate.issuers[i];
		if (issuer->jwks.n == 0)
			continue;
		TRY(resolve(p, issuer->jwks, &p->jwks[i]));
		issuer->jwks = str_from_c(p->jwks[i].p);
	}
	return CH_DONE;
}

static ch_err load(struct policy_file *p)
{
	TRY(read_policy(p));
	return resolve_all(p);
}

/* One issuer's keys, alone. */
static ch_err check_keys(const struct gate_issuer *g)
{
	static uint8_t jwks[JWKS_TEXT_MAX];
	uint8_t room[512];
	struct wr why = wr_of(room, sizeof(room));
	AUTO(policy_done) struct policy *policy = NULL;
	struct path path;
	size_t n = 0;
	TRY(path_of(&path, g->jwks));
	ch_err e = file_read(AT_FDCWD, path.p, jwks, sizeof(jwks), &n);
	struct policy_issuer issuer = { .issuer = g->issuer,
					.realm = g->realm,
					.typ = LIT("at+jwt"),
					.audiences = g->audiences,
					.n_audiences = g->n_audiences,
					.jwks = { jwks, n },
					.max_ttl_s = CONFIG_TTL_MAX_S };
	if (!failed(e))
		e = policy_new(&issuer, 1, &why, &policy);
	if (failed(e))
		(void)say_trouble("key file", g->jwks, e);
	if (why.n > 0)
		say("policy", wr_text(&why));
	return e;
}

static int check(const struct policy_file *p)
{
	int status = EXIT_YES;
	if (failed(crypto_init(NULL)))
		return EXIT_TROUBLE;
	for (size_t i = 0; i < p->g.gate.n_issuers; i++) {
		const struct gate_issuer *g = &p->g.gate.issuers[i];
		if (failed(check_keys(g)))
			status = EXIT_NO;
		if (g->n_mailboxes == 0)
			say("no mailbox rule, its tokens open EVERY mailbox: realm", g->realm);
	}
	if (status == EXIT_YES)
		(void)printf("%s: good\n", p->name);
	return status;
}

/* Descriptor `from` becomes `to`, to be inherited. */
static ch_err place(int from, int to)
{
	if (dup2(from, to) != to)
		return ch_fail(CH_E_IO, "cannot place a descriptor", errno);
	return CH_DONE;
}

static ch_err become(const struct path *program, int boot, int listener)
{
	char name[] = "chancery-gate";
	char *argv[] = { name, NULL };
	char *envp[] = { NULL };
	AUTO(fd_close) int high_boot = fcntl(boot, F_DUPFD_CLOEXEC, FIRST_SPARE_FD);
	AUTO(fd_close) int high_listener = fcntl(listener, F_DUPFD_CLOEXEC, FIRST_SPARE_FD);
	AUTO(fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	TRY(place(high_boot, BOOT_FD));
	TRY(place(null, CONTROL_FD));
	TRY(place(high_listener, ROLE_FD));
	(void)execve(program->p, argv, envp);
	return ch_fail(CH_E_IO, "cannot run libexec/chancery/gate: is it installed?", errno);
}

static ch_err start(struct policy_file *p)
{
	static uint8_t room[64 * 1024];
	struct wr w = wr_of(room, sizeof(room));
	struct path folder, program;
	AUTO(fd_close) int listener = -1;
	AUTO(fd_close) int boot = -1;
	uint32_t port = 0;
	TRY(listen_tcp(p->g.host, p->g.port, &listener, &port));
	gate_config_write(&w, &p->g.gate);
	TRY(wr_done(&w));
	ch_err e = boot_make(LIT("gate"), wr_bytes(&w), &boot);
	mem_wipe(room, sizeof(room));
	TRY(e);
	TRY(libexec_folder(&folder));
	TRY(path_join(&program, str_from_c(folder.p), LIT("gate"), (str){ 0 }));
	return become(&program, boot, listener);
}

static int run(const char *file, bool only_check)
{
	AUTO(policy_file_done) struct policy_file p = { .name = file };
	if (failed(load(&p)))
		return only_check ? EXIT_NO : EXIT_TROUBLE;
	if (only_check)
		return check(&p);
	return say_trouble("cannot start the gate of", str_from_c(file), start(&p));
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
