/* `chancery key`: list, add and import signing keys. There is no export. */
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "commands.h"
#include "crypto/alg.h"
#include "key_list.h"
#include "keeper.h"
#include "say.h"
#include "wire/control.h"

enum { RENEW_TIMEOUT_MS = 30000, RENEW_AGAIN_MS = 50 };

static const char usage[] =
	"usage: chancery key list [-C DIR] [--realm REALM] [--json]\n"
	"       chancery key import [-C DIR] --realm REALM [--alg ALG] -|FILE\n"
	"       chancery key add [-C DIR] --realm REALM [--alg ALG]\n"
	"\n"
	"import reads a private key in PEM (P-256, Ed25519, RSA 2048 to 4096) and seals it; add\n"
	"makes a new one. The first key of a realm signs at once, any other is staged: it is\n"
	"published, and does not sign. A running authority takes it up without a pause.\n"
	"No command gives a private key back.\n"
	"\n"
	"  -C DIR       the authority; $CHANCERY_DIR otherwise\n"
	"  --alg ALG    ES256, EdDSA, RS256 or PS256; otherwise ES256, or what the PEM is\n";

struct key_wish {
	const char *dir;
	str realm;
	uint8_t alg; /* 255: not said */
	bool json, help, bad;
};

static struct key_wish parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "realm", required_argument, NULL, 'r' },
		{ "alg", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct key_wish w = { .alg = 255 };
	enum alg alg = ALG_ES256;
	/* getopt would repeat an argument, which may be a key in the wrong place */
	opterr = 0;
	for (int o = 0; (o = getopt_long(argc, argv, "C:", options, NULL)) != -1;) {
		if (o == 'C')
			w.dir = optarg;
		else if (o == 'r')
			w.realm = str_from_c(optarg);
		else if (o == 'j')
			w.json = true;
		else if (o == 'a' && alg_by_name(str_from_c(optarg), &alg))
			w.alg = (uint8_t)alg;
		else
			w.bad = true;
		w.help |= o == 'h';
	}
	return w;
}

static ch_err connect_supervisor(const struct authority *a, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct path path;
	TRY(path_join(&path, str_from_c(a->dir.p), LIT("run/control"), (str){ 0 }));
	str name = str_from_c(path.p);
	if (name.n >= sizeof(address.sun_path))
		return ch_fail(CH_E_FULL, "the folder's name is too long for a socket", name.n);
	mem_copy(address.sun_path, name.p, name.n);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return ch_fail(CH_E_GONE, "the authority does not run", 0);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

/* Asks once; *ret_runs says whether there was somebody to ask. */
static ch_err ask(const struct authority *a, str realm, bool *ret_runs)
{
	static uint8_t room[CONTROL_MAX];
	AUTO(fd_close) int fd = -1;
	struct control c = { .kind = CONTROL_RENEW, .name = authority_group_of(a, realm)->name };
	ch_err e = connect_supervisor(a, &fd);
	*ret_runs = ch_code_of(e) != CH_E_GONE;
	TRY(e);
	TRY(control_send(fd, &c, NULL));
	if (failed(channel_wait(fd, POLLIN, RENEW_TIMEOUT_MS)))
		return ch_fail(CH_E_GONE, "no new signer serves in time", RENEW_TIMEOUT_MS);
	TRY(control_recv(fd, room, &c, NULL));
	return c.kind == CONTROL_READY ? CH_DONE : ch_err_from_wire((uint16_t)c.code, c.detail);
}

/* A running authority gets a new generation of signers; it makes one at a time. */
static ch_err renew(const struct authority *a, str realm, bool *ret_runs)
{
	uint64_t until = clock_mono_ns() + (uint64_t)RENEW_TIMEOUT_MS * 1000000;
	ch_err e = ask(a, realm, ret_runs);
	while (ch_code_of(e) == CH_E_BUSY && clock_mono_ns() < until) {
		(void)poll(NULL, 0, RENEW_AGAIN_MS);
		e = ask(a, realm, ret_runs);
	}
	return e;
}

static int told(const struct authority *a, const struct key_wish *w, const struct imported *k)
{
	bool runs = false;
	ch_err e = renew(a, w->realm, &runs);
	if (failed(e) && runs)
		return say_trouble(
			"the key is sealed, but the running authority did not take it up;"
			" restart it.",
			(str){ 0 }, e);
	(void)printf("%.*s %s\n", (int)k->kid_n, k->kid, k->staged ? "staged" : "signing");
	return EXIT_YES;
}

/* A key that cannot be taken is a "no"; all else is trouble. */
static int refused(str realm, ch_err e)
{
	static const enum ch_code nos[] = { CH_E_SYNTAX, CH_E_MISMATCH, CH_E_RANGE, CH_E_MISSING,
					    CH_E_FULL };
	if (ch_code_of(e) == CH_E_EXISTS) {
		say("the realm has this key already", realm);
		return EXIT_NO;
	}
	int status = say_trouble("no key was added to realm", realm, e);
	for (size_t i = 0; i < COUNT_OF(nos); i++)
		if (ch_code_of(e) == nos[i])
			return EXIT_NO;
	return status;
}

static int open_input(const char *name, int *ret_fd)
{
	if (strcmp(name, "-") == 0) {
		*ret_fd = dup(STDIN_FILENO);
		return EXIT_YES;
	}
	*ret_fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*ret_fd >= 0)
		return EXIT_YES;
	/* a key given as an argument must not be repeated in a message */
	say("cannot open the PEM file that was named (`-` reads standard input)", (str){ 0 });
	return EXIT_TROUBLE;
}

