/* From BIGNUM headers to the numbers they lead to, each once. Headers may lie, and limbs may
 * hold anything; what does not look like a key's number is left out. */
#include "base/ck.h"
#include "base/rand.h"
#include "bignum_pool.h"
#include "crypto/short_hash.h"
#include "noise.h"
#include "rsa_divide.h"

enum { SLOTS = 2 * BIGNUMS_MAX, SIZE_MIN = 16, LIMB = 8 };

static size_t slot_of(const struct bignum_pool *p, bytes le)
{
	size_t at = short_hash(p->key, le) % SLOTS;
	while (p->slots[at] && !bytes_eq(p->numbers[p->slots[at] - 1].le, le))
		at = (at + 1) % SLOTS;
	return at;
}

static size_t low_slot(const struct bignum_pool *p, uint64_t low)
{
	/* whoever chooses limbs that collide makes this slow, within the table's size */
	uint64_t key = load_le64(p->key) | 1;
	return (size_t)((low * key) >> 40) % SLOTS;
}

uint16_t bignum_pool_find(const struct bignum_pool *p, bytes le)
{
	uint16_t slot = p->slots[slot_of(p, le)];
	return slot ? (uint16_t)(slot - 1) : BIGNUM_NONE;
}

bool bignum_pool_low(const struct bignum_pool *p, uint64_t low,
		     bool (*each)(void *of, const struct bignum *b), void *of)
{
	for (size_t at = low_slot(p, low); p->low_slots[at]; at = (at + 1) % SLOTS) {
		const struct bignum *b = &p->numbers[p->low_slots[at] - 1];
		if (load_le64(b->le.p) == low && each(of, b))
			return true;
	}
	return false;
}

/* Random but for the highest limb and one of each eight, which may be so by chance. */
static bool looks_random(const uint8_t *limbs, size_t top)
{
	size_t plain = 0;
	for (size_t i = 0; i < top; i += 64) {
		size_t n = top - i < 64 ? top - i : 64;
		uint64_t bits = noise_bits(limbs + i * LIMB, n * LIMB);
		plain += n - noise_count(bits);
	}
	return plain <= 1 + top / 8;
}

static void put_low(struct bignum_pool *p, size_t index)
{
	enum { ALIKE_MAX = 8 };
	uint64_t low = load_le64(p->numbers[index].le.p);
	size_t at = low_slot(p, low), alike = 0;
	for (; p->low_slots[at]; at = (at + 1) % SLOTS)
		alike += load_le64(p->numbers[p->low_slots[at] - 1].le.p) == low;
	if (alike < ALIKE_MAX)
		p->low_slots[at] = u16_from(index + 1);
}

static uint16_t put(struct bignum_pool *p, bytes le, uint64_t addr)
{
	if (p->n == BIGNUMS_MAX || BIGNUM_BYTES_MAX - p->used < (le.n + LIMB) / LIMB * LIMB)
		return BIGNUM_NONE;
	uint8_t *to = p->bytes + p->used;
	mem_copy(to, le.p, le.n);
	p->numbers[p->n] =
		(struct bignum){ .le = { to, le.n },
				 .addr = addr,
				 .inverse = to[0] & 1 ? limb_inverse(load_le64(to)) : 0 };
	p->used += (le.n + LIMB) / LIMB * LIMB;
	put_low(p, p->n);
	return u16_from(p->n++);
}

/* Digits of 60 bits become bytes in place; how many, 0: they are no such digits. */
static size_t join_digits(uint8_t *limbs, size_t top)
{
	enum { BITS = 60 };
	size_t size = 0;
	unsigned have = 0;
	unsigned __int128 bits = 0;
	for (size_t i = 0; i < top; i++) {
		uint64_t digit = load_le64(limbs + i * LIMB);
		if (digit >> BITS)
			return 0;
		bits |= (unsigned __int128)digit << have;
		for (have += BITS; have >= 8; have -= 8, bits >>= 8)
			limbs[size++] = (uint8_t)bits;
	}
	limbs[size++] = (uint8_t)bits;
	mem_zero(limbs + size, top * LIMB - size);
	return size;
}

/* The number of a header, or BIGNUM_NONE. limbs: BIGNUM_SIZE_MAX of room. */
static ch_err load(struct bignum_pool *p, struct hunt *h, struct bignum_header *b, uint8_t *limbs)
{
	size_t size = b->top * (size_t)LIMB, got = 0;
	TRY(h->memory->read(h->memory, b->limbs, limbs, size, &got));
	if (got < size)
		return CH_DONE;
	if (b->flags & BIGNUM_DIGITS)
		size = join_digits(limbs, b->top);
	while (size && !limbs[size - 1])
		size--;
	size_t top = (size + LIMB - 1) / LIMB;
	/* only with BN_FLG_FIXED_TOP may the highest limb be 0 */
	if (size < SIZE_MIN || (top < b->top && !(b->flags >> 16)) || !looks_random(limbs, top))
		return CH_DONE;
	bytes le = { limbs, size };
	size_t slot = slot_of(p, le);
	if (!p->slots[slot]) {
		uint16_t index = put(p, le, b->limbs);
		h->untried += index == BIGNUM_NONE;
		if (index == BIGNUM_NONE)
			return CH_DONE;
		p->slots[slot] = (uint16_t)(index + 1);
	}
	b->number = (uint16_t)(p->slots[slot] - 1);
	p->numbers[b->number].flags |= b->flags;
	return CH_DONE;
}

ch_err bignum_pool_fill(struct bignum_pool *p, struct hunt *h)
{
	uint8_t NOT_ZEROED limbs[BIGNUM_SIZE_MAX];
	rand_fill(p->key, sizeof(p->key));
	for (size_t i = 0; i < p->n_headers; i++)
		TRY(load(p, h, &p->headers[i], limbs));
	mem_wipe(limbs, sizeof(limbs));
	return CH_DONE;
}
