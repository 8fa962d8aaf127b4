/* The life of a realm's signing keys, as a pure function of sealed times and the clock:
 *
 *   staged ── not_before ──▶ signing ── end ──▶ verify-only ── leaves ──▶ retired
 *
 * so that signers, issuers and the command line agree without a word between them, and an
 * ordinary rotation changes no file. What is planned here is sealed by the keeper; it is
 * never planned that a key signs before all who may keep an older set have let go of it.
 * Pure: no clock is read here. Times are seconds since 1970. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KEY_SET_MAX = 32, /* keys that are planned together */
	/* beyond the longest token's lifetime: what signers that are being replaced still sign,
	 * and the tolerance of verifiers' clocks */
	KEY_SLACK_S = 120,
};

enum key_state { KEY_STAGED = 1, KEY_SIGNING, KEY_VERIFY_ONLY, KEY_RETIRED };

struct key_times {
	int64_t created_s;
	/* since then no set without this key was given out; 0: not known to be so yet */
	int64_t published_s;
	int64_t not_before_s; /* signs from then on; 0: not planned */
	int64_t not_after_s;  /* and no longer from then on; 0: until a successor is planned */
	int64_t limit_s;      /* never signs from then on, whatever is planned; 0: none */
	uint32_t max_ttl_s;   /* the longest lifetime of what it signs */
};

/* What an administrator decides. */
struct key_rules {
	uint32_t sign_s;    /* how long a key signs */
	uint32_t staged_s;  /* how long it is published before, at least */
	uint32_t max_age_s; /* how long verifiers may keep a set */
};

/* "staged", "signing", "verify-only", "retired" */
const char *key_state_name(enum key_state s);
enum key_state key_state_at(const struct key_times *t, int64_t now_s);
/* When it ends to sign, and when it leaves the set; 0: that is open. */
int64_t key_ends_s(const struct key_times *t);
int64_t key_leaves_s(const struct key_times *t);
/* The earliest time after now at which one of them changes its state; 0: none will. */
int64_t key_next_change_s(const struct key_times *keys, size_t n, int64_t now_s);
/* Which one signs now: of those that may, the one that began last; n: none. */
size_t key_signer(const struct key_times *keys, size_t n, int64_t now_s);
/* The choice between two: may t sign, and does it rather than the other (NULL: none)? */
bool key_signs_rather(const struct key_times *t, const struct key_times *other, int64_t now_s);

/* From being published until it may sign: the longer of staged_s and max_age_s, and a
 * margin for answers under way. */
uint32_t key_lead_s(const struct key_rules *r);
/* Plans all that are published and not planned yet, one behind the other, and brings the
 * first of them forward when none signs now. Never moves a planned one to later. keys: at
 * most KEY_SET_MAX. */
void key_plan(struct key_times *keys, size_t n, const struct key_rules *r, int64_t now_s);
/* Is a key missing that is staged behind the one that signs? */
bool key_wants_next(const struct key_times *keys, size_t n, const struct key_rules *r,
		    int64_t now_s);
/* May a new key sign at once? When there is none, or when every set that was ever given out
 * has been let go of since the last one left. */
bool key_may_be_first(const struct key_times *keys, size_t n, const struct key_rules *r,
		      int64_t now_s);
/* The times of a new key that signs at once. */
struct key_times key_first(const struct key_rules *r, int64_t now_s, uint32_t max_ttl_s);

/* The one that is to sign next; n: none is staged. */
size_t key_successor(const struct key_times *keys, size_t n, int64_t now_s);
/* When this staged one may begin to sign; 0: it is not known to be published. */
int64_t key_may_sign_s(const struct key_times *t, const struct key_rules *r);
/* The one that signed before a hand-over ends: not before all signers know of its successor,
 * for as long as they do not, it signs on, and it has to outlive those tokens as well. */
void keys_end_replaced(struct key_times *keys, size_t n, int64_t now_s);
/* Has the one at `next` sign from now on. Whether it may is the caller's question; the one
 * that signed until now is ended later. */
void keys_hand_over(struct key_times *keys, size_t n, size_t next, const struct key_rules *r,
		    int64_t now_s);
/* The latest time that one of them was made or published: a clock before it is wrong. */
int64_t key_newest_s(const struct key_times *keys, size_t n);
