/* RSA by a modulus in sight: whoever keeps a key keeps a prime, as limbs of 64 or 32 bits or in
 * big endian. All places that look random are walked twice: first the lowest limbs of what
 * may be a prime are noted, then each is tried whose other prime's lowest limb (n / p modulo
 * 2^64: one multiplication) was seen too. As long as there are few, all are tried. Size: 2.2 MiB. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "noise.h"
#include "room.h"
#include "rsa_divide.h"
#include "rsa_say.h"

enum {
	LIMB = 8,
	MODULI_MAX = 1024,
	SIZES_MAX = 16,
	SEEN_BITS = 1 << 23,
	PRIMES_KNOWN_MAX = 256,
};
/* Budgets: products of limbs (2 a ns), and lookups of lowest limbs; more by noise_scale. */
static const uint64_t products_max = 500 * 1000 * 1000, products_more = 100 * 1000 * 1000,
		      lookups_max = 32 * 1000 * 1000, lookups_more = 16 * 1000 * 1000;

struct one {
	struct rsa_modulus m;
	bytes be;
	bool done;
};

/* Moduli of one size. */
struct size_class {
	size_t size, limbs;
	uint8_t top;
	size_t first, n;
};

struct finder_rsa {
	struct finder finder;
	size_t n, n_sizes, left;
	struct one moduli[MODULI_MAX];
	uint64_t low[MODULI_MAX]; /* their lowest limbs: all that most candidates are asked */
	struct size_class sizes[SIZES_MAX];
	uint64_t seen[SEEN_BITS / 64];
};

/* One walk. */
struct walk {
	struct noise_taker taker;
	struct finder_rsa *f;
	struct hunt *h;
	struct relater *r;
	bool second;
	bool all; /* few enough that each is divided by */
	uint64_t candidates, products, lookups, products_max, lookups_max;
	/* of a piece: what looks random even beside what stands before it */
	uint64_t bits[(NOISE_PIECE_MAX) / NOISE_BLOCK + 2];
};

/* Two bits of one word, so that a look costs one miss of the cache at most. */
static inline uint64_t word_of(uint64_t low, uint64_t *ret_bits)
{
	uint64_t hash = low * 0x9e3779b97f4a7c15;
	*ret_bits = 1ull << (hash >> 41 & 63) | 1ull << (hash >> 35 & 63);
	return hash >> 47;
}

static void seen_add(struct finder_rsa *f, uint64_t low)
{
	uint64_t bits, word = word_of(low, &bits);
	f->seen[word] |= bits;
}

static inline bool seen_has(const struct finder_rsa *f, uint64_t low)
{
	uint64_t bits, word = word_of(low, &bits);
	return (f->seen[word] & bits) == bits;
}

static ch_err found(struct walk *w, struct one *one, const uint64_t *p, uint64_t addr)
{
	uint8_t be[RSA_LIMBS_MAX * LIMB];
	AUTO(modulus_done) struct modulus *m = NULL;
	bytes le = { (const uint8_t *)p, one->m.limbs * LIMB };
	TRY(modulus_new(one->be, &m));
	if (!modulus_divides(m, w->r, le))
		return CH_DONE;
	one->done = true;
	w->f->left--;
	struct rsa_origin o = { w->f->finder.name, addr, NULL, NULL };
	ch_err e = rsa_say(w->h, w->r, m, (bytes){ be, number_be(le, be) }, &o);
	mem_wipe(be, sizeof(be));
	return e;
}

/* Which order of bytes a place is read in. */
enum order { ORDER_LE, ORDER_WORDS_BE, ORDER_BE };

/* What may be a prime. */
struct guess {
	const uint8_t *at;
	const struct size_class *s;
	enum order order;
	uint64_t addr;
};

