/* The parent of a throw-away authority: makes it, starts the supervisor and the mail
 * server, keeps dev.json true, and stops both when it is told to. */
#include "dev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/signals.h"
#include "codec/url.h"
#include "create.h"
#include "keeper.h"
#include "listen.h"
#include "plan_of.h"
#include "sandbox/spawn.h"
#include "say.h"
#include "wire/control.h"

enum { AGAIN_MS = 1000 };

static struct {
	struct authority a;
	struct config config;
	struct serving serving;
	struct dev_data data;
	struct dev_gate gate;
	struct dev_mail mail;
	struct dev_pids pids;
	pid_t supervisor;
	int control, signals;
	int lock; /* of the folder, as long as we live */
	bool ready;
	bool stale; /* dev.json could not be written anew */
} dev = { .a = { .fd = -1 }, .control = -1, .signals = -1, .lock = -1 };

/* What an earlier run left, by name: nothing else in the folder is touched. */
static ch_err remove_earlier(const char *dir)
{
	static const char *const names[] = { "chancery.yaml",
					     "passphrase",
					     "passwords",
					     "keys",
					     "jwks",
					     "store",
					     "run",
					     "crash",
					     "gate.yaml",
					     "gate.secret",
					     "mail",
					     "refresh.key",
					     "audit",
					     "collector",
					     "alarms",
					     "sightings",
					     "reporter.secret",
					     "log",
					     "log.vkey" };
	AUTO(fd_close) int fd = -1;
	TRY(authority_folder(dir, &fd));
	for (size_t i = 0; i < COUNT_OF(names); i++)
		TRY(dir_remove(fd, names[i]));
	return CH_DONE;
}

/* One authority a folder: a second one would remove what the first one runs on. */
static int lock_folder(const char *dir)
{
	str name = str_from_c(dir);
	ch_err e = authority_folder(dir, &dev.lock);
	if (failed(e))
		return say_trouble("cannot use", name, e);
	if (flock(dev.lock, LOCK_EX | LOCK_NB) == 0)
		return EXIT_YES;
	say("another `serve --dev` runs in this folder; stop it, or name another folder", name);
	return EXIT_NO;
}

/* A folder that this command made before has dev.json; a production one has not. */
static int take_over(const struct dev_wish *w)
{
	struct path production, mark;
	str dir = str_from_c(w->dir);
	ch_err e = path_join(&production, dir, LIT("chancery.yaml"), (str){ 0 });
	if (!failed(e))
		e = path_join(&mark, dir, LIT("dev.json"), (str){ 0 });
	if (failed(e))
		return say_trouble("cannot use", dir, e);
	if (access(mark.p, F_OK) == 0) {
		int r = lock_folder(w->dir);
		if (r != EXIT_YES)
			return r;
		e = remove_earlier(w->dir);
		return failed(e) ? say_trouble("cannot use", dir, e) : EXIT_YES;
	}
	if (access(production.p, F_OK) == 0) {
		say("this is a production authority, which --dev would replace; name another "
		    "folder",
		    dir);
		return EXIT_NO;
	}
	return EXIT_YES;
}

static bool is_loopback(str host)
{
	const struct url u = { .host = host };
	return url_is_loopback(&u) && !str_eq(host, LIT("localhost"));
}

static int check_keyless(const struct dev_wish *w)
{
	dev.a.config = dev.config;
	for (size_t i = 0; i < w->n_keyless; i++)
		if (!authority_realm(&dev.a, w->keyless[i])) {
			say("--no-keys is for home, corp or staff, not", w->keyless[i]);
			return EXIT_USAGE;
		}
	return EXIT_YES;
}

static int listen_all(const struct dev_wish *w)
{
	uint32_t port = 0;
	int r = EXIT_YES;
	dev.a.config = dev.config;
	for (size_t g = 0; g < dev.config.n_groups; g++)
		dev.a.config.groups[g].port = w->port ? w->port + (uint32_t)g : 0;
	r = serving_listen(&dev.serving, &dev.a);
	if (r != EXIT_YES)
		return r;
	dev.config = dev.a.config;
	dev_issuers(&dev.config);
	ch_err e = listen_tcp(LIT("127.0.0.1"), 0, &dev.serving.listen_fds[dev.serving.n_listen],
			      &port);
	if (failed(e))
		return say_trouble("cannot listen for the gate", (str){ 0 }, e);
	dev.serving.n_listen++;
	dev.gate.file.port = port;
	return EXIT_YES;
}

