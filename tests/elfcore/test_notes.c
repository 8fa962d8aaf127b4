/* Notes: what stays of each, what the head learns, and that lies and crowds cost little. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "make.h"

#define SECRET UINT64_C(0x5ec2e75ec2e75ec2)
#define MASKED UINT64_C(0xc5c5c5c5c5c5c5c5)
enum { CODE = 0x400000, DATA = 0x500000, HEAP = 0x600000 };
#define STACK UINT64_C(0x7f0000000000)

static const uint8_t page[4096];
static const struct make_load loads[] = {
	{ CODE, 4096, 5, { 0 } },
	{ DATA, 4096, 4, { 0 } },
	{ HEAP, 4096, 6, { page, 4096 } },
	{ STACK, 4096, 6, { page, 4096 } },
};
static const struct make_file files[] = {
	{ CODE, CODE + 4096, 1, "/usr/bin/app" },
	{ DATA, DATA + 4096, 2, "/home/alice/secret" },
};

static struct make_thread thread(uint32_t tid)
{
	struct make_thread t = { .tid = tid, .signal = 11 };
	for (size_t i = 0; i < COUNT_OF(t.regs); i++)
		t.regs[i] = SECRET + i;
	t.regs[MAKE_RIP] = CODE + 16;
	t.regs[MAKE_RSP] = STACK + 64;
	t.regs[MAKE_RBP] = STACK + 128;
	t.regs[MAKE_RBX] = CODE + 32;
	t.regs[MAKE_CS] = 0x33;
	t.regs[MAKE_EFLAGS] = 0x10246;
	return t;
}

/* As the kernel orders them. */
static void usual_notes(struct made *notes, size_t threads)
{
	static const uint64_t auxv[][2] = {
		{ 3, CODE + 64 },   { 5, 13 },          { 9, CODE + 256 },
		{ 33, 0x7fff0000 }, { SECRET, SECRET }, { 15, STACK + 50 },
		{ 25, STACK + 32 }, { 31, STACK + 99 }, { 0, 0 }
	};
	uint8_t state[2688];
	memset(state, 0x5e, sizeof(state));
	mem_zero(state + 464, 8);
	state[464] = 7;
	for (uint32_t i = 0; i < threads; i++) {
		struct make_thread t = thread(100 + i);
		make_status(notes, &t);
		if (i == 0) {
			make_psinfo(notes, "app", "app --password=hunter2");
			make_siginfo(notes, 6, SECRET);
			make_auxv(notes, auxv, COUNT_OF(auxv));
			make_files(notes, files, COUNT_OF(files));
		}
		make_note(notes, "CORE", 2, (bytes){ state, 512 });
		make_note(notes, "LINUX", 0x202, BYTES_OF(state));
	}
}

struct pass {
	struct core_head h;
	struct make_sink s;
	ch_err e;
};

static struct pass pass(bytes notes, bool keep)
{
	struct pass r = { 0 };
	struct make_input in;
	struct made core = make_core(notes, loads, COUNT_OF(loads), 0);
	make_input(&in, made_bytes(&core));
	make_sink(&r.s);
	assert_false(failed(core_segments_read(&in.input, &r.h)));
	r.e = core_notes_read(&in.input, &r.h, keep ? NULL : &r.s.sink);
	if (!failed(r.e))
		assert_int_equal(in.input.done, r.h.map.notes_offset + r.h.map.notes_size);
	made_done(&core);
	return r;
}

static void pass_done(struct pass *r)
{
	core_head_done(&r->h);
	made_done(&r->s.to);
}

static bool holds(bytes b, const void *what, size_t n)
{
	return b.p && b.n && memmem(b.p, b.n, what, n);
}

static bool holds_secret(bytes b)
{
	const uint64_t secret = SECRET;
	return holds(b, (const uint8_t *)&secret + 2, 6) || holds(b, "hunter2", 7) ||
	       holds(b, "alice", 5) || holds(b, "\x5e\x5e\x5e\x5e", 4);
}