/* Its lowest limb, by which nearly all are passed over. */
static inline uint64_t low_of(const struct guess *g)
{
	const uint8_t *end = g->at + g->s->size;
	uint64_t last = load_le64(end - LIMB);
	if (g->order == ORDER_LE)
		return load_le64(g->at);
	return g->order == ORDER_BE ? __builtin_bswap64(last) : last << 32 | last >> 32;
}

static void load(const struct guess *g, uint64_t *p)
{
	const struct size_class *s = g->s;
	uint8_t *to = (uint8_t *)p;
	p[s->limbs - 1] = 0;
	if (g->order == ORDER_LE)
		mem_copy(to, g->at, s->size);
	else if (g->order == ORDER_BE)
		bytes_turn((bytes){ g->at, s->size }, to);
	else
		for (size_t i = 0; i + 4 <= s->size; i += 4)
			mem_copy(to + s->size - 4 - i, g->at + i, 4);
}

static ch_err try_one(struct walk *w, const struct guess *g, struct one *one, uint64_t inverse)
{
	uint64_t NOT_ZEROED p[RSA_LIMBS_MAX];
	w->products += g->s->limbs * g->s->limbs;
	if (w->products > w->products_max) {
		w->h->untried++;
		return CH_DONE;
	}
	load(g, p);
	return rsa_divides(&one->m, p, inverse) ? found(w, one, p, g->addr) : CH_DONE;
}

static ch_err try_all(struct walk *w, const struct guess *g, uint64_t low)
{
	const struct size_class *s = g->s;
	uint64_t inverse = limb_inverse(low);
	w->lookups += w->all ? 0 : s->n;
	if (w->lookups > w->lookups_max) {
		w->h->untried++;
		return CH_DONE;
	}
	for (size_t i = s->first; i < s->first + s->n; i++) {
		struct one *one = &w->f->moduli[i];
		if ((w->all || seen_has(w->f, w->f->low[i] * inverse)) && !one->done)
			TRY(try_one(w, g, one, inverse));
	}
	return CH_DONE;
}

/* Floating-point numbers look random by themselves, but their highest bytes are alike. */
static void narrow(struct walk *w, const struct noise_piece *p)
{
	w->bits[(p->n + NOISE_BLOCK - 1) / NOISE_BLOCK] = 0;
	for (size_t i = 0; i < p->n; i += NOISE_BLOCK) {
		struct noise_masks m = noise_masks(p->p + i, p->n - i);
		w->bits[i / NOISE_BLOCK] = m.noise & ~m.alike;
	}
}

/* Of so many limbs of a prime; one in 120 is plain by chance. */
static size_t plain_max(size_t limbs)
{
	return 3 + limbs / 16;
}

static bool random_enough(const struct noise_piece *p, size_t at, size_t size)
{
	size_t from = at / LIMB + !!(at % LIMB), to = (at + size) / LIMB, n = 0, all = to - from;
	while (from < to) {
		unsigned count = to - from < 32 ? (unsigned)(to - from) : 32;
		n += noise_count(noise_run(p, from, count));
		from += count;
	}
	return n + plain_max(all) >= all;
}

static ch_err candidate(struct walk *w, const struct noise_piece *p, const struct size_class *s,
			size_t at, enum order o)
{
	if (!random_enough(p, at, s->size))
		return CH_DONE;
	const struct guess g = { p->p + at, s, o, p->addr + at };
	w->candidates++;
	uint64_t low = low_of(&g);
	if (w->second)
		return try_all(w, &g, low);
	seen_add(w->f, low);
	return CH_DONE;
}

/* The orders in which something at `at`, a multiple of 4, may be a prime: odd, its highest
 * byte high. */
static ch_err try_words(struct walk *w, const struct noise_piece *p, const struct size_class *s,
			size_t at)
{
	const uint8_t *b = p->p + at;
	if (at + s->size > p->n)
		return CH_DONE;
	if (b[0] & 1 && b[s->size - 1] >= s->top)
		TRY(candidate(w, p, s, at, ORDER_LE));
	if (s->size % 4 == 0 && b[3] >= s->top && b[s->size - 4] & 1)
		TRY(candidate(w, p, s, at, ORDER_WORDS_BE));
	return CH_DONE;
}

