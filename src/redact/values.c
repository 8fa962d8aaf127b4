/* The values of one dump, each once. What they hold was in the memory of a program that
 * crashed: any length, any bytes, as many as it likes; so room is fixed and asked for once.
 * They lie in a mapping that no dump of this process holds and that is wiped at the end. */
#include <errno.h>
#include <sys/mman.h>

#include "base/ck.h"
#include "base/rand.h"
#include "crypto/short_hash.h"
#include "redact/value.h"

enum { SLOTS = 2 * VALUES_MAX };

struct values {
	uint8_t key[SHORT_HASH_KEY_SIZE];
	size_t n, used;
	uint16_t slots[SLOTS]; /* index + 1 */
	struct value rows[VALUES_MAX];
	uint8_t bytes[VALUES_BYTES_MAX];
};

ch_err values_new(struct values **ret_v)
{
	struct values *v =
		mmap(NULL, sizeof(*v), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for values", errno);
	if (madvise(v, sizeof(*v), MADV_DONTDUMP)) {
		int e = errno;
		munmap(v, sizeof(*v));
		return ch_fail(CH_E_IO, "cannot keep values out of dumps", e);
	}
	rand_fill(v->key, sizeof(v->key));
	*ret_v = v;
	return CH_DONE;
}

void values_done(struct values **v)
{
	if (!*v)
		return;
	mem_wipe((*v)->bytes, (*v)->used);
	munmap(*v, sizeof(**v));
	*v = NULL;
}

/* The slot where it is, or where it belongs: there are always free ones. */
static uint16_t *slot_of(struct values *v, bytes is)
{
	size_t at = short_hash(v->key, is) % SLOTS;
	while (v->slots[at] && !bytes_eq(v->rows[v->slots[at] - 1].is, is))
		at = (at + 1) % SLOTS;
	return &v->slots[at];
}

ch_err values_add(struct values *v, const struct value *one)
{
	bytes is = one->is;
	for (; one->number && is.n && !is.p[0]; is.n--)
		is.p++;
	if (is.n < VALUE_MIN || is.n > VALUE_MAX)
		return ch_fail(CH_E_RANGE, "a value is too short or too long", is.n);
	if (mem_eq(is.p, is.p + 1, is.n - 1))
		return CH_DONE;
	uint16_t *slot = slot_of(v, is);
	if (*slot) {
		/* a number has the forms of bytes, and more */
		v->rows[*slot - 1].number |= one->number;
		return CH_DONE;
	}
	if (v->n == VALUES_MAX || is.n > VALUES_BYTES_MAX - v->used)
		return ch_fail(CH_E_LIMIT, "too many secrets in one dump", v->n);
	struct value *row = &v->rows[v->n];
	*row = *one;
	row->is = (bytes){ v->bytes + v->used, is.n };
	mem_copy(v->bytes + v->used, is.p, is.n);
	v->used += is.n;
	*slot = u16_from(++v->n);
	return CH_DONE;
}

size_t values_count(const struct values *v)
{
	return v->n;
}

const struct value *values_at(const struct values *v, size_t i)
{
	return i < v->n ? &v->rows[i] : NULL;
}
