/* The command line's half of the keeper: it passes descriptors in, and writes what
 * comes back, which is sealed or public. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/alg.h"
#include "libexec.h"
#include "registry.h"
#include "sandbox/spawn.h"
#include "say.h"
#include "wire/boot.h"
#include "wire/control.h"
#include "wire/roles.h"

enum { KEEPER_TIMEOUT_MS = 120000, TYPS_ALL = 3, TYP_CHECKPOINT = 4 };

struct run {
	const struct authority *a;
	struct keeper_config config;
	int passphrase_fd, other_fd, registry_fd;
	struct imported last;
};

static ch_err key_path(str realm, str kid, str ending, struct path *ret_path)
{
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	if (!name_ok(realm, NAME_MAX_BYTES) || !name_ok(kid, NAME_MAX_BYTES))
		return ch_fail(CH_E_PROTOCOL, "the keeper named a key in a way that is no name", 0);
	wr_lit(&w, "keys/");
	wr_str(&w, realm);
	wr_char(&w, '/');
	wr_str(&w, kid);
	wr_str(&w, ending);
	TRY(wr_done(&w));
	ret_path->p[w.n] = 0;
	return CH_DONE;
}

static ch_err write_key(struct run *r, const struct control *c)
{
	struct path path;
	bool sealed = c->kind == CONTROL_SEALED;
	if (sealed && str_eq(c->name, LIT("kdf")))
		return file_create(r->a->fd, "keys/kdf", c->text, 0600);
	if (c->generation >= r->config.n_keys)
		return ch_fail(CH_E_PROTOCOL, "the keeper made a key that nobody asked for", 0);
	TRY(key_path(r->config.keys[c->generation].realm, c->name,
		     sealed ? LIT(".key") : LIT(".jwk"), &path));
	if (r->config.keys[c->generation].sealed.n > 0)
		return file_replace(r->a->fd, path.p, c->text, 0600);
	r->last.kid_n = c->name.n;
	mem_copy(r->last.kid, c->name.p, c->name.n);
	return file_create(r->a->fd, path.p, c->text, sealed ? 0600 : 0644);
}

/* Until the keeper is done: READY, FAILED or gone. */
static ch_err listen_to(struct run *r, int control)
{
	static uint8_t room[CONTROL_MAX];
	struct control c = { 0 };
	for (;;) {
		TRY(channel_wait(control, POLLIN, KEEPER_TIMEOUT_MS));
		TRY(control_recv(control, room, &c, NULL));
		switch (c.kind) {
		case CONTROL_READY:
			return CH_DONE;
		case CONTROL_FAILED:
			say("the keeper", str_of_bytes(c.text));
			return ch_err_from_wire((uint16_t)c.code, c.detail);
		case CONTROL_SEALED:
		case CONTROL_PUBLIC:
			TRY(write_key(r, &c));
			break;
		default:
			return ch_fail(CH_E_PROTOCOL, "the keeper said what it may not", c.kind);
		}
	}
}

static ch_err spawn_keeper(struct run *r, int boot, int control, pid_t *ret_pid)
{
	struct path libexec, path;
	AUTO(fd_close) int program = -1;
	TRY(libexec_folder(&libexec));
	TRY(path_join(&path, str_from_c(libexec.p), LIT("keeper"), (str){ 0 }));
	TRY(spawn_open(path.p, &program));
	uid_t uid = authority_uid(r->a, UID_KEEPER);
	const struct spawn s = {
		.program = program,
		.name = "chancery-keeper",
		.gate = -1,
		.uid = uid == (uid_t)-1 ? 0 : uid,
		.fds = { boot, control, r->passphrase_fd, r->other_fd, r->registry_fd },
		.n_fds = r->config.has_registry ? 5 : 4,
	};
	return spawn_role(&s, ret_pid);
}

/* Where new keys are told to; -1: nobody handles crashes here, or not for us. */
static int open_registry(const struct authority *a)
{
	struct path state;
	int fd = -1;
	str said = a->config.crash_handler;
	if (str_eq(said, LIT("none")) || failed(path_of(&state, said)))
		return -1;
	ch_err e = registry_open(said.n ? state.p : NULL, &fd);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		(void)say_trouble("new keys are not registered with the crash handler", (str){ 0 },
				  e);
	return failed(e) ? -1 : fd;
}

