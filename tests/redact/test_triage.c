/* The allow-list: what must stay for a debugger stays, and every other byte of memory is
 * 0xc5 or absent, whatever the core says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "make.h"
#include "redact/code.h"
#include "redact/triage.h"

#define SECRET UINT64_C(0x5ec2e75ec2e75ec2)
#define MASKED UINT64_C(0xc5c5c5c5c5c5c5c5)
#define STACK UINT64_C(0x7f0000000000)
#define OTHER UINT64_C(0x7f1000000000)
enum {
	PAGE = 4096,
	HEAD = 0x400000,   /* the file's first page */
	TEXT = 0x401000,   /* R|X */
	RODATA = 0x402000, /* R */
	DATA = 0x403000,   /* R|W, of the file */
	HEAP = 0x600000,
	STACK_PAGES = 4,
	SP = 256,
};

static uint8_t head_page[PAGE], text[PAGE], rodata[PAGE], data[PAGE], heap[2 * PAGE];
static uint8_t stack[STACK_PAGES * PAGE], other[PAGE];
static struct make_load loads[] = {
	{ HEAD, PAGE, 4, { head_page, PAGE } },
	{ TEXT, PAGE, 5, { text, PAGE } },
	{ RODATA, PAGE, 4, { rodata, PAGE } },
	{ DATA, PAGE, 6, { data, PAGE } },
	{ HEAP, 2 * PAGE, 6, { heap, sizeof(heap) } },
	{ STACK, sizeof(stack), 6, { stack, sizeof(stack) } },
	{ OTHER, PAGE, 6, { other, PAGE } },
};
static const struct make_file files[] = {
	{ HEAD, TEXT, 0, "/usr/bin/app" },
	{ TEXT, RODATA, 1, "/usr/bin/app" },
	{ RODATA, DATA, 2, "/usr/bin/app" },
	{ DATA, DATA + PAGE, 3, "/usr/bin/app" },
};

static void put64(uint8_t *p, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static int fresh(void **state)
{
	(void)state;
	uint8_t *const all[] = { head_page, rodata, data, heap, stack, other };
	const size_t sizes[] = { PAGE, PAGE, PAGE, sizeof(heap), sizeof(stack), PAGE };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		for (size_t k = 0; k < sizes[i]; k += 8)
			put64(all[i] + k, SECRET + k);
	memset(text, 0x90, sizeof(text));
	loads[1].data = (bytes){ text, PAGE };
	return 0;
}

/* --- running it ---------------------------------------------------------------------- */

struct outcome {
	struct triage_result result;
	struct made core;
	struct core_head head;
	struct memory_file memory;
	int fd;
};

static int file_of(bytes b)
{
	int fd = memfd_create("core", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, b.p, b.n), b.n);
	return fd;
}

static void open_core(bytes b, struct core_head *head, struct memory_file *memory, int *ret_fd)
{
	struct make_input in;
	make_input(&in, b);
	*ret_fd = file_of(b);
	assert_false(failed(core_segments_read(&in.input, head)));
	assert_false(failed(core_notes_read(&in.input, head, NULL)));
	assert_false(failed(memory_file_init(memory, &head->map, *ret_fd)));
}

static void outcome_done(struct outcome *o)
{
	core_head_done(&o->head);
	made_done(&o->core);
	close(o->fd);
}

static struct outcome triage_with(bytes core, struct core_memory *code)
{
	struct outcome o = { 0 };
	struct core_head head = { 0 };
	struct memory_file memory;
	struct make_sink sink = { 0 };
	int fd = -1;
	make_sink(&sink);
	open_core(core, &head, &memory, &fd);
	assert_false(failed(triage_write(&head, &memory.memory, code, &sink.sink, &o.result)));
	assert_int_equal(sink.to.n, o.result.size_bytes);
	o.core = sink.to;
	core_head_done(&head);
	close(fd);
	open_core(made_bytes(&o.core), &o.head, &o.memory, &o.fd);
	return o;
}

static struct make_thread thread_at(uint64_t sp)
{
	struct make_thread t = { .tid = 7, .signal = 11 };
	t.regs[MAKE_RIP] = TEXT + 16;
	t.regs[MAKE_RSP] = sp;
	return t;
}

