/* Headers of cores: those of other machines, those that lie, those that end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "make.h"

enum { PHDRS = 64, PHDR = 56, OFFSET = 8, VADDR = 16, FILESZ = 32, MEMSZ = 40 };

static const uint8_t page[4096] = { 1, 2, 3 };
static const struct make_load three[] = {
	{ 0x400000, 8192, 5, { 0 } },
	{ 0x600000, 8192, 6, { page, 4096 } },
	{ 0x7f0000000000, 4096, 6, { page, 4096 } },
};

static struct made usual(void)
{
	struct made notes = { 0 };
	make_psinfo(&notes, "name", "name --secret");
	struct made core = make_core(made_bytes(&notes), three, COUNT_OF(three), 0);
	made_done(&notes);
	return core;
}

static enum ch_code try(bytes b, struct core_head *ret_h)
{
	struct make_input in;
	struct core_head h = { 0 };
	make_input(&in, b);
	ch_err e = core_segments_read(&in.input, &h);
	if (failed(e))
		return e.site->code;
	*ret_h = h;
	return CH_OK;
}

/* Reads it and is done with it. */
static enum ch_code code_of(bytes b)
{
	struct core_head h = { 0 };
	enum ch_code c = try(b, &h);
	core_head_done(&h);
	return c;
}

static void reads_what_the_kernel_writes(void **state)
{
	(void)state;
	struct made core = usual();
	struct core_head h = { 0 };
	assert_int_equal(try(made_bytes(&core), &h), CH_OK);
	assert_int_equal(h.map.n, 3);
	assert_true(h.map.loads[0].addr == 0x400000 && h.map.loads[0].flags == 5);
	assert_int_equal(h.map.loads[0].file_size, 0);
	assert_true(h.map.loads[2].addr == 0x7f0000000000 && h.map.loads[2].file_size == 4096);
	assert_int_equal(h.map.notes_offset, PHDRS + 4 * PHDR);
	assert_int_equal(h.map.size, core.n);
	assert_int_equal(h.map.left_out, 0);
	assert_true(h.map.in_order);
	core_head_done(&h);
	made_done(&core);
}

static void writes_it_again(void **state)
{
	(void)state;
	struct made core = usual();
	struct core_head h = { 0 };
	struct make_sink s;
	make_sink(&s);
	assert_int_equal(try(made_bytes(&core), &h), CH_OK);
	assert_false(failed(core_segments_write(&h.map, &s.sink)));
	assert_int_equal(s.to.n, h.map.headers_size);
	/* but for the alignment of notes, which nobody reads */
	made_set64(&s.to, PHDRS + 48, 4096);
	assert_memory_equal(s.to.p, core.p, s.to.n);
	core_map_lay_out(&h.map, h.map.notes_size);
	assert_int_equal(h.map.size, core.n);
	made_done(&s.to);
	core_head_done(&h);
	made_done(&core);
}

static void finds_addresses(void **state)
{
	(void)state;
	struct made core = usual();
	struct core_head h = { 0 };
	assert_int_equal(try(made_bytes(&core), &h), CH_OK);
	const struct core_load *l = h.map.loads;
	assert_null(core_map_at(&h.map, 0x3fffff));
	assert_ptr_equal(core_map_at(&h.map, 0x400000), l);
	assert_ptr_equal(core_map_at(&h.map, 0x401fff), l);
	assert_null(core_map_at(&h.map, 0x402000));
	assert_ptr_equal(core_map_from(&h.map, 0x402000), l + 1);
	assert_ptr_equal(core_map_from(&h.map, 0), l);
	assert_null(core_map_from(&h.map, 0x7f0000001000));
	assert_ptr_equal(core_map_stack(&h.map, 0x600010), l + 1);
	assert_ptr_equal(core_map_stack(&h.map, 0x5ffff8), l + 1);
	assert_null(core_map_stack(&h.map, 0x402000));
	assert_null(core_map_stack(&h.map, UINT64_MAX));
	core_head_done(&h);
	made_done(&core);
}

static void refuses_other_cores(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint8_t is;
	} changes[] = {
		{ 0, 'M' }, { 4, 1 }, { 5, 2 }, { 6, 2 }, { 16, 2 }, { 18, 183 }, { 18, 3 }
	};
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct made core = usual();
		core.p[changes[i].at] = changes[i].is;
		assert_int_equal(code_of(made_bytes(&core)), CH_E_UNSUPPORTED);
		made_done(&core);
	}
}

