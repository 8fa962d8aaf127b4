/* Starting and stopping Dovecot. As root, everything below DIR/mail is made and run by
 * nobody:nogroup; Dovecot's login processes refuse root anyway. Its output goes to its
 * own log, never to ours. */
#include "mail.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/rw.h"
#include "listen.h"
#include "mail_files.h"

/* "/run/" and the longest of Dovecot's sockets must stay within sun_path's 108 */
enum { ROOT_MAX = 76, GREET_S = 20, STOP_S = 5, TRIES = 3 };

static const char program[] = "/usr/sbin/dovecot";
static const char imap_program[] = "/usr/lib/dovecot/imap";

struct starting {
	const struct dev_mail_wish *wish;
	struct path root, log, link; /* link: empty when root is short enough */
	uid_t uid;
	gid_t gid;
	struct path user, group; /* names */
	uint32_t port;
};

static ch_err check_installed(void)
{
	if (access(program, X_OK) == 0 && access(imap_program, X_OK) == 0)
		return CH_DONE;
	return ch_fail(CH_E_NOT_FOUND,
		       "Dovecot is not installed: apt-get install dovecot-core dovecot-imapd",
		       errno);
}

static ch_err choose_user(struct starting *s)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam("nobody") : getpwuid(geteuid());
	if (!user)
		return ch_fail(CH_E_NOT_FOUND, "there is no user to run Dovecot as", geteuid());
	s->uid = user->pw_uid;
	s->gid = geteuid() == 0 ? user->pw_gid : getegid();
	TRY(path_of(&s->user, str_from_c(user->pw_name)));
	const struct group *group = getgrgid(s->gid);
	if (!group)
		return ch_fail(CH_E_NOT_FOUND, "the user's group has no name", s->gid);
	return path_of(&s->group, str_from_c(group->gr_name));
}