static struct made core_of(uint64_t sp)
{
	static const uint64_t auxv[][2] = { { 3, HEAD + 64 }, { 5, 3 }, { 0, 0 } };
	struct make_thread t = thread_at(sp);
	struct made notes = { 0 };
	make_status(&notes, &t);
	make_auxv(&notes, auxv, COUNT_OF(auxv));
	make_files(&notes, files, COUNT_OF(files));
	struct made core = make_core(made_bytes(&notes), loads, COUNT_OF(loads), 0);
	made_done(&notes);
	return core;
}

static struct outcome triage(void)
{
	struct made core = core_of(STACK + SP);
	struct outcome o = triage_with(made_bytes(&core), NULL);
	made_done(&core);
	return o;
}

/* 0: absent */
static uint64_t word(struct outcome *o, uint64_t addr)
{
	uint8_t p[8] = { 0 };
	o->memory.map = &o->head.map; /* an outcome moves */
	return failed(memory_exactly(&o->memory.memory, addr, p, 8)) ? 0 : load_le64(p);
}

/* No word of memory that begins or ends like the secrets: they lie at every eighth byte. */
static void assert_no_secret(const struct outcome *o)
{
	static const uint8_t tail[] = { 0xe7, 0x5e, 0xc2, 0xe7, 0x5e };
	assert_null(memmem(o->core.p, o->core.n, tail, sizeof(tail)));
}

/* --- stacks -------------------------------------------------------------------------- */

static void only_what_follows_a_call_stays(void **state)
{
	(void)state;
	static const struct {
		uint8_t n, call[8];
		bool stays;
	} calls[] = {
		{ 5, { 0xe8, 0x10, 0, 0, 0 }, true },
		{ 5, { 0xe8, 0, 0, 0, 0x40 }, false }, /* to where no code is */
		{ 2, { 0xff, 0xd0 }, true },
		{ 3, { 0x41, 0xff, 0xd3 }, true },
		{ 2, { 0xff, 0x10 }, true },
		{ 3, { 0xff, 0x14, 0xd8 }, true },
		{ 3, { 0xff, 0x50, 0x08 }, true },
		{ 4, { 0xff, 0x54, 0x24, 0x08 }, true },
		{ 6, { 0xff, 0x15, 1, 2, 3, 4 }, true },
		{ 6, { 0xff, 0x90, 1, 2, 3, 4 }, true },
		{ 7, { 0xff, 0x94, 0x24, 1, 2, 3, 4 }, true },
		{ 7, { 0xff, 0x14, 0x25, 1, 2, 3, 4 }, true },
		{ 2, { 0xff, 0xe0 }, false }, /* jmp */
		{ 2, { 0xff, 0x30 }, false }, /* push */
		{ 5, { 0xe9, 0x10, 0, 0, 0 }, false },
		{ 3, { 0xff, 0x14, 0x25 }, false },
		{ 0, { 0 }, false },
	};
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		uint64_t at = TEXT + 64 + 32 * i;
		mem_copy(text + (at - TEXT) - calls[i].n, calls[i].call, calls[i].n);
		put64(stack + SP + 16 * i, at);
	}
	struct outcome o = triage();
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		uint64_t at = TEXT + 64 + 32 * i;
		assert_int_equal(word(&o, STACK + SP + 16 * i), calls[i].stays ? at : MASKED);
		assert_int_equal(word(&o, STACK + SP + 16 * i + 8), MASKED);
	}
	assert_no_secret(&o);
	outcome_done(&o);
}