static void masks_and_learns(void **state)
{
	(void)state;
	struct made notes = { 0 };
	usual_notes(&notes, 2);
	assert_true(holds_secret(made_bytes(&notes)));
	struct pass r = pass(made_bytes(&notes), false);
	assert_false(failed(r.e));
	assert_int_equal(r.s.to.n, notes.n);
	assert_false(holds_secret(made_bytes(&r.s.to)));
	assert_int_equal(r.h.signal, 6);
	assert_int_equal(r.h.n_threads, 2);
	assert_true(r.h.threads[1].tid == 101 && r.h.threads[1].pc == CODE + 16);
	assert_true(r.h.threads[0].sp == STACK + 64 && r.h.threads[0].bp == STACK + 128);
	assert_true(r.h.auxv_phdr == CODE + 64 && r.h.auxv_phnum == 13);
	assert_true(r.h.auxv_entry == CODE + 256 && r.h.auxv_vdso == 0x7fff0000);
	assert_true(r.h.words_from == STACK + 57 && r.h.words_to == STACK + 99);
	assert_int_equal(r.h.n_files, 2);
	assert_true(str_eq(r.h.files[1].path, LIT("/home/alice/secret")));
	assert_int_equal(r.h.files[1].offset, 8192);
	assert_true(r.h.map.loads[0].file_backed && r.h.map.loads[1].file_backed);
	assert_false(r.h.map.loads[2].file_backed);
	assert_true(r.h.map.loads[0].flags & CORE_PROGRAM);
	assert_false(r.h.map.loads[1].flags & CORE_PROGRAM ||
		     r.h.map.loads[2].flags & CORE_PROGRAM);
	assert_true(core_is_code(&r.h, CODE + 4095) && !core_is_code(&r.h, DATA));
	assert_true(!core_is_code(&r.h, CODE + 4096) && !core_is_code(&r.h, STACK));
	assert_int_equal(r.h.notes_broken, 0);
	assert_int_equal(r.h.threads_left_out, 0);
	assert_int_equal(r.h.n_notes, 0);
	pass_done(&r);
	made_done(&notes);
}