static void ends_anywhere(void **state)
{
	(void)state;
	struct made core = usual();
	for (size_t n = 0; n < PHDRS + 4 * PHDR; n++)
		assert_int_equal(code_of((bytes){ core.p, n }), CH_E_TRUNCATED);
	assert_int_equal(code_of((bytes){ core.p, PHDRS + 4 * PHDR }), CH_OK);
	made_done(&core);
}

/* Whatever a map says that was read, it holds what its users rely on. */
static void check_map(const struct core_map *m)
{
	uint64_t next = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct core_load *l = &m->loads[i];
		assert_true(l->addr >= next && l->file_size <= l->mem_size);
		assert_true(l->mem_size > 0 && l->mem_size <= UINT64_MAX - l->addr);
		next = l->addr + l->mem_size;
		assert_true(!l->file_size || l->offset >= m->headers_size);
		assert_true(!l->file_size || l->offset + l->file_size <= m->size);
	}
	assert_true(m->size <= INT64_MAX);
}

static void every_byte_may_lie(void **state)
{
	(void)state;
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	struct made core = usual();
	for (size_t at = 0; at < PHDRS + 4 * PHDR; at++)
		for (size_t i = 0; i < COUNT_OF(flips); i++) {
			struct core_head h = { 0 };
			core.p[at] ^= flips[i];
			if (try(made_bytes(&core), &h) == CH_OK)
				check_map(&h.map);
			core_head_done(&h);
			core.p[at] ^= flips[i];
		}
	made_done(&core);
}

/* One field of the program header i is set. */
struct lie {
	size_t i, field;
	uint64_t is;
	size_t left; /* segments that stay */
};

static void leaves_out_what_lies(void **state)
{
	(void)state;
	static const struct lie lies[] = {
		{ 1, VADDR, 0x5fffff, 2 },           /* into the next */
		{ 2, VADDR, 0x400000, 2 },           /* on the same place */
		{ 1, VADDR, UINT64_MAX - 8190, 2 },  /* around the end */
		{ 3, MEMSZ, UINT64_MAX, 2 },         /* likewise */
		{ 3, FILESZ, 4097, 2 },              /* more in the core than in memory */
		{ 3, OFFSET, UINT64_MAX - 4000, 2 }, /* around the end of the file */
		{ 3, OFFSET, INT64_MAX, 2 },         /* behind all files */
		{ 3, OFFSET, 8, 2 },                 /* inside the headers */
		{ 3, OFFSET, PHDRS + 4 * PHDR, 2 },  /* inside the notes */
		{ 2, MEMSZ, UINT64_C(1) << 60, 2 },  /* over the others */
	};
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		struct made core = usual();
		struct core_head h = { 0 };
		made_set64(&core, PHDRS + lies[i].i * PHDR + lies[i].field, lies[i].is);
		assert_int_equal(try(made_bytes(&core), &h), CH_OK);
		assert_int_equal(h.map.n, lies[i].left);
		assert_int_equal(h.map.left_out, 3 - lies[i].left);
		check_map(&h.map);
		core_head_done(&h);
		made_done(&core);
	}
}

static void refuses_impossible_headers(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint64_t is;
		enum ch_code code;
	} lies[] = {
		{ 32, 8, CH_E_RANGE },                      /* table inside the header */
		{ 32, UINT64_MAX, CH_E_RANGE },             /* table nowhere */
		{ 32, 1 << 30, CH_E_UNSUPPORTED },          /* far away, in a stream */
		{ PHDRS + OFFSET, 70, CH_E_RANGE },         /* notes inside the table */
		{ PHDRS + FILESZ, UINT64_MAX, CH_E_RANGE }, /* notes around the end */
		{ PHDRS + FILESZ, INT64_MAX, CH_E_RANGE },  /* notes behind all files */
	};
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		struct made core = usual();
		made_set64(&core, lies[i].at, lies[i].is);
		assert_int_equal(code_of(made_bytes(&core)), lies[i].code);
		made_done(&core);
	}
}

static void refuses_two_notes_and_no_segments(void **state)
{
	(void)state;
	struct made core = usual();
	core.p[PHDRS + 2 * PHDR] = 4;
	assert_int_equal(code_of(made_bytes(&core)), CH_E_DUPLICATE);
	made_set16(&core, 56, 0);
	assert_int_equal(code_of(made_bytes(&core)), CH_E_SYNTAX);
	made_done(&core);
	core = usual();
	made_set16(&core, 54, 32);
	assert_int_equal(code_of(made_bytes(&core)), CH_E_SYNTAX);
	made_done(&core);
}

