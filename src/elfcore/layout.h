/* Where things stand in the structures of an ELF core (elf.h, sys/procfs.h), by offset, so
 * that nothing depends on how a compiler lays out a struct. Little endian, x86-64. */
#pragma once
#include "base/bytes.h"

enum {
	/* Elf64_Ehdr */
	E_TYPE = 16,
	E_MACHINE = 18,
	E_VERSION = 20,
	E_PHOFF = 32,
	E_SHOFF = 40,
	E_EHSIZE = 52,
	E_PHENTSIZE = 54,
	E_PHNUM = 56,
	E_SHENTSIZE = 58,
	E_SHNUM = 60,
	/* Elf64_Phdr */
	P_TYPE = 0,
	P_FLAGS = 4,
	P_OFFSET = 8,
	P_VADDR = 16,
	P_FILESZ = 32,
	P_MEMSZ = 40,
	P_ALIGN = 48,
	/* Elf64_Shdr, of which a core with many segments has one */
	SH_INFO = 44,
	CORE_SECTION_SIZE = 64
};
enum { ELF_CORE = 4, ELF_X86_64 = 62, SEGMENT_LOAD = 1, SEGMENT_NOTE = 4, SEGMENTS_MANY = 0xffff };

/* elf_prstatus: one a thread */
enum {
	STATUS_SIZE = 336,
	STATUS_SIGNAL = 12, /* u16 */
	STATUS_TID = 32,
	STATUS_REGS = 112, /* user_regs_struct: u64 each, by number below */
	STATUS_FPVALID = 328
};
enum reg {
	REG_R15,
	REG_R14,
	REG_R13,
	REG_R12,
	REG_RBP,
	REG_RBX,
	REG_R11,
	REG_R10,
	REG_R9,
	REG_R8,
	REG_RAX,
	REG_RCX,
	REG_RDX,
	REG_RSI,
	REG_RDI,
	REG_ORIG_RAX,
	REG_RIP,
	REG_CS,
	REG_EFLAGS,
	REG_RSP,
	REG_SS,
	REG_FS_BASE,
	REG_GS_BASE,
	REG_DS,
	REG_ES,
	REG_FS,
	REG_GS,
	REG_COUNT
};

/* elf_prpsinfo */
enum {
	PSINFO_SIZE = 136,
	PSINFO_NAME = 40,
	PSINFO_NAME_N = 16,
	PSINFO_ARGS = 56,
	PSINFO_ARGS_N = 80
};
/* siginfo_t */
enum { SIGINFO_SIZE = 128, SIGINFO_KEPT = 12 };
/* xsave area: XCR0, as the kernel writes it into the legacy part's free bytes */
enum { XSTATE_XCR0 = 464 };
/* NT_FILE: u64 count, u64 page size, count times {u64 from, to, pages}, count texts */
enum { FILE_HEAD = 16, FILE_ROW = 24 };

static inline uint16_t load_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline void store_le(uint8_t *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++, v >>= 8)
		p[i] = (uint8_t)v;
}
