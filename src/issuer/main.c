/* chancery-issuer: HTTP, logins and grants of one group of realms. It believes nothing
 * that comes from the network; it holds no private key: what it sends to the signer is
 * which claims, never what to sign. It must never log a token, a code or a password. */
#include <errno.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "crypto/key.h"
#include "issuer.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/control.h"

enum {
	NONCE_SLICE_S = 60,
	ARENA = 96 * 1024, /* of a request: the longest file of the log fits */
};

static struct issuer issuer;
static uint8_t boot[BOOT_MAX];

static ch_err config_take(struct issuer *is)
{
	bytes config = { 0 };
	TRY(boot_read(LIT("issuer"), boot, sizeof(boot), &config));
	TRY(issuer_config_read(config, &is->config));
	for (size_t i = 0; i < is->config.n_realms; i++) {
		is->realms[i].config = &is->config.realms[i];
		is->realms[i].issuer = is;
		is->realms[i].revocations.beat_fd = -1;
		signers_init(&is->realms[i]);
	}
	return CH_DONE;
}

/* What clients bring back to us after a restart is under keys that the store does not hold. */
static void keys_derive(struct issuer *is)
{
	is->nonces.slice_s = NONCE_SLICE_S;
	mac(is->config.refresh_key, bytes_of_str(LIT("chancery DPoP nonces 1")), is->nonces.key);
	mac(is->config.refresh_key, bytes_of_str(LIT("chancery pushed requests 1")),
	    is->pushed_key);
}

/* Nobody is answered before the loop has signers. */
static ch_err http_make(struct issuer *is)
{
	struct http_limits limits = http_limits_default();
	limits.traces = true;
	limits.arena = ARENA;
	metrics_init(&is->metrics, clock_unix_s());
	routes_make(is);
	TRY(http_new(ROLE_FD, &limits, is->routes, is->n_routes, &is->http));
	requests_watch(is);
	return is->config.has_monitor ? monitor_make(is, ROLE_FD + 1 + is->config.has_hasher)
				      : CH_DONE;
}

static ch_err control_watch(struct issuer *is)
{
	is->control = (struct watch){ control_event, CONTROL_FD };
	TRY(watch_add(is, &is->control));
	if (is->config.has_hasher)
		hasher_attach(is, ROLE_FD + 1);
	return CH_DONE;
}

static ch_err descriptors_keep(const struct issuer *is)
{
	const int keep[] = { CONTROL_FD, ROLE_FD, ROLE_FD + 1, ROLE_FD + 2 };
	size_t n = 2 + (size_t)is->config.has_hasher + is->config.has_monitor;
	return sandbox_close_from(BOOT_FD, keep, n);
}

static ch_err start(struct issuer *is)
{
	is->hasher.watch.fd = -1;
	is->log.watch.fd = -1;
	TRY(config_take(is));
	TRY(descriptors_keep(is));
	TRY(crypto_init(NULL));
	TRY(store_open(is->config.store, &is->store));
	clients_init(&is->clients);
	/* the same after a restart: who has a form open goes on */
	mac(is->config.refresh_key, bytes_of_str(LIT("chancery forms")), is->csrf_key);
	TRY(revocations_open(is));
	keys_derive(is);
	(void)page_style_hash();
	is->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (is->epoll < 0)
		return ch_fail(CH_E_IO, "cannot make an epoll descriptor", errno);
	TRY(log_open_folder(is));
	TRY(http_make(is));
	TRY(control_watch(is));
	TRY(issuer_confine(is));
	return control_ready();
}

int main(void)
{
	log_open("chancery-issuer");
	spawn_name("chancery-issuer");
	ch_err e = start(&issuer);
	if (failed(e)) {
		control_failed(e);
		LOG(LOG_ERROR, "cannot start", log_str("group", issuer.config.group), log_err(e));
		return 3;
	}
	e = issuer_loop(&issuer);
	http_free(issuer.monitor);
	http_free(issuer.http);
	revocations_close(&issuer);
	store_free(issuer.store);
	if (failed(e)) {
		LOG(LOG_ERROR, "stops", log_str("group", issuer.config.group), log_err(e));
		return 3;
	}
	return 0;
}
