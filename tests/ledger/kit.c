/* A ledger in a child process, driven as the supervisor, signers and readers would. */
#include "kit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "logstore/check.h"
#include "sandbox/spawn.h"
#include "wire/control.h"

enum { PATIENCE_MS = 60000 };

static const str origin = { "test.example/log", 16 };

static void must(ch_err e)
{
	if (failed(e))
		fail_msg("%s (%llu) at %s:%u", e.site->what, (unsigned long long)e.detail,
			 e.site->file, e.site->line);
}

/* --- the log's key --- */

static struct note_key key_of(const struct kit *k, enum note_type type)
{
	struct key_parts parts;
	struct note_key key;
	must(private_key_public(k->key, &parts));
	must(note_key_make(origin, type, parts.x, &key));
	return key;
}

const char *kit_fast_folder(void)
{
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL;
}

void kit_open(struct kit *k, const char *where)
{
	const char *usual = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	*k = (struct kit){ .control = -1, .listen_fd = -1, .heads = -1 };
	must(crypto_init(NULL));
	(void)snprintf(k->folder, sizeof(k->folder), "%s/chancery-ledger-XXXXXX",
		       where ? where : usual);
	assert_non_null(mkdtemp(k->folder));
	(void)snprintf(k->log, sizeof(k->log), "%.100s/log", k->folder);
	(void)snprintf(k->socket, sizeof(k->socket), "%.100s/s", k->folder);
	assert_int_equal(mkdir(k->log, 0755), 0);
	must(private_key_generate(ALG_EDDSA, &k->key));
	struct note_key key = key_of(k, NOTE_ED25519);
	struct wr w = wr_of(k->vkey, sizeof(k->vkey));
	vkey_write(&w, &key);
	k->config = (struct ledger_config){ .origin = origin, .vkey = wr_text(&w) };
	merkle_empty(&k->signed_last.root);
}

void kit_close(struct kit *k)
{
	if (k->pid > 0)
		kit_kill(k);
	private_key_free(k->key);
	(void)dir_remove(AT_FDCWD, k->folder);
}

/* --- the ledger's process --- */