/* DIR/mail, which belongs to the user. */
static ch_err make_root(struct starting *s)
{
	TRY(path_join(&s->root, s->wish->dir, LIT("mail"), (str){ 0 }));
	TRY(path_join(&s->log, str_from_c(s->root.p), LIT("dovecot.log"), (str){ 0 }));
	TRY(dir_make(AT_FDCWD, s->root.p, 0700));
	AUTO(fd_close) int fd = open(s->root.p, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open DIR/mail", errno);
	if (geteuid() == 0 && fchown(fd, s->uid, s->gid) != 0)
		return ch_fail(CH_E_IO, "cannot give DIR/mail to Dovecot's user", errno);
	return CH_DONE;
}

/* A symbolic link in /tmp when DIR/mail is too long a name for sockets in it. */
static ch_err make_link(struct starting *s)
{
	uint8_t salt[8];
	struct wr w = wr_of(s->link.p, sizeof(s->link.p) - 1);
	if (str_from_c(s->root.p).n <= ROOT_MAX)
		return CH_DONE;
	rand_fill(salt, sizeof(salt));
	wr_lit(&w, "/tmp/chancery-mail-");
	wr_hex(&w, BYTES_OF(salt));
	s->link.p[w.n] = 0;
	if (symlink(s->root.p, s->link.p) != 0)
		return ch_fail(CH_E_IO, "cannot make a short name for DIR/mail", errno);
	return CH_DONE;
}

static ch_err pick_port(struct starting *s)
{
	AUTO(fd_close) int fd = -1;
	if (s->wish->port != 0) {
		s->port = s->wish->port;
		return CH_DONE;
	}
	return listen_tcp(LIT("127.0.0.1"), 0, &fd, &s->port);
}

static bool take_identity(const struct starting *s)
{
	if (geteuid() != 0)
		return true;
	return setgroups(0, NULL) == 0 && setresgid(s->gid, s->gid, s->gid) == 0 &&
	       setresuid(s->uid, s->uid, s->uid) == 0 && setuid(0) != 0;
}

static bool place_output(const struct starting *s)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = open(s->log.p, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	return null >= 0 && log >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	       dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0 &&
	       close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool reset_signals(void)
{
	sigset_t none;
	(void)sigemptyset(&none);
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

_Noreturn static void child(const struct starting *s, pid_t parent)
{
	char name[] = "dovecot", stay[] = "-F", file[] = "-c", config[] = "dovecot.conf";
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[] = { name, stay, file, config, NULL };
	char *envp[] = { path, NULL };
	str root = str_from_c(s->root.p), link = str_from_c(s->link.p);
	struct mail_files files = { .wish = s->wish,
				    .port = s->port,
				    .user = str_from_c(s->user.p),
				    .group = str_from_c(s->group.p),
				    .root = root,
				    .short_root = link.n ? link : root };
	/* the death signal comes last: a change of identity takes it away */
	bool ok = reset_signals() && setsid() >= 0 && take_identity(s) &&
		  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 && getppid() == parent;
	ch_err e = ok ? mail_files_write(&files)
		      : ch_fail(CH_E_IO, "cannot become Dovecot's user", errno);
	if (!failed(e) && chdir(s->root.p) == 0 && place_output(s))
		(void)execve(program, argv, envp);
	LOG(LOG_ERROR, "cannot start Dovecot",
	    log_err(failed(e) ? e : ch_fail(CH_E_IO, "its log or program", errno)));
	_exit(127);
}

static bool has_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == pid;
}

/* "* OK" within a tenth of a second? */
static bool greets(uint32_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char text[4] = { 0 };
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		return false;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	return poll(&p, 1, 100) == 1 && recv(fd, text, sizeof(text), MSG_WAITALL) == 4 &&
	       str_eq((str){ text, 4 }, LIT("* OK"));
}

static ch_err wait_greeting(const struct dev_mail *m)
{
	uint64_t until = clock_mono_ns() + (uint64_t)GREET_S * 1000000000;
	while (!greets(m->port)) {
		if (has_ended(m->pid))
			return ch_fail(CH_E_GONE,
				       "Dovecot ended at its start: see mail/dovecot.log", 0);
		if (clock_mono_ns() > until)
			return ch_fail(CH_E_BUSY, "Dovecot does not greet: see mail/dovecot.log",
				       GREET_S);
		(void)poll(NULL, 0, 10);
	}
	return CH_DONE;
}

static ch_err start_once(struct starting *s, struct dev_mail *ret_mail)
{
	struct dev_mail m = { 0 };
	pid_t parent = getpid();
	TRY(pick_port(s));
	TRY(path_join(&m.config, str_from_c(s->root.p), LIT("dovecot.conf"), (str){ 0 }));
	m.port = s->port;
	m.link = s->link;
	m.pid = fork();
	if (m.pid < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (m.pid == 0)
		child(s, parent);
	ch_err e = wait_greeting(&m);
	if (failed(e) && ch_code_of(e) != CH_E_GONE)
		dev_mail_stop(&m);
	if (!failed(e))
		*ret_mail = m;
	return e;
}

static void drop_link(struct path *link)
{
	if (link->p[0])
		(void)unlink(link->p);
	link->p[0] = 0;
}

ch_err dev_mail_start(const struct dev_mail_wish *wish, struct dev_mail *ret_mail)
{
	struct starting s = { .wish = wish };
	TRY(check_installed());
	TRY(choose_user(&s));
	TRY(make_root(&s));
	TRY(make_link(&s));
	ch_err e = start_once(&s, ret_mail);
	/* a free port may be taken by somebody else before Dovecot binds it */
	for (int i = 1; i < TRIES && ch_code_of(e) == CH_E_GONE && wish->port == 0; i++)
		e = start_once(&s, ret_mail);
	if (failed(e))
		drop_link(&s.link);
	return e;
}

void dev_mail_stop(struct dev_mail *m)
{
	uint64_t until = clock_mono_ns() + (uint64_t)STOP_S * 1000000000;
	if (m->pid <= 0)
		return;
	(void)kill(m->pid, SIGTERM);
	while (!has_ended(m->pid)) {
		if (clock_mono_ns() > until)
			(void)kill(m->pid, SIGKILL);
		(void)poll(NULL, 0, 10);
	}
	m->pid = 0;
	drop_link(&m->link);
}
