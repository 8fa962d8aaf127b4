/* chancery-hasher: checks people's passwords for one issuer, one at a time, so that
 * 20 ms of Argon2id never stand in the issuer's loop. It trusts neither the hash nor the
 * password it is sent. It opens nothing, connects nowhere, sees no store, and must never
 * log or keep a password. */
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "crypto/small.h"
#include "judge.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/control.h"
#include "wire/hash.h"

static ch_err answer_one(void)
{
	SECRET_BUF(room, HASH_MESSAGE_MAX);
	uint8_t out[16];
	struct wr w = wr_of(out, sizeof(out));
	bytes message = { 0 };
	struct hash_check check = { 0 };
	ch_err e = channel_recv(ROLE_FD, room, sizeof(room), &message, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return CH_DONE;
	TRY(e);
	TRY(hash_read_check(message, &check));
	struct hash_checked checked = { check.req, judge(&check) };
	hash_write_checked(&w, &checked);
	TRY(wr_done(&w));
	e = channel_send(ROLE_FD, wr_bytes(&w), NULL);
	if (ch_code_of(e) != CH_E_BUSY)
		return e;
	TRY(channel_wait(ROLE_FD, POLLOUT, -1));
	return channel_send(ROLE_FD, wr_bytes(&w), NULL);
}

static ch_err confine(void)
{
	static const int keep[] = { CONTROL_FD, ROLE_FD };
	/* Argon2id takes its memory by mmap and gives it back */
	static const struct syscall_rule memory[] = {
		{ SCMP_SYS_NUMBER(mmap), true, 2, 4 /* PROT_EXEC */, 0 },
		ALLOW(munmap),
		ALLOW(madvise),
		ALLOW(brk),
		ALLOW(mlock),
		ALLOW(munlock),
	};
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ memory, COUNT_OF(memory) },
	};
	int abi = 0;
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 16, .processes = UINT64_MAX }));
	TRY(sandbox_close_from(3, keep, COUNT_OF(keep)));
	TRY(sandbox_landlock(NULL, 0, NET_NONE, &abi));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}

static ch_err start(void)
{
	uint8_t room[1024];
	bytes config = { 0 };
	TRY(boot_read(LIT("hasher"), room, sizeof(room), &config));
	TRY(crypto_small_init());
	TRY(judge_init());
	TRY(confine());
	return control_ready();
}

/* E_GONE when either peer is: nobody asks any more. Any word on CONTROL_FD is STOP. */
static ch_err serve(void)
{
	for (;;) {
		struct pollfd p[] = { { .fd = CONTROL_FD, .events = POLLIN },
				      { .fd = ROLE_FD, .events = POLLIN } };
		if (poll(p, COUNT_OF(p), -1) < 0 && errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait", errno);
		if (p[0].revents)
			return CH_DONE;
		if (p[1].revents)
			TRY(answer_one());
	}
}

int main(void)
{
	log_open("chancery-hasher");
	spawn_name("chancery-hasher");
	ch_err e = start();
	if (failed(e)) {
		control_failed(e);
		LOG(LOG_ERROR, "cannot start", log_err(e));
		return 3;
	}
	e = serve();
	if (failed(e) && ch_code_of(e) != CH_E_GONE) {
		LOG(LOG_ERROR, "stops", log_err(e));
		return 3;
	}
	return 0;
}
