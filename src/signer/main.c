/* The signer: builds and signs tokens for the realm of the socket that asks. Exec'd
 * fresh, single-threaded. Its keys, libcrypto's heap and its stack lie in secret memory;
 * it holds no file, no network, and cannot be dumped. It ends when its issuer breaks the
 * protocol, and when all its sockets are gone. */
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "signer_internal.h"
#include "wire/boot.h"
#include "wire/control.h"

enum { KEY_FD = ROLE_FD, STATUS_FD, FIRST_REALM_FD, BOOT_ROOM = 320 * 1024 };

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

static ch_err close_others(const struct signer *s)
{
	int keep[4 + REALMS_MAX] = { CONTROL_FD, KEY_FD, STATUS_FD };
	for (size_t i = 0; i < s->config.n_realms; i++)
		keep[3 + i] = FIRST_REALM_FD + (int)i;
	return sandbox_close_from(BOOT_FD, keep, 3 + s->config.n_realms);
}

static void set_up_realms(struct signer *s)
{
	s->n_realms = s->config.n_realms;
	for (size_t i = 0; i < s->n_realms; i++) {
		const struct signer_realm *c = &s->config.realms[i];
		s->realms[i] = (struct realm){ .name = c->name,
					       .issuer = c->issuer,
					       .fd = FIRST_REALM_FD + (int)i,
					       .keys = s->keys + c->first_key,
					       .n_keys = c->n_keys };
		bucket_init(&s->realms[i].bucket, c->rate_per_s);
	}
}

static bool is_over(ch_err e)
{
	return failed(e) && ch_code_of(e) != CH_E_BUSY;
}

/* False when the issuer broke the protocol: then this signer ends, and the supervisor
 * starts another. All its sockets are one issuer's; with one of them closed, that realm
 * would have no signer as long as the rest go on. */
static bool serve_realm(struct signer *s, struct realm *m)
{
	ch_err e = batch_serve(s, m);
	if (!is_over(e))
		return true;
	fd_close(&m->fd);
	if (ch_code_of(e) == CH_E_GONE)
		return true;
	LOG(LOG_ALARM, "an issuer broke the protocol: its signer ends", log_str("realm", m->name),
	    log_err(e));
	return false;
}

/* Until every socket is closed, or the supervisor is gone. */
static ch_err loop(struct signer *s)
{
	struct pollfd p[REALMS_MAX + 1];
	for (;;) {
		size_t open = 0;
		p[0] = (struct pollfd){ CONTROL_FD, POLLIN, 0 };
		for (size_t i = 0; i < s->n_realms; i++) {
			p[i + 1] = (struct pollfd){ s->realms[i].fd, POLLIN, 0 };
			open += s->realms[i].fd >= 0;
		}
		if (open == 0)
			return CH_DONE;
		s->status->step = STEP_IDLE;
		if (poll(p, s->n_realms + 1, -1) < 0 && errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait", errno);
		for (size_t i = 0; i < s->n_realms; i++)
			if (s->realms[i].fd >= 0 && p[i + 1].revents &&
			    !serve_realm(s, &s->realms[i]))
				return CH_DONE;
		if (p[0].revents)
			return CH_DONE;
	}
}

/* Runs on the stack in secret memory. */
static ch_err work(struct signer *s)
{
	s->status->step = STEP_KEY;
	TRY(keys_load(s));
	s->status->step = STEP_SANDBOX;
	TRY(confine_steady());
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
