/* `chancery doctor`: looks at an installation and says how to mend what is wrong. Changes
 * nothing; prints names and numbers, never what a file holds. */
#include "doctor.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "commands.h"
#include "options.h"
#include "say.h"

static const char usage[] =
	"usage: chancery doctor [--gate FILE]… [--json] [-C DIR]\n"
	"\n"
	"Checks an authority and the machine that it is on: owners and modes, passphrase, keys,\n"
	"stores, audit, log and its witnesses, collector, room on the disk, uids, clock, kernel,\n"
	"crash dumps, limits, units of systemd, ports, policies of gates on this host, and, if it\n"
	"runs, what its issuers and its collector answer. The webhook is asked by a GET, which\n"
	"raises no alarm. Says how to mend each finding, and changes nothing. Run it as who runs\n"
	"the authority.\n"
	"\n"
	"Exit status: 0 nothing is wrong (there may be warnings), 1 something is, 3 there is no\n"
	"authority that could be looked at.\n"
	"\n"
	"  --gate FILE  a gate's policy, besides /etc/chancery/gate.yaml and DIR/gate.yaml\n"
	"  --json       an array of {check, level, what, subject, mend}; level ok, warning, "
	"problem\n"
	"  -C DIR       the authority; without it $CHANCERY_DIR\n";

static const struct {
	const char *name;
	void (*run)(struct doctor *d);
} checks[] = {
	{ "running", check_running },
	{ "files", check_files },
	{ "passphrase", check_passphrase },
	{ "keys", check_keys },
	{ "stores", check_stores },
	{ "audit", check_audit },
	{ "log", check_log },
	{ "witnesses", check_witnesses },
	{ "collector", check_collector },
	{ "gates", check_gates },
	{ "disk", check_room },
	{ "uids", check_uids },
	{ "clock", check_clock },
	{ "kernel", check_kernel },
	{ "crash dumps", check_dumps },
	{ "limits", check_limits },
	{ "units", check_units },
	{ "ports", check_ports },
	{ "issuers", check_issuers },
};

static const char *const levels[] = { "ok", "warning", "problem" };

static void tell_json(struct doctor *d, enum finding_level level, const char *what, str subject,
		      const char *mend)
{
	uint8_t room[4096];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("check"), str_from_c(d->check));
	json_put_str(&o, LIT("level"), str_from_c(levels[level]));
	if (level != FINDING_OK) {
		json_put_str(&o, LIT("what"), str_from_c(what));
		json_put_str(&o, LIT("subject"), subject);
		json_put_str(&o, LIT("mend"), str_from_c(mend));
	}
	json_finish(&o, '}');
	(void)printf("%s%.*s", d->told > 0 ? ",\n " : "", (int)w.n, (const char *)room);
}

void finding(struct doctor *d, enum finding_level level, const char *what, str subject,
	     const char *mend)
{
	if (d->json)
		tell_json(d, level, what, subject, mend);
	else if (level == FINDING_OK)
		(void)printf("%-8s %s\n", levels[level], d->check);
	else
		(void)printf("%-8s %s: %s%s%.*s\n         %s\n", levels[level], d->check, what,
			     subject.n ? ": " : "", (int)subject.n, subject.n ? subject.p : "",
			     mend);
	d->told++;
	if (level > d->worst)
		d->worst = level;
}

static int examine(struct doctor *d)
{
	if (d->json)
		(void)putchar('[');
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		size_t before = d->told;
		d->check = checks[i].name;
		checks[i].run(d);
		if (d->told == before)
			finding(d, FINDING_OK, "", (str){ 0 }, "");
	}
	if (d->json)
		(void)puts("]");
	return d->worst == FINDING_PROBLEM ? EXIT_NO : EXIT_YES;
}

int cmd_doctor(int argc, char **argv)
{
	static struct doctor d = { .a = { .fd = -1 } };
	static char gates_room[4096];
	const char *dir = NULL;
	const struct option_spec options[] = {
		{ .name = "-C", .value = &dir },
		{ .name = "--gate", .list = &d.gates },
		{ .name = "--json", .flag = &d.json },
	};
	d.gates = wr_of(gates_room, sizeof(gates_room));
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_read(argc, argv, 1, options, COUNT_OF(options)))
		return command_usage(usage, false);
	int r = authority_open(dir, &d.a);
	if (r == EXIT_YES)
		r = examine(&d);
	authority_done(&d.a);
	return r;
}
