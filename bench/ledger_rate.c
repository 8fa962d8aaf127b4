/* ledger_rate PROGRAM FOLDER MS: durable entries a second of a ledger behind its walls, from signers
 * that each wait for their answer, beside the same bytes by plain pwrite and fdatasync on the same
 * disk, in turns. ledger_rate PROGRAM FOLDER fill N: so many entries, then the bytes of the log, and
 * how long the ledger takes to start on them, after a stop and after a kill. A line of JSON each.
 * Heads are asked for and answered meanwhile, with a signature that is none. */
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
#include "base/path.h"
#include "crypto/hash.h"
#include "merkle/checkpoint.h"
#include "merkle/entry.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/control.h"
#include "wire/ledger.h"
#include "wire/roles.h"

enum { SOCKETS_MAX = 64, ROUNDS = 5, PATIENCE_MS = 600000, PAYLOAD_MORE = 12 + 8 + 16 + 6 };

static const str origin = { "bench/log", 9 };
static const char *program;
static char folder[200], log_folder[220], socket_path[100];

struct ledger_run {
	pid_t pid;
	int control, heads, n;
	int signers[SOCKETS_MAX];
	uint64_t seq[SOCKETS_MAX];
	size_t waiting[SOCKETS_MAX];
};

static void die(const char *what, ch_err e)
{
	(void)fprintf(stderr, "ledger_rate: %s: %s (%llu)\n", what, e.site ? e.site->what : "",
		      (unsigned long long)e.detail);
	exit(3);
}

static void must(const char *what, ch_err e)
{
	if (failed(e))
		die(what, e);
}

/* --- the ledger --- */

static int listening(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)unlink(socket_path);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", socket_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 4) != 0)
		die("listen", CH_DONE);
	return fd;
}

static int attach(const struct ledger_run *r, str group)
{
	int pair[2];
	must("pair", channel_pair(pair));
	struct message_fds fds = { .fd = { pair[1] }, .n = 1 };
	const struct control c = { .kind = CONTROL_ATTACH, .name = group, .generation = 1 };
	must("attach", control_send(r->control, &c, &fds));
	(void)close(pair[1]);
	return pair[0];
}

