/* `chancery serve DIR`: becomes the supervisor of a production authority. `--dev` is
 * another thing, see dev.c. */
#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include "base/file.h"
#include "commands.h"
#include "dev.h"
#include "keeper.h"
#include "key_tend.h"
#include "passphrase.h"
#include "plan_of.h"
#include "sandbox/spawn.h"
#include "say.h"

static const char usage[] =
	"usage: chancery serve [--passphrase-file FILE | --ask-passphrase] [--check] DIR\n"
	"       chancery serve --dev [--port N] [--mail] [--no-keys REALM]… [--webhook URL]\n"
	"                            [--guarded] DIR\n"
	"\n"
	"Runs the authority in DIR: supervisor, warden, signers, issuers, hashers. As root,\n"
	"each role has a uid of its own. SIGTERM finishes what is under way and stops all.\n"
	"SIGHUP reads chancery.yaml again without a dropped request; a bad one changes nothing.\n"
	"A service manager (systemd's Type=notify) is told when it serves.\n"
	"\n"
	"  --passphrase-file FILE  instead of chancery.yaml's; - reads standard input\n"
	"  --ask-passphrase        asks a person for it by systemd-ask-password(1)\n"
	"  --check                 only say whether chancery.yaml can be served\n"
	"  --inherited N           for SIGHUP: descriptors 5 and on are what served before\n"
	"  --dev            a throw-away authority with sample users, clients and a gate, made\n"
	"                   anew in DIR; DIR/dev.json says where everything is. It reads\n"
	"                   chancery.yaml never again: SIGHUP stops it, and says so\n"
	"  --port N         issuers on N (home, corp) and N+1 (staff), 8080 if not given;\n"
	"                   0 picks free ones\n"
	"  --mail           with a Dovecot whose mailboxes open to its tokens\n"
	"  --no-keys REALM  this realm starts without a key: `chancery key import` brings one\n"
	"  --webhook URL    the collector tells it of alarms (docs/ALARMS.md); --guarded: a key "
	"that\n"
	"                   an alarm is about leaves by itself\n"
	"  --listen ADDR    127.0.0.1 (the default) or ::1\n";

static int check_secret_memory(const struct authority *a)
{
	if (a->config.secret_memory == SECRETMEM_MLOCK || secretmem_available())
		return EXIT_YES;
	say("this kernel gives no memfd_secret, so root could read the keys from memory. Boot "
	    "with secretmem.enable=1, or accept it with `secret_memory: mlock` in chancery.yaml",
	    (str){ 0 });
	return EXIT_TROUBLE;
}

struct serve_wish {
	struct dev_wish dev;
	const char *passphrase_file; /* NULL: what chancery.yaml says */
	bool ask, for_dev, check;
	uint64_t inherited; /* so many listening sockets, and the passphrase, are open already */
};

/* What a supervisor that starts anew has left open for us. */
static void adopt(struct serving *s, uint64_t n)
{
	s->passphrase_fd = fcntl(PLAN_PASSPHRASE_FD, F_DUPFD_CLOEXEC, PLAN_SPARE_FD);
	(void)close(PLAN_PASSPHRASE_FD);
	for (size_t i = 0; i < n; i++) {
		int fd = PLAN_FIRST_LISTEN_FD + (int)i;
		s->inherited[s->n_inherited++] = fcntl(fd, F_DUPFD_CLOEXEC, PLAN_SPARE_FD);
		(void)close(fd);
	}
}

static ch_err find_passphrase(const struct authority *a, const struct serve_wish *w, int *ret_fd)
{
	if (w->ask)
		return passphrase_ask(ret_fd);
	if (w->passphrase_file)
		return passphrase_open(w->passphrase_file, ret_fd);
	return keeper_open_passphrase(a, ret_fd);
}

static int open_passphrase(const struct authority *a, const struct serve_wish *w, int *ret_fd)
{
	const char *file = w->passphrase_file;
	if (*ret_fd >= 0)
		return EXIT_YES;
	ch_err e = find_passphrase(a, w, ret_fd);
	if (!failed(e))
		return EXIT_YES;
	if (w->ask)
		return say_trouble("there is no passphrase", (str){ 0 }, e);
	return say_trouble("cannot open", file ? str_from_c(file) : a->config.passphrase_file, e);
}

