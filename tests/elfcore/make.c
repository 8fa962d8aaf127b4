/* A maker of cores for tests. It trusts its callers and aborts when memory is out. */
#include "make.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *room(struct made *m, size_t n)
{
	if (n > m->cap - m->n) {
		m->cap = 2 * (m->n + n) + 4096;
		m->p = realloc(m->p, m->cap);
		if (!m->p)
			abort();
	}
	m->n += n;
	return m->p + m->n - n;
}

void made_put(struct made *m, bytes b)
{
	mem_copy(room(m, b.n), b.p, b.n);
}

static void le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

void made_u16(struct made *m, uint16_t v)
{
	le(room(m, 2), v, 2);
}

void made_u32(struct made *m, uint32_t v)
{
	le(room(m, 4), v, 4);
}

void made_u64(struct made *m, uint64_t v)
{
	le(room(m, 8), v, 8);
}

void made_zeros(struct made *m, size_t n)
{
	mem_zero(room(m, n), n);
}

void made_set64(struct made *m, size_t at, uint64_t v)
{
	le(m->p + at, v, 8);
}

void made_set16(struct made *m, size_t at, uint16_t v)
{
	le(m->p + at, v, 2);
}

void made_done(struct made *m)
{
	free(m->p);
	*m = (struct made){ 0 };
}

bytes made_bytes(const struct made *m)
{
	return (bytes){ m->p, m->n };
}

static void pad(struct made *m, size_t to)
{
	made_zeros(m, (to - m->n % to) % to);
}

void make_note(struct made *notes, const char *owner, uint32_t type, bytes desc)
{
	made_u32(notes, (uint32_t)strlen(owner) + 1);
	made_u32(notes, (uint32_t)desc.n);
	made_u32(notes, type);
	made_put(notes, (bytes){ (const uint8_t *)owner, strlen(owner) + 1 });
	pad(notes, 4);
	made_put(notes, desc);
	pad(notes, 4);
}

void make_status(struct made *notes, const struct make_thread *t)
{
	uint8_t d[336] = { 0 };
	le(d, t->signal, 4);
	le(d + 12, t->signal, 2);
	le(d + 32, t->tid, 4);
	for (size_t i = 0; i < COUNT_OF(t->regs); i++)
		le(d + 112 + 8 * i, t->regs[i], 8);
	le(d + 328, 1, 4);
	make_note(notes, "CORE", 1, BYTES_OF(d));
}

void make_siginfo(struct made *notes, uint32_t signal, uint64_t addr)
{
	uint8_t d[128] = { 0 };
	le(d, signal, 4);
	le(d + 8, 1, 4);
	le(d + 16, addr, 8);
	make_note(notes, "CORE", 0x53494749, BYTES_OF(d));
}

void make_psinfo(struct made *notes, const char *name, const char *args)
{
	uint8_t d[136] = { 0 };
	mem_copy(d + 40, name, strnlen(name, 16));
	mem_copy(d + 56, args, strnlen(args, 80));
	make_note(notes, "CORE", 3, BYTES_OF(d));
}

void make_auxv(struct made *notes, const uint64_t (*pairs)[2], size_t n)
{
	struct made d = { 0 };
	for (size_t i = 0; i < n; i++) {
		made_u64(&d, pairs[i][0]);
		made_u64(&d, pairs[i][1]);
	}
	make_note(notes, "CORE", 6, made_bytes(&d));
	made_done(&d);
}

void make_files(struct made *notes, const struct make_file *files, size_t n)
{
	struct made d = { 0 };
	made_u64(&d, n);
	made_u64(&d, 4096);
	for (size_t i = 0; i < n; i++) {
		made_u64(&d, files[i].from);
		made_u64(&d, files[i].to);
		made_u64(&d, files[i].pages);
	}
	for (size_t i = 0; i < n; i++)
		made_put(&d, (bytes){ (const uint8_t *)files[i].path, strlen(files[i].path) + 1 });
	make_note(notes, "CORE", 0x46494c45, made_bytes(&d));
	made_done(&d);
}

static void header(struct made *m, size_t segments, uint64_t sections_at)
{
	static const uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	bool many = segments >= 0xffff;
	made_put(m, BYTES_OF(ident));
	made_u16(m, 4);
	made_u16(m, 62);
	made_u32(m, 1);
	made_u64(m, 0);
	made_u64(m, 64);
	made_u64(m, many ? sections_at : 0);
	made_u32(m, 0);
	made_u16(m, 64);
	made_u16(m, 56);
	made_u16(m, many ? 0xffff : (uint16_t)segments);
	made_u16(m, many ? 64 : 0);
	made_u16(m, many ? 1 : 0);
	made_u16(m, 0);
}

static void segment(struct made *m, uint32_t type, uint64_t offset, const struct make_load *l)
{
	made_u32(m, type);
	made_u32(m, l->flags);
	made_u64(m, offset);
	made_u64(m, l->addr);
	made_u64(m, 0);
	made_u64(m, l->data.n);
	made_u64(m, l->mem_size);
	made_u64(m, 4096);
}

struct made make_core(bytes notes, const struct make_load *loads, size_t n, size_t more)
{
	struct made m = { 0 };
	size_t segments = n + more + (notes.n > 0);
	uint64_t notes_at = 64 + 56 * segments;
	uint64_t at = (notes_at + notes.n + 4095) & ~(uint64_t)4095;
	uint64_t end = at;
	for (size_t i = 0; i < n; i++)
		end += loads[i].data.n;
	header(&m, segments, end);
	if (notes.n)
		segment(&m, 4, notes_at, &(struct make_load){ .data = notes });
	uint64_t addr = 0;
	for (size_t i = 0; i < n; i++) {
		segment(&m, 1, at, &loads[i]);
		at += loads[i].data.n;
		addr = loads[i].addr + loads[i].mem_size;
	}
	for (size_t i = 0; i < more; i++)
		segment(&m, 1, at, &(struct make_load){ addr + 8192 * i + 4096, 4096, 4, { 0 } });
	made_put(&m, notes);
	pad(&m, 4096);
	for (size_t i = 0; i < n; i++)
		made_put(&m, loads[i].data);
	if (segments >= 0xffff) {
		made_zeros(&m, 64);
		le(m.p + m.n - 64 + 44, segments, 4);
	}
	return m;
}

static ch_err input_read(struct core_input *in, void *to, size_t n, size_t *ret_n)
{
	const struct make_input *m = (const struct make_input *)in;
	size_t left = in->done < m->from.n ? m->from.n - (size_t)in->done : 0;
	*ret_n = n < left ? n : left;
	mem_copy(to, left ? m->from.p + in->done : NULL, *ret_n);
	return CH_DONE;
}

void make_input(struct make_input *in, bytes from)
{
	*in = (struct make_input){ { input_read, NULL, 0 }, from };
}

static ch_err sink_put(struct core_sink *sink, bytes b)
{
	struct make_sink *s = (struct make_sink *)sink;
	s->n += b.n;
	if (!s->counts_only)
		made_put(&s->to, b);
	return CH_DONE;
}

static ch_err sink_fill(struct core_sink *sink, uint8_t with, uint64_t n)
{
	struct make_sink *s = (struct make_sink *)sink;
	s->n += n;
	if (!s->counts_only)
		memset(room(&s->to, (size_t)n), with, (size_t)n);
	return CH_DONE;
}

void make_sink(struct make_sink *s)
{
	*s = (struct make_sink){ .sink = { sink_put, sink_fill } };
}
