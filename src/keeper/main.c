/* The keeper: reads the passphrase, derives the key-encryption key, and either hands it
 * to the warden or seals one new key. Runs once and ends. It has no export: no message
 * of its carries a private key in the clear. */
#include <unistd.h>

#include "base/heap.h"
#include "base/log.h"
#include "crypto/key.h"
#include "keeper_internal.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"

enum { BOOT_ROOM = 96 * 1024, HEAP_SIZE = 2 * 1024 * 1024 };

static ch_err run(void)
{
	static uint8_t room[BOOT_ROOM];
	static struct secretmem memory;
	static struct heap heap;
	const int keep[] = { CONTROL_FD, PASSPHRASE_FD, OTHER_FD, REGISTRY_FD };
	struct keeper_config config = { 0 };
	bytes text = { 0 };
	TRY(sandbox_undumpable());
	TRY(boot_read(LIT("keeper"), room, sizeof(room), &text));
	TRY(keeper_config_read(text, &config));
	TRY(sandbox_close_from(BOOT_FD, keep, COUNT_OF(keep)));
	secret_use_kind(config.secret_memory);
	TRY(secretmem_map(config.secret_memory, HEAP_SIZE, &memory));
	heap_init(&heap, memory.p, memory.n);
	TRY(crypto_init(&heap));
	TRY(keeper_confine());
	TRY(keeper_do(&config));
	return control_ready();
}

int main(void)
{
	spawn_name("chancery-keeper");
	log_open("chancery-keeper");
	ch_err e = run();
	if (!failed(e))
		_exit(0);
	/* whoever started us words it for the person */
	control_failed(e);
	_exit(3);
}
