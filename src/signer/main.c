/* The signer: builds tokens for the realm of the socket that asks, has the ledger log them, and
 * signs them then. Exec'd fresh, single-threaded. Its keys, libcrypto's heap and its stack lie in
 * secret memory; it holds no file, no network, and cannot be dumped. It ends when its issuer or
 * its ledger breaks the protocol, and when its sockets are gone. Another instance of it signs the
 * heads of the log, and nothing else. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "signer_internal.h"
#include "wire/boot.h"
#include "wire/control.h"

enum { KEY_FD = ROLE_FD, STATUS_FD, LEDGER_FD, FIRST_REALM_FD, BOOT_ROOM = 320 * 1024 };

static uint8_t boot_room[BOOT_ROOM];

static ch_err map_status(struct signer *s)
{
	void *page = mmap(NULL, STATUS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, STATUS_FD, 0);
	if (page == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot map the status page", errno);
	(void)close(STATUS_FD);
	s->status = page;
	modules_note(s->status);
	return CH_DONE;
}

static bool signs_heads(const struct signer *s)
{
	return s->config.log_origin.n > 0;
}

static ch_err close_others(const struct signer *s)
{
	int keep[4 + REALMS_MAX] = { CONTROL_FD, KEY_FD, STATUS_FD, LEDGER_FD };
	size_t n = signs_heads(s) ? 0 : s->config.n_realms;
	for (size_t i = 0; i < n; i++)
		keep[4 + i] = FIRST_REALM_FD + (int)i;
	return sandbox_close_from(BOOT_FD, keep, 4 + n);
}

static void set_up_realms(struct signer *s)
{
	static struct batch batches[BATCHES_MAX];
	s->batches = batches;
	s->ledger = LEDGER_FD;
	s->control = CONTROL_FD;
	s->n_realms = s->config.n_realms;
	for (size_t i = 0; i < s->n_realms; i++) {
		const struct signer_realm *c = &s->config.realms[i];
		s->realms[i] = (struct realm){ .name = c->name,
					       .issuer = c->issuer,
					       .fd = signs_heads(s) ? -1 : FIRST_REALM_FD + (int)i,
					       .keys = s->keys + c->first_key,
					       .n_keys = c->n_keys };
		bucket_init(&s->realms[i].bucket, c->rate_per_s);
	}
}

static ch_err loop(struct signer *s)
{
	ch_err e = signs_heads(s) ? heads_serve(s) : tokens_serve(s);
	/* it has ended, or is being ended: what it had is asked for again, of another of us */
	return ch_code_of(e) == CH_E_GONE ? CH_DONE : e;
}

/* Runs on the stack in secret memory. */
static ch_err work(struct signer *s)
{
	s->status->step = STEP_KEY;
	TRY(keys_load(s));
	s->status->step = STEP_SANDBOX;
	TRY(confine_steady());
	if (!signs_heads(s))
		TRY(keys_announce(s));
	TRY(control_ready());
	ch_err e = loop(s);
	s->status->step = STEP_STOP;
	return e;
}

static ch_err start(struct signer *s)
{
	bytes text = { 0 };
	TRY(confine_early());
	TRY(boot_read(LIT("signer"), boot_room, sizeof(boot_room), &text));
	TRY(signer_config_read(text, &s->config));
	TRY(close_others(s));
	TRY(map_status(s));
	set_up_realms(s);
	s->status->step = STEP_SECRET_MEMORY;
	return memory_run(s->config.secret_memory, work, s);
}

int main(void)
{
	static struct signer signer;
	spawn_name("chancery-signer");
	log_open("chancery-signer");
	ch_err e = start(&signer);
	if (!failed(e))
		_exit(0);
	control_failed(e);
	LOG(LOG_ERROR, "ended", log_err(e));
	_exit(3);
}
