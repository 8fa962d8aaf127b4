/* What the supervisor does for the log: it hands the ledger its folder, its listening socket and
 * its ends of signers' sockets, and keeps the last head that a signer signed, so that no ledger
 * can lead the next signer back. It reads no entry and no head. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "supervisor_internal.h"

enum { WAITING_MAX = 64 };

/* Who may read the folder may ask for its head. */
static ch_err open_socket(const struct path *path, const struct stat *folder, int fd)
{
	bool open_to_all = folder->st_mode & S_IROTH;
	/* without the right to give it away it stays ours, which does where all may ask */
	if (chmod(path->p, open_to_all ? 0666 : 0660) != 0 ||
	    (!open_to_all && chown(path->p, (uid_t)-1, folder->st_gid) != 0))
		return ch_fail(CH_E_IO, "cannot set who may ask at run/log", errno);
	if (listen(fd, WAITING_MAX) != 0)
		return ch_fail(CH_E_IO, "cannot listen on run/log", errno);
	return CH_DONE;
}

static ch_err address_of_log(const struct supervisor *s, struct path *ret_path,
			     struct sockaddr_un *ret_address)
{
	TRY(path_join(ret_path, s->plan.dir, LIT("run/log"), (str){ 0 }));
	str name = str_from_c(ret_path->p);
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (name.n >= sizeof(ret_address->sun_path))
		return ch_fail(CH_E_FULL, "the authority's folder has too long a name for a socket",
			       name.n);
	mem_copy(ret_address->sun_path, name.p, name.n);
	return CH_DONE;
}

static ch_err listen_there(struct supervisor *s, const struct stat *folder)
{
	struct sockaddr_un address;
	struct path path;
	TRY(address_of_log(s, &path, &address));
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(path.p);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return ch_fail(CH_E_IO, "cannot make run/log", errno);
	TRY(open_socket(&path, folder, fd));
	s->log_listener = TAKE_FD(fd);
	return CH_DONE;
}

ch_err log_open_files(struct supervisor *s)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd =
		openat(s->dir, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open the folder of the log", errno);
	TRY(listen_there(s, &st));
	s->log_folder = TAKE_FD(fd);
	return CH_DONE;
}

void log_note_head(struct supervisor *s, const struct process *p)
{
	struct status_head head;
	if (p->role != ROLE_SIGNER || p->group != LOG_GROUP || !p->status ||
	    !status_head(p->status, &head))
		return;
	s->has_head = true;
	s->head = head;
}

static ch_err give_socket(struct supervisor *s, struct process *to, str name)
{
	struct sockaddr_un address;
	struct path path;
	TRY(address_of_log(s, &path, &address));
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return ch_fail(CH_E_IO, "cannot connect to run/log", errno);
	const struct message_fds fds = { .fd = { fd }, .n = 1 };
	const struct control c = { .kind = CONTROL_ATTACH, .name = name };
	return control_send(to->control, &c, &fds);
}

void log_connect_issuers(struct supervisor *s)
{
	const struct process *ledger = process_find(s, ROLE_LEDGER, NO_GROUP);
	if (!ledger || !ledger->ready)
		return;
	for (size_t i = 0; i < PROCESSES_MAX; i++) {
		struct process *p = &s->processes[i];
		if (p->pid <= 0 || p->role != ROLE_ISSUER || !p->ready || p->control < 0 ||
		    p->asks_ledger == ledger->pid)
			continue;
		ch_err e = give_socket(s, p, LOG_REALM);
		if (failed(e))
			LOG(LOG_WARN, "an issuer cannot ask for heads of the log", log_err(e));
		else
			p->asks_ledger = ledger->pid;
	}
}

void log_give_gate(struct supervisor *s, struct process *gate, str log)
{
	/* it asks again, each second, and says so itself when its log gets too old */
	(void)give_socket(s, gate, log);
}

ch_err log_attach(struct supervisor *s, struct process *signer)
{
	const struct process *ledger = process_find(s, ROLE_LEDGER, NO_GROUP);
	const struct message_fds fds = { .fd = { signer->ledger_socket }, .n = 1 };
	const struct control c = { .kind = CONTROL_ATTACH,
				   .generation = signer->generation,
				   .name = group_name(s, signer->group) };
	if (!ledger || !ledger->ready || ledger->control < 0)
		return ch_fail(CH_E_GONE, "the ledger is gone", signer->group);
	return control_send(ledger->control, &c, &fds);
}
