/* chancery-witness: vouches that a log has only grown. It holds a private key and believes nothing
 * that it is sent: what it signs is the head that follows on the last one it signed, shown to
 * begin with it, and written down first. */
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "witness_internal.h"

enum { SEED_SIZE = 32 };

static ch_err key_take(struct witness *w)
{
	AUTO(secret_done) struct secret *seed = NULL;
	struct key_parts parts = { 0 };
	enum secretmem_kind kind = secretmem_available() ? SECRETMEM_MEMFD : SECRETMEM_MLOCK;
	int fd = KEY_FD;
	secret_use_kind(kind);
	ch_err e = secret_read(fd, SEED_SIZE, false, &seed);
	fd_close(&fd);
	TRY(e);
	if (secret_size(seed) != SEED_SIZE)
		return ch_fail(CH_E_TRUNCATED, "the key's file is too short", secret_size(seed));
	TRY(private_key_load(ALG_EDDSA, seed, &w->private));
	TRY(private_key_public(w->private, &parts));
	return note_key_make(w->config.name, NOTE_COSIGNATURE, parts.x, &w->key);
}

static ch_err start(struct witness *w)
{
	static uint8_t room[BOOT_MAX];
	static const int keep[] = { LISTEN_FD, STATE_FD, KEY_FD, MONITOR_FD };
	bytes text = { 0 };
	w->state_fd = STATE_FD;
	TRY(sandbox_undumpable());
	TRY(boot_read(LIT("witness"), room, sizeof(room), &text));
	TRY(witness_config_read(text, &w->config));
	TRY(sandbox_close_from(BOOT_FD, keep, COUNT_OF(keep) - !w->config.has_monitor));
	TRY(crypto_init(NULL));
	TRY(key_take(w));
	return witness_take_up(w);
}

int main(void)
{
	static struct witness w;
	log_open("chancery-witness");
	spawn_name("chancery-witnes");
	(void)signal(SIGPIPE, SIG_IGN);
	ch_err e = start(&w);
	if (!failed(e))
		e = witness_serve(&w);
	private_key_free(w.private);
	if (!failed(e))
		return 0;
	LOG(LOG_ERROR, "the witness ends", log_err(e));
	return 3;
}
