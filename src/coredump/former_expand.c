/* A core_pattern that names a program, expanded as the kernel does (core(5), fs/coredump.c):
 * blanks split before anything is expanded, so that no name becomes two arguments, and a
 * name can be no path. The pattern was root's, the names are the crashed program's. */
#include "former.h"

enum { PIDFD_NUMBER = 3 };

struct expansion {
	const struct former_facts *f;
	struct wr w;
	bool wants_pidfd;
};

/* A name: never empty, "." or "..", and without slashes. */
static void put_name(struct wr *w, str name)
{
	if (name.n == 0)
		wr_char(w, '!');
	bool dots = str_eq(name, LIT(".")) || str_eq(name, LIT(".."));
	for (size_t i = 0; i < name.n; i++)
		wr_char(w, name.p[i] == '/' || (dots && i == 0) ? '!' : name.p[i]);
}

static str last_part(str path)
{
	size_t at = path.n;
	while (at > 0 && path.p[at - 1] != '/')
		at--;
	return str_sub(path, at, path.n - at);
}

static void put_executable(struct expansion *x, bool whole)
{
	str exe = x->f->executable;
	if (exe.n > 0) {
		put_name(&x->w, whole ? exe : last_part(exe));
		return;
	}
	put_name(&x->w, x->f->comm);
	wr_lit(&x->w, " (path unknown)");
}

static const struct {
	char letter;
	size_t at;
} numbers[] = {
	{ 'P', offsetof(struct former_facts, pid) },
	{ 'p', offsetof(struct former_facts, pid_inside) },
	{ 'I', offsetof(struct former_facts, tid) },
	{ 'i', offsetof(struct former_facts, tid_inside) },
	{ 'u', offsetof(struct former_facts, uid) },
	{ 'g', offsetof(struct former_facts, gid) },
	{ 'd', offsetof(struct former_facts, dumpable) },
	{ 's', offsetof(struct former_facts, signal) },
	{ 't', offsetof(struct former_facts, time_s) },
	{ 'c', offsetof(struct former_facts, core_limit) },
	{ 'C', offsetof(struct former_facts, cpu) },
};

/* One that is not known is left out, as the kernel does. */
static void put_specified(struct expansion *x, char letter)
{
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (numbers[i].letter == letter) {
			const uint8_t *base = (const uint8_t *)x->f;
			uint64_t v = 0;
			mem_copy(&v, base + numbers[i].at, sizeof(v));
			wr_dec(&x->w, v);
		}
	if (letter == '%')
		wr_char(&x->w, '%');
	if (letter == 'h')
		put_name(&x->w, x->f->host);
	if (letter == 'e')
		put_name(&x->w, x->f->comm);
	if (letter == 'f' || letter == 'E')
		put_executable(x, letter == 'E');
	if (letter == 'F') {
		x->wants_pidfd = true;
		wr_dec(&x->w, PIDFD_NUMBER);
	}
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static ch_err begin_argument(struct expansion *x, struct former_command *c)
{
	if (c->n == FORMER_ARGS_MAX)
		return ch_fail(CH_E_FULL, "a core_pattern of too many words", c->n);
	if (c->n > 0)
		wr_char(&x->w, 0);
	c->argv[c->n++] = c->room + x->w.n;
	return CH_DONE;
}

/* One walk, since a % takes the next character whatever it is, a blank too. */
static ch_err walk(struct expansion *x, str pattern, struct former_command *c)
{
	bool between = true;
	for (size_t i = 0; i < pattern.n; i++) {
		if (is_blank(pattern.p[i])) {
			between = true;
			continue;
		}
		if (between)
			TRY(begin_argument(x, c));
		between = false;
		if (pattern.p[i] != '%')
			wr_char(&x->w, pattern.p[i]);
		else if (++i < pattern.n)
			put_specified(x, pattern.p[i]);
	}
	wr_char(&x->w, 0);
	return wr_done(&x->w);
}

ch_err former_expand(str pattern, const struct former_facts *f, struct former_command *ret_c)
{
	struct former_command *c = ret_c;
	struct expansion x = { .f = f, .w = wr_of(c->room, sizeof(c->room)) };
	if (pattern.n < 2 || pattern.p[0] != '|')
		return ch_fail(CH_E_UNSUPPORTED, "core_pattern named no program before", 0);
	c->n = 0;
	TRY(walk(&x, str_sub(pattern, 1, pattern.n - 1), c));
	c->argv[c->n] = NULL;
	c->wants_pidfd = x.wants_pidfd;
	if (c->n == 0 || c->argv[0][0] != '/')
		return ch_fail(CH_E_UNSUPPORTED, "core_pattern named no program before", 0);
	return CH_DONE;
}
