/* Where the stacks are, and which of their words stay. The stack pointers may say anything: a
 * stack ends with its segment, 8 MiB behind sp at the latest, and all of them together are
 * bounded. Words are judged again when they are written, so that what changes meanwhile
 * cannot pass. */
#include "base/ck.h"
#include "base/sort.h"
#include "triage_internal.h"

enum { SMALLEST = CORE_PAGE, SIGNALS_MAX = 4096, ROUNDS = 8 };

static bool stack_less(const void *a, const void *b)
{
	return ((const struct stack *)a)->from < ((const struct stack *)b)->from;
}

/* Sorted, each address once. Returns how long they are together. */
static uint64_t merge(struct stacks *s)
{
	uint64_t total = 0;
	size_t n = 0, all = s->n + s->n_new;
	sort_in_place(s->all, all, sizeof(*s->all), stack_less);
	for (size_t i = 0; i < all; i++) {
		struct stack *last = n ? &s->all[n - 1] : NULL;
		if (!last || s->all[i].from >= last->to) {
			s->all[n++] = s->all[i];
			continue;
		}
		last->seen &= s->all[i].seen && s->all[i].to <= last->to;
		last->threads += s->all[i].threads;
		if (s->all[i].to > last->to)
			last->to = s->all[i].to;
	}
	s->n = n;
	s->n_new = 0;
	for (size_t i = 0; i < n; i++)
		total += s->all[i].to - s->all[i].from;
	return total;
}

/* False: sp leads nowhere. */
static bool stack_of(const struct core_map *m, uint64_t sp, uint64_t bound, struct stack *ret_s)
{
	const struct core_load *l = core_map_stack(m, sp);
	if (!l || l->file_size < WORD)
		return false;
	uint64_t end = l->addr + l->file_size;
	uint64_t from = sp - l->addr >= RED_ZONE && sp >= l->addr ? sp - RED_ZONE : l->addr;
	if (from > UINT64_MAX - WORD || (from = (from + WORD - 1) & ~(uint64_t)(WORD - 1)) >= end)
		return false;
	*ret_s = (struct stack){ from, end - from > bound ? from + bound : end, 0, false };
	ret_s->to -= (ret_s->to - from) % WORD;
	return ret_s->to > from;
}

static uint64_t threads_add(struct triage *t, uint64_t bound)
{
	struct stacks *s = &t->stacks;
	s->n = 0;
	for (size_t i = 0; i < t->head->n_threads; i++) {
		struct stack *one = &s->all[s->n_new];
		if (!stack_of(&t->head->map, t->head->threads[i].sp, bound, one))
			continue;
		one->threads = 1;
		s->n_new++;
	}
	return merge(s);
}