static int make_data(const struct dev_wish *w)
{
	const struct creation c = { .dir = w->dir,
				    .config = &dev.config,
				    .dir_mode = 0711,
				    .random_passphrase = true,
				    .keyless = w->keyless,
				    .n_keyless = w->n_keyless };
	int r = create_authority(&c, &dev.a);
	if (r == EXIT_YES && dev.lock < 0)
		r = lock_folder(dev.a.dir.p);
	if (r != EXIT_YES)
		return r;
	uint32_t port = dev.gate.file.port;
	ch_err e = dev_seed(&dev.a, &dev.data);
	if (!failed(e))
		e = dev_reporter(&dev.a, &dev.data);
	if (!failed(e))
		e = dev_gate_policy(&dev.a, &dev.data, port, &dev.gate);
	if (!failed(e))
		e = dev_json_write(&dev.a, &dev.data, &dev.gate, &dev.mail, &dev.pids);
	if (!failed(e))
		e = keeper_open_passphrase(&dev.a, &dev.serving.passphrase_fd);
	return failed(e) ? say_trouble("cannot fill", str_from_c(w->dir), e) : EXIT_YES;
}

static ch_err watch_signals(void)
{
	const int stops[] = { SIGTERM, SIGINT, SIGHUP };
	return signals_open(stops, COUNT_OF(stops), &dev.signals);
}

static void add_pid(str role, pid_t pid)
{
	if (dev.pids.n >= DEV_PIDS_MAX || role.n >= sizeof(dev.pids.entry[0].role))
		return;
	mem_copy(dev.pids.entry[dev.pids.n].role, role.p, role.n);
	dev.pids.entry[dev.pids.n].role[role.n] = 0;
	dev.pids.entry[dev.pids.n++].pid = pid;
}

static void remove_pid(pid_t pid)
{
	for (size_t i = 0; i < dev.pids.n; i++)
		if (dev.pids.entry[i].pid == pid) {
			dev.pids.entry[i] = dev.pids.entry[--dev.pids.n];
			return;
		}
}

static ch_err start_supervisor(void)
{
	AUTO(fd_close) int boot = -1;
	AUTO(fd_close) int program = -1;
	struct spawn spawn;
	int pair[2] = { -1, -1 };
	dev.serving.a = &dev.a;
	dev.serving.dev = true;
	dev.serving.events = true;
	dev.serving.secret_memory = dev.a.config.secret_memory;
	dev.serving.gate = &dev.gate.file.gate;
	dev.serving.gate_fetcher = &dev.gate.fetcher;
	TRY(serving_prepare(&dev.serving, &spawn, &boot, &program));
	TRY(channel_pair(pair));
	dev.control = pair[0];
	AUTO(fd_close) int theirs = pair[1];
	spawn.fds[1] = theirs;
	TRY(spawn_role(&spawn, &dev.supervisor));
	add_pid(LIT("supervisor"), dev.supervisor);
	return CH_DONE;
}

static ch_err start_mail(void)
{
	uint8_t room[URL_MAX_BYTES];
	struct wr w = wr_of(room, sizeof(room));
	const struct gate_config *g = &dev.gate.file.gate;
	struct dev_mail_wish wish = { .dir = str_from_c(dev.a.dir.p), .n_users = DEV_USERS };
	wr_lit(&w, "http://");
	wr_str(&w, g->client_id);
	wr_char(&w, ':');
	wr_str(&w, g->client_secret);
	wr_lit(&w, "@127.0.0.1:");
	wr_dec(&w, dev.gate.file.port);
	wr_lit(&w, "/introspect");
	wish.introspection_url = wr_text(&w);
	for (size_t i = 0; i < DEV_USERS; i++)
		wish.users[i] = dev.data.users[i].username;
	TRY(dev_mail_start(&wish, &dev.mail));
	add_pid(LIT("dovecot"), dev.mail.pid);
	return CH_DONE;
}

static void print_commands(void)
{
	const struct dev_user *alice = &dev.data.users[0];
	const char *issuer = dev.a.config.realms[0].issuer.p;
	int issuer_n = (int)dev.a.config.realms[0].issuer.n;
	int name_n = (int)alice->username.n;
	const char *name = alice->username.p, *curl = "curl -sS --login-options AUTH=OAUTHBEARER "
						      "--oauth2-bearer \"$TOKEN\" -u ";
	(void)printf("\nAlice logs in and gets a token:\n\n"
		     "    TOKEN=$(%s token --issuer %.*s --client demo --user %.*s "
		     "--password-file %s/passwords/%.*s)\n",
		     program_invocation_name, issuer_n, issuer, name_n, name, dev.a.dir.p, name_n,
		     name);
	(void)printf("\nWith it she reads a mail, without a password:\n\n"
		     "    %s%.*s 'imap://127.0.0.1:%u/INBOX;MAILINDEX=1'\n",
		     curl, name_n, name, dev.mail.port);
	(void)printf("\nBob's mailbox refuses it:\n\n"
		     "    %sbob@home.test 'imap://127.0.0.1:%u/INBOX;MAILINDEX=1'\n\n",
		     curl, dev.mail.port);
}