static void pointers_stay_into_the_same_stack_alone(void **state)
{
	(void)state;
	const uint64_t words[] = { STACK + SP - 128, STACK + SP + 1000, STACK + sizeof(stack) - 1 };
	const uint64_t not [] = { STACK + 8,  STACK + sizeof(stack),
				  OTHER + 8,  HEAP + 8,
				  RODATA + 8, DATA + 800,
				  HEAD,       1234,
				  TEXT + 80 };
	for (size_t i = 0; i < COUNT_OF(words); i++)
		put64(stack + SP + 16 * i, words[i]);
	for (size_t i = 0; i < COUNT_OF(not ); i++)
		put64(stack + SP + 512 + 8 * i, not [i]);
	put64(stack + SP - 8, TEXT + 80);
	put64(stack + SP - 128, STACK + SP);
	put64(stack + SP - 136, STACK + SP);
	struct outcome o = triage();
	for (size_t i = 0; i < COUNT_OF(words); i++)
		assert_int_equal(word(&o, STACK + SP + 16 * i), words[i]);
	for (size_t i = 0; i < COUNT_OF(not ); i++)
		assert_int_equal(word(&o, STACK + SP + 512 + 8 * i), MASKED);
	assert_int_equal(word(&o, STACK + SP - 128), STACK + SP);
	assert_int_equal(word(&o, STACK + SP - 136), MASKED);
	/* pages of which nothing stays are not there; nor is any heap */
	assert_int_equal(word(&o, STACK + 2 * PAGE), 0);
	assert_int_equal(word(&o, HEAP), 0);
	assert_int_equal(word(&o, OTHER), 0);
	assert_non_null(core_map_at(&o.head.map, HEAP + PAGE));
	assert_no_secret(&o);
	outcome_done(&o);
}

static void zeros_stay_beside_what_stays(void **state)
{
	(void)state;
	const uint64_t words[] = { 0, 0, STACK + SP, 0, 0, 0, SECRET, 0 };
	const uint64_t then[] = { MASKED, 0, STACK + SP, 0, MASKED, MASKED, MASKED, MASKED };
	for (size_t i = 0; i < COUNT_OF(words); i++)
		put64(stack + SP + 8 * i, words[i]);
	struct outcome o = triage();
	for (size_t i = 0; i < COUNT_OF(words); i++)
		assert_int_equal(word(&o, STACK + SP + 8 * i), then[i]);
	outcome_done(&o);
}

static void a_stack_that_ran_over_is_kept_from_its_start(void **state)
{
	(void)state;
	put64(stack, STACK + 64);
	struct made core = core_of(STACK - 64);
	struct outcome o = triage_with(made_bytes(&core), NULL);
	assert_int_equal(word(&o, STACK), STACK + 64);
	assert_no_secret(&o);
	outcome_done(&o);
	made_done(&core);
}

/* --- code that others know ----------------------------------------------------------- */

static ch_err code_read(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	(void)m;
	*ret_n = addr >= TEXT && addr < TEXT + PAGE ? TEXT + PAGE - addr : 0;
	*ret_n = *ret_n < n ? *ret_n : n;
	mem_copy(to, text + (addr - TEXT), *ret_n);
	return CH_DONE;
}

static void code_that_cannot_be_seen_is_masked_and_counted(void **state)
{
	(void)state;
	struct core_memory knows = { code_read, NULL };
	text[98] = 0xff;
	text[99] = 0xd0;
	put64(stack + SP, TEXT + 100);
	loads[1].data.n = 0;
	struct outcome o = triage();
	assert_int_equal(o.result.unseen_code, 1);
	assert_int_equal(word(&o, STACK + SP), 0); /* nothing stays, so no page */
	outcome_done(&o);
	struct made core = core_of(STACK + SP);
	o = triage_with(made_bytes(&core), &knows);
	assert_int_equal(o.result.unseen_code, 0);
	assert_int_equal(word(&o, STACK + SP), TEXT + 100);
	/* looked at, not kept */
	assert_int_equal(word(&o, TEXT), 0);
	outcome_done(&o);
	made_done(&core);
}

struct opener {
	struct code_opener opener;
	bytes file;
	size_t asked;
};

static ch_err open_file(struct code_opener *o, str path, int *ret_fd)
{
	struct opener *us = (struct opener *)o;
	us->asked++;
	assert_true(str_eq(path, LIT("/usr/bin/app")));
	if (us->file.n == 0)
		return ch_fail(CH_E_NOT_FOUND, "no such file", 0);
	*ret_fd = file_of(us->file);
	return CH_DONE;
}

