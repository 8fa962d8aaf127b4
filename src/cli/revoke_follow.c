/* `chancery revoke follow`: what is being revoked, as it comes, from a chain on this host or from
 * its issuer; and a program for each whose sessions are to end, such as `doveadm kick`. A name goes
 * to that program as one argument, through no shell; one that it could take for a pattern or an
 * option does not. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "chain_text.h"
#include "codec/json.h"
#include "commands.h"
#include "fetch/fetch.h"
#include "options.h"
#include "revoke.h"
#include "revoke/follow.h"
#include "revoke/page.h"
#include "say.h"
#include "when.h"

static const char usage[] =
	"usage: chancery revoke follow --realm R [-C DIR] [OPTIONS] [-- PROGRAM [ARGUMENT]…]\n"
	"       chancery revoke follow --folder F [OPTIONS] [-- PROGRAM [ARGUMENT]…]\n"
	"       chancery revoke follow --url U --client ID --secret-file S [--ca-file C]\n"
	"                              [OPTIONS] [-- PROGRAM [ARGUMENT]…]\n"
	"\n"
	"Prints each revocation as it comes, until it is ended: of a realm of an authority, of a\n"
	"chain's folder (DIR/revocations/REALM), or from the issuer (https://…/REALM/revocations), "
	"as\n"
	"a client with the scope revocations. PROGRAM is run for each that names a mailbox, with "
	"the\n"
	"mailbox as its last argument: `-- doveadm kick` ends the open sessions of its user.\n"
	"\n"
	"  --since T         begin with those from this time on; without it, of the last 5 "
	"minutes:\n"
	"                    what came while this did not run\n"
	"  --json            a line of JSON each\n"
	"  --secret-file S   whose first line is the client's secret\n"
	"  --ca-file C       who may certify the issuer's server\n";

enum { BACK_MS = 5 * 60 * 1000, LOOK_MS = 1000, WAIT_S = 10, ARGUMENTS = 32, SECRET_ROOM = 256 };

struct following {
	const char *dir, *realm, *folder, *url, *client, *secret_file, *ca_file, *since;
	bool json;
	int64_t since_ms;
	char **program;
	size_t n_program;
	char secret_room[SECRET_ROOM];
	str secret;
};

/* What exec could take for more than one mailbox. */
static bool is_one_name(str name)
{
	return name.n > 0 && name.n < PATH_CAP && name.p[0] != '-' && !str_has(name, '*') &&
	       !str_has(name, '?') && !str_has(name, 0);
}

static void run_program(const struct following *f, str name)
{
	char *argv[ARGUMENTS + 2] = { 0 }; /* one more for the name, one for NULL */
	struct path text;
	int status = 0;
	if (f->n_program == 0 || name.n == 0)
		return;
	if (!is_one_name(name) || failed(path_of(&text, name))) {
		say("revoke follow: this is no name for a program; its sessions are left", name);
		return;
	}
	for (size_t i = 0; i < f->n_program; i++)
		argv[i] = f->program[i];
	argv[f->n_program] = text.p;
	(void)fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0 || status != 0)
		say("revoke follow: the program did not succeed for", name);
}

static ch_err tell(const struct following *f, uint64_t seq, int64_t time_ms,
		   const struct revocation *r)
{
	char room[2 * REVOKE_SUBJECT_MAX], line[4096];
	struct wr subject = wr_of(room, sizeof(room)), w = wr_of(line, sizeof(line));
	struct json_out o = json_out_of(&w);
	if (time_ms < f->since_ms)
		return CH_DONE;
	if (f->json) {
		revocation_json(&o, str_from_c(f->realm), seq, time_ms, r);
		(void)printf("%.*s\n", (int)w.n, line);
	} else {
		print_time(time_ms);
		(void)printf("\t");
		print_field(revoke_kind_name(r->kind), '\t');
		print_field(revocation_subject(&subject, r), '\t');
		print_field(revoke_why_name(r->why), '\t');
		print_field(r->name, '\n');
	}
	(void)fflush(stdout);
	run_program(f, r->name);
	return CH_DONE;
}

/* --- from a chain --- */

static ch_err one(void *ctx, const struct chain_record *c, const struct revocation *r)
{
	return tell(ctx, c->seq, c->time_ms, r);
}

static int follow_folder(struct following *f, int dir_fd, const char *folder)
{
	static struct follow follow;
	uint8_t room[4096];
	AUTO(fd_close) int wake = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct path whole = { "" };
	struct wr w = wr_of(whole.p, sizeof(whole.p) - 1);
	wr_lit(&w, "/proc/self/fd/");
	wr_dec(&w, (uint64_t)(dir_fd < 0 ? 0 : dir_fd));
	wr_char(&w, '/');
	wr_str(&w, str_from_c(folder));
	(void)inotify_add_watch(wake, dir_fd == AT_FDCWD ? folder : whole.p,
				IN_MODIFY | IN_MOVED_TO);
	for (;;) {
		struct pollfd p = { .fd = wake, .events = POLLIN };
		bool alive = false;
		ch_err e = follow_look(&follow, dir_fd, folder, one, f, &alive);
		if (ch_code_of(e) == CH_E_MISMATCH)
			return say_damage("revoke follow", folder, NULL, &follow.cursor.fault, e);
		if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
			return say_trouble("revoke follow", str_from_c(folder), e);
		(void)poll(&p, 1, LOOK_MS);
		while (read(wake, room, sizeof(room)) > 0)
			;
	}
}

/* --- from the issuer --- */

