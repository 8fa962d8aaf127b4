/* Every message from every role: what a role may say is taken, anything else, and any
 * message that is not well formed, gets the role killed. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "supervisor_internal.h"

static struct supervisor s;
static char folder[] = "/tmp/chancery-rules-XXXXXX";

/* Which kinds each role may send; kept apart from the table that is tested. */
static bool may_say(enum role role, enum control_kind kind)
{
	switch (kind) {
	case CONTROL_READY:
	case CONTROL_FAILED:
		return true;
	case CONTROL_HELD:
	case CONTROL_CRASHED:
	case CONTROL_ENDED:
		return role == ROLE_WARDEN;
	case CONTROL_ATTACHED:
		return role == ROLE_ISSUER;
	case CONTROL_HOLD:
	case CONTROL_KEY:
	case CONTROL_ATTACH:
	case CONTROL_STOP:
	case CONTROL_SEALED:
	case CONTROL_PUBLIC:
	case CONTROL_UP:
	case CONTROL_DOWN:
	case CONTROL_SERVE:
	case CONTROL_RENEW:
	case CONTROL_KIND_COUNT:
		break;
	}
	return false;
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || failed(dir_make(dir, "crash", 0700)))
		return 1;
	s = (struct supervisor){
		.signals = -1, .listener = -1, .asker = -1, .dir = dir, .stopping = true
	};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	AUTO(dir_done) DIR *d = NULL;
	if (failed(dir_open(s.dir, "crash", &d)))
		return 1;
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	(void)unlinkat(s.dir, "crash", AT_REMOVEDIR);
	fd_close(&s.dir);
	return rmdir(folder);
}

/* A process that only waits, in the table as this role; *ret_end is its end. */
static struct process *victim(enum role role, int *ret_end)
{
	int pair[2];
	struct process *p = process_add(&s, role, 0);
	assert_non_null(p);
	assert_false(failed(channel_pair(pair)));
	p->control = pair[0];
	p->pid = fork();
	if (p->pid == 0) {
		(void)pause();
		_exit(0);
	}
	*ret_end = pair[1];
	return p;
}

/* Was it killed for what it said? Ends it in any case. */
static bool killed_for(enum role role, bytes message)
{
	int end = -1, status = 0;
	struct process *p = victim(role, &end);
	assert_false(failed(channel_send(end, message, NULL)));
	events_message(&s, p);
	/* SIGTERM comes second: what it died of tells */
	(void)kill(p->pid, SIGTERM);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	process_gone(&s, p);
	fd_close(&end);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void every_pair_of_role_and_message(void **state)
{
	(void)state;
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		for (unsigned kind = 1; kind < CONTROL_KIND_COUNT; kind++) {
			uint8_t room[256];
			struct wr w = wr_of(room, sizeof(room));
			const struct control c = { .kind = (enum control_kind)kind,
						   .name = LIT("main") };
			control_write(&w, &c);
			bool killed = killed_for((enum role)role, wr_bytes(&w));
			if (killed == may_say((enum role)role, (enum control_kind)kind))
				fail_msg("role %u, kind %u: %s", role, kind,
					 killed ? "killed" : "taken");
		}
}

static void what_is_not_well_formed_kills(void **state)
{
	(void)state;
	static const uint8_t junk[] = { CONTROL_READY, 1, 2, 3 };
	static const uint8_t unknown[40] = { 200, 1 };
	assert_true(killed_for(ROLE_ISSUER, BYTES_OF(junk)));
	assert_true(killed_for(ROLE_ISSUER, BYTES_OF(unknown)));
}

static void how_the_start_went_is_said_once(void **state)
{
	(void)state;
	static const enum control_kind kinds[] = { CONTROL_READY, CONTROL_FAILED };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		int end = -1, status = 0;
		const struct control c = { .kind = kinds[i] };
		struct process *p = victim(ROLE_HASHER, &end);
		for (int k = 0; k < 2; k++) {
			assert_false(failed(control_send(end, &c, NULL)));
			events_message(&s, p);
		}
		(void)kill(p->pid, SIGTERM);
		assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
		process_gone(&s, p);
		fd_close(&end);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
}

static void a_report_s_name_stays_in_its_folder(void **state)
{
	(void)state;
	const struct control c = { .kind = CONTROL_CRASHED,
				   .pid = 7,
				   .code = 11,
				   .name = LIT("../../evil"),
				   .text = bytes_of_str(LIT("signal: SEGV\n")) };
	size_t n = 0;
	AUTO(dir_done) DIR *d = NULL;
	crash_write(&s, &c);
	assert_false(failed(dir_open(s.dir, "crash", &d)));
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += str_starts(str_from_c(e->d_name), LIT("signer-unnamed-"));
	assert_int_equal(n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_role_and_message),
		cmocka_unit_test(what_is_not_well_formed_kills),
		cmocka_unit_test(how_the_start_went_is_said_once),
		cmocka_unit_test(a_report_s_name_stays_in_its_folder),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