static void elf_header(uint8_t *p)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	mem_zero(p, 64 + 3 * 56);
	mem_copy(p, ident, sizeof(ident));
	put64(p + 32, 64);
	p[54] = 56;
	p[56] = 3;
	p[64] = 6; /* PT_PHDR */
	put64(p + 64 + 16, 64);
	p[120] = 1; /* PT_LOAD, R|X, one page */
	p[124] = 5;
	put64(p + 120 + 8, PAGE);
	put64(p + 120 + 32, 200);
	p[176] = 2; /* PT_DYNAMIC */
	put64(p + 176 + 16, DATA - HEAD);
}

/* The file is believed when it begins as its mapping does. */
static void code_comes_from_the_mapped_file(void **state)
{
	(void)state;
	static uint8_t file[2 * PAGE];
	elf_header(head_page);
	mem_copy(file, head_page, PAGE);
	mem_copy(file + PAGE, text, PAGE);
	file[PAGE + 98] = 0xff;
	file[PAGE + 99] = 0xd0;
	put64(stack + SP, TEXT + 100);
	loads[1].data.n = 0;
	for (unsigned how = 0; how < 3; how++) {
		struct opener opener = { { open_file }, { file, how ? sizeof(file) : 0 }, 0 };
		struct made core = core_of(STACK + SP);
		struct core_head head = { 0 };
		struct memory_file memory;
		struct code_files *code = NULL;
		size_t wanted = 0, missing = 0;
		int fd = -1;
		file[2000] ^= how == 2;
		open_core(made_bytes(&core), &head, &memory, &fd);
		assert_false(failed(code_files_new(&head, &memory.memory, &opener.opener, &code)));
		struct outcome o = triage_with(made_bytes(&core), code_files_memory(code));
		code_files_count(code, &wanted, &missing);
		assert_int_equal(wanted, 1);
		assert_int_equal(opener.asked, 1);
		assert_int_equal(missing, how != 1);
		assert_int_equal(word(&o, STACK + SP), how == 1 ? TEXT + 100 : 0);
		outcome_done(&o);
		code_files_done(&code);
		core_head_done(&head);
		made_done(&core);
		close(fd);
	}
}

/* --- signals ------------------------------------------------------------------------- */

enum { UC = SP + 64 + 8, REGS = UC + 40 };

/* A handler on this stack, its context says where it came from. */
static void put_signal(uint64_t sp, uint64_t pc)
{
	static const uint8_t trampoline[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	mem_copy(text + 512, trampoline, sizeof(trampoline));
	put64(stack + SP + 64, TEXT + 512);
	put64(stack + UC + 16, STACK);
	put64(stack + UC + 32, 2 * PAGE);
	put64(stack + REGS + 10 * 8, OTHER + 2048);
	put64(stack + REGS + 15 * 8, sp);
	put64(stack + REGS + 16 * 8, pc);
	put64(stack + REGS + 17 * 8, 0x10246);
	put64(stack + REGS + 18 * 8, 0x002b000000000033);
	text[398] = 0xff;
	text[399] = 0xd0;
	put64(other + 1024, TEXT + 400);
	put64(other + 1032, OTHER + 2000);
	put64(other + 512, TEXT + 400);
	put64(stack + 3 * PAGE, TEXT + 400);
}

static void a_signal_leads_to_the_stack_it_came_from(void **state)
{
	(void)state;
	put_signal(OTHER + 1000, TEXT + 700);
	struct outcome o = triage();
	assert_int_equal(word(&o, STACK + SP + 64), TEXT + 512);
	assert_int_equal(word(&o, STACK + REGS + 10 * 8), OTHER + 2048);
	assert_int_equal(word(&o, STACK + REGS + 15 * 8), OTHER + 1000);
	assert_int_equal(word(&o, STACK + REGS + 16 * 8), TEXT + 700);
	assert_int_equal(word(&o, STACK + REGS + 11 * 8), MASKED);
	assert_int_equal(word(&o, OTHER + 1024), TEXT + 400);
	assert_int_equal(word(&o, OTHER + 1032), OTHER + 2000);
	assert_int_equal(word(&o, OTHER + 512), MASKED);
	/* behind the end of the alternate stack nothing is looked at */
	assert_int_equal(word(&o, STACK + 3 * PAGE), 0);
	assert_no_secret(&o);
	outcome_done(&o);
}

static void what_is_no_context_gives_nothing(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint64_t is;
	} lies[] = {
		{ REGS + 15 * 8, SECRET },
		{ REGS + 18 * 8, SECRET },
		{ REGS + 17 * 8, SECRET },
	};
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		put_signal(OTHER + 1000, TEXT + 700);
		put64(stack + lies[i].at, lies[i].is);
		struct outcome o = triage();
		assert_int_equal(word(&o, STACK + REGS + 15 * 8), MASKED);
		assert_int_equal(word(&o, STACK + REGS + 16 * 8), MASKED);
		assert_int_equal(word(&o, OTHER + 1024), 0);
		assert_no_secret(&o);
		outcome_done(&o);
	}
	/* a pc that is no code is masked, the rest is as it was */
	put_signal(OTHER + 1000, SECRET);
	struct outcome o = triage();
	assert_int_equal(word(&o, STACK + REGS + 15 * 8), OTHER + 1000);
	assert_int_equal(word(&o, STACK + REGS + 16 * 8), MASKED);
	outcome_done(&o);
}