/* Milliseconds until it was ready. */
static double start(struct ledger_run *r)
{
	uint8_t room[512], in[CONTROL_MAX];
	struct wr w = wr_of(room, sizeof(room));
	const struct ledger_config config = { .origin = origin };
	struct control c;
	int binary = -1, boot = -1, pair[2], listen_fd = listening();
	int log_fd = open(log_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t from = clock_mono_ns();
	ledger_config_write(&w, &config);
	must("open", spawn_open(program, &binary));
	must("boot", boot_make(LIT("ledger"), wr_bytes(&w), &boot));
	must("pair", channel_pair(pair));
	const struct spawn s = { .program = binary,
				 .name = "chancery-ledger",
				 .gate = -1,
				 .fds = { boot, pair[1], listen_fd, log_fd },
				 .n_fds = 4 };
	*r = (struct ledger_run){ .control = pair[0] };
	must("spawn", spawn_role(&s, &r->pid));
	const int ours[] = { binary, boot, pair[1], listen_fd, log_fd };
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		(void)close(ours[i]);
	must("wait", channel_wait(r->control, POLLIN, PATIENCE_MS));
	must("control", control_recv(r->control, in, &c, NULL));
	if (c.kind != CONTROL_READY)
		die("the ledger does not start", CH_DONE);
	double took = (double)(clock_mono_ns() - from) / 1e6;
	r->heads = attach(r, LIT("log"));
	return took;
}

static void answer_head(const struct ledger_run *r)
{
	static uint8_t in[LEDGER_HEAD_MAX], note[LEDGER_NOTE_MAX], out[LEDGER_HEAD_SIGNED_MAX];
	static struct ledger_head h;
	struct wr n = wr_of(note, sizeof(note)), w = wr_of(out, sizeof(out));
	struct checkpoint c = { .origin = origin };
	bytes message;
	if (failed(channel_recv(r->heads, in, sizeof(in), &message, NULL)))
		return;
	must("head", ledger_head_read(message, &h));
	c.size = h.size;
	mem_copy(c.root.b, h.root.b, sizeof(c.root.b));
	checkpoint_write(&n, &c);
	wr_lit(&n, "\n\xe2\x80\x94 bench AAAAAAAAAAAA\n");
	const struct ledger_head_signed s = { .size = h.size, .note = wr_bytes(&n) };
	ledger_head_signed_write(&w, &s);
	(void)channel_send(r->heads, wr_bytes(&w), NULL);
}

static void end(struct ledger_run *r, bool by_force)
{
	struct pollfd p[2] = { { r->control, POLLIN, 0 }, { r->heads, POLLIN, 0 } };
	if (by_force)
		(void)kill(r->pid, SIGKILL);
	else
		must("stop",
		     control_send(r->control, &(struct control){ .kind = CONTROL_STOP }, NULL));
	while (poll(p, 2, PATIENCE_MS) > 0 && p[0].revents == 0)
		answer_head(r);
	(void)waitpid(r->pid, NULL, 0);
	for (int i = 0; i < r->n; i++)
		(void)close(r->signers[i]);
	(void)close(r->control);
	(void)close(r->heads);
}

/* --- entries --- */

/* A signer's batch as a busy one sends it; returns the bytes of the journal that it makes. */
static size_t make_batch(struct wr *w, size_t n, uint64_t salt)
{
	size_t size = 0;
	ledger_append_begin(w, 0);
	for (size_t i = 0; i < n; i++, salt++) {
		uint8_t room[LOG_ENTRY_MAX];
		struct wr e = wr_of(room, sizeof(room));
		struct log_entry entry = { .iat_s = 1800000000,
					   .exp_s = 1800003600,
					   .realm = LIT("home"),
					   .kid = LIT("k-2026-11-22-7f3a91c2"),
					   .typ = LOG_TYP_AT_JWT };
		sha256((bytes){ (const uint8_t *)&salt, sizeof(salt) }, entry.hash);
		must("entry", log_entry_write(&e, &entry));
		const struct ledger_item item = { .entry = wr_bytes(&e),
						  .client_id = LIT("webmail"),
						  .grant_id = LIT("9f2c3d1a5b7e4c60") };
		(void)ledger_append_add(w, &item);
		size += PAYLOAD_MORE + e.n + item.client_id.n + item.grant_id.n;
	}
	return size;
}

static void patch_seq(uint8_t *message, uint64_t seq)
{
	struct wr w = wr_of(message + 4, 8);
	wr_u64(&w, seq);
}

struct shape {
	int signers;
	size_t each, ahead; /* entries in a batch, and batches under way */
};

static void send_one(struct ledger_run *r, int i, uint8_t *message, size_t n)
{
	patch_seq(message, ++r->seq[i]);
	ch_err e = channel_send(r->signers[i], (bytes){ message, n }, NULL);
	if (failed(e))
		die("send", e);
	r->waiting[i]++;
}

static void take_answers(struct ledger_run *r, int i, uint64_t *answered)
{
	uint8_t in[LEDGER_APPENDED_SIZE];
	struct ledger_appended a;
	bytes message;
	while (!failed(channel_recv(r->signers[i], in, sizeof(in), &message, NULL))) {
		must("appended", ledger_appended_read(message, &a));
		if (a.code != CH_OK)
			die("not appended", ch_err_from_wire(a.code, 0));
		r->waiting[i]--;
		(*answered)++;
	}
}

/* Batches that were answered until `until_ns` is over or there are `most`. */
static uint64_t load(struct ledger_run *r, const struct shape *s, uint8_t *message, size_t n,
		     uint64_t until_ns, uint64_t most)
{
	struct pollfd p[SOCKETS_MAX + 1];
	uint64_t answered = 0, sent = 0;
	bool more = true;
	for (;;) {
		size_t waiting = 0;
		for (int i = 0; i < r->n; i++) {
			for (; more && sent < most && r->waiting[i] < s->ahead; sent++)
				send_one(r, i, message, n);
			p[i] = (struct pollfd){ r->signers[i], POLLIN, 0 };
			waiting += r->waiting[i];
		}
		if (waiting == 0)
			return answered;
		p[r->n] = (struct pollfd){ r->heads, POLLIN, 0 };
		if (poll(p, (nfds_t)r->n + 1, PATIENCE_MS) <= 0)
			die("the ledger is silent", CH_DONE);
		for (int i = 0; i < r->n; i++)
			if (p[i].revents)
				take_answers(r, i, &answered);
		if (p[r->n].revents)
			answer_head(r);
		more = clock_mono_ns() < until_ns;
	}
}

static void connect_signers(struct ledger_run *r, const struct shape *s)
{
	r->n = s->signers;
	for (int i = 0; i < r->n; i++)
		r->signers[i] = attach(r, LIT("main"));
}

/* CPU seconds of its threads: the first appends, the other makes tiles. */
static void cpu_of(pid_t pid, double ret_s[static 2])
{
	char path[64], line[512];
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *d = opendir(path);
	ret_s[0] = ret_s[1] = 0;
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		int tid = (int)strtol(e->d_name, NULL, 10);
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, tid);
		FILE *f = tid > 0 ? fopen(path, "r") : NULL;
		if (f && fgets(line, sizeof(line), f))
			ret_s[tid != pid] += (double)strtoull(line, NULL, 10) / 1e9;
		if (f)
			(void)fclose(f);
	}
	if (d)
		(void)closedir(d);
}