/* What says nonsense about the arguments says nothing. */
static void arguments_are_in_order(void **state)
{
	(void)state;
	static const struct {
		uint64_t random, platform, name, from, to;
	} rows[] = {
		{ STACK, 0, STACK + 17, STACK + 16, STACK + 17 },
		{ 0, STACK, STACK + 99, STACK + 7, STACK + 99 },
		{ STACK, 0, STACK + 16, 0, 0 },
		{ STACK, 0, 0, 0, 0 },
		{ 0, 0, STACK, 0, 0 },
		{ STACK, STACK + 200, STACK + 99, 0, 0 },
		{ UINT64_MAX, 0, UINT64_MAX, 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct made notes = { 0 };
		const uint64_t auxv[][2] = { { 25, rows[i].random },
					     { 15, rows[i].platform },
					     { 31, rows[i].name },
					     { 0, 0 } };
		make_auxv(&notes, auxv, COUNT_OF(auxv));
		struct pass r = pass(made_bytes(&notes), false);
		assert_int_equal(r.h.words_from, rows[i].from);
		assert_int_equal(r.h.words_to, rows[i].to);
		pass_done(&r);
		made_done(&notes);
	}
}

/* The registers of the first status in b, which stands at its start. */
static uint64_t reg(bytes b, size_t i)
{
	return load_le64(b.p + 20 + 112 + 8 * i);
}

static void keeps_registers_that_name_the_place(void **state)
{
	(void)state;
	struct made notes = { 0 };
	struct make_thread t = thread(1);
	t.regs[0] = STACK + 8;    /* into its stack */
	t.regs[1] = HEAP;         /* elsewhere */
	t.regs[2] = DATA;         /* tables may tell of a key */
	t.regs[3] = STACK + 4096; /* just behind */
	t.regs[9] = 0;            /* null pointers crash */
	t.regs[8] = 12;           /* numbers may be a PIN */
	t.regs[MAKE_FS_BASE] = HEAP + 64;
	t.regs[MAKE_ORIG_RAX] = 231;
	make_status(&notes, &t);
	struct pass r = pass(made_bytes(&notes), false);
	bytes b = made_bytes(&r.s.to);
	assert_true(reg(b, 0) == STACK + 8 && reg(b, 1) == MASKED && reg(b, 2) == MASKED);
	assert_true(reg(b, 3) == MASKED && reg(b, 8) == MASKED && reg(b, 9) == 0);
	assert_true(reg(b, MAKE_RBX) == CODE + 32);
	assert_true(reg(b, MAKE_RIP) == CODE + 16 && reg(b, MAKE_RSP) == STACK + 64);
	assert_true(reg(b, MAKE_RBP) == STACK + 128 && reg(b, MAKE_CS) == 0x33);
	assert_true(reg(b, MAKE_EFLAGS) == 0x10246 && reg(b, MAKE_FS_BASE) == HEAP + 64);
	assert_true(reg(b, MAKE_ORIG_RAX) == 231);
	pass_done(&r);
	made_done(&notes);
	t.regs[MAKE_RBP] = SECRET; /* a compiler's spare register */
	t.regs[MAKE_ORIG_RAX] = SECRET;
	t.regs[MAKE_FS_BASE] = SECRET;
	make_status(&notes, &t);
	r = pass(made_bytes(&notes), false);
	b = made_bytes(&r.s.to);
	assert_true(reg(b, MAKE_RBP) == 0 && reg(b, MAKE_ORIG_RAX) == UINT64_MAX);
	assert_true(reg(b, MAKE_FS_BASE) == 0);
	assert_int_equal(r.h.signal, 11);
	pass_done(&r);
	made_done(&notes);
}

static void keeps_what_triage_wants(void **state)
{
	(void)state;
	struct made notes = { 0 };
	usual_notes(&notes, 3);
	struct pass r = pass(made_bytes(&notes), true);
	bytes kept = { r.h.notes, r.h.n_notes };
	assert_false(failed(r.e));
	assert_int_equal(r.h.n_threads, 3);
	/* three threads, and all but the state of FP and vectors */
	assert_int_equal(kept.n, 3 * (20 + 336) + (20 + 136) + (20 + 128) + (20 + 144) +
					 (20 + 16 + 48 + 13 + 19));
	assert_false(holds_secret(kept));
	pass_done(&r);
	made_done(&notes);
}

static void unknown_notes_are_zeroed(void **state)
{
	(void)state;
	static const uint8_t desc[] = "hunter2 and alice";
	static const struct {
		const char *owner;
		uint32_t type;
	} others[] = { { "CORE", 99 },
		       { "LINUX", 1 },
		       { "alice", 1 },
		       { "CORE", 1 },
		       { "a very long name of alice", 6 },
		       { "", 0 } };
	struct made notes = { 0 };
	for (size_t i = 0; i < COUNT_OF(others); i++)
		make_note(&notes, others[i].owner, others[i].type, BYTES_OF(desc));
	struct pass r = pass(made_bytes(&notes), false);
	assert_false(failed(r.e));
	assert_int_equal(r.s.to.n, notes.n);
	assert_false(holds_secret(made_bytes(&r.s.to)));
	assert_int_equal(r.h.notes_broken, 0);
	pass_done(&r);
	made_done(&notes);
}

static void gdbs_own_note_stays_text(void **state)
{
	(void)state;
	struct made notes = { 0 };
	make_note(&notes, "GDB", 0xff000000, bytes_of_str(LIT("<target>\x80\x01</target>\n")));
	struct pass r = pass(made_bytes(&notes), false);
	assert_true(holds(made_bytes(&r.s.to), "<target>  </target>\n", 20));
	pass_done(&r);
	made_done(&notes);
}

static void sizes_may_lie(void **state)
{
	(void)state;
	struct made notes = { 0 };
	usual_notes(&notes, 1);
	size_t good = notes.n;
	make_note(&notes, "CORE", 6, bytes_of_str(LIT("hunter2 hunter2 hunter2")));
	static const uint32_t lies[] = { 0xffffffff, 0xfffffffc, 0x7fffffff, 1000, 28 };
	for (size_t i = 0; i < COUNT_OF(lies) * 2; i++) {
		struct made bad = { 0 };
		made_put(&bad, made_bytes(&notes));
		for (size_t k = 0; k < 4; k++)
			bad.p[good + 4 * (i & 1) + k] = (uint8_t)(lies[i / 2] >> 8 * k);
		struct pass r = pass(made_bytes(&bad), false);
		assert_false(failed(r.e));
		assert_int_equal(r.s.to.n, bad.n);
		assert_int_equal(r.h.notes_broken, bad.n - good);
		assert_false(holds_secret(made_bytes(&r.s.to)));
		pass_done(&r);
		made_done(&bad);
	}
	made_done(&notes);
}

/* No byte, changed anyhow, lets a secret through or stops the stream. */
static void every_byte_may_lie(void **state)
{
	(void)state;
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	struct made notes = { 0 };
	usual_notes(&notes, 2);
	for (size_t at = 0; at < notes.n; at++) {
		struct make_input in;
		notes.p[at] ^= flips[at % COUNT_OF(flips)];
		struct pass r = pass(made_bytes(&notes), at & 1);
		assert_false(failed(r.e));
		assert_true(at & 1 || r.s.to.n == notes.n);
		assert_false(holds(made_bytes(&r.s.to), "hunter2", 7));
		(void)in;
		pass_done(&r);
		notes.p[at] ^= flips[at % COUNT_OF(flips)];
	}
	made_done(&notes);
}

static void ends_anywhere(void **state)
{
	(void)state;
	struct made notes = { 0 };
	usual_notes(&notes, 1);
	struct made core = make_core(made_bytes(&notes), loads, COUNT_OF(loads), 0);
	size_t from = 64 + 5 * 56;
	for (size_t n = from; n < from + notes.n; n++) {
		struct make_input in;
		struct make_sink s;
		struct core_head h = { 0 };
		make_input(&in, (bytes){ core.p, n });
		make_sink(&s);
		assert_false(failed(core_segments_read(&in.input, &h)));
		ch_err e = core_notes_read(&in.input, &h, n & 1 ? &s.sink : NULL);
		assert_int_equal(e.site->code, CH_E_TRUNCATED);
		assert_true(s.to.n <= n - from && h.n_notes <= n - from);
		assert_false(holds_secret(made_bytes(&s.to)));
		made_done(&s.to);
		core_head_done(&h);
	}
	made_done(&core);
	made_done(&notes);
}

/* Rows and texts that do not agree with the count. */
static void file_tables_may_lie(void **state)
{
	(void)state;
	static const uint64_t counts[] = {
		0, 1, 3, 4, 1000, UINT64_MAX, UINT64_MAX / 24, UINT64_C(1) << 61
	};
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct made notes = { 0 };
		make_files(&notes, files, COUNT_OF(files));
		made_set64(&notes, 20, counts[i]);
		struct pass r = pass(made_bytes(&notes), false);
		assert_false(failed(r.e));
		assert_int_equal(r.s.to.n, notes.n);
		assert_false(holds(made_bytes(&r.s.to), "alice", 5));
		assert_true(r.h.n_files <= 3);
		for (size_t k = 0; k < r.h.n_files; k++)
			assert_true(r.h.files[k].path.p && r.h.files[k].path.n < 32);
		pass_done(&r);
		made_done(&notes);
	}
}