static ch_err take_page(struct following *f, struct revoke_ask *ask, const struct fetch_answer *a)
{
	struct revoke_page p;
	struct revoke_row row;
	if (a->status == 409)
		return ch_fail(CH_E_MISMATCH, "the issuer has another chain than before", 0);
	if (a->status != 200)
		return ch_fail(CH_E_DENIED,
			       "the issuer does not tell: look at client, secret, scope",
			       a->status);
	TRY(revoke_page_read(a->body, &p));
	if (p.next.seq < ask->after)
		return ch_fail(CH_E_MISMATCH, "the issuer's chain is shorter than before", 0);
	ask->after = p.next.seq;
	ask->known = true;
	mem_copy(ask->chain, p.chain, sizeof(p.chain));
	mem_copy(ask->hash, p.next.hash, sizeof(p.next.hash));
	while (revoke_page_cut(&p, &row))
		TRY(tell(f, row.seq, row.time_ms, &row.r));
	return CH_DONE;
}

static ch_err ask_once(struct following *f, struct revoke_ask *ask)
{
	static uint8_t memory[160 * 1024];
	char url[URL_MAX_BYTES + REVOKE_QUERY_MAX + 2];
	AUTO(fetch_done) struct fetch *client = NULL;
	struct wr w = wr_of(url, sizeof(url));
	struct fetch_answer a = { 0 };
	struct arena arena;
	arena_init(&arena, memory, sizeof(memory));
	wr_str(&w, str_from_c(f->url));
	wr_char(&w, '?');
	revoke_ask_write(&w, ask);
	TRY(wr_done(&w));
	TRY(fetch_new(&client));
	TRY(fetch_run(client,
		      &(struct fetch_request){ .url = wr_text(&w),
					       .user = str_from_c(f->client),
					       .password = secret_bytes_of(bytes_of_str(f->secret)),
					       .timeout_s = 2 * WAIT_S,
					       .max = 64 * 1024,
					       .pinned = true,
					       .ca_file = str_from_c(f->ca_file) },
		      &arena, &a));
	return take_page(f, ask, &a);
}

/* An issuer that is away is waited for: that is said once. */
static int follow_url(struct following *f)
{
	struct revoke_ask ask = { .wait_s = WAIT_S };
	bool away = false;
	for (;;) {
		ch_err e = ask_once(f, &ask);
		enum ch_code code = ch_code_of(e);
		bool hopeless = code == CH_E_MISMATCH || code == CH_E_DENIED || code == CH_E_SYNTAX;
		if (hopeless)
			return say_trouble("revoke follow", str_from_c(f->url), e);
		if (failed(e) && !away)
			(void)say_trouble("revoke follow: trying again", str_from_c(f->url), e);
		away = failed(e);
		if (failed(e))
			(void)poll(NULL, 0, LOOK_MS);
	}
}

/* --- the command --- */

static int follow_realm(struct following *f)
{
	AUTO(authority_done) struct authority a = { .fd = -1 };
	struct path folder;
	int r = authority_open(f->dir, &a);
	if (r == EXIT_YES)
		r = authority_check_realm(&a, str_from_c(f->realm));
	if (r != EXIT_YES)
		return r;
	ch_err e = path_join(&folder, LIT("revocations"), str_from_c(f->realm), (str){ 0 });
	return failed(e) ? say_trouble("revoke follow", str_from_c(f->realm), e)
			 : follow_folder(f, a.fd, folder.p);
}

static const char *wrong(const struct following *f)
{
	bool asks = f->client && f->secret_file;
	if (!f->realm + !f->folder + !f->url != 2)
		return "say what to follow: --realm, --folder or --url, one of them";
	if (f->url ? !asks : f->client || f->secret_file || f->ca_file)
		return "--url needs --client and --secret-file, and only it takes them";
	return f->dir && !f->realm ? "-C goes with --realm" : NULL;
}

static int run(struct following *f)
{
	if (wrong(f))
		return command_wrong(usage, wrong(f));
	f->since_ms = clock_unix_ms() - BACK_MS;
	if (f->since && !when_read(str_from_c(f->since), &f->since_ms))
		return command_wrong(usage, "--since: no time; write " WHEN_FORMS);
	if (f->secret_file) {
		ch_err e = first_line_read(f->secret_file, f->secret_room, sizeof(f->secret_room),
					   &f->secret);
		if (failed(e))
			return say_trouble("secret", str_from_c(f->secret_file), e);
	}
	if (f->url)
		return follow_url(f);
	return f->folder ? follow_folder(f, AT_FDCWD, f->folder) : follow_realm(f);
}

int revoke_follow(int argc, char **argv)
{
	static struct following f;
	const struct option_spec specs[] = {
		{ .name = "-C", .value = &f.dir },
		{ .name = "--realm", .value = &f.realm },
		{ .name = "--folder", .value = &f.folder },
		{ .name = "--url", .value = &f.url },
		{ .name = "--client", .value = &f.client },
		{ .name = "--secret-file", .value = &f.secret_file },
		{ .name = "--ca-file", .value = &f.ca_file },
		{ .name = "--since", .value = &f.since },
		{ .name = "--json", .flag = &f.json },
	};
	int options = 1;
	while (options < argc && strcmp(argv[options], "--") != 0)
		options++;
	if (options_help(options, argv))
		return command_usage(usage, true);
	if (!options_read(options, argv, 1, specs, COUNT_OF(specs)))
		return command_usage(usage, false);
	f.program = argv + options + 1;
	f.n_program = options < argc ? (size_t)(argc - options - 1) : 0;
	if (f.n_program > ARGUMENTS || (options < argc && f.n_program == 0))
		return command_wrong(usage, "behind -- stands a program with at most 31 arguments");
	return run(&f);
}