/* As gcore lays it out: memory, then notes. */
static void sees_that_notes_are_last(void **state)
{
	(void)state;
	struct made core = usual();
	struct core_head h = { 0 };
	made_set64(&core, PHDRS + OFFSET, core.n);
	assert_int_equal(try(made_bytes(&core), &h), CH_OK);
	assert_int_equal(h.map.n, 3);
	assert_false(h.map.in_order);
	assert_int_equal(h.map.size, core.n + h.map.notes_size);
	core_head_done(&h);
	made_done(&core);
}

static void sorts(void **state)
{
	(void)state;
	struct make_load loads[500];
	uint32_t seed = 1;
	for (size_t i = 0; i < COUNT_OF(loads); i++) {
		seed = seed * 1103515245 + 12345;
		loads[i] = (struct make_load){ (uint64_t)seed << 13, 4096, 6, { page, 16 } };
	}
	struct made core = make_core((bytes){ 0 }, loads, COUNT_OF(loads), 0);
	struct core_head h = { 0 };
	assert_int_equal(try(made_bytes(&core), &h), CH_OK);
	assert_int_equal(h.map.n + h.map.left_out, COUNT_OF(loads));
	assert_true(h.map.n > 490 && !h.map.in_order);
	check_map(&h.map);
	core_head_done(&h);
	made_done(&core);
}

/* More segments than the header can count: 70,000 of them, in a stream, where the number
 * that says so comes last. */
static void counts_many(void **state)
{
	(void)state;
	struct made notes = { 0 };
	make_psinfo(&notes, "name", "");
	for (size_t more = 65530; more <= 70000; more += 4470) {
		struct made core = make_core(made_bytes(&notes), three, COUNT_OF(three), more);
		struct core_head h = { 0 };
		struct make_sink s;
		make_sink(&s);
		assert_int_equal(try(made_bytes(&core), &h), CH_OK);
		assert_int_equal(h.map.n, more + 3);
		assert_int_equal(h.map.headers_size, h.map.notes_offset);
		assert_true(h.map.in_order && h.map.left_out == 0);
		assert_false(failed(core_segments_write(&h.map, &s.sink)));
		assert_false(failed(core_end_write(&h.map, &s.sink)));
		made_set64(&s.to, PHDRS + 48, 4096);
		assert_memory_equal(s.to.p, core.p, h.map.headers_size);
		if (more == 70000)
			assert_memory_equal(s.to.p + s.to.n - 64, core.p + core.n - 64, 64);
		made_done(&s.to);
		core_head_done(&h);
		made_done(&core);
	}
	made_done(&notes);
}

/* The same without anything that tells where they end. */
static void bounds_what_it_cannot_count(void **state)
{
	(void)state;
	struct made core = make_core((bytes){ 0 }, NULL, 0, CORE_LOADS_MAX + 2);
	assert_int_equal(code_of(made_bytes(&core)), CH_E_LIMIT);
	made_done(&core);
	core = usual();
	made_set16(&core, 56, 0xffff);
	made_set64(&core, PHDRS + FILESZ, 0);
	made_set64(&core, PHDRS + 2 * PHDR + FILESZ, 0);
	made_set64(&core, PHDRS + 3 * PHDR + FILESZ, 0);
	assert_int_equal(code_of(made_bytes(&core)), CH_E_TRUNCATED);
	made_done(&core);
}

/* A stream that gives one byte at a time. */
static void reads_bytes(void **state)
{
	(void)state;
	struct made core = usual();
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (size_t i = 0; i < core.n; i++)
			if (write(ends[1], core.p + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	(void)close(ends[1]);
	struct core_input_fd in;
	struct core_head h = { 0 };
	core_input_stream(&in, ends[0]);
	assert_false(failed(core_segments_read(&in.input, &h)));
	assert_int_equal(h.map.n, 3);
	assert_int_equal(in.input.done, h.map.headers_size);
	assert_false(failed(core_notes_read(&in.input, &h, NULL)));
	assert_int_equal(in.input.done, h.map.notes_offset + h.map.notes_size);
	(void)close(ends[0]);
	(void)waitpid(child, NULL, 0);
	core_head_done(&h);
	made_done(&core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_kernel_writes),
		cmocka_unit_test(writes_it_again),
		cmocka_unit_test(finds_addresses),
		cmocka_unit_test(refuses_other_cores),
		cmocka_unit_test(ends_anywhere),
		cmocka_unit_test(every_byte_may_lie),
		cmocka_unit_test(leaves_out_what_lies),
		cmocka_unit_test(refuses_impossible_headers),
		cmocka_unit_test(refuses_two_notes_and_no_segments),
		cmocka_unit_test(sees_that_notes_are_last),
		cmocka_unit_test(sorts),
		cmocka_unit_test(counts_many),
		cmocka_unit_test(bounds_what_it_cannot_count),
		cmocka_unit_test(reads_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
