/* One way to find secrets in memory. A finder sees all memory once, in windows; it may
 * ask for more of it at random; at the end it relates what it saw. Finders never write to
 * the dump: they say values, and the masker (masker.h) removes every form of each.
 *
 * Windows come in order of addresses. Each starts with the last `seen` bytes of the one
 * before when they are neighbours, so that nothing of up to WINDOW_OVERLAP bytes is cut
 * apart; a finder that reports twice does no harm. */
#pragma once
#include "elfcore/memory.h"
#include "redact/value.h"

enum { WINDOW_SIZE = 512 * 1024, WINDOW_OVERLAP = 32 * 1024 };

struct window {
	uint64_t addr; /* of p[0]; a multiple of 8 at the start of each segment */
	const uint8_t *p;
	size_t n;
	size_t seen; /* p[0 .. seen) was in the window before */
	const struct core_load *load;
};

/* Public halves in sight, by which the private ones are recognised. */
enum public_kind {
	PUBLIC_RSA_MODULUS, /* big endian, 128 to 1024 bytes */
	PUBLIC_P256,        /* x || y, big endian: 64 bytes; likewise the others */
	PUBLIC_P384,
	PUBLIC_P521,
	PUBLIC_SECP256K1,
	PUBLIC_ED25519, /* 32 bytes */
	PUBLIC_X25519,
	PUBLIC_KIND_COUNT
};

struct beside;
struct finder;

/* Who looks through the later half of memory at the same time: a thread, memory of its own (the
 * same memory; the object is not shared), and as many finders, made by the same makers. They
 * only look; what they saw is taken over by the others. The same is found as by one thread, but
 * for what text gives of a secret that the edge of a window cuts short, beside the whole one. */
struct hunt_helper {
	struct beside *beside;
	struct core_memory *memory;
	struct finder *const *finders;
};

/* What the finders of one dump share. */
struct hunt {
	const struct core_map *map;
	struct core_memory *memory;
	struct values *values;
	struct publics *publics;
	struct noise *noise;              /* hunt_run's own: where memory looks random (noise.h) */
	struct calm *calm;                /* or NULL: nobody wants to know */
	const struct hunt_helper *helper; /* or NULL: one thread does it all */
	uint64_t untried;                 /* candidates that finders left alone, for time or room */
};
/* What a hunt saw of memory: where the finder of text found nothing, for the masker (calm.h), and
 * which pages hold anything. 2.25 MiB, 18 bytes for each 64 KiB of memory that is not zeros; memory
 * for which there is no room counts as unseen. */
struct calm;
ch_err calm_new(struct calm **ret_c);
void calm_done(struct calm **c);
/* The first pages in [addr, end), within a segment that was hunted through, of which the hunt saw
 * anything but zeros, or that it could not read. *ret_from == end: there are none. False: not all
 * could be kept, and nobody knows. */
bool calm_next(const struct calm *c, uint64_t addr, uint64_t end, uint64_t *ret_from,
	       uint64_t *ret_to);

struct publics;
ch_err publics_new(struct publics **ret_p);
void publics_done(struct publics **p);
/* Copies it in, each once; more than 4,096 of a kind are left out, which
 * publics_overflowed then says. */
ch_err publics_add(struct publics *p, enum public_kind kind, bytes is);
size_t publics_count(const struct publics *p, enum public_kind kind);
bytes publics_at(const struct publics *p, enum public_kind kind, size_t i);
bool publics_overflowed(const struct publics *p);
/* All of `other`, and whether it had too many. */
ch_err publics_join(struct publics *p, const struct publics *other);

/* An object with its functions; finders that need none leave a function NULL. */
struct finder {
	str name; /* "openssl-bignum": as in reports */
	ch_err (*look)(struct finder *f, struct hunt *h, const struct window *w);
	/* all memory was seen and every finder's look is done; may add and may read memory */
	ch_err (*end)(struct finder *f, struct hunt *h);
	void (*free)(struct finder *f);
	/* Takes over what one of its kind has seen of later memory. NULL: it keeps nothing, or in
	 * what the hunt shares. */
	void (*join)(struct finder *f, struct hunt *h, const struct finder *later);
};

/* Each is on the heap, of the size that its file states (all together ≤ 12 MiB), and freed
 * by its free. */
typedef ch_err finder_new_fn(struct finder **ret_f);
finder_new_fn finder_text_new;    /* PEM, DER, JWK, tokens, headers, URLs, passwords */
finder_new_fn finder_bignum_new;  /* OpenSSL's BIGNUM, its limbs and how they relate */
finder_new_fn finder_rsa_new;     /* primes of a modulus in sight, whoever keeps them */
finder_new_fn finder_ec_new;      /* scalars of a public point in sight, anchored */
finder_new_fn finder_ed25519_new; /* seed, clamped scalar and prefix of a public key in sight */
finder_new_fn finder_ssh_new;     /* OpenSSH's shield prekeys */
finder_new_fn finder_aes_new;     /* AES key schedules */
finder_new_fn finder_wide_new;    /* what the first finds, in characters of 16 and 32 bits */

/* Walks all memory of the map once with all the finders, then their ends in order; then adds
 * what follows from the values: the states of HMAC that its keys give.
 * *ret_unread: bytes that the map has and the memory did not give. */
ch_err hunt_run(struct hunt *h, struct finder *const *finders, size_t n, uint64_t *ret_unread);
/* The kernel's own page of code, the same in every process: it is in a core, and nobody can read it
 * from outside. No hunt sees it. */
bool core_load_is_kernels(const struct core_load *l);
