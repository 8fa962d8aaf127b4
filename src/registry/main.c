/* chancery-registry: secrets that no dump shall hold, as fingerprints. It is the one program
 * that sees a registered secret, for as long as it takes to hash it. It trusts the uid
 * that the kernel says of a peer, and never gives a secret back: it has none. */
#include <unistd.h>

#include "base/log.h"
#include "crypto/key.h"
#include "registry_internal.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"

static ch_err start(struct registry *r)
{
	uint8_t room[1024];
	bytes text = { 0 };
	TRY(sandbox_undumpable());
	TRY(boot_read(LIT("registry"), room, sizeof(room), &text));
	TRY(registry_config_read(text, &r->config));
	TRY(crypto_init(NULL));
	enum secretmem_kind kind = secretmem_available() ? SECRETMEM_MEMFD : SECRETMEM_MLOCK;
	secret_use_kind(kind);
	TRY(secretmem_map(kind, MESSAGE_MAX, &r->in));
	TRY(registry_load(r));
	return registry_confine();
}

int main(void)
{
	static struct registry r = { .folder = FOLDER_FD };
	log_open("chancery-registry");
	spawn_name("chancery-regist");
	ch_err e = start(&r);
	if (!failed(e))
		e = registry_serve(&r);
	LOG(LOG_ERROR, "the registry of secrets ends", log_err(e));
	_exit(3);
}