/* pem < 0: one is made. */
static int add_it(const struct authority *a, const struct key_wish *w, int pem, struct imported *k)
{
	AUTO(fd_close) int passphrase = -1;
	const struct config_realm *realm = authority_realm(a, w->realm);
	ch_err e = keeper_open_passphrase(a, &passphrase);
	if (!failed(e))
		e = pem >= 0 ? keeper_import(a, passphrase, pem, realm, w->alg, k)
			     : keeper_add(a, passphrase, realm, w->alg, k);
	if (!failed(e))
		return told(a, w, k);
	return refused(w->realm, e);
}

static int add(const struct authority *a, const struct key_wish *w, const char *input)
{
	AUTO(fd_close) int pem = -1;
	struct imported k = { 0 };
	struct audit t = { 0 };
	char became[sizeof(k.kid) + 16];
	struct wr text = wr_of(became, sizeof(became));
	if (!authority_realm(a, w->realm))
		return authority_check_realm(a, w->realm);
	if (input && open_input(input, &pem) != EXIT_YES)
		return EXIT_TROUBLE;
	int r = audit_begin(a, input ? "key import" : "key add", w->realm, &t);
	if (r != EXIT_YES)
		return r;
	r = add_it(a, w, pem, &k);
	if (k.kid_n > 0) {
		wr_str(&text, (str){ k.kid, k.kid_n });
		wr_str(&text, k.staged ? LIT(" staged") : LIT(" signing"));
	}
	return audit_end(&t, r, wr_text(&text));
}

int cmd_key(int argc, char **argv)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	const char *verb = argc > 1 ? argv[1] : "";
	bool list = strcmp(verb, "list") == 0, import = strcmp(verb, "import") == 0;
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
		return command_usage(usage, true);
	if (!list && !import && strcmp(verb, "add") != 0)
		return command_wrong(usage, "say what to do with keys: list, add or import");
	struct key_wish w = parse(argc - 1, argv + 1);
	int rest = argc - 1 - optind;
	if (w.help)
		return command_usage(usage, true);
	if (w.bad)
		return command_wrong(usage, "an option or algorithm that is none");
	if (!list && w.realm.n == 0)
		return command_wrong(usage, "which realm? name it with --realm");
	if (rest != (import ? 1 : 0))
		return command_wrong(usage, import ? "name one PEM file, or - for standard input"
						   : "this takes no further argument");
	int r = authority_open(w.dir, &a);
	if (r != EXIT_YES)
		return r;
	if (list)
		return key_list(&a, w.realm, w.json);
	return add(&a, &w, import ? argv[1 + optind] : NULL);
}
