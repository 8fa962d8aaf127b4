/* AES keys by their schedules: each word of one is the sum of two before it, but for every
 * fourth to eighth, whatever the order of bytes in a word; so three sums tell nearly all that
 * is none, and the rest is computed and compared. Forms: as bytes (AES-NI; nettle), or as
 * 32-bit numbers (tables in C, a JDK); for encryption or decryption. Not: bit-sliced ones. */
#include "base/cleanup.h"
#include "aes_schedule.h"
#include "noise.h"
#include "room.h"

enum { WORD = 4, LIMB = 8, KEYS_MAX = 1024 };

struct finder_aes {
	struct finder finder;
	struct aes_tables tables;
};

struct search {
	struct noise_taker taker;
	struct finder_aes *f;
	struct hunt *h;
	size_t found;
};

static ch_err say(struct search *s, bytes is, uint64_t addr)
{
	struct value v = { VALUE_AES_KEY, false, is, s->f->finder.name, addr };
	return values_add(s->h->values, &v);
}

/* A schedule may begin at `at`, in either order of bytes. */
static ch_err judge(struct search *s, const struct noise_piece *p, size_t at, size_t key_size,
		    bool inverse)
{
	uint8_t NOT_ZEROED key[AES_KEY_MAX];
	size_t size = aes_schedule_size(key_size), known = values_count(s->h->values);
	if (at > p->n || p->n - at < size)
		return CH_DONE;
	for (unsigned turned = 0; turned < 2; turned++) {
		const struct aes_guess g = { p->p + at, key_size, turned, inverse };
		if (!aes_is_schedule(&s->f->tables, &g, key))
			continue;
		if (s->found >= KEYS_MAX) {
			s->h->untried++;
			break;
		}
		TRY(say(s, (bytes){ key, key_size }, p->addr + at));
		TRY(say(s, (bytes){ p->p + at, size }, p->addr + at));
		mem_wipe(key, sizeof(key));
	}
	s->found += values_count(s->h->values) > known;
	return CH_DONE;
}

static inline bool sums(const uint8_t *w, size_t a, size_t b, size_t c)
{
	return (load_le32(w + a * WORD) ^ load_le32(w + b * WORD)) == load_le32(w + c * WORD);
}

/* Three sums that hold in each schedule, by words from where it begins: for encryption those
 * that make words 1 to 3 behind the key, for decryption of the second round key, since the
 * first went through nothing. */
static ch_err see(struct search *s, const struct noise_piece *p, size_t at)
{
	const uint8_t *w = p->p + at;
	if (sums(w, 1, 4, 5) && sums(w, 2, 5, 6) && sums(w, 3, 6, 7))
		TRY(judge(s, p, at, 16, false));
	if (sums(w, 1, 6, 7) && sums(w, 2, 7, 8) && sums(w, 3, 8, 9))
		TRY(judge(s, p, at, 24, false));
	if (sums(w, 1, 8, 9) && sums(w, 2, 9, 10) && sums(w, 3, 10, 11))
		TRY(judge(s, p, at, 32, false));
	if (sums(w, 4, 9, 5) && sums(w, 5, 10, 6) && sums(w, 6, 11, 7))
		TRY(judge(s, p, at, 16, true));
	if (sums(w, 4, 15, 5) && sums(w, 5, 8, 6) && sums(w, 6, 9, 7))
		TRY(judge(s, p, at, 24, true));
	if (sums(w, 4, 13, 5) && sums(w, 5, 14, 6) && sums(w, 6, 15, 7))
		TRY(judge(s, p, at, 32, true));
	return CH_DONE;
}

static ch_err take(struct noise_taker *t, const struct noise_piece *p)
{
	enum { LIMBS = 8, PLAIN_MAX = 2, LOOKED_AT = 16 * WORD };
	struct search *s = (struct search *)t;
	for (size_t at = p->from; at < p->to && at + WORD + LOOKED_AT <= p->n; at += LIMB) {
		uint64_t run = noise_run(p, at / LIMB, LIMBS);
		if (noise_count(run) < LIMBS - PLAIN_MAX)
			continue;
		TRY(see(s, p, at));
		TRY(see(s, p, at + WORD));
	}
	return CH_DONE;
}

static ch_err end(struct finder *finder, struct hunt *h)
{
	struct search s = { { take }, (struct finder_aes *)finder, h, 0 };
	return noise_walk(h->noise, h->memory, &s.taker);
}

static void finder_aes_free(struct finder *f)
{
	room_done(f, sizeof(struct finder_aes));
}

ch_err finder_aes_new(struct finder **ret_f)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct finder_aes), &p));
	struct finder_aes *f = p;
	f->finder = (struct finder){ LIT("aes-schedule"), NULL, end, finder_aes_free, NULL };
	aes_tables_init(&f->tables);
	*ret_f = &f->finder;
	return CH_DONE;
}
