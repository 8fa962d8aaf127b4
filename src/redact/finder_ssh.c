/* OpenSSH keeps private keys encrypted under a hash of 16 KiB of noise, the prekey, which lies
 * beside them: whoever has a dump has both. Without the prekey no key can be had. Found by
 * what leads to it in a struct sshkey:
 *
 *   … | shielded private (pointer, 8) | its length (8) | prekey (pointer, 8) | 16384 (8) |
 *
 * and as a chunk of glibc's malloc of that size which is full of noise. Size: 28 KiB. */
#include "base/cleanup.h"
#include "limbs.h"
#include "noise.h"
#include "room.h"

enum {
	LIMB = 8,
	PREKEY = 16 * 1024,
	CHUNK = PREKEY + 16,
	LINKS_MAX = 256,
	CHUNKS_MAX = 1024,
	PREKEYS_MAX = 64, /* that are 1 MiB of values */
	LOOKS_MAX = 16 * 1024,
};

struct finder_ssh {
	struct finder finder;
	size_t n_links, n_chunks, found, looks;
	uint64_t links[LINKS_MAX], chunks[CHUNKS_MAX];
	uint8_t prekey[PREKEY];
};

static bool is_noise(const uint8_t *p)
{
	size_t noisy = 0;
	for (size_t at = 0; at < PREKEY; at += NOISE_BLOCK)
		noisy += noise_count(noise_bits(p + at, NOISE_BLOCK));
	/* 8 of 2,048 limbs are plain by chance */
	return noisy + 64 >= PREKEY / LIMB;
}

static ch_err say(struct finder_ssh *f, struct hunt *h, uint64_t addr)
{
	if (f->found >= PREKEYS_MAX) {
		h->untried++;
		return CH_DONE;
	}
	size_t before = values_count(h->values);
	struct value v = { VALUE_SSH_PREKEY, false, BYTES_OF(f->prekey), f->finder.name, addr };
	TRY(values_add(h->values, &v));
	f->found += values_count(h->values) - before;
	return CH_DONE;
}

static void add_link(struct finder_ssh *f, struct hunt *h, uint64_t prekey)
{
	for (size_t i = 0; i < f->n_links; i++)
		if (f->links[i] == prekey)
			return;
	if (f->n_links == LINKS_MAX)
		h->untried++;
	else
		f->links[f->n_links++] = prekey;
}

/* Both pointers lead somewhere, and the ciphertext has a length of whole blocks. */
static void see_link(struct finder_ssh *f, struct hunt *h, const uint8_t *at)
{
	uint64_t shielded = load_le64(at - 3 * LIMB), length = load_le64(at - 2 * LIMB);
	uint64_t prekey = load_le64(at - LIMB);
	if (length % 16 || length < 48 || length > PREKEY || !core_map_at(h->map, shielded) ||
	    !core_map_at(h->map, prekey))
		return;
	add_link(f, h, prekey);
}

/* A size, of a prekey or of the chunk in which it lies; the lowest bits are malloc's. */
static const struct limb_filter size_fits = { ~(uint64_t)0x1f, PREKEY, 0, 0 };
_Static_assert((CHUNK | 7) < PREKEY + 0x20, "the filter lets it pass");

/* A chunk of which all is at p. */
static void see_chunk(struct finder_ssh *f, struct hunt *h, uint64_t addr, const uint8_t *p)
{
	/* windows overlap: one that was seen is one of the last */
	for (size_t i = f->n_chunks; i > 0 && f->chunks[i - 1] >= addr; i--)
		if (f->chunks[i - 1] == addr)
			return;
	if (f->looks >= LOOKS_MAX || f->n_chunks == CHUNKS_MAX) {
		h->untried++;
		return;
	}
	f->looks++;
	if (is_noise(p))
		f->chunks[f->n_chunks++] = addr;
}

static void see(struct finder_ssh *f, struct hunt *h, const struct window *w, size_t at)
{
	uint64_t limb = load_le64(w->p + at);
	if (limb == PREKEY && at >= 3 * LIMB)
		see_link(f, h, w->p + at);
	if (limb >= CHUNK && limb <= CHUNK + 7 && w->n - at - LIMB >= PREKEY)
		see_chunk(f, h, w->addr + at + LIMB, w->p + at + LIMB);
}

static ch_err look(struct finder *finder, struct hunt *h, const struct window *w)
{
	struct finder_ssh *f = (struct finder_ssh *)finder;
	/* a chunk that went over the end of the window before is here whole */
	for (size_t from = 0; from + LIMB <= w->n; from += LIMBS_BLOCK) {
		uint64_t bits = limbs_fit(&size_fits, w->p + from, w->n - from);
		while (bits)
			see(f, h, w, from + limbs_take(&bits));
	}
	return CH_DONE;
}

static void join(struct finder *finder, struct hunt *h, const struct finder *later)
{
	struct finder_ssh *f = (struct finder_ssh *)finder;
	const struct finder_ssh *from = (const struct finder_ssh *)later;
	for (size_t i = 0; i < from->n_links; i++)
		add_link(f, h, from->links[i]);
	for (size_t i = 0; i < from->n_chunks; i++) {
		if (f->n_chunks < CHUNKS_MAX)
			f->chunks[f->n_chunks++] = from->chunks[i];
		else
			h->untried++;
	}
}

/* Whether a prekey is there, be it cut in pieces by a source that reads so. */
static ch_err follow(struct finder_ssh *f, struct hunt *h, uint64_t to)
{
	size_t n = 0, got = 1;
	while (got && n < PREKEY) {
		TRY(h->memory->read(h->memory, to + n, f->prekey + n, PREKEY - n, &got));
		n += got;
	}
	return n == PREKEY && is_noise(f->prekey) ? say(f, h, to) : CH_DONE;
}

static ch_err end(struct finder *finder, struct hunt *h)
{
	struct finder_ssh *f = (struct finder_ssh *)finder;
	for (size_t i = 0; i < f->n_chunks; i++)
		TRY(follow(f, h, f->chunks[i]));
	for (size_t i = 0; i < f->n_links; i++)
		TRY(follow(f, h, f->links[i]));
	mem_wipe(f->prekey, sizeof(f->prekey));
	return CH_DONE;
}

static void finder_ssh_free(struct finder *f)
{
	room_done(f, sizeof(struct finder_ssh));
}

ch_err finder_ssh_new(struct finder **ret_f)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct finder_ssh), &p));
	struct finder_ssh *f = p;
	f->finder = (struct finder){ LIT("ssh-prekey"), look, end, finder_ssh_free, join };
	*ret_f = &f->finder;
	return CH_DONE;
}
