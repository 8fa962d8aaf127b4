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
	case CONTROL_REVOKED:
		return role == ROLE_ISSUER;
	case CONTROL_ATTACH:
		return role == ROLE_GATE;
	case CONTROL_COMPROMISE:
		return role == ROLE_COLLECTOR;
	case CONTROL_COMPROMISED:
	case CONTROL_HOLD:
	case CONTROL_KEY:
	case CONTROL_STOP:
	case CONTROL_SEALED:
	case CONTROL_PUBLIC:
	case CONTROL_UP:
	case CONTROL_DOWN:
	case CONTROL_SERVE:
	case CONTROL_RENEW:
	case CONTROL_REVOKE:
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

/* What a process dies of: of what was done to it, if anything was; else of SIGTERM. */
static int died_of(struct process *p, int *end)
{
	int status = 0;
	(void)kill(p->pid, SIGTERM);
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	process_gone(&s, p);
	fd_close(end);
	return WTERMSIG(status);
}

static void a_warden_s_end_ends_those_that_wait_for_it(void **state)
{
	(void)state;
	siginfo_t info;
	int warden_end = -1, waits_end = -1, held_end = -1, gate[2];
	struct process *warden = victim(ROLE_WARDEN, &warden_end);
	struct process *waits = victim(ROLE_SIGNER, &waits_end);
	struct process *held = victim(ROLE_SIGNER, &held_end);
	assert_int_equal(pipe(gate), 0);
	waits->gate_end = gate[1];
	warden->ready = true;
	s.stopping = false;
	s.told_ready = true;
	assert_int_equal(kill(warden->pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)warden->pid, &info, WEXITED | WNOWAIT), 0);
	events_children(&s);
	s.stopping = true;
	s.told_ready = false;
	assert_int_equal(warden->pid, 0);
	/* it may have been collected with the warden */
	assert_int_equal(waits->pid > 0 ? died_of(waits, &waits_end) : SIGKILL, SIGKILL);
	assert_int_equal(died_of(held, &held_end), SIGTERM);
	fd_close(&gate[0]);
	fd_close(&warden_end);
	fd_close(&waits_end);
}

/* A signer that does not come to serve, looked at so often: what its warden died of. */
static int warden_died_of(unsigned looks)
{
	int warden_end = -1, signer_end = -1, gate[2];
	struct process *warden = victim(ROLE_WARDEN, &warden_end);
	struct process *signer = victim(ROLE_SIGNER, &signer_end);
	assert_int_equal(pipe(gate), 0);
	signer->gate_end = gate[1];
	warden->ready = true;
	s.stopping = false;
	for (unsigned i = 0; i < looks; i++) {
		signer->looked_ns = 0; /* hours ago: we stood still */
		int wait_ms = generation_retry(&s);
		assert_in_range(wait_ms, 1, 1001);
	}
	s.stopping = true;
	assert_int_equal(died_of(signer, &signer_end), SIGTERM);
	fd_close(&gate[0]);
	return died_of(warden, &warden_end);
}

static void a_warden_hangs_after_ten_looks_however_long_they_take(void **state)
{
	(void)state;
	assert_int_equal(warden_died_of(1), SIGTERM);
	assert_int_equal(warden_died_of(9), SIGTERM);
	assert_int_equal(warden_died_of(10), SIGKILL);
}

static void says_attached(struct process *issuer, int end, str realm, uint32_t generation)
{
	const struct control c = { .kind = CONTROL_ATTACHED,
				   .generation = generation,
				   .name = realm };
	assert_false(failed(control_send(end, &c, NULL)));
	events_message(&s, issuer);
}

/* Its sockets are on their way when a signer serves; the issuer's word is what counts. */
static void a_renewal_is_answered_when_every_realm_asks_the_new_one(void **state)
{
	(void)state;
	static uint8_t room[CONTROL_MAX];
	int asker[2], end = -1;
	struct control c = { 0 };
	struct process *issuer = victim(ROLE_ISSUER, &end);
	assert_false(failed(channel_pair(asker)));
	s.plan.n_groups = 1;
	s.plan.groups[0].n_realms = 2;
	s.plan.groups[0].realms[0].name = LIT("corp");
	s.plan.groups[0].realms[1].name = LIT("staff");
	s.asker = asker[0];
	s.asker_group = 0;
	s.asker_generation = 7;
	s.asker_realms = 0;
	says_attached(issuer, end, LIT("corp"), 7);
	says_attached(issuer, end, LIT("corp"), 8);
	says_attached(issuer, end, LIT("staff"), 6);
	says_attached(issuer, end, LIT("other"), 7);
	assert_int_equal(ch_code_of(control_recv(asker[1], room, &c, NULL)), CH_E_BUSY);
	says_attached(issuer, end, LIT("staff"), 8);
	assert_false(failed(control_recv(asker[1], room, &c, NULL)));
	assert_int_equal(c.kind, CONTROL_READY);
	assert_int_equal(s.asker, -1);
	fd_close(&asker[1]);
	s.plan.n_groups = 0;
	assert_int_equal(died_of(issuer, &end), SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_role_and_message),
		cmocka_unit_test(what_is_not_well_formed_kills),
		cmocka_unit_test(how_the_start_went_is_said_once),
		cmocka_unit_test(a_report_s_name_stays_in_its_folder),
		cmocka_unit_test(a_warden_s_end_ends_those_that_wait_for_it),
		cmocka_unit_test(a_warden_hangs_after_ten_looks_however_long_they_take),
		cmocka_unit_test(a_renewal_is_answered_when_every_realm_asks_the_new_one),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
