/* What doctor looks at on the machine, and what a running authority answers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/secretmem.h"
#include "doctor.h"
#include "fetch/fetch.h"

enum {
	FILES_LEAST = 4096,
	YEAR_2024 = 1704067200,
	LANDLOCK_VERSION = 1,
	NODES = 512,
	ANSWER_MAX = 64 * 1024
};

static bool text_of(const char *path, char *room, size_t cap, str *ret)
{
	size_t n = 0;
	if (failed(file_read(AT_FDCWD, path, room, cap, &n)))
		return false;
	*ret = str_trim((str){ room, n }, LIT("\n"));
	return true;
}

void check_clock(struct doctor *d)
{
	struct timex t = { 0 };
	if (clock_unix_s() < YEAR_2024)
		finding(d, FINDING_PROBLEM, "the clock is years slow", (str){ 0 },
			"set it: tokens would be expired when they are made");
	else if (adjtimex(&t) < 0 || (t.status & STA_UNSYNC))
		finding(d, FINDING_WARNING, "nothing keeps the clock right, says the kernel",
			(str){ 0 },
			"run chrony or systemd-timesyncd (in a container: on its host)");
}

void check_kernel(struct doctor *d)
{
	char room[512];
	str said = { 0 };
	if (!secretmem_available() && d->a.config.secret_memory == SECRETMEM_MEMFD)
		finding(d, FINDING_PROBLEM, "gives no memfd_secret", (str){ 0 },
			"boot with secretmem.enable=1, or accept `secret_memory: mlock`");
	if (d->a.config.secret_memory == SECRETMEM_MLOCK)
		finding(d, FINDING_WARNING, "root can read keys from memory", (str){ 0 },
			"set `secret_memory: memfd` in chancery.yaml");
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION) < 1)
		finding(d, FINDING_PROBLEM, "has no landlock", (str){ 0 },
			"boot a kernel with it (lsm=landlock,… on its command line)");
	if (!text_of("/proc/sys/kernel/seccomp/actions_avail", room, sizeof(room), &said))
		finding(d, FINDING_PROBLEM, "has no seccomp", (str){ 0 },
			"boot a kernel with CONFIG_SECCOMP_FILTER");
	if (text_of("/proc/sys/kernel/yama/ptrace_scope", room, sizeof(room), &said) &&
	    str_eq(said, LIT("0")))
		finding(d, FINDING_WARNING, "any process may trace its user's others", (str){ 0 },
			"sysctl kernel.yama.ptrace_scope=1");
}

void check_dumps(struct doctor *d)
{
	char room[512];
	str pattern = { 0 };
	if (!text_of("/proc/sys/kernel/core_pattern", room, sizeof(room), &pattern))
		return;
	if (!str_starts(pattern, LIT("|")) && !str_starts(pattern, LIT("@")))
		finding(d, FINDING_WARNING, "dumps of crashes are written as they are", pattern,
			"`chancery coredump install` has secrets taken out (signers never dump)");
}

void check_limits(struct doctor *d)
{
	struct rlimit l = { 0 };
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_max < FILES_LEAST)
		finding(d, FINDING_WARNING, "few files may be open at once", (str){ 0 },
			"LimitNOFILE=4096 or more in the unit");
}

static bool somebody_answers(const struct authority *a)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct path path;
	if (failed(path_join(&path, str_from_c(a->dir.p), LIT("run/control"), (str){ 0 })))
		return false;
	str name = str_from_c(path.p);
	if (name.n >= sizeof(address.sun_path))
		return false;
	mem_copy(address.sun_path, name.p, name.n);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

void check_running(struct doctor *d)
{
	d->runs = somebody_answers(&d->a);
	if (!d->runs)
		finding(d, FINDING_WARNING, "the authority does not run", (str){ 0 },
			"systemctl start chancery, or `chancery serve DIR`");
}

static bool fetched(struct fetch *f, str url, struct arena *a, str *ret_body)
{
	const struct fetch_request q = { .url = url, .timeout_s = 5, .max = ANSWER_MAX };
	struct fetch_answer answer = { 0 };
	if (failed(fetch_run(f, &q, a, &answer)) || answer.status != 200)
		return false;
	*ret_body = str_of_bytes(answer.body);
	return true;
}

static const struct json_node *parsed(str text, struct json_node *nodes)
{
	const struct json_limits limits = { .depth = 6, .members = NODES - 1 };
	size_t n = 0;
	if (failed(json_parse(bytes_of_str(text), limits, nodes, NODES, &n)))
		return NULL;
	return nodes;
}

static str joined(struct wr *w, str a, const char *b)
{
	wr_str(w, a);
	wr_str(w, str_from_c(b));
	return wr_text(w);
}

static void check_issuer(struct doctor *d, struct fetch *f, const struct config_realm *m)
{
	static struct json_node nodes[NODES];
	static uint8_t memory[256 * 1024];
	char url_room[2][URL_MAX_BYTES + 64];
	struct wr at = wr_of(url_room[0], sizeof(url_room[0]));
	struct wr jwks = wr_of(url_room[1], sizeof(url_room[1]));
	struct arena a;
	str body = { 0 };
	arena_init(&a, memory, sizeof(memory));
	if (!fetched(f, joined(&at, m->issuer, "/.well-known/openid-configuration"), &a, &body)) {
		finding(d, FINDING_PROBLEM, "its URL does not answer with metadata", m->issuer,
			"look at the front (TLS, its certificate, the paths it passes on) and at "
			"DNS");
		return;
	}
	const struct json_node *said = parsed(body, nodes);
	const struct json_node *issuer = said ? json_member(said, LIT("issuer")) : NULL;
	if (!issuer || !json_is_str(issuer, m->issuer))
		finding(d, FINDING_PROBLEM, "another issuer answers at its URL", m->issuer,
			"clients refuse it: the front passes the path to another group, or "
			"chancery.yaml has changed since it was read");
	if (!fetched(f, joined(&jwks, m->issuer, "/jwks"), &a, &body)) {
		finding(d, FINDING_PROBLEM, "its keys cannot be fetched", m->issuer,
			"let the front pass on /REALM/jwks");
		return;
	}
	said = parsed(body, nodes);
	const struct json_node *keys = said ? json_member(said, LIT("keys")) : NULL;
	if (!keys || keys->count == 0)
		finding(d, FINDING_PROBLEM, "publishes no key", m->issuer,
			"`chancery key add --realm NAME`");
}

void check_issuers(struct doctor *d)
{
	AUTO(fetch_done) struct fetch *f = NULL;
	if (!d->runs)
		return;
	if (failed(fetch_new(&f)))
		return;
	for (size_t i = 0; i < d->a.config.n_realms; i++)
		check_issuer(d, f, &d->a.config.realms[i]);
}
