/* Fingerprints of 128 bits under keys of this process, in two open tables: when the young one is
 * full it becomes the old one. Says yes only to what was added; two hashes that look alike
 * would have to be found without the keys. */
#include "known.h"

#include <sys/mman.h>

#include "base/rand.h"
#include "crypto/short_hash.h"

enum { FIRST = 1024, HALF_MAX = 512 * 1024 };

void known_init(struct known *k)
{
	*k = (struct known){ 0 };
	rand_fill(k->keys, sizeof(k->keys));
}

static void half_done(struct known_half *h)
{
	if (h->slots)
		(void)munmap(h->slots, h->cap * sizeof(*h->slots));
	*h = (struct known_half){ 0 };
}

void known_done(struct known *k)
{
	half_done(&k->young);
	half_done(&k->old);
}

static void print_of(const struct known *k, const uint8_t hash[static 32], uint64_t ret[static 2])
{
	ret[0] = short_hash(k->keys[0], (bytes){ hash, 32 });
	ret[1] = short_hash(k->keys[1], (bytes){ hash, 32 }) | 1; /* never free */
}

/* The slot that has it, or the free one where it belongs. */
static uint64_t *slot_of(const struct known_half *h, const uint64_t print[static 2])
{
	for (size_t i = (size_t)print[0] & (h->cap - 1);; i = (i + 1) & (h->cap - 1)) {
		uint64_t *s = h->slots[i];
		if (s[1] == 0 || (s[0] == print[0] && s[1] == print[1]))
			return s;
	}
}

static void put(struct known_half *h, const uint64_t print[static 2])
{
	uint64_t *s = slot_of(h, print);
	h->n += s[1] == 0;
	s[0] = print[0];
	s[1] = print[1];
}

static ch_err grow(struct known_half *h)
{
	struct known_half larger = { .cap = h->cap ? 2 * h->cap : FIRST };
	size_t size = larger.cap * sizeof(*larger.slots);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for the log's newest entries", size);
	larger.slots = p;
	for (size_t i = 0; i < h->cap; i++)
		if (h->slots[i][1] != 0)
			put(&larger, h->slots[i]);
	half_done(h);
	*h = larger;
	return CH_DONE;
}

ch_err known_add(struct known *k, const uint8_t hash[static 32])
{
	uint64_t print[2];
	if (k->young.n >= HALF_MAX) {
		half_done(&k->old);
		k->old = k->young;
		k->young = (struct known_half){ 0 };
	}
	if (4 * (k->young.n + 1) > 3 * k->young.cap)
		TRY(grow(&k->young));
	print_of(k, hash, print);
	put(&k->young, print);
	return CH_DONE;
}

static bool half_has(const struct known_half *h, const uint64_t print[static 2])
{
	return h->cap > 0 && slot_of(h, print)[1] != 0;
}

uint64_t known_count(const struct known *k)
{
	return k->young.n + k->old.n;
}

bool known_has(const struct known *k, const uint8_t hash[static 32])
{
	uint64_t print[2];
	print_of(k, hash, print);
	return half_has(&k->young, print) || half_has(&k->old, print);
}
