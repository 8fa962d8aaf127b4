/* What the supervisor does for one signer, in the same order, for the benches: keys are
 * made by a keeper, unlocked by another, and the signer starts when the warden holds it.
 * It trusts all of them; the key lives as long as this process. */
#include "roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/rand.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/control.h"
#include "wire/ledger.h"
#include "wire/roles.h"
#include "wire/sign.h"

enum { ANSWER_MS = 30000, PASSPHRASE_BYTES = 48, TTL_S = 3600, STATUS_PAGE = 4096 };

static struct {
	const char *libexec;
	enum secretmem_kind kind;
	int passphrase;
	uint8_t config[64 * 1024];
	uint8_t kdf[512], key[SEALED_KEY_MAX];
	size_t kdf_n, key_n;
} made;

struct role {
	const char *name, *process;
	bytes config;
	int fds[4];
	size_t n_fds;
	int gate;
	pid_t tracer, pid;
	int control;
};

static ch_err role_start(struct role *r)
{
	struct path path;
	int pair[2] = { -1, -1 };
	AUTO(fd_close) int program = -1;
	AUTO(fd_close) int boot = -1;
	TRY(path_join(&path, str_from_c(made.libexec), str_from_c(r->name), (str){ 0 }));
	TRY(spawn_open(path.p, &program));
	TRY(boot_make(str_from_c(r->name), r->config, &boot));
	TRY(channel_pair(pair));
	r->control = pair[0];
	AUTO(fd_close) int theirs = pair[1];
	struct spawn spawn = { .program = program,
			       .name = r->process,
			       .fds = { boot, theirs },
			       .n_fds = 2,
			       .gate = r->gate,
			       .tracer = r->tracer };
	for (size_t i = 0; i < r->n_fds; i++)
		spawn.fds[spawn.n_fds++] = r->fds[i];
	return spawn_role(&spawn, &r->pid);
}

static ch_err hear(int control, struct control *ret_c)
{
	static uint8_t room[CONTROL_MAX];
	TRY(channel_wait(control, POLLIN, ANSWER_MS));
	return control_recv(control, room, ret_c, NULL);
}

static ch_err expect(int control, enum control_kind kind)
{
	struct control c = { 0 };
	TRY(hear(control, &c));
	if (c.kind != kind)
		return ch_fail(CH_E_PROTOCOL, "a role said another thing", c.kind);
	return CH_DONE;
}

static ch_err keeper_start(const struct keeper_config *c, int other, struct role *ret_keeper)
{
	struct wr w = wr_of(made.config, sizeof(made.config));
	keeper_config_write(&w, c);
	TRY(wr_done(&w));
	if (lseek(made.passphrase, 0, SEEK_SET) < 0)
		return ch_fail(CH_E_IO, "cannot rewind the passphrase", errno);
	*ret_keeper = (struct role){ .name = "keeper",
				     .process = "chancery-keeper",
				     .config = wr_bytes(&w),
				     .fds = { made.passphrase, other },
				     .n_fds = 2,
				     .gate = -1 };
	return role_start(ret_keeper);
}

static void keep(const struct control *c)
{
	bool is_kdf = str_eq(c->name, LIT("kdf"));
	uint8_t *to = is_kdf ? made.kdf : made.key;
	size_t room = is_kdf ? sizeof(made.kdf) : sizeof(made.key);
	if (c->kind != CONTROL_SEALED || c->text.n > room)
		return;
	mem_copy(to, c->text.p, c->text.n);
	*(is_kdf ? &made.kdf_n : &made.key_n) = c->text.n;
}

static ch_err key_make(void)
{
	struct role keeper;
	struct control c = { 0 };
	AUTO(fd_close) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const struct keeper_config config = {
		.duty = KEEPER_GENERATE,
		.secret_memory = made.kind,
		.random_passphrase = true,
		.n_keys = 1,
		.keys = { { .realm = LIT("home"),
			    .published_s = 1,
			    .not_before_s = 1,
			    .typs = 3,
			    .max_ttl_s = TTL_S } },
	};
	TRY(keeper_start(&config, nothing, &keeper));
	for (ch_err e = hear(keeper.control, &c); !failed(e); e = hear(keeper.control, &c))
		keep(&c);
	fd_close(&keeper.control);
	(void)waitpid(keeper.pid, NULL, 0);
	if (made.kdf_n == 0 || made.key_n == 0)
		return ch_fail(CH_E_MISSING, "the keeper made no key", 0);
	return CH_DONE;
}

static ch_err warden_start(struct roles *r)
{
	int pair[2] = { -1, -1 };
	struct role keeper;
	const struct warden_config config = { .secret_memory = made.kind };
	struct wr w = wr_of(made.config, sizeof(made.config));
	warden_config_write(&w, &config);
	TRY(channel_pair(pair));
	AUTO(fd_close) int for_warden = pair[0];
	AUTO(fd_close) int for_keeper = pair[1];
	struct role warden = { .name = "warden",
			       .process = "chancery-warden",
			       .config = wr_bytes(&w),
			       .fds = { for_warden },
			       .n_fds = 1,
			       .gate = -1 };
	TRY(role_start(&warden));
	r->warden = warden.pid;
	r->warden_control = warden.control;
	const struct keeper_config unlock = { .duty = KEEPER_UNLOCK,
					      .secret_memory = made.kind,
					      .kdf = { made.kdf, made.kdf_n } };
	TRY(keeper_start(&unlock, for_keeper, &keeper));
	TRY(expect(warden.control, CONTROL_READY));
	fd_close(&keeper.control);
	(void)waitpid(keeper.pid, NULL, 0);
	return CH_DONE;
}

