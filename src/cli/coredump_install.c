/* `chancery coredump install` and `uninstall`: core_pattern belongs to the whole machine, so
 * whatever does not work out leaves it as it was, and says why. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "commands.h"
#include "coredump.h"
#include "coredump_plan.h"
#include "coredump_self_test.h"
#include "options.h"
#include "say.h"

static const char install_usage[] =
	"usage: chancery coredump install --seal-to FILE [-c FILE] [--mode MODE] [--state DIR]\n"
	"                                 [--no-systemd]\n"
	"\n"
	"Makes this machine's crash dumps come to us: redacted, sealed to a public key, stored.\n"
	"Installing again puts a changed policy in force. What was in core_pattern before is kept\n"
	"and comes back with `uninstall`, or when a test crash at the end shows that something\n"
	"does not work.\n"
	"\n"
	"Where the policy says so (level: former, beyond_limits: former), a crash goes as it is to "
	"the\n"
	"program that core_pattern named before; nothing goes there unless it says so.\n"
	"\n"
	"  --seal-to FILE  the public key (chancery coredump keygen); the private one must not be\n"
	"                  in the same folder, nor on this machine\n"
	"  -c FILE         the policy (default: /etc/chancery/coredump.yaml, or none)\n"
	"  --mode MODE     socket (Linux 6.17), socket-legacy (6.16) or pipe (any); default: the\n"
	"                  first of these that passes the test\n"
	"  --state DIR     the handler's own folder (default: " DUMP_STATE_DEFAULT ")\n"
	"  --no-systemd    run the daemon as a process of its own\n"
	"\n"
	"Exit status: 0 installed, 1 refused or the test failed, 3 trouble.\n";

static const char uninstall_usage[] =
	"usage: chancery coredump uninstall [--state DIR] [--no-systemd] [--force]\n"
	"\n"
	"Ends the handler and puts core_pattern and core_pipe_limit back as they were before.\n"
	"Stored dumps stay.\n"
	"\n"
	"  --force  forget the handler even if another one has taken core_pattern meanwhile,\n"
	"           which is left as it is\n"
	"\n"
	"Exit status: 0 done or nothing was installed, 1 refused, 3 trouble.\n";

/* One install or uninstall at a time on a machine. */
static ch_err take_turn(int *ret_lock)
{
	AUTO(fd_close) int fd = open("/run/lock/chancery-coredump-install.lock",
				     O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the lock of core_pattern", errno);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return ch_fail(CH_E_BUSY, "another install or uninstall runs", errno);
	*ret_lock = TAKE_FD(fd);
	return CH_DONE;
}

/* Does a handler with another folder have core_pattern? It holds the lock for as long. */
static bool is_taken(void)
{
	AUTO(fd_close) int fd =
		open("/run/lock/chancery-coredump.lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
}

static int say_taken(void)
{
	static struct kernel_pattern now;
	str is = failed(kernel_pattern_read(&now)) ? LIT("unknown") : now.pattern;
	say("coredump install: a handler with another folder is installed: uninstall that one, "
	    "with "
	    "its --state, first. core_pattern is",
	    is);
	return EXIT_NO;
}

/* The folder: its name may be passed through, its content is root's. */
static ch_err make_state(struct handler *h)
{
	TRY(dir_make(AT_FDCWD, h->state.p, 0711));
	fd_close(&h->dir);
	h->dir = open(h->state.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (h->dir < 0)
		return ch_fail(CH_E_IO, "cannot open the handler's folder", errno);
	if (fchmod(h->dir, 0711) != 0)
		return ch_fail(CH_E_IO, "cannot give the handler's folder its mode", errno);
	TRY(dir_make(h->dir, "run", 0711));
	/* whatever our umask is: those who may hand reports over must come through */
	if (fchmodat(h->dir, "run", 0711, 0) != 0)
		return ch_fail(CH_E_IO, "cannot give the handler's folder its mode", errno);
	return CH_DONE;
}

/* Ends what is there. A daemon that ends in order has put core_pattern back itself. */
static ch_err put_back(const struct handler *h, bool systemd)
{
	struct kernel_pattern now;
	TRY(daemon_stop(h, systemd));
	TRY(kernel_pattern_read(&now));
	if (!str_eq(now.pattern, h->settings.pattern))
		return CH_DONE;
	return pattern_restore(h);
}

static ch_err write_settings(struct handler *h, const struct install_plan *p)
{
	static uint8_t room[DUMP_SETTINGS_MAX];
	struct wr w = wr_of(room, sizeof(room));
	dump_settings_write(&w, &p->settings);
	TRY(wr_done(&w));
	TRY(handler_write(h, DUMP_FILE_SETTINGS, wr_bytes(&w)));
	h->settings = p->settings;
	h->installed = true;
	return CH_DONE;
}

static ch_err try_mode(struct handler *h, struct install_plan *p, bool systemd)
{
	TRY(write_settings(h, p));
	TRY(daemon_start(h, systemd));
	return handler_self_test(h);
}

/* What leaves without a look by us is said, and that what was there takes nothing. */
static void say_former(const struct handler *h)
{
	char room[FORMER_ROOM];
	struct dump_former f = { 0 };
	if (!leaves_to_former(&h->settings) || failed(handler_former(h, room, &f)))
		return;
	if (takes_crashes(&f))
		(void)printf("UNREDACTED, since the policy says former: crashes go to %.*s\n",
			     (int)f.pattern.n, f.pattern.p);
	else
		(void)printf("what the policy leaves to the former core_pattern is discarded: "
			     "\"%.*s\" names no program\n",
			     (int)f.pattern.n, f.pattern.p);
}

static void say_installed(const struct handler *h, const struct install_plan *p)
{
	str mode = install_mode_name(p->settings.mode);
	(void)printf("installed: mode %.*s, core_pattern %.*s\n", (int)mode.n, mode.p,
		     (int)p->settings.pattern.n, p->settings.pattern.p);
	(void)printf("dumps go to %s, sealed to %s; a test crash was stored without its secret\n",
		     p->store.p, p->seal_to.p);
	say_former(h);
}

static int install_modes(struct handler *h, struct install_plan *p, const struct install_wish *w)
{
	enum dump_mode modes[DUMP_MODE_COUNT];
	size_t n = 0;
	bool systemd = !w->no_systemd && systemd_runs(h);
	int status = install_plan_modes(w, modes, &n);
	for (size_t i = 0; status == EXIT_YES && i < n; i++) {
		ch_err e = install_plan_mode(p, modes[i], h->state.p);
		bool tried = !failed(e);
		if (tried)
			e = try_mode(h, p, systemd);
		if (!failed(e)) {
			say_installed(h, p);
			return EXIT_YES;
		}
		(void)say_trouble("coredump install: this mode does not work here:",
				  install_mode_name(modes[i]), e);
		e = tried ? put_back(h, systemd) : CH_DONE;
		if (failed(e))
			return say_trouble("coredump install: core_pattern may not be as it was; "
					   "look at it",
					   (str){ NULL, 0 }, e);
	}
	if (status != EXIT_YES)
		return status;
	(void)unlinkat(h->dir, DUMP_FILE_SETTINGS, 0);
	say("coredump install: nothing is installed; core_pattern is as it was before",
	    (str){ NULL, 0 });
	return EXIT_NO;
}

static int install(const struct install_wish *w, struct handler *h, struct install_plan *p)
{
	AUTO(fd_close) int lock = -1;
	int status = install_plan_make(w, p);
	if (status == EXIT_YES)
		status = install_plan_check(w, p);
	if (status != EXIT_YES)
		return status;
	ch_err e = take_turn(&lock);
	if (!failed(e))
		e = handler_open(w->state, h);
	/* settings that cannot be read any more are replaced */
	if (ch_code_of(e) == CH_E_PROTOCOL)
		e = CH_DONE;
	if (!failed(e) && h->installed)
		e = put_back(h, !w->no_systemd && systemd_runs(h));
	if (!failed(e) && is_taken())
		return say_taken();
	if (!failed(e))
		e = make_state(h);
	if (failed(e))
		return say_trouble("coredump install: cannot begin", (str){ NULL, 0 }, e);
	return install_modes(h, p, w);
}

int coredump_install(int argc, char **argv)
{
	struct install_wish w = { .file = NULL };
	static struct install_plan p;
	const struct option_spec specs[] = {
		{ "--seal-to", &w.seal_to, NULL, NULL },
		{ "-c", &w.file, NULL, NULL },
		{ "--mode", &w.mode, NULL, NULL },
		{ "--state", &w.state, NULL, NULL },
		{ "--no-systemd", NULL, NULL, &w.no_systemd },
	};
	static struct handler h;
	handler_init(&h);
	if (options_help(argc, argv))
		return command_usage(install_usage, true);
	if (!options_read(argc, argv, 1, specs, COUNT_OF(specs)))
		return command_usage(install_usage, false);
	int status = install(&w, &h, &p);
	handler_done(&h);
	install_plan_done(&p);
	return status;
}

static int forget(const struct handler *h, bool foreign)
{
	static const char *const names[] = { DUMP_FILE_SETTINGS, DUMP_FILE_FORMER, DUMP_FILE_RATES,
					     DUMP_FILE_SELF_TEST };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (unlinkat(h->dir, names[i], 0) != 0 && errno != ENOENT)
			return say_trouble("coredump uninstall: cannot remove",
					   str_from_c(names[i]),
					   ch_fail(CH_E_IO, "it stays", errno));
	(void)dir_remove(h->dir, "run");
	(void)puts(foreign ? "uninstalled: core_pattern stays as it is; stored dumps stay"
			   : "uninstalled: core_pattern is as it was before; stored dumps stay");
	return EXIT_YES;
}

/* Somebody else's, if it is neither ours nor what was there before us. */
static ch_err look_whose(const struct handler *h, struct kernel_pattern *now, bool *ret_foreign)
{
	char room[FORMER_ROOM];
	struct dump_former former = { 0 };
	TRY(kernel_pattern_read(now));
	ch_err e = handler_former(h, room, &former);
	*ret_foreign = !str_eq(now->pattern, h->settings.pattern) &&
		       (failed(e) || !str_eq(now->pattern, former.pattern));
	return CH_DONE;
}

static int uninstall(const struct handler *h, bool systemd, bool force)
{
	static struct kernel_pattern now;
	bool foreign = false;
	ch_err e = look_whose(h, &now, &foreign);
	if (failed(e))
		return say_trouble("coredump uninstall: cannot read core_pattern", (str){ NULL, 0 },
				   e);
	if (foreign && !force) {
		say("coredump uninstall: another handler has taken core_pattern meanwhile; --force "
		    "forgets ours and leaves that one",
		    now.pattern);
		return EXIT_NO;
	}
	e = put_back(h, systemd);
	if (failed(e))
		return say_trouble("coredump uninstall: cannot put core_pattern back",
				   (str){ NULL, 0 }, e);
	return forget(h, foreign);
}

int coredump_uninstall(int argc, char **argv)
{
	const char *state = NULL;
	bool no_systemd = false, force = false;
	const struct option_spec specs[] = { { "--state", &state, NULL, NULL },
					     { "--no-systemd", NULL, NULL, &no_systemd },
					     { "--force", NULL, NULL, &force } };
	AUTO(handler_done) struct handler h;
	AUTO(fd_close) int lock = -1;
	handler_init(&h);
	if (options_help(argc, argv))
		return command_usage(uninstall_usage, true);
	if (!options_read(argc, argv, 1, specs, COUNT_OF(specs)))
		return command_usage(uninstall_usage, false);
	ch_err e = handler_open(state, &h);
	if (!failed(e) && !h.installed) {
		(void)puts("no handler is installed");
		return EXIT_YES;
	}
	if (!failed(e))
		e = take_turn(&lock);
	if (failed(e))
		return say_trouble("coredump uninstall: cannot begin", (str){ NULL, 0 }, e);
	return uninstall(&h, !no_systemd && systemd_runs(&h), force);
}