static double cpu_us[2]; /* an entry, in the last run */

static double ours(const struct shape *s, uint64_t ms)
{
	static uint8_t message[LEDGER_APPEND_MAX];
	struct wr w = wr_of(message, sizeof(message));
	struct ledger_run r;
	(void)make_batch(&w, s->each, 1);
	must("remove", dir_remove(AT_FDCWD, log_folder));
	must("folder", dir_make(AT_FDCWD, log_folder, 0755));
	(void)start(&r);
	connect_signers(&r, s);
	uint64_t from = clock_mono_ns();
	uint64_t batches = load(&r, s, message, w.n, from + ms * 1000000, UINT64_MAX);
	double entries = (double)batches * (double)s->each;
	double rate = entries * 1e9 / (double)(clock_mono_ns() - from);
	cpu_of(r.pid, cpu_us);
	cpu_us[0] *= 1e6 / entries;
	cpu_us[1] *= 1e6 / entries;
	end(&r, true);
	return rate;
}

static double plain(size_t size, size_t entries, uint64_t ms)
{
	static uint8_t junk[1 << 20];
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/plain", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	uint64_t from = clock_mono_ns(), now = from, n = 0;
	off_t at = 0;
	for (; now - from < ms * 1000000; n++, at += (off_t)size, now = clock_mono_ns())
		if (pwrite(fd, junk, size, at) != (ssize_t)size || fdatasync(fd) != 0)
			die("plain", CH_DONE);
	(void)close(fd);
	(void)unlink(path);
	return (double)n * (double)entries * 1e9 / (double)(now - from);
}

static int smaller(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void rates(uint64_t ms)
{
	static const struct shape shapes[] = {
		{ 1, 1, 1 }, { 1, 32, 1 }, { 8, 32, 1 }, { 64, 32, 2 }
	};
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		static uint8_t message[LEDGER_APPEND_MAX];
		struct wr w = wr_of(message, sizeof(message));
		double mine[ROUNDS], raw[ROUNDS];
		size_t batch = (size_t)shapes[i].signers * shapes[i].each * shapes[i].ahead;
		size_t size = make_batch(&w, shapes[i].each, 1) * (batch / shapes[i].each) + 64;
		for (size_t k = 0; k < ROUNDS; k++) {
			raw[k] = plain(size, batch, ms);
			mine[k] = ours(&shapes[i], ms);
		}
		qsort(mine, ROUNDS, sizeof(*mine), smaller);
		qsort(raw, ROUNDS, sizeof(*raw), smaller);
		(void)printf("{\"batch\":%zu,\"rate\":%.0f,\"plain\":%.0f,\"append_us\":%.3f,"
			     "\"tiles_us\":%.3f}\n",
			     batch, mine[ROUNDS / 2], raw[ROUNDS / 2], cpu_us[0], cpu_us[1]);
		(void)fflush(stdout);
	}
}