/* Big endian: at the start of a limb, or behind the zero that keeps it from being negative. */
static ch_err try_bytes(struct walk *w, const struct noise_piece *p, const struct size_class *s,
			size_t at)
{
	for (size_t i = at; i < at + LIMB && i + s->size <= p->n; i++) {
		if (p->p[i] < s->top || !(p->p[i + s->size - 1] & 1))
			continue;
		if (i == at || !p->p[i - 1])
			TRY(candidate(w, p, s, i, ORDER_BE));
	}
	return CH_DONE;
}

static ch_err take(struct noise_taker *t, const struct noise_piece *whole)
{
	enum { LIMBS_MAX = 16 };
	struct walk *w = (struct walk *)t;
	struct noise_piece narrowed = *whole, *p = &narrowed;
	narrow(w, whole);
	narrowed.bits = w->bits;
	for (size_t c = 0; c < w->f->n_sizes && w->f->left; c++) {
		const struct size_class *s = &w->f->sizes[c];
		/* limbs that are of whatever begins in the limb before them */
		size_t inner = s->size / LIMB - 1, few = plain_max(s->size / LIMB);
		inner = inner < LIMBS_MAX ? inner : LIMBS_MAX;
		for (size_t at = p->from; at < p->to && at + s->size <= p->n; at += LIMB) {
			uint64_t run = noise_run(p, at / LIMB + 1, (unsigned)inner);
			if (noise_count(run) + few < inner)
				continue;
			TRY(try_words(w, p, s, at));
			TRY(try_words(w, p, s, at + LIMB / 2));
			TRY(try_bytes(w, p, s, at));
		}
	}
	return CH_DONE;
}

/* The private exponent that goes with it was said, by whoever said the prime. */
static bool is_exponent_said(const struct rsa_numbers *n, const struct values *v)
{
	const bytes is[] = { { n->d, n->d_n }, { n->d_lcm, n->d_lcm_n } };
	for (size_t i = 0; i < values_count(v); i++) {
		const struct value *one = values_at(v, i);
		if (one->kind == VALUE_RSA_EXPONENT &&
		    (bytes_eq(one->is, is[0]) || bytes_eq(one->is, is[1])))
			return true;
	}
	return false;
}

/* What is left of a key whose beginning is gone may hold its primes alone. */
static ch_err say_rest(struct finder_rsa *f, struct hunt *h, struct relater *r, bytes modulus,
		       const struct value *prime)
{
	struct rsa_origin o = { f->finder.name, prime->first_addr, NULL, NULL };
	struct rsa_numbers NOT_ZEROED n;
	AUTO(modulus_done) struct modulus *m = NULL;
	TRY(modulus_new(modulus, &m));
	if (failed(modulus_from_prime(m, r, prime->is, 65537, &n)))
		return CH_DONE;
	bool said = is_exponent_said(&n, h->values);
	mem_wipe(&n, sizeof(n));
	return said ? CH_DONE : rsa_say(h, r, m, prime->is, &o);
}

/* The prime of it that was said, or NULL. */
static const struct value *known_prime(const struct rsa_modulus *m, const struct values *v)
{
	uint64_t p[RSA_LIMBS_MAX];
	size_t tried = 0;
	for (size_t i = 0; i < values_count(v) && tried < PRIMES_KNOWN_MAX; i++) {
		const struct value *one = values_at(v, i);
		if (one->kind != VALUE_RSA_PRIME || one->is.n > m->limbs * LIMB ||
		    !(one->is.p[one->is.n - 1] & 1))
			continue;
		tried++;
		mem_zero(p, sizeof(p));
		bytes_turn(one->is, (uint8_t *)p);
		if (rsa_divides(m, p, limb_inverse(p[0])))
			return one;
	}
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	size_t x = ((const struct one *)a)->m.size, y = ((const struct one *)b)->m.size;
	return x < y ? -1 : x > y;
}