static void overlapping_files_are_left_out(void **state)
{
	(void)state;
	static const struct make_file odd[] = {
		{ DATA, DATA + 4096, 0, "/b" },         { CODE, CODE + 4096, 0, "/a" },
		{ CODE + 8, CODE + 16, 0, "/inside" },  { DATA + 5000, DATA, 0, "/backwards" },
		{ HEAP, HEAP + 1, UINT64_MAX, "/far" },
	};
	struct made notes = { 0 };
	make_files(&notes, odd, COUNT_OF(odd));
	struct pass r = pass(made_bytes(&notes), true);
	assert_int_equal(r.h.n_files, 2);
	assert_true(str_eq(r.h.files[0].path, LIT("/a")));
	assert_true(str_eq(r.h.files[1].path, LIT("/b")));
	assert_null(core_file_at(&r.h, CODE + 4096));
	pass_done(&r);
	made_done(&notes);
}

/* A path longer than any window, and many files: 12 MiB of them. */
static void many_files(void **state)
{
	(void)state;
	enum { COUNT = 200000 };
	struct make_file *many = calloc(COUNT, sizeof(*many));
	for (uint64_t i = 0; i < COUNT; i++)
		many[i] = (struct make_file){ (i + 1) << 20, ((i + 1) << 20) + 4096, 0,
					      i % 2 ? "/home/alice/a/long/path/of/his" : "/b" };
	struct made notes = { 0 };
	make_files(&notes, many, COUNT);
	struct pass r = pass(made_bytes(&notes), false);
	assert_false(failed(r.e));
	assert_int_equal(r.s.to.n, notes.n);
	assert_false(holds(made_bytes(&r.s.to), "alice", 5));
	assert_int_equal(r.h.n_files, CORE_FILES_MAX / 2);
	pass_done(&r);
	made_done(&notes);
	char *path = malloc(100001);
	memset(path, 'y', 100000);
	path[100000] = 0;
	many[0].path = path;
	make_files(&notes, many, 2);
	r = pass(made_bytes(&notes), false);
	assert_int_equal(r.s.to.n, notes.n);
	assert_true(r.h.notes_broken > 100000);
	assert_false(holds(made_bytes(&r.s.to), "yy", 2));
	pass_done(&r);
	made_done(&notes);
	free(path);
	free(many);
}