/* --- the loader's list --------------------------------------------------------------- */

enum { DEBUG = 256, LINK = 512, NAMES = 1024 };

static void put_link(size_t i, uint64_t next, uint64_t prev, const char *name)
{
	uint8_t *p = heap + LINK + 64 * i;
	size_t at = NAMES + 128 * i;
	put64(p, i ? 0x7000 : 0);
	put64(p + 8, HEAP + at);
	put64(p + 16, DATA);
	put64(p + 24, next);
	put64(p + 32, prev);
	mem_copy(heap + at, name, strlen(name) + 1);
}

static void put_list(void)
{
	elf_header(head_page);
	put64(data, 21);
	put64(data + 8, DATA + DEBUG);
	put64(data + 16, 0);
	put64(data + 24, 0);
	put64(data + DEBUG, 1 | SECRET << 32);
	put64(data + DEBUG + 8, HEAP + LINK);
	put64(data + DEBUG + 16, TEXT);
	put64(data + DEBUG + 24, 0);
	put64(data + DEBUG + 32, HEAD);
	put64(data + DEBUG + 40, 0);
	put_link(0, HEAP + LINK + 64, 0, "");
	put_link(1, HEAP + LINK + 128, HEAP + LINK, "/lib/libc.so.6");
	put_link(2, 0, HEAP + LINK + 64, "/home/alice/lib.so");
}

static void assert_name(struct outcome *o, size_t i, const char *name)
{
	char p[64] = { 0 };
	assert_false(failed(
		memory_exactly(&o->memory.memory, HEAP + NAMES + 128 * i, p, strlen(name) + 2)));
	assert_memory_equal(p, name, strlen(name) + 1);
	assert_int_equal((uint8_t)p[strlen(name) + 1], 0xc5);
}

static void the_list_of_libraries_stays(void **state)
{
	(void)state;
	put_list();
	struct outcome o = triage();
	assert_int_equal(word(&o, DATA + 8), DATA + DEBUG);
	assert_int_equal(word(&o, DATA + 32), MASKED);
	assert_int_equal(word(&o, DATA + DEBUG), 1);
	assert_int_equal(word(&o, DATA + DEBUG + 8), HEAP + LINK);
	assert_int_equal(word(&o, DATA + DEBUG + 40), MASKED);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(word(&o, HEAP + LINK + 64 * i + 8), HEAP + NAMES + 128 * i);
		assert_int_equal(word(&o, HEAP + LINK + 64 * i + 40), MASKED);
	}
	assert_name(&o, 1, "/lib/libc.so.6");
	assert_name(&o, 2, "/home/xxxxxxxxxxxx");
	/* the program's headers, and no more of that page */
	assert_memory_equal(o.core.p + core_map_at(&o.head.map, HEAD)->offset, head_page, 232);
	assert_int_equal(word(&o, HEAD + 232), MASKED);
	assert_no_secret(&o);
	outcome_done(&o);
}

