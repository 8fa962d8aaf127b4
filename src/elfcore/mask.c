/* What of each note may stay. The registers of a thread that was at work with a key hold
 * pieces of it, and so does vector state: only what a debugger needs to name the place of
 * each thread is left. Signal data hold addresses that a program may have computed from
 * secrets. */
#include "layout.h"
#include "notes.h"

#include "base/ck.h"

/* What was masked must not look like a value: 0 stays 0, since null pointers crash. */
#define REG_MASKED (CORE_MASKED * UINT64_C(0x0101010101010101))
enum { SYSCALLS_MAX = 1024, FLAGS_DEFINED = 0x3fffff, AUXV_KNOWN = 64, XCR0_KNOWN = 0xfffff };
/* Of the first stack: sizes of the random bytes and of "x86_64"; more words the kernel does not take. */
enum { RANDOM_N = 16, PLATFORM_N = 7, WORDS_MAX = 16 * 1024 * 1024 };

static uint64_t reg(const uint8_t *status, enum reg r)
{
	return load_le64(status + STATUS_REGS + 8 * (size_t)r);
}

static void set_reg(uint8_t *status, enum reg r, uint64_t v)
{
	store_le(status + STATUS_REGS + 8 * (size_t)r, v, 8);
}

/* Into code or a stack. Compilers use the frame pointer for data too, so it is no exception;
 * but with a stack of its own, a signal handler has one into another. */
static bool points(const struct core_map *m, enum reg r, uint64_t v)
{
	const struct core_load *l = core_map_at(m, v);
	return l &&
	       (l->flags & (CORE_EXEC | CORE_STACK) || (r == REG_RBP && l->flags & CORE_WRITE));
}

static uint64_t reg_kept(const struct core_map *m, enum reg r, uint64_t v)
{
	switch (r) {
	case REG_RIP:
	case REG_RSP:
		return v;
	case REG_CS:
	case REG_SS:
	case REG_DS:
	case REG_ES:
	case REG_FS:
	case REG_GS:
		return v & 0xffff;
	case REG_EFLAGS:
		return v & FLAGS_DEFINED;
	case REG_FS_BASE:
	case REG_GS_BASE:
		return core_map_at(m, v) ? v : 0;
	case REG_ORIG_RAX:
		return v < SYSCALLS_MAX || v == UINT64_MAX ? v : UINT64_MAX;
	case REG_R15:
	case REG_R14:
	case REG_R13:
	case REG_R12:
	case REG_RBP:
	case REG_RBX:
	case REG_R11:
	case REG_R10:
	case REG_R9:
	case REG_R8:
	case REG_RAX:
	case REG_RCX:
	case REG_RDX:
	case REG_RSI:
	case REG_RDI:
	case REG_COUNT:
		break;
	}
	if (v == 0 || points(m, r, v))
		return v;
	/* a frame pointer of 0 ends a chain, where another value would be an error */
	return r == REG_RBP ? 0 : REG_MASKED;
}

void mask_status(struct notes *s, uint8_t *p, size_t n)
{
	struct core_head *h = s->head;
	(void)n;
	const struct core_load *stack = core_map_stack(&h->map, reg(p, REG_RSP));
	if (stack)
		h->map.loads[stack - h->map.loads].flags |= CORE_STACK;
	for (enum reg r = 0; r < REG_COUNT; r++)
		set_reg(p, r, reg_kept(&h->map, r, reg(p, r)));
	if (h->signal == 0 && h->n_threads == 0)
		h->signal = load_le16(p + STATUS_SIGNAL);
	store_le(p + STATUS_SIGNAL + 2, 0, 2);
	store_le(p + STATUS_FPVALID + 4, 0, 4);
	const struct core_thread t = { load_le32(p + STATUS_TID), reg(p, REG_RIP), reg(p, REG_RSP),
				       reg(p, REG_RBP), reg(p, REG_FS_BASE) };
	/* without room the thread is not known, but its notes pass */
	if ((s->sink || s->keeping) && room_for_thread(h))
		h->threads[h->n_threads++] = t;
}

void mask_siginfo(struct notes *s, uint8_t *p, size_t n)
{
	uint32_t signal = load_le32(p);
	if (!s->siginfo_seen && signal > 0 && signal <= 64)
		s->head->signal = (int)signal;
	s->siginfo_seen = true;
	mem_zero(p + SIGINFO_KEPT, n - SIGINFO_KEPT);
}

/* The name stands for the command line too, which debuggers show. */
void mask_psinfo(struct notes *s, uint8_t *p, size_t n)
{
	(void)s;
	(void)n;
	mem_zero(p + 4, 4);
	mem_zero(p + PSINFO_ARGS, PSINFO_ARGS_N);
	mem_copy(p + PSINFO_ARGS, p + PSINFO_NAME, PSINFO_NAME_N);
}

/* From the top of the first stack down: the name of the program (AT_EXECFN), the environment, the
 * arguments, some room, the name of the processor, random bytes. */
static void find_words(struct core_head *h, uint64_t random, uint64_t platform, uint64_t name)
{
	uint64_t from = random > platform ? random + RANDOM_N : platform + PLATFORM_N;
	if (from < RANDOM_N || name <= from || name - from > WORDS_MAX)
		return;
	h->words_from = from;
	h->words_to = name;
}

/* Pointers and facts about the machine; values of types that do not exist are not. */
void mask_auxv(struct notes *s, uint8_t *p, size_t n)
{
	struct core_head *h = s->head;
	uint64_t random = 0, platform = 0, name = 0;
	size_t at = 0;
	for (; n - at >= 16; at += 16) {
		uint64_t type = load_le64(p + at);
		uint64_t v = load_le64(p + at + 8);
		if (type == 15 /* AT_PLATFORM */)
			platform = v;
		if (type == 25 /* AT_RANDOM */)
			random = v;
		if (type == 31 /* AT_EXECFN */)
			name = v;
		if (type == 3 /* AT_PHDR */)
			h->auxv_phdr = v;
		if (type == 5 /* AT_PHNUM */)
			h->auxv_phnum = v;
		if (type == 9 /* AT_ENTRY */)
			h->auxv_entry = v;
		if (type == 33 /* AT_SYSINFO_EHDR */)
			h->auxv_vdso = v;
		if (type > AUXV_KNOWN)
			mem_zero(p + at, 16);
	}
	mem_zero(p + at, n - at);
	find_words(h, random, platform, name);
}

/* Debuggers tell by XCR0 which registers the machine has; by the zeroed header of the area
 * they see that all of them are as at the start. */
void mask_xstate(struct notes *s, uint8_t *p, size_t n)
{
	(void)s;
	uint64_t xcr0 = n >= XSTATE_XCR0 + 8 ? load_le64(p + XSTATE_XCR0) & XCR0_KNOWN : 0;
	mem_zero(p, n);
	if (xcr0)
		store_le(p + XSTATE_XCR0, xcr0, 8);
}

void mask_all(struct notes *s, uint8_t *p, size_t n)
{
	(void)s;
	mem_zero(p, n);
}

void mask_text(struct notes *s, uint8_t *p, size_t n)
{
	(void)s;
	for (size_t i = 0; i < n; i++)
		if (p[i] != '\n' && p[i] != '\t' && (p[i] < ' ' || p[i] > '~'))
			p[i] = p[i] ? ' ' : 0;
}

void mask_nothing(struct notes *s, uint8_t *p, size_t n)
{
	(void)s;
	(void)p;
	(void)n;
}