/* All moduli whose primes are not known. */
static ch_err gather(struct finder_rsa *f, struct hunt *h, struct relater *r)
{
	for (size_t i = 0; i < publics_count(h->publics, PUBLIC_RSA_MODULUS); i++) {
		bytes be = publics_at(h->publics, PUBLIC_RSA_MODULUS, i);
		if (f->n == MODULI_MAX) {
			h->untried++;
			continue;
		}
		if (!(be.p[be.n - 1] & 1))
			continue;
		struct one *one = &f->moduli[f->n];
		one->be = be;
		rsa_modulus_init(&one->m, be);
		const struct value *prime = known_prime(&one->m, h->values);
		f->n += !prime;
		if (prime)
			TRY(say_rest(f, h, r, one->be, prime));
	}
	return CH_DONE;
}

static void sort(struct finder_rsa *f, struct hunt *h)
{
	qsort(f->moduli, f->n, sizeof(f->moduli[0]), by_size);
	f->left = f->n;
	for (size_t i = 0; i < f->n; i++)
		f->low[i] = f->moduli[i].m.n[0];
	for (size_t i = 0; i < f->n; i++) {
		const struct rsa_modulus *m = &f->moduli[i].m;
		struct size_class *s = f->n_sizes ? &f->sizes[f->n_sizes - 1] : NULL;
		if ((!s || s->size != m->size) && f->n_sizes == SIZES_MAX) {
			h->untried += f->n - i;
			return;
		}
		if (!s || s->size != m->size) {
			s = &f->sizes[f->n_sizes++];
			*s = (struct size_class){ m->size, m->limbs, m->top, i, 0 };
		}
		s->n++;
		s->top = m->top < s->top ? m->top : s->top;
	}
}

/* What it would cost to divide by each. */
static uint64_t products_of(const struct walk *first)
{
	uint64_t most = 0;
	for (size_t i = 0; i < first->f->n_sizes; i++) {
		const struct size_class *s = &first->f->sizes[i];
		most += s->limbs * s->limbs * s->n;
	}
	if (most == 0)
		return 0;
	return first->candidates > UINT64_MAX / most ? UINT64_MAX : first->candidates * most;
}

static void walk_init(struct walk *w, struct finder_rsa *f, struct hunt *h)
{
	unsigned scale = noise_scale(h->noise);
	*w = (struct walk){ .taker = { take },
			    .f = f,
			    .h = h,
			    .products_max = products_max + products_more * scale,
			    .lookups_max = lookups_max + lookups_more * scale };
}

static ch_err end(struct finder *finder, struct hunt *h)
{
	struct finder_rsa *f = (struct finder_rsa *)finder;
	struct walk w;
	AUTO(relater_done) struct relater *r = NULL;
	TRY(relater_new(&r));
	TRY(gather(f, h, r));
	sort(f, h);
	if (!f->left)
		return CH_DONE;
	walk_init(&w, f, h);
	TRY(noise_walk(h->noise, h->memory, &w.taker));
	if (!w.candidates)
		return CH_DONE;
	uint64_t products = products_of(&w);
	walk_init(&w, f, h);
	w.r = r;
	w.second = true;
	w.all = products <= w.products_max;
	return noise_walk(h->noise, h->memory, &w.taker);
}

static void finder_rsa_free(struct finder *f)
{
	room_done(f, sizeof(struct finder_rsa));
}

ch_err finder_rsa_new(struct finder **ret_f)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct finder_rsa), &p));
	struct finder_rsa *f = p;
	f->finder = (struct finder){ LIT("rsa-prime"), NULL, end, finder_rsa_free, NULL };
	*ret_f = &f->finder;
	return CH_DONE;
}