/* Notes of so many threads, made as they are read, so that only the reader takes memory. */
struct crowd {
	struct core_input input;
	struct made head; /* up to the notes */
	struct made one;  /* the notes of one thread */
};

static ch_err crowd_read(struct core_input *in, void *to, size_t n, size_t *ret_n)
{
	const struct crowd *c = (const struct crowd *)in;
	for (size_t i = 0; i < n;) {
		uint64_t at = in->done + i;
		bytes b = made_bytes(at < c->head.n ? &c->head : &c->one);
		size_t from = at < c->head.n ? (size_t)at : (size_t)((at - c->head.n) % b.n);
		size_t part = b.n - from < n - i ? b.n - from : n - i;
		mem_copy((uint8_t *)to + i, b.p + from, part);
		i += part;
	}
	*ret_n = n;
	return CH_DONE;
}

static long peak_kb(void)
{
	struct rusage u;
#ifdef __SANITIZE_ADDRESS__
	return 0; /* which keeps what is freed */
#endif
	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_maxrss;
}

static void crowds_take_bounded_memory(void **state)
{
	(void)state;
	enum { THREADS = 65000 };
	struct crowd c = { { crowd_read, NULL, 0 }, { 0 }, { 0 } };
	usual_notes(&c.one, 1);
	c.head = make_core(made_bytes(&c.one), loads, COUNT_OF(loads), 0);
	c.head.n = 64 + 5 * 56;
	made_set64(&c.head, 64 + 32, (uint64_t)c.one.n * THREADS);
	for (int keep = 0; keep < 2; keep++) {
		struct core_head h = { 0 };
		struct make_sink s;
		make_sink(&s);
		s.counts_only = true;
		long before = peak_kb();
		c.input.done = 0;
		assert_false(failed(core_segments_read(&c.input, &h)));
		/* the memory behind the notes is not there, which nobody looks at */
		assert_false(failed(core_notes_read(&c.input, &h, keep ? NULL : &s.sink)));
		assert_true(keep || s.n == (uint64_t)c.one.n * THREADS);
		assert_true(h.n_notes <= CORE_NOTES_KEPT);
		assert_int_equal(h.n_threads + h.threads_left_out, THREADS);
		assert_true(keep || h.n_threads == THREADS);
		assert_true(!keep || h.threads_left_out > 0);
		assert_in_range(peak_kb() - before, 0, keep ? 24 * 1024 : 6 * 1024);
		core_head_done(&h);
	}
	made_done(&c.head);
	made_done(&c.one);
}