/* Each keeper reads it from the start, with a position of its own. */
static ch_err passphrase_again(int fd, int *ret_fd)
{
	struct path path = { "" };
	struct wr w = wr_of(path.p, sizeof(path.p) - 1);
	wr_lit(&w, "/proc/self/fd/");
	wr_dec(&w, (uint64_t)fd);
	TRY(wr_done(&w));
	path.p[w.n] = 0;
	*ret_fd = open(path.p, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0)
		return ch_fail(CH_E_IO, "cannot read the passphrase", errno);
	return CH_DONE;
}

static ch_err run(struct run *r)
{
	static uint8_t room[96 * 1024];
	uint8_t kdf[512];
	size_t n = 0;
	int pair[2] = { -1, -1 };
	pid_t pid = 0;
	AUTO(fd_close) int boot = -1;
	struct wr w = wr_of(room, sizeof(room));
	ch_err has_kdf = file_read(r->a->fd, "keys/kdf", kdf, sizeof(kdf), &n);
	if (failed(has_kdf) && ch_code_of(has_kdf) != CH_E_NOT_FOUND)
		return has_kdf;
	r->config.kdf = (bytes){ kdf, n };
	AUTO(fd_close) int passphrase = -1;
	TRY(passphrase_again(r->passphrase_fd, &passphrase));
	r->passphrase_fd = passphrase;
	AUTO(fd_close) int registry = open_registry(r->a);
	r->registry_fd = registry;
	r->config.has_registry = registry >= 0;
	keeper_config_write(&w, &r->config);
	TRY(wr_done(&w));
	TRY(boot_make(LIT("keeper"), wr_bytes(&w), &boot));
	TRY(channel_pair(pair));
	AUTO(fd_close) int ours = pair[0];
	AUTO(fd_close) int theirs = pair[1];
	TRY(spawn_keeper(r, boot, theirs, &pid));
	fd_close(&theirs);
	ch_err e = listen_to(r, ours);
	(void)waitpid(pid, NULL, 0);
	return e;
}

static enum secretmem_kind best_kind(void)
{
	return secretmem_available() ? SECRETMEM_MEMFD : SECRETMEM_MLOCK;
}

static void times_put(struct keeper_key *k, const struct key_times *t)
{
	k->created_s = t->created_s;
	k->published_s = t->published_s;
	k->not_before_s = t->not_before_s;
	k->not_after_s = t->not_after_s;
	k->limit_s = t->limit_s;
}

uint32_t keeper_max_ttl_s(const struct config_realm *realm)
{
	return realm->access_ttl_s > realm->id_ttl_s ? realm->access_ttl_s : realm->id_ttl_s;
}

ch_err keeper_new_key(const struct config_realm *realm, const struct key_times *times,
		      struct keeper_key *ret_key)
{
	enum alg alg = ALG_ES256;
	if (!alg_by_name(realm->alg, &alg))
		return ch_fail(CH_E_UNSUPPORTED, "no such algorithm", 0);
	struct keeper_key k = { .realm = realm->name,
				.alg = (uint8_t)alg,
				.typs = TYPS_ALL,
				.max_ttl_s = keeper_max_ttl_s(realm),
				.rate_per_s = realm->rate_per_s,
				.n_audiences = realm->n_audiences };
	times_put(&k, times);
	for (size_t i = 0; i < realm->n_audiences; i++)
		k.audiences[i] = realm->audiences[i].name;
	*ret_key = k;
	return CH_DONE;
}

struct keeper_key keeper_new_times(str realm, bytes sealed, const struct key_times *times)
{
	struct keeper_key k = { .realm = realm, .sealed = sealed };
	times_put(&k, times);
	return k;
}

static ch_err seal(struct run *r, const struct keeper_key *keys, size_t n, struct imported *ret_new)
{
	AUTO(fd_close) int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (r->other_fd < 0)
		r->other_fd = nothing;
	if (n > KEEPER_KEYS_MAX)
		return ch_fail(CH_E_LIMIT, "more keys than one run of the keeper takes", n);
	r->config.secret_memory = best_kind();
	r->config.n_keys = n;
	for (size_t i = 0; i < n; i++)
		r->config.keys[i] = keys[i];
	TRY(run(r));
	if (ret_new)
		*ret_new = r->last;
	return CH_DONE;
}