static ch_err run_parts(struct kit *k, int control)
{
	static struct ledger l;
	l = (struct ledger){ .config = k->config,
			     .boot = k->boot,
			     .folder = open(k->log, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			     .lock = -1,
			     .listen_fd = k->listen_fd,
			     .control_fd = control };
	ch_err e = ledger_recover(&l);
	if (!failed(e))
		e = ledger_serve(&l);
	if (failed(e)) {
		LOG(LOG_ERROR, "the ledger ends", log_err(e));
		(void)control_send(
			control, &(struct control){ .kind = CONTROL_FAILED, .code = ch_code_of(e) },
			NULL);
	}
	ledger_close(&l);
	(void)close(l.folder);
	return e;
}

static void child(struct kit *k, int control)
{
	log_open("ledger");
	log_min_level(LOG_ERROR);
	if (k->is_quiet && !freopen("/dev/null", "w", stderr))
		_exit(9);
	if (k->before)
		k->before();
	_exit(failed(run_parts(k, control)) ? 3 : 0);
}

static void *in_thread(void *arg)
{
	struct kit *k = arg;
	ch_err e = run_parts(k, k->control_theirs);
	k->status = failed(e) ? 3 << 8 : 0;
	(void)close(k->control_theirs);
	return NULL;
}

/* The program as the supervisor starts it. */
static void spawn_program(struct kit *k, int control)
{
	uint8_t room[1024];
	struct wr w = wr_of(room, sizeof(room));
	int program = -1, boot = -1;
	int folder = open(k->log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(spawn_open(k->program, &program));
	ledger_config_write(&w, &k->config);
	must(boot_make(LIT("ledger"), wr_bytes(&w), &boot));
	const struct spawn s = { .program = program,
				 .name = "chancery-ledger",
				 .gate = -1,
				 .fds = { boot, control, k->listen_fd, folder },
				 .n_fds = 4 };
	must(spawn_role(&s, &k->pid));
	(void)close(folder);
	(void)close(boot);
	(void)close(program);
}

static void fork_parts(struct kit *k, int control)
{
	k->pid = fork();
	assert_true(k->pid >= 0);
	if (k->pid == 0) {
		(void)close(k->control);
		child(k, control);
	}
}

static void listen_at(struct kit *k)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", k->socket);
	(void)unlink(k->socket);
	k->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(k->listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(k->listen_fd, 16), 0);
}

static void ended(struct kit *k)
{
	if (k->in_thread)
		assert_int_equal(pthread_join(k->thread, NULL), 0);
	else
		assert_int_equal(waitpid(k->pid, &k->status, 0), k->pid);
	k->pid = 0;
	fd_close(&k->control);
	fd_close(&k->heads);
	fd_close(&k->listen_fd);
}

enum ch_code kit_start(struct kit *k)
{
	static uint8_t room[CONTROL_MAX];
	int pair[2];
	struct control c = { 0 };
	listen_at(k);
	must(channel_pair(pair));
	k->control = pair[0];
	k->control_theirs = pair[1];
	if (k->in_thread)
		assert_int_equal(pthread_create(&k->thread, NULL, in_thread, k), 0);
	else if (k->program)
		spawn_program(k, pair[1]);
	else
		fork_parts(k, pair[1]);
	if (!k->in_thread)
		(void)close(pair[1]);
	must(channel_wait(k->control, POLLIN | POLLHUP, PATIENCE_MS));
	ch_err e = control_recv(k->control, room, &c, NULL);
	if (failed(e) || c.kind != CONTROL_READY) {
		ended(k);
		return failed(e) ? ch_code_of(e) : (enum ch_code)c.code;
	}
	k->heads = kit_attach(k, "log");
	return CH_OK;
}

void kit_must_start(struct kit *k)
{
	enum ch_code code = kit_start(k);
	if (code != CH_OK)
		fail_msg("the ledger does not start: %s", ch_code_text(code));
}

ch_err control_stop(int control)
{
	return control_send(control, &(struct control){ .kind = CONTROL_STOP }, NULL);
}

void kit_reap(struct kit *k)
{
	ended(k);
}

int kit_stop(struct kit *k)
{
	must(control_stop(k->control));
	struct pollfd p = { .fd = k->control, .events = POLLIN };
	while (poll(&p, 1, 0) == 0)
		kit_sign(k, 20, 1);
	ended(k);
	return WIFEXITED(k->status) ? WEXITSTATUS(k->status) : 128;
}

void kit_kill(struct kit *k)
{
	(void)kill(k->pid, SIGKILL);
	ended(k);
}

int kit_attach(struct kit *k, const char *group)
{
	int pair[2];
	must(channel_pair(pair));
	struct message_fds fds = { .fd = { pair[1] }, .n = 1 };
	const struct control c = { .kind = CONTROL_ATTACH,
				   .name = str_from_c(group),
				   .generation = 1 };
	must(control_send(k->control, &c, &fds));
	(void)close(pair[1]);
	return pair[0];
}

/* --- entries --- */

bytes kit_entry(uint64_t i, uint8_t storage[static LOG_ENTRY_MAX])
{
	struct log_entry e = { .iat_s = 1700000000 + (int64_t)i,
			       .exp_s = 1700003600 + (int64_t)i,
			       .realm = LIT("home"),
			       .kid = LIT("k-2026-11-22-7f3a91c2"),
			       .typ = i % 3 == 0 ? LOG_TYP_JWT : LOG_TYP_AT_JWT };
	struct wr w = wr_of(storage, LOG_ENTRY_MAX);
	sha256((bytes){ (const uint8_t *)&i, sizeof(i) }, e.hash);
	must(log_entry_write(&w, &e));
	return wr_bytes(&w);
}

void kit_send(int fd, uint64_t seq, uint64_t from, size_t n)
{
	static uint8_t room[LEDGER_APPEND_MAX];
	struct wr w = wr_of(room, sizeof(room));
	ledger_append_begin(&w, seq);
	for (size_t i = 0; i < n; i++) {
		uint8_t entry[LOG_ENTRY_MAX];
		const struct ledger_item item = { .entry = kit_entry(from + i, entry),
						  .client_id = LIT("mail"),
						  .grant_id = LIT("g-1234") };
		assert_true(ledger_append_add(&w, &item));
	}
	ch_err e = channel_send(fd, wr_bytes(&w), NULL);
	while (ch_code_of(e) == CH_E_BUSY) {
		must(channel_wait(fd, POLLOUT, PATIENCE_MS));
		e = channel_send(fd, wr_bytes(&w), NULL);
	}
	must(e);
}

struct ledger_appended kit_answer(int fd)
{
	uint8_t room[LEDGER_APPENDED_SIZE + 1];
	struct ledger_appended a = { 0 };
	bytes message;
	must(channel_wait(fd, POLLIN, PATIENCE_MS));
	must(channel_recv(fd, room, sizeof(room), &message, NULL));
	must(ledger_appended_read(message, &a));
	return a;
}

uint64_t kit_append(int fd, uint64_t seq, uint64_t from, size_t n)
{
	kit_send(fd, seq, from, n);
	struct ledger_appended a = kit_answer(fd);
	assert_int_equal(a.seq, seq);
	if (a.code != CH_OK)
		fail_msg("not appended: %s", ch_code_text((enum ch_code)a.code));
	return a.first_index;
}

/* --- heads --- */

static void note_write(const struct kit *k, const struct ledger_head *h, struct wr *w)
{
	uint8_t sig[SIGNATURE_MAX], text[CHECKPOINT_BODY_MAX + 64];
	struct checkpoint c = { .origin = origin, .size = h->size };
	struct note_key plain = key_of(k, NOTE_ED25519), timed = key_of(k, NOTE_COSIGNATURE);
	struct wr t = wr_of(text, sizeof(text));
	int64_t now_s = clock_unix_s(); /* asked twice, it may be another second */
	size_t n = 0;
	mem_copy(c.root.b, h->root.b, sizeof(c.root.b));
	checkpoint_write(w, &c);
	str body = wr_text(w);
	cosignature_text(&t, now_s, body);
	must(private_key_sign(k->key, bytes_of_str(body), sig, &n));
	wr_char(w, '\n');
	note_line_write(w, &plain, sig);
	must(private_key_sign(k->key, wr_bytes(&t), sig, &n));
	cosignature_line_write(w, &timed, now_s, sig);
}

/* As the real one: what does not go on from what was signed last is refused. */
static bool is_consistent(const struct kit *k, const struct ledger_head *h)
{
	struct merkle_proof proof = { .n = h->n_proof };
	struct merkle_hash root;
	mem_copy(root.b, h->root.b, sizeof(root.b));
	for (size_t i = 0; i < h->n_proof; i++)
		mem_copy(proof.h[i].b, h->proof[i].b, sizeof(proof.h[i].b));
	return h->old_size == k->signed_last.size &&
	       !failed(merkle_check_consistency(k->signed_last.size, &k->signed_last.root, h->size,
						&root, &proof));
}

static void sign_one(struct kit *k, const struct ledger_head *h)
{
	uint8_t note[LEDGER_NOTE_MAX], room[LEDGER_HEAD_SIGNED_MAX];
	struct wr n = wr_of(note, sizeof(note)), w = wr_of(room, sizeof(room));
	struct ledger_head_signed s = { .size = h->size };
	if (k->is_mute)
		return;
	if (k->refuses || !is_consistent(k, h)) {
		s.code = CH_E_MISMATCH;
		s.size = k->signed_last.size;
	} else {
		note_write(k, h, &n);
		s.note = wr_bytes(&n);
		k->signed_last.size = h->size;
		mem_copy(k->signed_last.root.b, h->root.b, sizeof(h->root.b));
		k->heads_signed++;
	}
	ledger_head_signed_write(&w, &s);
	(void)channel_send(k->heads, wr_bytes(&w), NULL);
}

void kit_sign(struct kit *k, int ms, uint64_t heads)
{
	static uint8_t room[MESSAGE_MAX];
	uint64_t until = clock_mono_ns() + (uint64_t)ms * 1000000, had = k->heads_signed;
	while (k->heads_signed - had < heads && clock_mono_ns() < until) {
		struct ledger_head h;
		bytes message;
		if (failed(channel_wait(k->heads, POLLIN, 5)))
			continue;
		if (failed(channel_recv(k->heads, room, sizeof(room), &message, NULL)))
			return;
		must(ledger_head_read(message, &h));
		sign_one(k, &h);
	}
}

int kit_connect(const struct kit *k)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", k->socket);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

struct head kit_ask(struct kit *k, int fd, bool is_fresh)
{
	static uint8_t room[LEDGER_LOG_HEAD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct log_ask ask = { .req = 7, .is_fresh = is_fresh };
	struct log_answer a = { 0 };
	struct head h;
	bytes message;
	uint64_t until = clock_mono_ns() + (uint64_t)PATIENCE_MS * 1000000;
	log_ask_write(&w, &ask);
	must(channel_send(fd, wr_bytes(&w), NULL));
	while (failed(channel_wait(fd, POLLIN, 1))) {
		assert_true(clock_mono_ns() < until);
		kit_sign(k, 5, 1);
	}
	must(channel_recv(fd, room, sizeof(room), &message, NULL));
	must(log_answer_read(message, &a));
	assert_int_equal(a.req, 7);
	assert_int_equal(a.code, CH_OK);
	must(head_of_note(&k->config, a.note, &h));
	return h;
}

struct head kit_published(const struct kit *k)
{
	AUTO(logstore_close) struct logstore s = { .dir_fd = -1 };
	static uint8_t note[LOGSTORE_NOTE_MAX];
	struct wr w = wr_of(note, sizeof(note));
	struct head h;
	must(logstore_open(AT_FDCWD, k->log, &s));
	must(logstore_checkpoint(&s, &w));
	must(head_of_note(&k->config, wr_bytes(&w), &h));
	return h;
}

void kit_check_log(const struct kit *k)
{
	static struct logtree t;
	AUTO(logstore_close) struct logstore s = { .dir_fd = -1 };
	struct head h = kit_published(k);
	struct merkle_hash root;
	struct merkle_edge edge;
	must(logstore_open(AT_FDCWD, k->log, &s));
	must(logtree_begin(&t, s.dir_fd, LOGTREE_COMPARE, 0));
	for (uint64_t i = 0; i < h.size; i++) {
		uint8_t entry[LOG_ENTRY_MAX];
		must(logtree_add(&t, kit_entry(i, entry)));
	}
	must(logtree_settle(&t));
	logtree_root(&t, &root);
	assert_true(merkle_eq(&root, &h.root));
	must(merkle_edge_at(&s.tiles, h.size, &edge));
	merkle_edge_root(&edge, &root);
	assert_true(merkle_eq(&root, &h.root));
}

/* --- damage --- */

static void copy_tree(const char *from, const char *to)
{
	pid_t pid = fork();
	if (pid == 0) {
		execlp("cp", "cp", "-a", "--", from, to, (char *)NULL);
		_exit(9);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void saved_name(const struct kit *k, const char *as, char *ret, size_t n)
{
	(void)snprintf(ret, n, "%.100s/saved-%s", k->folder, as);
}

void kit_save(const struct kit *k, const char *as)
{
	char name[KIT_FOLDER + 32];
	saved_name(k, as, name, sizeof(name));
	must(dir_remove(AT_FDCWD, name));
	copy_tree(k->log, name);
}

void kit_restore(const struct kit *k, const char *from)
{
	char name[KIT_FOLDER + 32];
	saved_name(k, from, name, sizeof(name));
	must(dir_remove(AT_FDCWD, k->log));
	copy_tree(name, k->log);
}

static void count_found(void *ctx, const struct logfound *f)
{
	uint64_t *n = ctx;
	(*n)++;
	if (getenv("KIT_TELL"))
		(void)fprintf(stderr, "%s: %.*s at %llu: %s\n", f->what, (int)f->file.n, f->file.p,
			      (unsigned long long)f->at, failed(f->e) ? f->e.site->what : "");
}

static struct logcheck checking(const struct kit *k, const struct note_key *key, uint64_t *n)
{
	const struct logcheck c = { .dir_fd = open(k->log, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				    .key = key,
				    .has_journal = true,
				    .found = count_found,
				    .ctx = n };
	assert_true(c.dir_fd >= 0);
	return c;
}

uint64_t kit_damaged(const struct kit *k)
{
	struct note_key key = key_of(k, NOTE_ED25519);
	struct logcheck_report report;
	uint64_t n = 0;
	struct logcheck c = checking(k, &key, &n);
	must(logcheck(&c, &report));
	assert_int_equal(n, report.damaged);
	fd_close(&c.dir_fd);
	return n;
}

ch_err kit_repair(const struct kit *k)
{
	struct note_key key = key_of(k, NOTE_ED25519);
	struct logcheck_report report;
	uint64_t n = 0;
	struct logcheck c = checking(k, &key, &n);
	ch_err e = logrepair(&c, &report);
	fd_close(&c.dir_fd);
	return e;
}

struct files {
	void (*fn)(void *ctx, const char *file, size_t size);
	void *ctx;
};

static void walk_files(int dir_fd, const char *prefix, const struct files *f)
{
	AUTO(dir_done) DIR *d = NULL;
	must(dir_open(dir_fd, ".", &d));
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		char name[256];
		struct stat st;
		if (e->d_name[0] == '.' || strcmp(e->d_name, "lock") == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%.150s%s%.100s", prefix, *prefix ? "/" : "",
			       e->d_name);
		assert_int_equal(fstatat(dir_fd, e->d_name, &st, 0), 0);
		if (S_ISDIR(st.st_mode)) {
			int fd = openat(dir_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			walk_files(fd, name, f);
			(void)close(fd);
		} else {
			f->fn(f->ctx, name, (size_t)st.st_size);
		}
	}
}

void kit_files(const struct kit *k, void (*fn)(void *ctx, const char *file, size_t size), void *ctx)
{
	const struct files f = { fn, ctx };
	int fd = open(k->log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	walk_files(fd, "", &f);
	(void)close(fd);
}
