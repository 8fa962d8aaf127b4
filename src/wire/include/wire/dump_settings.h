/* What `chancery coredump install` has decided, as the handler finds it in STATE/settings:
 * frozen, so that no crash makes a privileged process read YAML.
 *
 *   "CHDUMP1\n"  u16 version  then the fields in the order below, integers big endian */
#pragma once
#include "wire/coredump.h"

/* How the kernel hands over a crash; see core(5) and docs/COREDUMP.md. */
enum dump_mode {
	DUMP_MODE_SOCKET, /* "@@path", Linux 6.17: the handler may refuse before a byte is sent */
	DUMP_MODE_LEGACY, /* "@path", Linux 6.16: the kernel sends at once */
	DUMP_MODE_PIPE,   /* "|program", any Linux: one process of ours for each crash */
	DUMP_MODE_COUNT
};

enum { CORE_PATTERN_MAX = 127, DUMP_SETTINGS_MAX = 16 * 1024, DUMP_REPORTERS_MAX = 8 };

struct dump_limits {
	uint64_t core_bytes;  /* of a core; a longer one is kept at triage */
	uint64_t file_bytes;  /* of one stored dump */
	uint64_t total_bytes; /* of all of them */
	uint64_t free_bytes;  /* that must stay free on the disk */
	uint32_t keep_days;
	uint32_t crashes, per_s; /* so many of one user's program in so many seconds */
	uint32_t at_once;
	uint32_t seconds; /* for one crash, all in all */
};

struct dump_settings {
	enum dump_mode mode;
	str pattern;         /* what core_pattern is while the handler is armed */
	uint32_t pipe_limit; /* and core_pipe_limit */
	str libexec;         /* folder of redactor and packer */
	str store;
	uint8_t public_key[32];
	uint32_t uid_base; /* redactor, packer, registry: this and the next two */
	struct dump_limits limits;
	size_t n_reporters;
	uint32_t reporters
		[DUMP_REPORTERS_MAX]; /* uids whose crash reports are taken, beside root's */
	enum dump_wish wish;          /* what applies when no rule does */
	bool beyond_to_former;        /* what rate and room keep out is the former handler's */
	size_t n_rules;
	struct dump_rule rules[DUMP_RULES_MAX];
};
void dump_settings_write(struct wr *w, const struct dump_settings *s);
/* Texts point into b. E_PROTOCOL for whatever is not exactly so. */
ch_err dump_settings_read(bytes b, struct dump_settings *ret_s);

/* What was in force before: STATE/former. */
struct dump_former {
	str pattern;
	uint32_t pipe_limit;
};
void dump_former_write(struct wr *w, const struct dump_former *f);
ch_err dump_former_read(bytes b, struct dump_former *ret_f);

/* STATE/self-test, for as long as the command line tests: this one crash goes to another
 * folder and is sealed to another key. */
struct dump_self_test {
	uint32_t pid;
	uint8_t public_key[32];
	str store;
};
void dump_self_test_write(struct wr *w, const struct dump_self_test *t);
ch_err dump_self_test_read(bytes b, struct dump_self_test *ret_t);

/* A crash report that somebody else made, over STATE/run/reports (SEQPACKET); answered with
 * a code and, when it was stored, the dump's id.
 *
 *   REPORT  u8 0x81  u8 version  u32 pid  u32 signal  i64 time_s  str16 program  bytes16 text
 *   STORED  u8 0x82  u8 version  u16 code  u64 detail  str16 id */
enum { CRASH_REPORT_TEXT_MAX = 32 * 1024, CRASH_REPORT_NAME_MAX = 256 };
struct crash_report {
	uint32_t pid, signal;
	int64_t time_s;
	str program;
	bytes text;
};
struct crash_stored {
	uint16_t code;
	uint64_t detail;
	str id;
};
void crash_report_write(struct wr *w, const struct crash_report *r);
ch_err crash_report_read(bytes message, struct crash_report *ret_r);
void crash_stored_write(struct wr *w, const struct crash_stored *s);
ch_err crash_stored_read(bytes message, struct crash_stored *ret_s);

/* Names in STATE, for the handler and the command line alike. */
#define DUMP_STATE_DEFAULT "/var/lib/chancery-coredump"
#define DUMP_FILE_SETTINGS "settings"
#define DUMP_FILE_FORMER "former"
#define DUMP_FILE_SELF_TEST "self-test"
#define DUMP_FILE_RATES "rates"
#define DUMP_FILE_LOG "log"
#define DUMP_FILE_PID "run/pid"
#define DUMP_SOCKET_CORE "run/core"
#define DUMP_SOCKET_REPORTS "run/reports"
#define DUMP_SOCKET_REGISTRY "run/registry"