const struct stack *stack_at(const struct stacks *s, uint64_t addr)
{
	size_t from = 0, to = s->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (addr - s->all[mid].from < s->all[mid].to - s->all[mid].from)
			return &s->all[mid];
		if (addr < s->all[mid].from)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

/* --- walking ------------------------------------------------------------------------- */

/* Gets the words of memory at [addr, addr + n), which are in t->in. */
typedef ch_err words_fn(struct triage *t, struct stack *s, uint64_t addr, size_t n);

static ch_err walk(struct triage *t, struct stack *s, words_fn *each)
{
	uint64_t from = s->from, to = 0;
	while (from < s->to) {
		size_t got = 0;
		TRY(t->memory->next(t->memory, from, s->to, &from, &to));
		from -= from % WORD;
		if (from >= s->to)
			break;
		uint64_t left = (to < s->to ? to : s->to) - from;
		size_t n = left < TRIAGE_CHUNK ? (size_t)left : TRIAGE_CHUNK;
		TRY(t->memory->read(t->memory, from, t->in, n, &got));
		got -= got % WORD;
		if (got > 0)
			TRY(each(t, s, from, got));
		/* what cannot be read is left out by pages */
		t->result.unread += got ? 0 : CORE_PAGE;
		from += got ? got : CORE_PAGE - from % CORE_PAGE;
	}
	return CH_DONE;
}

/* --- signal frames ------------------------------------------------------------------- */

/* struct rt_sigframe of x86-64 behind its first word: struct ucontext, words of its
 * uc_mcontext by number (asm/sigcontext.h) */
enum {
	UC_STACK = 16,
	UC_REGISTERS = 40,
	REG_BP = 10,
	REG_SP = 15,
	REG_PC = 16,
	REG_FLAGS = 17,
	REG_CS = 18,
	REG_COUNT = 19,
	UC_SIZE = UC_REGISTERS + REG_COUNT * WORD,
	USER_CS = 0x33,
	FLAGS_ALWAYS = 2,
	NULL_PAGES = 64 * 1024,
};

struct ucontext {
	uint64_t stack_from, stack_size;
	uint64_t reg[REG_COUNT];
};

/* E_NOT_FOUND: what stands there is no ucontext. */
static ch_err ucontext_read(struct triage *t, uint64_t signal, struct ucontext *ret_u)
{
	uint8_t p[UC_SIZE];
	struct ucontext u;
	TRY(memory_exactly(t->memory, signal + WORD, p, sizeof(p)));
	u.stack_from = load_le64(p + UC_STACK);
	u.stack_size = load_le64(p + UC_STACK + 2 * WORD);
	for (size_t i = 0; i < REG_COUNT; i++)
		u.reg[i] = load_le64(p + UC_REGISTERS + i * WORD);
	if ((uint16_t)u.reg[REG_CS] != USER_CS || !(u.reg[REG_FLAGS] & FLAGS_ALWAYS) ||
	    u.reg[REG_FLAGS] >> 22 || !core_map_stack(&t->head->map, u.reg[REG_SP]))
		return ch_fail(CH_E_NOT_FOUND, "no context of a signal stands there", signal);
	*ret_u = u;
	return CH_DONE;
}

/* The kernel says in the context where an alternate stack ends: what lies behind it, in a
 * heap perhaps, is none of ours. */
static void end_stack(struct stack *s, uint64_t signal, const struct ucontext *u)
{
	uint64_t end = 0;
	if (s->threads > 1 || !ck_add(u->stack_from, u->stack_size, &end))
		return;
	if (u->stack_from <= s->from + RED_ZONE && end > signal && end < s->to)
		s->to = end - end % WORD;
}

static void follow_signal(struct triage *t, struct stack *s, uint64_t signal,
			  const struct ucontext *u)
{
	struct stacks *all = &t->stacks;
	struct stack other = { 0 };
	if (all->n_signals < SIGNALS_MAX)
		all->signals[all->n_signals++] = signal;
	end_stack(s, signal, u);
	if (stack_at(all, u->reg[REG_SP]) ||
	    !stack_of(&t->head->map, u->reg[REG_SP], STACK_MAX, &other))
		return;
	if (all->n + all->n_new == all->cap || other.to - other.from > all->room) {
		t->result.cut_threads++;
		return;
	}
	all->room -= other.to - other.from;
	all->all[all->n + all->n_new++] = other;
}

static ch_err look_for_signals(struct triage *t, struct stack *s, uint64_t addr, size_t n)
{
	enum code_kind kind = CODE_NONE;
	struct ucontext u;
	for (size_t i = 0; i < n && addr + i < s->to; i += WORD) {
		TRY(code_kind_of(&t->code, load_le64(t->in + i), &kind));
		if (kind != CODE_SIGNAL)
			continue;
		ch_err e = ucontext_read(t, addr + i, &u);
		if (!failed(e))
			follow_signal(t, s, addr + i, &u);
		else if (ch_code_of(e) != CH_E_NOT_FOUND)
			return e;
	}
	return CH_DONE;
}

static ch_err look_once(struct triage *t)
{
	struct stacks *s = &t->stacks;
	for (size_t i = 0; i < s->n; i++) {
		if (s->all[i].seen)
			continue;
		s->all[i].seen = true;
		TRY(walk(t, &s->all[i], look_for_signals));
	}
	return CH_DONE;
}

ch_err stacks_find(struct triage *t)
{
	uint64_t bound = STACK_MAX;
	while (threads_add(t, bound) > STACKS_TOTAL && bound > SMALLEST)
		bound /= 2;
	if (bound < STACK_MAX)
		t->result.cut_threads = t->head->n_threads;
	t->stacks.room = STACKS_TOTAL;
	for (unsigned i = 0; i < ROUNDS; i++) {
		TRY(look_once(t));
		if (t->stacks.n_new == 0)
			return CH_DONE;
		(void)merge(&t->stacks);
	}
	return CH_DONE;
}

static ch_err context_word_stays(struct triage *t, unsigned reg, uint64_t word, bool *ret_stays)
{
	enum code_kind kind = CODE_NONE;
	*ret_stays = true;
	if (reg == REG_SP || stack_at(&t->stacks, word))
		return CH_DONE;
	if (reg == REG_PC && (word < NULL_PAGES || code_is_executable(&t->code, word)))
		return CH_DONE;
	TRY(code_kind_of(&t->code, word, &kind));
	*ret_stays = kind != CODE_NONE && reg < REG_PC;
	return CH_DONE;
}

static ch_err signal_keep(struct triage *t, uint64_t signal)
{
	struct ucontext u;
	bool stays = false;
	TRY(ucontext_read(t, signal, &u));
	for (unsigned i = 0; i <= REG_PC; i++) {
		TRY(context_word_stays(t, i, u.reg[i], &stays));
		if (stays)
			kept_word(t, signal + WORD + UC_REGISTERS + i * WORD, u.reg[i]);
	}
	return CH_DONE;
}

ch_err signals_keep(struct triage *t)
{
	for (size_t i = 0; i < t->stacks.n_signals; i++) {
		ch_err e = signal_keep(t, t->stacks.signals[i]);
		if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
			return e;
	}
	return CH_DONE;
}

/* --- words --------------------------------------------------------------------------- */

ch_err stack_word_stays(struct triage *t, const struct stack *s, uint64_t word, bool *ret_stays)
{
	enum code_kind kind = CODE_NONE;
	*ret_stays = word - s->from < s->to - s->from;
	if (*ret_stays)
		return CH_DONE;
	TRY(code_kind_of(&t->code, word, &kind));
	*ret_stays = kind != CODE_NONE;
	return CH_DONE;
}

static ch_err mark(struct triage *t, struct stack *s, uint64_t addr, size_t n)
{
	bool stays = false;
	for (size_t i = 0; i < n; i += WORD) {
		TRY(stack_word_stays(t, s, load_le64(t->in + i), &stays));
		if (!stays)
			continue;
		pages_add(t, addr + i, addr + i + WORD);
		/* the rest of this page comes with it */
		i += (size_t)(CORE_PAGE - (addr + i) % CORE_PAGE) - WORD;
	}
	return CH_DONE;
}

ch_err stacks_mark(struct triage *t)
{
	t->result.unread = 0;
	t->code.unseen = 0;
	for (size_t i = 0; i < t->stacks.n; i++)
		TRY(walk(t, &t->stacks.all[i], mark));
	t->result.unseen_code = t->code.unseen;
	return CH_DONE;
}