static void a_list_that_lies_ends(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint64_t is;
	} lies[] = {
		{ LINK + 64 + 24, HEAP + LINK },     /* a circle */
		{ LINK + 64 + 24, SECRET },          /* to nowhere */
		{ LINK + 64 + 32, SECRET },          /* another one before */
		{ LINK + 64 + 16, HEAP },            /* its dynamic section is of no file */
		{ LINK + 64 + 0, SECRET },           /* no page */
		{ LINK + 64 + 8, SECRET },           /* no name */
		{ NAMES + 128 + 4, SECRET },         /* a name that is no text */
		{ LINK + 64 + 8, STACK + 2 * PAGE }, /* that does not end */
	};
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		put_list();
		put64(heap + lies[i].at, lies[i].is);
		struct outcome o = triage();
		assert_int_equal(word(&o, HEAP + LINK), 0);
		assert_no_secret(&o);
		outcome_done(&o);
	}
}

/* --- crowds -------------------------------------------------------------------------- */

/* Threads without end on one stack cost one look at it. */
static void many_threads_on_one_stack(void **state)
{
	(void)state;
	enum { THREADS = 20000 };
	struct made notes = { 0 };
	for (uint32_t i = 0; i < THREADS; i++) {
		struct make_thread t = thread_at(STACK + i % sizeof(stack));
		make_status(&notes, &t);
	}
	put64(stack + PAGE, STACK + PAGE);
	struct made core = make_core(made_bytes(&notes), loads, COUNT_OF(loads), 0);
	struct outcome o = triage_with(made_bytes(&core), NULL);
	assert_int_equal(word(&o, STACK + PAGE), STACK + PAGE);
	assert_int_equal(o.result.kept_bytes, 8);
	assert_int_equal(o.result.cut_threads, 0);
	assert_no_secret(&o);
	outcome_done(&o);
	made_done(&notes);
	made_done(&core);
}

/* Every other page of a stack stays, for 8 MiB of it. */
static void many_pages_apart(void **state)
{
	(void)state;
	enum { PAGES = 6000 };
	static uint8_t big[PAGES * PAGE];
	for (size_t i = 0; i < PAGES; i += 2)
		put64(big + i * PAGE, STACK + i * PAGE);
	struct make_load one[] = { { STACK, sizeof(big), 6, { big, sizeof(big) } } };
	struct make_thread t = thread_at(STACK + 128);
	struct made notes = { 0 };
	make_status(&notes, &t);
	struct made core = make_core(made_bytes(&notes), one, 1, 0);
	struct outcome o = triage_with(made_bytes(&core), NULL);
	for (size_t i = 0; i < 2048; i += 2)
		assert_int_equal(word(&o, STACK + i * PAGE), STACK + i * PAGE);
	assert_int_equal(word(&o, STACK + 2050 * PAGE), 0);
	/* the word and the zeros behind it; those before it are in no page that stays */
	assert_int_equal(o.result.kept_bytes, 1024 * 2 * 8);
	outcome_done(&o);
	made_done(&notes);
	made_done(&core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(only_what_follows_a_call_stays, fresh),
		cmocka_unit_test_setup(pointers_stay_into_the_same_stack_alone, fresh),
		cmocka_unit_test_setup(zeros_stay_beside_what_stays, fresh),
		cmocka_unit_test_setup(a_stack_that_ran_over_is_kept_from_its_start, fresh),
		cmocka_unit_test_setup(code_that_cannot_be_seen_is_masked_and_counted, fresh),
		cmocka_unit_test_setup(code_comes_from_the_mapped_file, fresh),
		cmocka_unit_test_setup(a_signal_leads_to_the_stack_it_came_from, fresh),
		cmocka_unit_test_setup(what_is_no_context_gives_nothing, fresh),
		cmocka_unit_test_setup(the_list_of_libraries_stays, fresh),
		cmocka_unit_test_setup(a_list_that_lies_ends, fresh),
		cmocka_unit_test_setup(many_threads_on_one_stack, fresh),
		cmocka_unit_test_setup(many_pages_apart, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
