/* The finders of keys on any memory, with pointers that lead anywhere, and any public keys in
 * sight: they stay within windows and tables, read memory only through what is given for
 * that, and what they say fits a value.
 *
 * which finders (1 byte, by bits) | public keys (1 byte: kinds, then 128 bytes) | memory,
 * with a hole in it and its last part in a segment of its own */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "redact/finder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BASE = 0x100000, HEAD = 130, PAGE = 4096, SIZE_MAX_BYTES = 1024 * 1024 };

static finder_new_fn *const makers[] = { finder_bignum_new,  finder_rsa_new, finder_ec_new,
					 finder_ed25519_new, finder_ssh_new, finder_aes_new,
					 finder_wide_new };

struct input {
	struct core_memory memory;
	bytes all;
};

/* The third page cannot be read. */
static ch_err input_read(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	const struct input *in = (const struct input *)m;
	*ret_n = 0;
	if (addr < BASE || addr - BASE >= in->all.n || (addr - BASE) / PAGE == 2)
		return CH_DONE;
	size_t at = (size_t)(addr - BASE), left = in->all.n - at;
	left = at < (size_t)2 * PAGE && left > 2 * PAGE - at ? 2 * PAGE - at : left;
	*ret_n = n < left ? n : left;
	mem_copy(to, in->all.p + at, *ret_n);
	return CH_DONE;
}

static ch_err input_next(struct core_memory *m, uint64_t addr, uint64_t end, uint64_t *ret_from,
			 uint64_t *ret_to)
{
	(void)m;
	*ret_from = addr;
	*ret_to = end;
	return CH_DONE;
}

static void learn(struct publics *p, unsigned kinds, const uint8_t is[static 128])
{
	static const struct {
		enum public_kind kind;
		size_t size;
	} sizes[] = { { PUBLIC_RSA_MODULUS, 128 }, { PUBLIC_P256, 64 },    { PUBLIC_P384, 96 },
		      { PUBLIC_SECP256K1, 64 },    { PUBLIC_ED25519, 32 }, { PUBLIC_X25519, 32 } };
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		if (kinds >> i & 1 &&
		    failed(publics_add(p, sizes[i].kind, (bytes){ is, sizes[i].size })))
			abort();
}

static void run(struct hunt *h, unsigned which)
{
	struct finder *finders[COUNT_OF(makers)];
	size_t n = 0;
	uint64_t unread = 0;
	for (size_t i = 0; i < COUNT_OF(makers); i++)
		if (which >> i & 1 && failed(makers[i](&finders[n++])))
			abort();
	ch_err e = hunt_run(h, finders, n, &unread);
	if (failed(e) && ch_code_of(e) != CH_E_LIMIT)
		abort();
	for (size_t i = 0; i < n; i++)
		finders[i]->free(finders[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < HEAD || size > SIZE_MAX_BYTES)
		return 0;
	size_t n = size - HEAD, first = n / 2 / 8 * 8;
	struct input in = { { input_read, input_next }, { data + HEAD, n } };
	struct core_load loads[] = {
		{ .addr = BASE, .mem_size = first, .file_size = first },
		{ .addr = BASE + first, .mem_size = n - first, .file_size = n - first }
	};
	struct core_map map = { .loads = loads, .n = COUNT_OF(loads) };
	struct hunt h = { .map = &map, .memory = &in.memory };
	if (failed(values_new(&h.values)) || failed(publics_new(&h.publics)))
		abort();
	learn(h.publics, data[1], data + 2);
	run(&h, data[0]);
	values_done(&h.values);
	publics_done(&h.publics);
	return 0;
}
