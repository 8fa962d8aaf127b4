/* The logs of a gate's policy: the files that it names, and the socket of a ledger, which the gate
 * itself cannot open behind its walls. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/key.h"
#include "gate.h"
#include "logstore/logstore.h"
#include "merkle/checkpoint.h"
#include "say.h"

static const char *at(const struct policy_file *p, str value, const char *what)
{
	return policy_placed(p, config_text_line(p->text, value), what);
}

static ch_err vkey_check(const struct policy_file *p, str vkey, str value, const char *what)
{
	struct note_key k;
	ch_err e = vkey_read(vkey, &k);
	if (failed(e))
		(void)say_trouble(at(p, value, what), value, e);
	return e;
}

static ch_err read_vkey(struct policy_file *p, size_t i)
{
	struct gate_log *l = &p->g.gate.logs[i];
	struct path path;
	size_t n = 0;
	TRY(policy_resolve(p, l->vkey_file, &path));
	TRY(file_read(AT_FDCWD, path.p, p->log_vkeys[i], sizeof(p->log_vkeys[i]), &n));
	str left = str_of_bytes((bytes){ p->log_vkeys[i], n });
	l->vkey = str_cut(&left, '\n');
	return CH_DONE;
}

static ch_err resolve_vkey(struct policy_file *p, size_t i)
{
	struct gate_log *l = &p->g.gate.logs[i];
	ch_err e = l->vkey_file.n > 0 ? read_vkey(p, i) : CH_DONE;
	if (failed(e))
		(void)say_trouble(at(p, l->vkey_file, "logs: vkey_file"), l->vkey_file, e);
	TRY(e);
	TRY(vkey_check(p, l->vkey, l->vkey_file.n > 0 ? l->vkey_file : l->vkey,
		       "logs: this is no key of a log"));
	for (size_t w = 0; w < l->n_witnesses; w++)
		TRY(vkey_check(p, l->witnesses[w], l->witnesses[w],
			       "logs: this is no key of a witness"));
	return CH_DONE;
}

static ch_err resolve_place(struct policy_file *p, size_t i)
{
	struct gate_log *l = &p->g.gate.logs[i];
	ch_err e = CH_DONE;
	p->log_secrets[i] = (str){ 0 };
	p->log_lines[i] = config_text_line(p->text, l->folder.n > 0 ? l->folder : l->uri);
	if (l->folder.n > 0) {
		TRY(policy_resolve(p, l->folder, &p->log_folders[i]));
		l->folder = str_from_c(p->log_folders[i].p);
	}
	if (l->socket.n > 0) {
		TRY(policy_resolve(p, l->socket, &p->log_sockets[i]));
		l->socket = str_from_c(p->log_sockets[i].p);
	}
	if (l->client.n > 0)
		e = policy_secret(p, l->secret_file, p->log_rooms[i], &p->log_secrets[i]);
	if (failed(e))
		(void)say_trouble(at(p, l->secret_file, "logs: secret_file"), l->secret_file, e);
	return e;
}

ch_err policy_logs(struct policy_file *p)
{
	if (p->g.gate.n_logs > 0)
		TRY(crypto_init(NULL));
	for (size_t i = 0; i < p->g.gate.n_logs; i++) {
		TRY(resolve_vkey(p, i));
		TRY(resolve_place(p, i));
	}
	return CH_DONE;
}

/* --- --check --- */

static ch_err check_head(const struct gate_log *l)
{
	AUTO(logstore_close) struct logstore store = { .dir_fd = -1 };
	uint8_t room[LOGSTORE_NOTE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct log_head head;
	struct note_key key;
	struct path folder;
	TRY(path_of(&folder, l->folder));
	TRY(logstore_open(AT_FDCWD, folder.p, &store));
	ch_err e = logstore_checkpoint(&store, &w);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE; /* the ledger is about to make one */
	TRY(e);
	TRY(vkey_read(l->vkey, &key));
	return log_head_open(wr_text(&w), &key, &head);
}

bool policy_logs_check(const struct policy_file *p)
{
	bool good = true;
	for (size_t i = 0; i < p->g.gate.n_logs; i++) {
		const struct gate_log *l = &p->g.gate.logs[i];
		ch_err e = l->folder.n > 0 ? check_head(l) : CH_DONE;
		if (!failed(e))
			continue;
		(void)say_trouble(policy_placed(p, p->log_lines[i],
						"logs: this folder is no log of this key; it is "
						"DIR/log of the authority"),
				  l->folder, e);
		good = false;
	}
	return good;
}

/* --- the ledger's socket --- */

static int connect_to(str path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || path.n >= sizeof(address.sun_path))
		return -1;
	mem_copy(address.sun_path, path.p, path.n);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return -1;
	return TAKE_FD(fd);
}

int policy_log_socket(const struct policy_file *p, str log)
{
	for (size_t i = 0; i < p->g.gate.n_logs; i++) {
		const struct gate_log *l = &p->g.gate.logs[i];
		if (str_eq(l->name, log) && l->socket.n > 0)
			return connect_to(l->socket);
	}
	return -1;
}