static ch_err on_ready(const struct dev_wish *w)
{
	dev.ready = true;
	if (w->mail)
		TRY(start_mail());
	TRY(dev_json_write(&dev.a, &dev.data, &dev.gate, &dev.mail, &dev.pids));
	(void)printf("ready %.*s (%s), everything is in %s/dev.json\n",
		     (int)dev.a.config.realms[0].issuer.n, dev.a.config.realms[0].issuer.p,
		     dev.a.config.secret_memory == SECRETMEM_MEMFD
			     ? "keys in memfd_secret"
			     : "keys only in locked memory: root can read them",
		     dev.a.dir.p);
	if (w->mail)
		print_commands();
	(void)fflush(stdout);
	return CH_DONE;
}

/* A full disk leaves the one that is there, and is tried again each second. */
static ch_err tell_pids(void)
{
	ch_err e = dev_json_write(&dev.a, &dev.data, &dev.gate, &dev.mail, &dev.pids);
	bool full = ch_code_of(e) == CH_E_IO && (e.detail == ENOSPC || e.detail == EDQUOT);
	if (full && !dev.stale)
		(void)say_trouble("dev.json stays as it was until there is room", (str){ 0 }, e);
	dev.stale = full;
	return full ? CH_DONE : e;
}

static ch_err on_event(const struct dev_wish *w)
{
	static uint8_t room[CONTROL_MAX];
	struct control c = { 0 };
	TRY(control_recv(dev.control, room, &c, NULL));
	if (c.kind == CONTROL_READY)
		return on_ready(w);
	if (c.kind == CONTROL_UP)
		add_pid(c.name, (pid_t)c.pid);
	else if (c.kind == CONTROL_DOWN)
		remove_pid((pid_t)c.pid);
	return dev.ready ? tell_pids() : CH_DONE;
}

/* Who edited chancery.yaml and asks for a reload must not believe that it was one. */
static void say_hangup(void)
{
	struct signalfd_siginfo si = { 0 };
	if (read(dev.signals, &si, sizeof(si)) == (ssize_t)sizeof(si) && si.ssi_signo == SIGHUP)
		say("SIGHUP stops a throw-away authority: --dev never reads chancery.yaml again, "
		    "nor "
		    "what was changed in it (log.public, say). `chancery serve DIR` serves this "
		    "folder by it",
		    str_from_c(dev.a.dir.p));
}

/* Until the supervisor is gone; a signal closes its control socket, which stops it. */
static int watch(const struct dev_wish *w)
{
	int status = 0;
	for (;;) {
		struct pollfd p[] = { { dev.control, POLLIN, 0 }, { dev.signals, POLLIN, 0 } };
		int n = poll(p, COUNT_OF(p), dev.stale ? AGAIN_MS : -1);
		if (n < 0 && errno != EINTR)
			break;
		if (p[1].revents) {
			say_hangup();
			break;
		}
		ch_err e = p[0].revents ? on_event(w) : CH_DONE;
		if (n == 0)
			e = tell_pids();
		if (ch_code_of(e) == CH_E_GONE)
			break;
		if (failed(e) && ch_code_of(e) != CH_E_BUSY) {
			(void)say_trouble("cannot go on", (str){ 0 }, e);
			status = EXIT_TROUBLE;
			break;
		}
	}
	dev_mail_stop(&dev.mail);
	fd_close(&dev.control);
	int ended = 0;
	if (waitpid(dev.supervisor, &ended, 0) == dev.supervisor && ended != 0)
		status = EXIT_TROUBLE;
	return status;
}

int dev_serve(const struct dev_wish *w)
{
	if (!is_loopback(w->listen)) {
		say("--dev serves loopback addresses only (its passwords are in plain files)",
		    w->listen);
		return EXIT_USAGE;
	}
	dev_config(w, &dev.config);
	int r = check_keyless(w);
	if (r == EXIT_YES)
		r = take_over(w);
	if (r == EXIT_YES)
		r = listen_all(w);
	if (r == EXIT_YES)
		r = make_data(w);
	if (r == EXIT_YES)
		r = serving_check(&dev.a);
	if (r != EXIT_YES)
		return r;
	if (geteuid() != 0)
		say("not root: all roles run as this user, so only ptrace, seccomp and landlock "
		    "part them, not uids",
		    (str){ 0 });
	ch_err e = watch_signals();
	if (!failed(e))
		e = start_supervisor();
	if (failed(e))
		return say_trouble("cannot start the authority in", str_from_c(w->dir), e);
	return watch(w);
}