/* --- a large log --- */

static uint64_t bytes_below(int dir_fd)
{
	DIR *d = fdopendir(dir_fd);
	uint64_t n = 0;
	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		struct stat st;
		if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (S_ISDIR(st.st_mode))
			n += bytes_below(openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY));
		else
			n += (uint64_t)st.st_blocks * 512;
	}
	if (d)
		(void)closedir(d);
	return n;
}

static uint64_t bytes_of(const char *name)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%.220s/%s", log_folder, name);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? 0 : bytes_below(fd);
}

static uint64_t pss_kib(pid_t pid)
{
	char path[64], line[128];
	uint64_t kib = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "Pss:", 4) == 0)
			kib = strtoull(line + 4, NULL, 10);
	if (f)
		(void)fclose(f);
	return kib;
}

/* Signs heads until one has all entries. */
static void settle(const struct ledger_run *r, uint64_t entries)
{
	char path[256], text[512];
	uint64_t have = 0;
	(void)snprintf(path, sizeof(path), "%.220s/checkpoint", log_folder);
	while (have < entries) {
		struct pollfd p = { r->heads, POLLIN, 0 };
		if (poll(&p, 1, 2000) > 0)
			answer_head(r);
		FILE *f = fopen(path, "r");
		if (f && fgets(text, sizeof(text), f) && fgets(text, sizeof(text), f))
			have = strtoull(text, NULL, 10);
		if (f)
			(void)fclose(f);
	}
}

static void fill(uint64_t entries)
{
	static const struct shape shape = { 64, 32, 2 };
	static uint8_t message[LEDGER_APPEND_MAX];
	struct wr w = wr_of(message, sizeof(message));
	struct ledger_run r;
	(void)make_batch(&w, shape.each, 1);
	(void)start(&r);
	connect_signers(&r, &shape);
	uint64_t from = clock_mono_ns();
	(void)load(&r, &shape, message, w.n, UINT64_MAX, entries / shape.each);
	double appended_s = (double)(clock_mono_ns() - from) / 1e9;
	settle(&r, entries / shape.each * shape.each);
	double settled_s = (double)(clock_mono_ns() - from) / 1e9;
	end(&r, false);
	double clean = start(&r);
	settle(&r, entries / shape.each * shape.each);
	(void)poll(NULL, 0, 3000);
	uint64_t pss = pss_kib(r.pid);
	end(&r, true);
	double killed = start(&r);
	end(&r, true);
	(void)printf("{\"entries\":%llu,\"appended_s\":%.2f,\"settled_s\":%.2f,\"start_ms\":%.1f,"
		     "\"start_killed_ms\":%.1f,\"pss_kib\":%llu,\"tiles\":%llu,\"journal\":%llu,"
		     "\"index\":%llu}\n",
		     (unsigned long long)entries, appended_s, settled_s, clean, killed,
		     (unsigned long long)pss, (unsigned long long)bytes_of("tile"),
		     (unsigned long long)bytes_of("journal"),
		     (unsigned long long)bytes_of("index"));
}

int main(int argc, char **argv)
{
	uint64_t n = 0;
	bool fills = argc == 5 && strcmp(argv[3], "fill") == 0;
	if ((argc != 4 && !fills) || !str_to_u64(str_from_c(argv[fills ? 4 : 3]), UINT32_MAX, &n)) {
		(void)fprintf(stderr, "usage: ledger_rate PROGRAM FOLDER MS | fill N\n");
		return 2;
	}
	program = argv[1];
	(void)snprintf(folder, sizeof(folder), "%.150s/ledger-bench-XXXXXX", argv[2]);
	if (!mkdtemp(folder))
		die("folder", CH_DONE);
	(void)snprintf(log_folder, sizeof(log_folder), "%s/log", folder);
	(void)snprintf(socket_path, sizeof(socket_path), "%.90s/s", folder);
	must("folder", dir_make(AT_FDCWD, log_folder, 0755));
	if (fills)
		fill(n);
	else
		rates(n);
	(void)dir_remove(AT_FDCWD, folder);
	return 0;
}
