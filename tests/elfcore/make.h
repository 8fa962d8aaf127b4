/* Cores made by hand, for tests of everything that reads them: in the kernel's layout unless
 * told otherwise, and with whatever lies a test wants. Storage is the maker's until
 * make_done. */
#pragma once
#include "elfcore/core.h"
#include "elfcore/memory.h"

/* Bytes that grow. */
struct made {
	uint8_t *p;
	size_t n, cap;
};
void made_put(struct made *m, bytes b);
void made_u16(struct made *m, uint16_t v); /* little endian */
void made_u32(struct made *m, uint32_t v);
void made_u64(struct made *m, uint64_t v);
void made_zeros(struct made *m, size_t n);
void made_set64(struct made *m, size_t at, uint64_t v);
void made_set16(struct made *m, size_t at, uint16_t v);
void made_done(struct made *m);
bytes made_bytes(const struct made *m);

struct make_load {
	uint64_t addr, mem_size;
	uint32_t flags;
	bytes data; /* in the core; may be shorter than mem_size */
};
struct make_file {
	uint64_t from, to, pages;
	const char *path;
};
struct make_thread {
	uint32_t tid;
	uint16_t signal;
	uint64_t regs[27]; /* as user_regs_struct: MAKE_RSP … */
};
enum {
	MAKE_RBP = 4,
	MAKE_RBX = 5,
	MAKE_ORIG_RAX = 15,
	MAKE_RIP = 16,
	MAKE_CS = 17,
	MAKE_EFLAGS = 18,
	MAKE_RSP = 19,
	MAKE_FS_BASE = 21
};

/* Appends one note; the sizes in its header are those of owner (with NUL) and desc. */
void make_note(struct made *notes, const char *owner, uint32_t type, bytes desc);
void make_status(struct made *notes, const struct make_thread *t);
void make_siginfo(struct made *notes, uint32_t signal, uint64_t addr);
void make_psinfo(struct made *notes, const char *name, const char *args);
void make_auxv(struct made *notes, const uint64_t (*pairs)[2], size_t n);
void make_files(struct made *notes, const struct make_file *files, size_t n);

/* Headers, notes, memory. more: segments of 0 bytes so many behind the last, for PN_XNUM. */
struct made make_core(bytes notes, const struct make_load *loads, size_t n, size_t more);

/* What a core is read from, and what is written. */
struct make_input {
	struct core_input input;
	bytes from;
};
void make_input(struct make_input *in, bytes from);
struct make_sink {
	struct core_sink sink;
	struct made to;
	uint64_t n; /* also when it does not keep them */
	bool counts_only;
};
void make_sink(struct make_sink *s);
