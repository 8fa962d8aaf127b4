/* A log on this host: its folder, and the socket of its ledger, which tells of each new head and
 * makes one when it is asked. The folder alone will do, more slowly. */
#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "logs.h"
#include "wire/control.h"
#include "wire/ledger.h"

enum { POLL_MS = 1000, ATTACH_MS = 1000, AGAIN_MS = 100, ANSWERS_A_TURN = 32 };
#define MS UINT64_C(1000000)

ch_err logs_local_open(struct logs *l, struct log_source *s)
{
	struct path folder;
	TRY(path_of(&folder, s->of->folder));
	ch_err e = logstore_open(AT_FDCWD, folder.p, &s->store);
	if (failed(e))
		LOG(LOG_ERROR, "there is no such folder of a log", log_str("log", s->of->name),
		    log_str("folder", s->of->folder));
	TRY(e);
	if (l->wake < 0)
		l->wake = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (l->wake < 0 || inotify_add_watch(l->wake, folder.p, IN_MOVED_TO) < 0)
		LOG(LOG_WARN, "a log is looked at once a second, and not at once",
		    log_str("folder", s->of->folder), log_u64("errno", (uint64_t)errno));
	return CH_DONE;
}

void logs_local_close(struct log_source *s)
{
	logstore_close(&s->store);
	fd_close(&s->socket);
}

static void look(struct log_source *s, uint64_t now_ns)
{
	uint8_t room[LOGSTORE_NOTE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	s->looked_ns = now_ns;
	ch_err e = logstore_checkpoint(&s->store, &w);
	if (!failed(e))
		(void)logs_take_note(s, wr_bytes(&w));
	else if (ch_code_of(e) != CH_E_NOT_FOUND || s->heads > 0)
		logs_missed(s, e);
}

/* There is none until witnesses have signed. */
static void look_cosigned(struct log_source *s)
{
	uint8_t room[LOGSTORE_NOTE_MAX];
	size_t n = 0;
	if (s->of->quorum > 0 &&
	    !failed(file_read(s->store.dir_fd, "cosigned/checkpoint", room, sizeof(room), &n)))
		logs_take_cosigned(s, (bytes){ room, n });
}

/* --- the ledger's socket --- */

static bool send_ask(struct logs *l, struct log_source *s, bool follows)
{
	uint8_t room[LEDGER_LOG_ASK_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	if (++l->last_req == 0)
		l->last_req = 1;
	s->req = l->last_req;
	log_ask_write(&w, &(struct log_ask){ .req = s->req, .is_fresh = true, .follows = follows });
	ch_err e = wr_done(&w);
	if (!failed(e))
		e = channel_send(s->socket, wr_bytes(&w), NULL);
	if (failed(e) && ch_code_of(e) != CH_E_BUSY)
		fd_close(&s->socket);
	return !failed(e);
}

void logs_attached(struct logs *l, str name, int fd)
{
	AUTO(fd_close) int ours = fd;
	for (size_t i = 0; i < l->n; i++) {
		struct log_source *s = &l->sources[i];
		if (ours < 0 || !str_eq(s->of->name, name) || s->of->socket.n == 0)
			continue;
		fd_close(&s->socket);
		s->socket = TAKE_FD(ours);
		/* what was asked at another socket is asked again */
		s->in_flight = false;
		(void)send_ask(l, s, true);
	}
}

/* Whoever started us can open what we cannot. */
static void ask_for_socket(struct logs *l, struct log_source *s, uint64_t now_ns)
{
	const struct control c = { .kind = CONTROL_ATTACH, .name = s->of->name };
	bool soon = s->attach_ns > 0 && now_ns - s->attach_ns < ATTACH_MS * MS;
	if (l->control < 0 || s->of->socket.n == 0 || s->socket >= 0 || soon)
		return;
	s->attach_ns = now_ns;
	if (failed(control_send(l->control, &c, NULL)))
		l->control = -1;
}

static void take_answer(struct log_source *s, const struct log_answer *a)
{
	bool ours = s->in_flight && !s->answered && a->req == s->req && a->req != 0;
	bool taken = a->code == CH_OK && logs_take_note(s, a->note);
	if (!ours)
		return;
	if (!taken) {
		s->in_flight = false;
		s->ask_ns = clock_mono_ns() + AGAIN_MS * MS;
		if (a->code != CH_OK)
			logs_missed(s, ch_err_from_wire(a->code, 0));
		return;
	}
	s->answered = true;
	s->answer_size = s->note_size;
}

static void read_answers(struct log_source *s)
{
	static uint8_t room[LEDGER_LOG_HEAD_MAX];
	for (size_t i = 0; i < ANSWERS_A_TURN && s->socket >= 0; i++) {
		struct log_answer a = { 0 };
		bytes message = { 0 };
		ch_err e = channel_recv(s->socket, room, sizeof(room), &message, NULL);
		if (ch_code_of(e) == CH_E_BUSY)
			return;
		if (!failed(e))
			e = log_answer_read(message, &a);
		if (failed(e)) {
			fd_close(&s->socket);
			s->in_flight = false;
			return;
		}
		take_answer(s, &a);
	}
}

/* --- */

bool logs_local_ask(struct logs *l, struct log_source *s)
{
	if (s->socket >= 0)
		return send_ask(l, s, false);
	look(s, clock_mono_ns());
	s->heads_before = s->heads;
	return true;
}

void logs_local_turn(struct logs *l, struct log_source *s, bool woken, uint64_t now_ns)
{
	ask_for_socket(l, s, now_ns);
	read_answers(s);
	bool due = now_ns - s->looked_ns >= POLL_MS * MS;
	if (woken || due)
		look(s, now_ns);
	if (due)
		look_cosigned(s);
	logs_compute(l, s, now_ns);
}
