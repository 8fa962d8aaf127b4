/* Public keys in sight, by kind, each once. A core may hold any number of things that look
 * like one: what is over the limits is left out, and that is said. */
#include <errno.h>
#include <sys/mman.h>

#include "base/ck.h"
#include "base/rand.h"
#include "crypto/short_hash.h"
#include "redact/finder.h"

enum { PER_KIND = 4096, KIND_SLOTS = 2 * PER_KIND, PUBLICS_BYTES_MAX = 4 * 1024 * 1024 };

struct kind_of_publics {
	size_t n;
	uint16_t slots[KIND_SLOTS]; /* index + 1 */
	bytes rows[PER_KIND];
};

struct publics {
	uint8_t key[SHORT_HASH_KEY_SIZE];
	bool overflowed;
	size_t used;
	struct kind_of_publics kinds[PUBLIC_KIND_COUNT];
	uint8_t bytes[PUBLICS_BYTES_MAX];
};

ch_err publics_new(struct publics **ret_p)
{
	/* pages that nothing is written to cost nothing */
	struct publics *p =
		mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for public keys", errno);
	rand_fill(p->key, sizeof(p->key));
	*ret_p = p;
	return CH_DONE;
}

void publics_done(struct publics **p)
{
	if (*p)
		munmap(*p, sizeof(**p));
	*p = NULL;
}

static uint16_t *slot_of(const struct publics *p, struct kind_of_publics *k, bytes is)
{
	size_t at = short_hash(p->key, is) % KIND_SLOTS;
	while (k->slots[at] && !bytes_eq(k->rows[k->slots[at] - 1], is))
		at = (at + 1) % KIND_SLOTS;
	return &k->slots[at];
}

static const struct {
	size_t min, max;
} sizes[PUBLIC_KIND_COUNT] = {
	[PUBLIC_RSA_MODULUS] = { 128, 1024 }, [PUBLIC_P256] = { 64, 64 },
	[PUBLIC_P384] = { 96, 96 },           [PUBLIC_P521] = { 132, 132 },
	[PUBLIC_SECP256K1] = { 64, 64 },      [PUBLIC_ED25519] = { 32, 32 },
	[PUBLIC_X25519] = { 32, 32 },
};

ch_err publics_add(struct publics *p, enum public_kind kind, bytes is)
{
	if (is.n < sizes[kind].min || is.n > sizes[kind].max)
		return ch_fail(CH_E_RANGE, "a public key is not of its kind's size", is.n);
	struct kind_of_publics *k = &p->kinds[kind];
	uint16_t *slot = slot_of(p, k, is);
	if (*slot)
		return CH_DONE;
	if (k->n == PER_KIND || is.n > PUBLICS_BYTES_MAX - p->used) {
		p->overflowed = true;
		return CH_DONE;
	}
	k->rows[k->n] = (bytes){ p->bytes + p->used, is.n };
	mem_copy(p->bytes + p->used, is.p, is.n);
	p->used += is.n;
	*slot = u16_from(++k->n);
	return CH_DONE;
}

size_t publics_count(const struct publics *p, enum public_kind kind)
{
	return p->kinds[kind].n;
}

bytes publics_at(const struct publics *p, enum public_kind kind, size_t i)
{
	return i < p->kinds[kind].n ? p->kinds[kind].rows[i] : (bytes){ NULL, 0 };
}

bool publics_overflowed(const struct publics *p)
{
	return p->overflowed;
}

ch_err publics_join(struct publics *p, const struct publics *other)
{
	for (enum public_kind kind = 0; kind < PUBLIC_KIND_COUNT; kind++)
		for (size_t i = 0; i < other->kinds[kind].n; i++)
			TRY(publics_add(p, kind, other->kinds[kind].rows[i]));
	p->overflowed |= other->overflowed;
	return CH_DONE;
}
