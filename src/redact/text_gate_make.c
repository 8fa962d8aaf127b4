/* Puts fragments into buckets while this is built. What comes out decides how fast memory is
 * looked through, never what is found there. */
#include "text_gate.h"

/* Which bytes may stand at each place, as halves of bytes; a bucket has those of all that are
 * in it. */
struct sets {
	uint16_t low[GATE_PLACES], high[GATE_PLACES];
};

struct one {
	struct fragment is;
	size_t bucket, at;
};

enum { GRAMS_MAX = 1024 };

struct making {
	struct one all[FRAGMENTS_MAX];
	size_t n;
	double share[256]; /* of each byte in memory, roughly */
};

/* A heap: pointers, small numbers, and text of all kinds. */
static void guess_shares(struct making *m)
{
	/* parts of a thousand of English */
	static const uint8_t letters[] = { 80, 15, 28, 42, 120, 24, 19, 60, 68, 2,  8, 40, 25,
					   70, 75, 20, 1,  62,  64, 90, 28, 10, 22, 2, 20, 1 };
	static const uint8_t marks[] = "\"':,.-_/=()[]{};\n";
	for (size_t i = 0; i < 256; i++)
		m->share[i] = 0.12 / 256;
	m->share[0] += 0.25;
	m->share[255] += 0.02;
	m->share[' '] += 0.07;
	for (size_t i = 1; i <= 8; i++)
		m->share[i] += 0.01;
	for (size_t i = 0; i < 26; i++) {
		m->share['a' + i] += 0.35 * letters[i] / 1000;
		m->share['A' + i] += 0.03 * letters[i] / 1000;
	}
	for (size_t i = '0'; i <= '9'; i++)
		m->share[i] += 0.011;
	for (size_t i = 0; i + 1 < sizeof(marks); i++)
		m->share[marks[i]] += 0.006;
}

static void join(struct sets *s, const struct fragment *f, size_t at)
{
	for (size_t k = 0; k < GATE_PLACES; k++)
		for (unsigned c = 0; c < 256; c++)
			if (fragment_has(f, at + k, (uint8_t)c)) {
				s->low[k] |= (uint16_t)(1u << (c & 15));
				s->high[k] |= (uint16_t)(1u << (c >> 4));
			}
}

/* How many places of memory fit, roughly. */
static double share_of(const struct making *m, const struct sets *s)
{
	double all = 1;
	for (size_t k = 0; k < GATE_PLACES; k++) {
		double sum = 0;
		for (unsigned c = 0; c < 256; c++)
			if (s->low[k] >> (c & 15) & s->high[k] >> (c >> 4) & 1)
				sum += m->share[c];
		all *= sum;
	}
	return all;
}

/* All of a bucket but `but`. */
static struct sets sets_of(const struct making *m, size_t bucket, const struct one *but)
{
	struct sets s = { 0 };
	for (size_t i = 0; i < m->n; i++)
		if (m->all[i].bucket == bucket && &m->all[i] != but)
			join(&s, &m->all[i].is, m->all[i].at);
	return s;
}

/* How many three bytes may stand there. */
static size_t grams_of(const struct fragment *f, size_t at)
{
	size_t all = 1;
	for (size_t k = 0; k < GATE_PLACES; k++) {
		size_t n = 0;
		for (unsigned c = 0; c < 256; c++)
			n += fragment_has(f, at + k, (uint8_t)c);
		all *= n;
	}
	return all;
}

/* Moves one to where it costs least. */
static bool move(struct making *m, struct one *o)
{
	double least = 2;
	size_t bucket = o->bucket, at = o->at;
	for (size_t b = 0; b < GATE_BUCKETS; b++) {
		struct sets without = sets_of(m, b, o);
		double before = share_of(m, &without);
		for (size_t i = 0; i + GATE_PLACES <= o->is.n; i++) {
			struct sets with = without;
			if (grams_of(&o->is, i) > GRAMS_MAX)
				continue;
			join(&with, &o->is, i);
			double more = share_of(m, &with) - before;
			if (more < least - 1e-12) {
				least = more;
				bucket = b;
				at = i;
			}
		}
	}
	bool moved = bucket != o->bucket || at != o->at;
	o->bucket = bucket;
	o->at = at;
	return moved;
}

static struct gate_word word_of(const struct one *o)
{
	struct gate_word w = { 0, 0, o->at };
	for (size_t i = 0; i < o->is.n; i++) {
		unsigned all = 0xff, any = 0;
		for (unsigned c = 0; c < 256; c++)
			if (fragment_has(&o->is, i, (uint8_t)c)) {
				all &= c;
				any |= c;
			}
		uint64_t same = ~(all ^ any) & 0xff;
		w.mask |= same << 8 * i;
		w.want |= (all & same) << 8 * i;
	}
	return w;
}

static void add_grams(const struct one *o, uint64_t *grams)
{
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; fragment_has(&o->is, o->at, (uint8_t)a) && b < 256; b++)
			for (unsigned c = 0; fragment_has(&o->is, o->at + 1, (uint8_t)b) && c < 256;
			     c++) {
				uint32_t gram = gate_gram(a | b << 8 | c << 16);
				if (fragment_has(&o->is, o->at + 2, (uint8_t)c))
					grams[gram / 64] |= UINT64_C(1) << gram % 64;
			}
}

static void fill(const struct making *m, struct gate_table *ret_t)
{
	size_t n = 0;
	*ret_t = (struct gate_table){ 0 };
	for (size_t b = 0; b < GATE_BUCKETS; b++) {
		const struct sets s = sets_of(m, b, NULL);
		uint8_t bit = (uint8_t)(1u << b % 8);
		for (size_t k = 0; k < GATE_PLACES; k++)
			for (unsigned x = 0; x < 16; x++) {
				ret_t->low[k][b / 8][x] |= s.low[k] >> x & 1 ? bit : 0;
				ret_t->high[k][b / 8][x] |= s.high[k] >> x & 1 ? bit : 0;
			}
		for (size_t i = 0; i < m->n; i++)
			if (m->all[i].bucket == b) {
				ret_t->words[n++] = word_of(&m->all[i]);
				add_grams(&m->all[i], ret_t->grams);
			}
		ret_t->first[b + 1] = (uint8_t)n;
	}
}

void gate_make(struct gate_table *ret_t)
{
	enum { ROUNDS_MAX = 8 };
	static struct making m;
	bool moved = true;
	guess_shares(&m);
	m.n = fragments_count();
	for (size_t i = 0; i < m.n; i++) {
		fragment_at(i, &m.all[i].is);
		m.all[i].bucket = GATE_BUCKETS; /* in none yet */
	}
	for (size_t round = 0; moved && round < ROUNDS_MAX; round++) {
		moved = false;
		for (size_t i = 0; i < m.n; i++)
			moved |= move(&m, &m.all[i]);
	}
	fill(&m, ret_t);
}
