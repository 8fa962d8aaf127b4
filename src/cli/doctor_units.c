/* What doctor looks at of how the host runs an authority: systemd's units, by their files, and the
 * ports. Asks no service manager, and starts nothing. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "doctor.h"
#include "listen.h"

enum { UNIT_MAX = 16 * 1024 };

static const char *const unit_folders[] = { "/etc/systemd/system", "/usr/local/lib/systemd/system",
					    "/usr/lib/systemd/system", "/lib/systemd/system" };
static const char *const unit_names[] = {
	"chancery.service",        "chancery-gate.service",    "chancery-coredump.service",
	"chancery-cosign.service", "chancery-monitor.service", "chancery-witness.service",
};

/* Its text; false: it is not installed. */
static bool unit_read(const char *name, char room[static UNIT_MAX], str *ret_text)
{
	for (size_t i = 0; i < COUNT_OF(unit_folders); i++) {
		struct path path;
		size_t n = 0;
		if (!failed(path_join(&path, str_from_c(unit_folders[i]), str_from_c(name),
				      (str){ 0 })) &&
		    !failed(file_read(AT_FDCWD, path.p, room, UNIT_MAX, &n))) {
			*ret_text = (str){ room, n };
			return true;
		}
	}
	return false;
}

/* The next line "KEY=VALUE" of this key. */
static bool value_next(str *text, str key, str *ret_value)
{
	while (text->n > 0) {
		str line = str_cut(text, '\n');
		if (!str_starts(line, key))
			continue;
		*ret_value = str_sub(line, key.n, line.n);
		return true;
	}
	return false;
}

static bool is_this_program(const char *path)
{
	struct stat st = { 0 }, self = { 0 };
	return stat(path, &st) == 0 && stat("/proc/self/exe", &self) == 0 &&
	       st.st_dev == self.st_dev && st.st_ino == self.st_ino;
}

static void program(struct doctor *d, str unit, str command)
{
	struct path path;
	str rest = command;
	while (rest.n > 0 && str_has(LIT("-+!@:"), rest.p[0]))
		rest = str_sub(rest, 1, rest.n);
	str word = str_cut(&rest, ' ');
	if (failed(path_of(&path, word)))
		return;
	if (access(path.p, X_OK) != 0)
		finding(d, FINDING_PROBLEM, "a unit starts a program that is not there", unit,
			"`make install`, or change its ExecStart (systemctl edit)");
	else if (str_ends(word, LIT("/chancery")) && !is_this_program(path.p))
		finding(d, FINDING_WARNING, "a unit starts another program than this one", unit,
			"two versions on one host: doctor speaks for the one that looks");
}

/* The authority's own: does it serve this folder? */
static void serves_here(struct doctor *d, str command)
{
	str rest = command, last = { 0 };
	while (rest.n > 0)
		last = str_cut(&rest, ' ');
	if (!str_eq(last, str_from_c(d->a.dir.p)))
		finding(d, FINDING_WARNING, "the unit serves another folder than this one", last,
			"look at that one, too: -C; or change ExecStart of chancery.service");
}

static bool is_enabled(const char *name)
{
	struct path path;
	return !failed(path_join(&path, LIT("/etc/systemd/system/multi-user.target.wants"),
				 str_from_c(name), (str){ 0 })) &&
	       faccessat(AT_FDCWD, path.p, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What a unit needs to start at all, in absolute paths. */
static bool conditions(struct doctor *d, str text)
{
	str left = text, value = { 0 };
	while (value_next(&left, LIT("ConditionPathExists="), &value)) {
		struct path path;
		if (failed(path_of(&path, value)) || access(path.p, F_OK) == 0)
			continue;
		finding(d, FINDING_WARNING, "an enabled unit waits for a file that is not there",
			value, "make it, or systemctl disable the unit");
		return false;
	}
	return true;
}

static void unit_check(struct doctor *d, const char *name)
{
	static char room[UNIT_MAX];
	str text = { 0 }, value = { 0 }, unit = str_from_c(name), command = { 0 };
	if (!unit_read(name, room, &text))
		return;
	str left = text;
	/* an empty one forgets those before it */
	while (value_next(&left, LIT("ExecStart="), &value))
		command = value;
	bool own = str_eq(unit, LIT("chancery.service"));
	if (own && !is_enabled(name))
		finding(d, FINDING_WARNING, "it does not start with the machine", unit,
			"systemctl enable it");
	if (!own && !is_enabled(name))
		return;
	if (!conditions(d, text))
		return;
	program(d, unit, command);
	if (own)
		serves_here(d, command);
}

void check_units(struct doctor *d)
{
	for (size_t i = 0; i < COUNT_OF(unit_names); i++)
		unit_check(d, unit_names[i]);
}

/* --- ports --- */

static bool is_taken(str host, uint32_t port)
{
	AUTO(fd_close) int fd = -1;
	uint32_t got = 0;
	ch_err e = listen_tcp(host, port, &fd, &got);
	return ch_code_of(e) == CH_E_BUSY;
}

static void port_check(struct doctor *d, str what, str host, uint32_t port)
{
	if (host.n == 0 || port == 0)
		return;
	bool taken = is_taken(host, port);
	if (d->runs && !taken)
		finding(d, FINDING_PROBLEM, "the authority runs, and nobody listens at its port",
			what, "chancery.yaml was changed since: a restart takes a port up");
	else if (!d->runs && taken)
		finding(d, FINDING_PROBLEM, "another program has its port", what,
			"`ss -ltnp` says which; end it, or choose another port in chancery.yaml");
}

void check_ports(struct doctor *d)
{
	const struct config *c = &d->a.config;
	for (size_t i = 0; i < c->n_groups; i++) {
		port_check(d, c->groups[i].name, c->groups[i].host, c->groups[i].port);
		port_check(d, c->groups[i].name, c->groups[i].monitor_host,
			   c->groups[i].monitor_port);
	}
	port_check(d, LIT("collector"), c->collector.host, c->collector.port);
}