static int serve(const struct serve_wish *w)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	AUTO(fd_close) int boot = -1;
	AUTO(fd_close) int program = -1;
	struct serving s = { .a = &a, .passphrase_fd = -1, .notify = notify_wish_read() };
	struct spawn spawn;
	if (w->inherited > 0)
		adopt(&s, w->inherited);
	int r = authority_open(w->dev.dir, &a);
	if (r != EXIT_YES)
		return r;
	if (geteuid() != 0) {
		say("a production authority is started as root, so that each role gets a uid of "
		    "its own; `serve --dev` runs as anybody",
		    (str){ 0 });
		return EXIT_TROUBLE;
	}
	r = check_secret_memory(&a);
	if (r == EXIT_YES)
		r = serving_check(&a);
	if (r != EXIT_YES)
		return r;
	/* a person asks: what serves meanwhile has the ports */
	if (w->check && w->inherited == 0)
		return EXIT_YES;
	s.secret_memory = a.config.secret_memory;
	r = open_passphrase(&a, w, &s.passphrase_fd);
	if (r == EXIT_YES)
		r = serving_listen(&s, &a);
	if (r != EXIT_YES || w->check)
		return r;
	/* nobody serves yet, so what was due meanwhile is done before anybody can see it */
	if (key_tend_all(&(struct tending){ &a, s.passphrase_fd, true, false }) != EXIT_YES)
		say("serving with the keys as they are; the running authority tries again",
		    (str){ 0 });
	ch_err e = serving_prepare(&s, &spawn, &boot, &program);
	if (!failed(e))
		e = spawn_become(&spawn);
	return say_trouble("cannot serve", str_from_c(a.dir.p), e);
}

static bool dev_option(int o, struct dev_wish *w)
{
	uint64_t port = 0;
	switch (o) {
	case 'd':
		w->dev = true;
		return true;
	case 'm':
		w->mail = true;
		return true;
	case 'w':
		w->webhook = str_from_c(optarg);
		return true;
	case 'g':
		w->guarded = true;
		return true;
	case 'l':
		w->listen = str_from_c(optarg);
		return true;
	case 'n':
		if (w->n_keyless < REALMS_MAX)
			w->keyless[w->n_keyless++] = str_from_c(optarg);
		return true;
	case 'p':
		if (!str_to_u64(str_from_c(optarg), 65534, &port)) {
			say("--port is a number up to 65534, or 0", str_from_c(optarg));
			return false;
		}
		w->port = (uint32_t)port;
		return true;
	default:
		return false;
	}
}

static bool option(int o, struct serve_wish *w)
{
	switch (o) {
	case 'a':
		w->ask = true;
		return true;
	case 'f':
		w->passphrase_file = optarg;
		return true;
	case 'k':
		w->check = true;
		return true;
	case 'i':
		return str_to_u64(str_from_c(optarg), PLAN_LISTENERS_MAX, &w->inherited);
	default:
		w->for_dev |= o != 'd';
		return dev_option(o, &w->dev);
	}
}

/* What contradicts itself; NULL: nothing does. */
static const char *wrong(const struct serve_wish *w)
{
	if (w->for_dev && !w->dev.dev)
		return "these options go with --dev; without it, they are in chancery.yaml";
	if (w->dev.dev && (w->check || w->inherited > 0))
		return "these options go without --dev";
	if (w->dev.dev && (w->ask || w->passphrase_file))
		return "a throw-away authority makes a passphrase of its own";
	if (w->ask && w->passphrase_file)
		return "the passphrase is asked for or read from a file, not both";
	return NULL;
}

int cmd_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", no_argument, NULL, 'd' },
		{ "mail", no_argument, NULL, 'm' },
		{ "port", required_argument, NULL, 'p' },
		{ "no-keys", required_argument, NULL, 'n' },
		{ "listen", required_argument, NULL, 'l' },
		{ "webhook", required_argument, NULL, 'w' },
		{ "guarded", no_argument, NULL, 'g' },
		{ "passphrase-file", required_argument, NULL, 'f' },
		{ "ask-passphrase", no_argument, NULL, 'a' },
		{ "check", no_argument, NULL, 'k' },
		{ "inherited", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct serve_wish w = { .dev = { .port = 8080, .listen = LIT("127.0.0.1") } };
	for (int o = 0; (o = getopt_long(argc, argv, "", options, NULL)) != -1;)
		if (o == 'h' || !option(o, &w))
			return command_usage(usage, o == 'h');
	if (argc - optind != 1)
		return command_wrong(usage, "name one folder, the authority's");
	if (wrong(&w))
		return command_wrong(usage, wrong(&w));
	w.dev.dir = argv[optind];
	return w.dev.dev ? dev_serve(&w.dev) : serve(&w);
}