/* A note of 64 MiB, known and unknown. */
static void long_notes_take_bounded_memory(void **state)
{
	(void)state;
	static const uint32_t types[] = { 6, 77, 1 };
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct crowd c = { { crowd_read, NULL, 0 }, { 0 }, { 0 } };
		struct core_head h = { 0 };
		struct make_sink s;
		make_sink(&s);
		s.counts_only = true;
		make_note(&c.one, "CORE", types[i], bytes_of_str(LIT("hunter2")));
		c.head = make_core(made_bytes(&c.one), loads, COUNT_OF(loads), 0);
		c.head.n = 64 + 5 * 56 + 20;
		made_set64(&c.head, 64 + 32, 20 + (64 << 20));
		made_set64(&c.head, 64 + 5 * 56, 5 | (uint64_t)(64 << 20) << 32);
		long before = peak_kb();
		assert_false(failed(core_segments_read(&c.input, &h)));
		assert_false(failed(core_notes_read(&c.input, &h, &s.sink)));
		assert_int_equal(s.n, 20 + (64 << 20));
		assert_in_range(peak_kb() - before, 0, 4 * 1024);
		core_head_done(&h);
		made_done(&c.head);
		made_done(&c.one);
	}
}

/* gcore puts them behind the memory: fine in a file, not in a stream. */
static void notes_behind_memory(void **state)
{
	(void)state;
	struct made notes = { 0 };
	usual_notes(&notes, 1);
	struct made core = make_core(made_bytes(&notes), loads, COUNT_OF(loads), 0);
	made_set64(&core, 64 + 8, core.n);
	made_put(&core, made_bytes(&notes));
	struct make_input in;
	struct core_head h = { 0 };
	make_input(&in, made_bytes(&core));
	assert_false(failed(core_segments_read(&in.input, &h)));
	ch_err e = core_notes_read(&in.input, &h, NULL);
	assert_int_equal(e.site->code, CH_E_UNSUPPORTED);
	core_head_done(&h);
	made_done(&core);
	made_done(&notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, since peaks stay */
		cmocka_unit_test(long_notes_take_bounded_memory),
		cmocka_unit_test(crowds_take_bounded_memory),
		cmocka_unit_test(masks_and_learns),
		cmocka_unit_test(arguments_are_in_order),
		cmocka_unit_test(keeps_registers_that_name_the_place),
		cmocka_unit_test(keeps_what_triage_wants),
		cmocka_unit_test(unknown_notes_are_zeroed),
		cmocka_unit_test(gdbs_own_note_stays_text),
		cmocka_unit_test(sizes_may_lie),
		cmocka_unit_test(every_byte_may_lie),
		cmocka_unit_test(ends_anywhere),
		cmocka_unit_test(file_tables_may_lie),
		cmocka_unit_test(overlapping_files_are_left_out),
		cmocka_unit_test(many_files),
		cmocka_unit_test(notes_behind_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