ch_err keeper_seal(const struct authority *a, int passphrase_fd, const struct keeper_key *keys,
		   size_t n, struct imported *ret_new_or_null)
{
	struct run r = { .a = a,
			 .passphrase_fd = passphrase_fd,
			 .other_fd = -1,
			 .config = { .duty = KEEPER_GENERATE } };
	return seal(&r, keys, n, ret_new_or_null);
}

/* It signs from now on, as long as there is the log. */
static struct keeper_key log_key(void)
{
	int64_t now_s = clock_unix_s();
	return (struct keeper_key){ .realm = LOG_REALM,
				    .created_s = now_s,
				    .published_s = now_s,
				    .not_before_s = now_s,
				    .alg = ALG_EDDSA,
				    .typs = TYP_CHECKPOINT,
				    .max_ttl_s = 1 };
}

ch_err keeper_generate(const struct authority *a, int passphrase_fd, const struct generation *g)
{
	const struct key_rules rules = authority_key_rules(a);
	struct keeper_key keys[KEEPER_KEYS_MAX] = { { .alg = 0 } };
	size_t n = 2 * g->n;
	struct run r = { .a = a,
			 .passphrase_fd = passphrase_fd,
			 .other_fd = -1,
			 .config = { .duty = KEEPER_GENERATE,
				     .random_passphrase = g->random_passphrase } };
	for (size_t i = 0; i < g->n; i++) {
		struct key_times first =
			key_first(&rules, clock_unix_s(), keeper_max_ttl_s(g->realms[i]));
		struct key_times next = first;
		/* no set was ever without it */
		next.not_before_s = first.not_after_s;
		next.not_after_s = next.not_before_s + rules.sign_s;
		TRY(keeper_new_key(g->realms[i], &first, &keys[2 * i]));
		TRY(keeper_new_key(g->realms[i], &next, &keys[2 * i + 1]));
	}
	if (g->log)
		keys[n++] = log_key();
	TRY(seal(&r, keys, n, NULL));
	for (size_t i = 0; i < g->n; i++)
		TRY(authority_write_jwks(a, g->realms[i]->name));
	return CH_DONE;
}

/* One more key; only the first of a realm may sign at once: nobody can have cached an
 * older set. */
static ch_err one_more(struct run *r, const struct config_realm *realm, const struct new_key *wish,
		       struct imported *ret_key)
{
	const struct key_rules rules = authority_key_rules(r->a);
	struct key_times times = { .created_s = clock_unix_s() };
	struct keeper_key key;
	size_t has = 0;
	TRY(authority_count_keys(r->a, realm->name, &has));
	if (has == 0)
		times = key_first(&rules, times.created_s, keeper_max_ttl_s(realm));
	times.limit_s = wish->limit_s;
	TRY(keeper_new_key(realm, &times, &key));
	if (wish->alg < ALG_COUNT || r->config.duty == KEEPER_IMPORT)
		key.alg = wish->alg;
	TRY(seal(r, &key, 1, ret_key));
	TRY(authority_write_jwks(r->a, realm->name));
	ret_key->staged = has > 0;
	return CH_DONE;
}

ch_err keeper_import(const struct authority *a, int passphrase_fd, int pem_fd,
		     const struct config_realm *realm, const struct new_key *wish,
		     struct imported *ret_key)
{
	struct run r = { .a = a,
			 .passphrase_fd = passphrase_fd,
			 .other_fd = pem_fd,
			 .config = { .duty = KEEPER_IMPORT } };
	return one_more(&r, realm, wish, ret_key);
}

ch_err keeper_add(const struct authority *a, int passphrase_fd, const struct config_realm *realm,
		  const struct new_key *wish, struct imported *ret_key)
{
	struct run r = { .a = a,
			 .passphrase_fd = passphrase_fd,
			 .other_fd = -1,
			 .config = { .duty = KEEPER_GENERATE } };
	return one_more(&r, realm, wish, ret_key);
}

ch_err keeper_open_passphrase(const struct authority *a, int *ret_fd)
{
	struct path path;
	TRY(path_of(&path, a->config.passphrase_file));
	/* openat: an absolute path stands for itself, another is below DIR */
	int fd = openat(a->fd, path.p, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the passphrase file", errno);
	*ret_fd = fd;
	return CH_DONE;
}