static ch_err signer_config_make(struct wr *w)
{
	const struct signer_config config = {
		.secret_memory = made.kind,
		.n_realms = 1,
		.realms = { { .name = LIT("home"),
			      .issuer = LIT("http://localhost:8080/home"),
			      .n_keys = 1 } },
		.n_keys = 1,
		.keys = { { made.key, made.key_n } },
		.kdf = { made.kdf, made.kdf_n },
	};
	signer_config_write(w, &config);
	return wr_done(w);
}

/* The warden gets the status page and its end of the key socket, and holds the child
 * that waits at its gate. */
static ch_err hold(const struct roles *r, int status, int key, int gate)
{
	const struct message_fds fds = { .fd = { status, key }, .n = 2 };
	const struct control c = { .kind = CONTROL_HOLD,
				   .pid = (uint32_t)r->signer,
				   .name = LIT("bench") };
	TRY(control_send(r->warden_control, &c, &fds));
	TRY(expect(r->warden_control, CONTROL_HELD));
	if (write(gate, "x", 1) != 1)
		return ch_fail(CH_E_GONE, "the signer is gone before it started", 0);
	return CH_DONE;
}

static ch_err await_keys(struct roles *r)
{
	static uint8_t room[MESSAGE_MAX];
	bytes message = { 0 };
	struct rd keys;
	size_t n = 0;
	TRY(expect(r->signer_control, CONTROL_READY));
	TRY(channel_wait(r->realm, POLLIN, ANSWER_MS));
	TRY(channel_recv(r->realm, room, sizeof(room), &message, NULL));
	return sign_batch_open(message, SIGN_KEYS, &keys, &n);
}

/* In the place of the ledger: says at once that all is durable, so that the signer alone is
 * measured. */
_Noreturn static void be_ledger(int fd)
{
	static uint8_t room[MESSAGE_MAX];
	uint8_t said[LEDGER_APPENDED_SIZE];
	struct ledger_appended a = { 0 };
	bytes message = { 0 };
	struct rd items;
	size_t n = 0;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;) {
		struct wr w = wr_of(said, sizeof(said));
		if (failed(channel_wait(fd, POLLIN, -1)) ||
		    failed(channel_recv(fd, room, sizeof(room), &message, NULL)) ||
		    failed(ledger_append_open(message, &items, &a.seq, &n)))
			_exit(0);
		ledger_appended_write(&w, &a);
		if (failed(channel_send(fd, wr_bytes(&w), NULL)))
			_exit(0);
		a.first_index += n;
	}
}

/* The signer's end of its socket. */
static ch_err ledger_start(int *ret_fd)
{
	int pair[2] = { -1, -1 };
	TRY(channel_pair(pair));
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		be_ledger(pair[1]);
	}
	(void)close(pair[1]);
	*ret_fd = pair[0];
	return pid > 0 ? CH_DONE : ch_fail(CH_E_IO, "cannot start a ledger", errno);
}

static ch_err signer_start(struct roles *r)
{
	int key[2] = { -1, -1 }, realm[2] = { -1, -1 }, gate[2] = { -1, -1 };
	struct wr w = wr_of(made.config, sizeof(made.config));
	TRY(signer_config_make(&w));
	TRY(channel_pair(key));
	AUTO(fd_close) int key_signer = key[0];
	AUTO(fd_close) int key_warden = key[1];
	TRY(channel_pair(realm));
	r->realm = realm[0];
	AUTO(fd_close) int realm_signer = realm[1];
	AUTO(fd_close) int ledger = -1;
	TRY(ledger_start(&ledger));
	AUTO(fd_close) int status = memfd_create("signer-status", MFD_CLOEXEC);
	if (status < 0 || ftruncate(status, STATUS_PAGE) != 0 || pipe2(gate, O_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "cannot make a signer's descriptors", errno);
	AUTO(fd_close) int gate_signer = gate[0];
	AUTO(fd_close) int gate_ours = gate[1];
	struct role signer = { .name = "signer",
			       .process = "chancery-signer",
			       .config = wr_bytes(&w),
			       .fds = { key_signer, status, ledger, realm_signer },
			       .n_fds = 4,
			       .gate = gate_signer,
			       .tracer = r->warden };
	TRY(role_start(&signer));
	r->signer = signer.pid;
	r->signer_control = signer.control;
	TRY(hold(r, status, key_warden, gate_ours));
	fd_close(&key_signer);
	fd_close(&realm_signer);
	return await_keys(r);
}

static ch_err passphrase_make(void)
{
	uint8_t text[PASSPHRASE_BYTES];
	rand_fill(text, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)('a' + text[i] % 16);
	made.passphrase = memfd_create("passphrase", MFD_CLOEXEC);
	if (made.passphrase < 0 ||
	    write(made.passphrase, text, sizeof(text)) != (ssize_t)sizeof(text))
		return ch_fail(CH_E_IO, "cannot keep a passphrase", errno);
	return CH_DONE;
}

ch_err roles_start(const char *libexec, struct roles *ret_r)
{
	const struct rlimit memlock = { 64 << 20, 64 << 20 };
	struct roles r = { .in_secret_memory = secretmem_available() };
	made.libexec = libexec;
	made.kind = r.in_secret_memory ? SECRETMEM_MEMFD : SECRETMEM_MLOCK;
	/* as an ordinary user the limit that we have must do */
	(void)setrlimit(RLIMIT_MEMLOCK, &memlock);
	TRY(passphrase_make());
	TRY(key_make());
	TRY(warden_start(&r));
	TRY(signer_start(&r));
	*ret_r = r;
	return CH_DONE;
}
