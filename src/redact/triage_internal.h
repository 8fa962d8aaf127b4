/* The parts of the triage level: which stacks there are (triage_stacks.c), what a word of
 * them is (triage_code.c), what else is kept (triage_loader.c), the bytes and pages that are
 * (triage_kept.c, triage_pages.c), and the core made of them (triage.c). */
#pragma once
#include "redact/triage.h"

enum {
	WORD = 8,
	RED_ZONE = 128, /* below sp, System V ABI */
	STACK_MAX = 8 * 1024 * 1024,
	STACKS_TOTAL = 128 * 1024 * 1024,
	STACKS_MORE = 4096, /* that signals came from */
	TRIAGE_CHUNK = 64 * 1024,
	RUNS_MAX = 16 * 1024,
	KEPT_MAX = 2 * 1024 * 1024,
	KEPT_ITEMS_MAX = 32 * 1024,
};

/* What an address is to whoever unwinds. */
enum code_kind {
	CODE_NONE,   /* no code, or code to which nothing returns */
	CODE_RETURN, /* behind a call */
	CODE_SIGNAL, /* what a signal handler returns to: a signal's frame stands above */
};

enum { CODE_PAGES = 128 };
struct code_page {
	uint64_t addr;
	uint32_t n; /* 0: not read yet; page->addr == UINT64_MAX: none */
	uint8_t p[CORE_PAGE];
};
struct code {
	const struct core_head *head;
	struct core_memory *memory, *from;
	uint64_t low, high; /* all mapped files, and the vdso */
	uint64_t vdso_from, vdso_to;
	uint64_t unseen;
	struct code_page *pages; /* CODE_PAGES */
};
ch_err code_new(struct code *ret_c, const struct core_head *head, struct core_memory *memory,
		struct core_memory *from);
void code_done(struct code *c);
ch_err code_kind_of(struct code *c, uint64_t addr, enum code_kind *ret_kind);
/* Executable, whoever it is of. */
bool code_is_executable(const struct code *c, uint64_t addr);

/* Live parts of stacks, by rising address; neither overlap nor touch. */
struct stack {
	uint64_t from, to;
	uint32_t threads; /* whose these are; 0: a signal came from there */
	bool seen;        /* for signal frames */
};
struct stacks {
	struct stack *all; /* n that are sorted, then n_new that are not yet */
	size_t n, n_new, cap;
	uint64_t room;     /* bytes that stacks found by signals may have */
	uint64_t *signals; /* where signal frames are: the address of the handler's return word */
	size_t n_signals;
};

struct kept_item {
	uint64_t addr;
	uint32_t at, n;
};
/* Bytes to be kept wherever they are; sorted before they are looked for. */
struct kept {
	struct kept_item *items;
	size_t n;
	uint8_t *bytes;
	size_t used;
};

struct run {
	uint64_t from, to;
};
struct pages {
	struct run *runs;
	size_t n;
};

struct triage {
	const struct core_head *head;
	struct core_memory *memory;
	struct code code;
	struct stacks stacks;
	struct kept kept;
	struct pages pages;
	struct core_map map; /* of the result */
	uint8_t *in, *out;   /* TRIAGE_CHUNK each */
	struct triage_result result;
};

/* All stacks and the signal frames on them. */
ch_err stacks_find(struct triage *t);
/* The one in which addr lies, or NULL. */
const struct stack *stack_at(const struct stacks *s, uint64_t addr);
/* May this word of the stack s stay? */
ch_err stack_word_stays(struct triage *t, const struct stack *s, uint64_t word, bool *ret_stays);
/* Adds the pages in which a word stays. */
ch_err stacks_mark(struct triage *t);
/* What signals saved: pc, sp and what points into a stack or code. */
ch_err signals_keep(struct triage *t);

/* The loader's list, headers of files, the vdso. */
ch_err loader_keep(struct triage *t);

/* n bytes at addr, copied, if the core has them; no error when there is no more room. */
void kept_add(struct triage *t, uint64_t addr, const void *p, size_t n);
void kept_word(struct triage *t, uint64_t addr, uint64_t word);
void kept_sort(struct kept *k);
/* Overwrites p[0 .. n), memory at addr, by what is kept of it. Returns how much is. */
uint64_t kept_apply(const struct kept *k, uint64_t addr, uint8_t *p, size_t n);

/* Pages that hold [from, to), which lies in one segment. */
void pages_add(struct triage *t, uint64_t from, uint64_t to);
void pages_sort(struct triage *t);
/* The first run that ends behind addr, or pages->n. */
size_t pages_from(const struct pages *p, uint64_t addr);
