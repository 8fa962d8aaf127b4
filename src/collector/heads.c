/* Follows the log. The ledger is a process that may be taken over: it can refuse, lie about what is
 * durable or write rubbish, but what is believed here is signed by the key of heads, begins with
 * what was believed before, and hashes to the root. An entry that it hides makes an alarm; one
 * that it invents can hide one: DESIGN says what that is worth. */
#include "heads.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "merkle/entry.h"

static const uint64_t ms_ns = 1000000, retry_ns = 200 * 1000000U, patience_ns = 5000000000U;

ch_err heads_open(struct heads *h, str vkey, const char *folder, const char *socket)
{
	*h = (struct heads){ .fd = -1, .folder = folder, .socket = socket };
	h->store.dir_fd = -1;
	known_init(&h->known);
	if (vkey.n == 0)
		return CH_DONE;
	TRY(vkey_read(vkey, &h->key));
	TRY(logstore_open(AT_FDCWD, folder, &h->store));
	h->configured = true;
	h->wanted = true;
	return CH_DONE;
}

void heads_done(struct heads *h)
{
	fd_close(&h->fd);
	logstore_close(&h->store);
	known_done(&h->known);
}

uint32_t heads_want(struct heads *h)
{
	h->wanted = true;
	return h->asked;
}

static ch_err connect_ledger(struct heads *h)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	str name = str_from_c(h->socket);
	if (name.n >= sizeof(a.sun_path))
		return ch_fail(CH_E_FULL, "the ledger's socket has too long a name", name.n);
	mem_copy(a.sun_path, name.p, name.n);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0)
		return ch_fail(CH_E_GONE, "the ledger does not answer", errno);
	h->fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err ask(struct heads *h, uint64_t now_ns)
{
	uint8_t room[LEDGER_LOG_ASK_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	if (h->fd < 0)
		TRY(connect_ledger(h));
	log_ask_write(&w, &(struct log_ask){ .req = h->asked + 1, .is_fresh = true });
	TRY(channel_send(h->fd, wr_bytes(&w), NULL));
	h->asked++;
	h->wanted = false;
	h->begun_ns = now_ns;
	return CH_DONE;
}

static void lose(struct heads *h, ch_err e, uint64_t now_ns)
{
	if (!h->missing)
		LOG(LOG_ERROR, "the log cannot be asked; alarms wait until it can",
		    log_str("socket", str_from_c(h->socket)), log_err(e));
	h->missing = true;
	fd_close(&h->fd);
	/* what was asked is asked again */
	h->wanted = true;
	h->begun_ns = 0;
	h->retry_ns = now_ns + retry_ns;
}

void heads_turn(struct heads *h, uint64_t now_ns)
{
	bool waits = h->begun_ns != 0;
	if (!h->configured || h->state == HEADS_BROKEN)
		return;
	if (waits && now_ns - h->begun_ns > patience_ns)
		lose(h,
		     ch_fail(CH_E_BUSY, "the ledger does not answer in time",
			     (now_ns - h->begun_ns) / ms_ns),
		     now_ns);
	if (!h->wanted || h->begun_ns != 0 || now_ns < h->retry_ns)
		return;
	ch_err e = ask(h, now_ns);
	if (failed(e))
		lose(h, e, now_ns);
}

static ch_err add_entry(struct heads *h, bytes entry)
{
	struct merkle_hash leaf;
	struct log_entry e;
	TRY(log_entry_read(entry, &e));
	merkle_leaf(entry, &leaf);
	merkle_edge_add(&h->edge, &leaf);
	return known_add(&h->known, e.hash);
}

/* Those of one bundle that are new. */
static ch_err add_bundle(struct heads *h, uint64_t size)
{
	static bytes entries[TILE_WIDTH];
	struct wr w = wr_of(h->room, sizeof(h->room));
	struct tile_id t = { 0 };
	if (!tile_of(size, 0, h->edge.size / TILE_WIDTH, &t))
		return ch_fail(CH_E_RANGE, "the log has no such tile", h->edge.size);
	t.entries = true;
	TRY(tile_fetch(&h->store.tiles, &t, &w));
	TRY(bundle_read(wr_bytes(&w), t.width, entries));
	for (size_t i = h->edge.size % TILE_WIDTH; i < t.width; i++)
		TRY(add_entry(h, entries[i]));
	return CH_DONE;
}

static ch_err check_root(const struct merkle_edge *edge, const struct checkpoint *c)
{
	struct merkle_hash root;
	merkle_edge_root(edge, &root);
	if (!merkle_eq(&root, &c->root))
		return ch_fail(CH_E_MISMATCH, "the log's entries are not what its head says",
			       c->size);
	return CH_DONE;
}

/* The first head: entries before the bundle that its end is in are looked up in files. */
static ch_err begin(struct heads *h, const struct checkpoint *c)
{
	struct merkle_edge whole;
	uint64_t first = c->size / TILE_WIDTH * TILE_WIDTH;
	TRY(merkle_edge_at(&h->store.tiles, c->size, &whole));
	TRY(check_root(&whole, c));
	TRY(merkle_edge_at(&h->store.tiles, first, &h->edge));
	return CH_DONE;
}

static ch_err follow(struct heads *h, const struct log_head *head)
{
	const struct checkpoint *c = &head->c;
	if (h->state == HEADS_NONE)
		TRY(begin(h, c));
	if (c->size < h->edge.size)
		return ch_fail(CH_E_MISMATCH, "the log is shorter than it was", c->size);
	while (h->edge.size < c->size)
		TRY(add_bundle(h, c->size));
	TRY(check_root(&h->edge, c));
	h->state = HEADS_GOOD;
	h->time_s = head->time_s;
	return CH_DONE;
}

/* What is signed contradicts what was signed. Entries that do not give a greater head may be
 * damaged files, or torn by a crash: that is tried again, and nothing is decided meanwhile. */
static bool is_fork(const struct heads *h, const struct checkpoint *c, ch_err e)
{
	return h->state == HEADS_GOOD && ch_code_of(e) == CH_E_MISMATCH && c->size <= h->edge.size;
}

static void not_followed(struct heads *h, const struct checkpoint *c, ch_err e)
{
	if (is_fork(h, c, e)) {
		h->state = HEADS_BROKEN;
		LOG(LOG_ALARM,
		    "the log is not what it was: no alarm can be held against it until the "
		    "collector starts anew",
		    log_u64("size", h->edge.size), log_err(e));
	} else if (!h->damaged && ch_code_of(e) == CH_E_MISMATCH) {
		h->damaged = true;
		LOG(LOG_ALARM,
		    "the log's entries are not what its head says: no alarm can be held against "
		    "it until they are. Look at it with `chancery log check`",
		    log_u64("size", c->size), log_err(e));
	}
}

static ch_err take_head(struct heads *h, str note)
{
	struct log_head head;
	struct merkle_edge before = h->edge;
	TRY(log_head_open(note, &h->key, &head));
	ch_err e = follow(h, &head);
	if (failed(e)) {
		h->edge = before;
		/* what was read is not believed; what was before is found in files */
		known_done(&h->known);
		not_followed(h, &head.c, e);
		return e;
	}
	h->damaged = false;
	mem_copy(h->note, note.p, note.n);
	h->note_n = note.n;
	return CH_DONE;
}

static ch_err take(struct heads *h, bytes message, bool *ret_answered)
{
	struct log_answer t = { 0 };
	TRY(log_answer_read(message, &t));
	if (t.req != h->asked)
		return CH_DONE;
	if (t.code != CH_OK)
		return ch_err_from_wire(t.code, 0);
	TRY(take_head(h, str_of_bytes(t.note)));
	h->answered = t.req;
	h->begun_ns = 0;
	*ret_answered = true;
	return CH_DONE;
}

bool heads_take(struct heads *h)
{
	static uint8_t room[LEDGER_LOG_HEAD_MAX];
	bool answered = false;
	while (h->fd >= 0) {
		bytes message = { 0 };
		ch_err e = channel_recv(h->fd, room, sizeof(room), &message, NULL);
		if (ch_code_of(e) == CH_E_BUSY)
			break;
		if (!failed(e))
			e = take(h, message, &answered);
		if (failed(e))
			lose(h, e, clock_mono_ns());
	}
	if (answered && h->missing)
		LOG(LOG_INFO, "the log can be asked again");
	h->missing = h->missing && !answered;
	return answered;
}

/* The newest are in `known`, as many as it has: only what is before them is looked for in files. */
static uint64_t size_of_files(const struct heads *h)
{
	uint64_t n = known_count(&h->known);
	uint64_t before = n < h->edge.size ? h->edge.size - n : 0;
	uint64_t whole = (before + TILE_WIDTH - 1) / TILE_WIDTH * TILE_WIDTH;
	return whole < h->edge.size ? whole : h->edge.size;
}

ch_err heads_find(struct heads *h, const uint8_t hash[static 32], bool *ret_found)
{
	uint64_t index = 0, size = size_of_files(h);
	*ret_found = known_has(&h->known, hash);
	if (*ret_found || size == 0)
		return CH_DONE;
	return logstore_find(&h->store, hash, size, h->room, &index, ret_found);
}

ch_err heads_reach(struct heads *h, int64_t iat_s, bool *ret_reach)
{
	return logstore_reach(&h->store, iat_s, h->edge.size, h->room, ret_reach);
}
