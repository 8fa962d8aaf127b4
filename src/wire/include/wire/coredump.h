/* The processes of a crash dump: what the opener (or the command line) tells the worker
 * that redacts and the packer that seals, and what is said to the registry.
 *
 * A redactor finds, from ROLE_FD on: the core (stream, or a file that can be read at random),
 * the pipe for its records, then for a crash /proc/PID/mem, /proc/PID/pagemap, the executable
 * (read only), and when has_registered a memfd with fingerprints. For a file, the memfd comes
 * third, and over CONTROL_FD it may ask for mapped files (below). A packer finds: the
 * pipe of records, the file to write, and a pipe for the report and its last word.
 *
 * A redactor ends with 0 when it said RECORD_END, with 1 when a rule says never (it then
 * said nothing), and with 3 when it failed. */
#pragma once
#include "base/rw.h"
#include "base/secret.h"
#include "wire/channel.h"

enum redact_duty {
	REDACT_CRASH, /* a core from the kernel, the process waits */
	REDACT_FILE,  /* a core that is a file: a new core */
	REDACT_SCAN,  /* a core that is a file: the report alone */
	REDACT_DUTY_COUNT
};

/* The first rule that fits decides. A field that is not set fits all. */
enum { DUMP_RULES_MAX = 64, BUILD_ID_MAX = 32 };
enum dump_wish {
	WISH_TRIAGE,
	WISH_STRICT,
	WISH_FULL,
	WISH_NEVER,  /* nobody gets it */
	WISH_FORMER, /* who handled crashes before gets it, as it is; no redactor's */
	WISH_COUNT
};
struct dump_rule {
	bool has_uid, has_file, has_build_id;
	uint32_t uid_from, uid_to;
	uint64_t device, inode;
	uint8_t build_id[BUILD_ID_MAX];
	uint8_t build_id_n;
	enum dump_wish wish;
};

struct redactor_config {
	enum redact_duty duty;
	enum dump_wish wish; /* what applies when no rule does */
	bool has_registered;
	bool registry_silent; /* there is one, and nobody could read it: the report says so */
	uint64_t size_max;    /* of the core, bytes; a longer one is kept at triage */
	uint32_t uid;         /* of the process that crashed */
	uint64_t device, inode;
	int32_t signal; /* 0: the core says */
	size_t n_rules;
	struct dump_rule rules[DUMP_RULES_MAX];
};
/* REDACTOR_CONFIG_MAX and PACKER_CONFIG_MAX bytes at most; a reader gives E_PROTOCOL. */
enum { REDACTOR_CONFIG_MAX = 64 + DUMP_RULES_MAX * 80, PACKER_CONFIG_MAX = 64 };
void redactor_config_write(struct wr *w, const struct redactor_config *c);
ch_err redactor_config_read(bytes b, struct redactor_config *ret_c);

/* What a redactor of a file asks the one who started it over CONTROL_FD (SEQPACKET), to look
 * at the code that a core lacks; the path is the core's and may name anything:
 *
 *   CODE     u8 1  u8 version  str16 path
 *   ANSWER   u8 2  u8 version  u16 code        with a descriptor when the code is OK */
enum { CODE_PATH_MAX = 4096, CODE_MESSAGE_MAX = CODE_PATH_MAX + 8 };
void code_ask_write(struct wr *w, str path);
ch_err code_ask_read(bytes message, str *ret_path);
void code_answer_write(struct wr *w, uint16_t code);
ch_err code_answer_read(bytes message, uint16_t *ret_code);

struct packer_config {
	uint8_t public_key[32];
	uint8_t zstd_level; /* 1 to 19 */
	uint64_t size_max;  /* of the file, bytes; 0: no bound */
};
/* What a packer ends with. Its file holds something only after PACKER_DONE; on its last pipe it
 * has then said the report and END, as records (dumpstore/records.h). END says whether the
 * core was whole: if not, the file is empty all the same. */
enum packer_status {
	PACKER_DONE = 0,
	PACKER_TROUBLE = 3,
	PACKER_CUT,       /* the records stopped before their END */
	PACKER_TOO_LARGE, /* the file would be longer than size_max */
	PACKER_DISK_FULL,
	PACKER_BREACH, /* records that are none */
};
void packer_config_write(struct wr *w, const struct packer_config *c);
ch_err packer_config_read(bytes b, struct packer_config *ret_c);

/* The registry, over its unix socket (SEQPACKET), one question a message:
 *
 *   REGISTER  u8 1  u8 version  u8 kind  bool weak  str16 label  bytes16 secret
 *   SNAPSHOT  u8 2  u8 version                       answered with a sealed memfd
 *   LIST      u8 3  u8 version
 *   REMOVE    u8 4  u8 version  str16 label
 *   ANSWER    u8 9  u8 version  u16 code  u64 detail  bytes16 text
 *
 * Who may ask what goes by SO_PEERCRED: root and the uids it was given to register, root
 * alone the rest. */
enum registry_kind {
	REGISTRY_REGISTER = 1,
	REGISTRY_SNAPSHOT,
	REGISTRY_LIST,
	REGISTRY_REMOVE,
	REGISTRY_ANSWER = 9,
};
enum {
	REGISTRY_LABEL_MAX = 64,
	REGISTRY_SECRET_MAX = 16 * 1024,
	REGISTRY_TEXT_MAX = MESSAGE_MAX - 16,
};
struct registry_ask {
	enum registry_kind kind;
	uint8_t registered_kind; /* enum registered_kind of fingerprint.h */
	bool weak;
	str label;
	struct secret_bytes secret;
};
struct registry_answer {
	uint16_t code;
	uint64_t detail;
	bytes text; /* LIST: JSON */
};
/* In a message of MESSAGE_MAX bytes. What is read points into it; E_PROTOCOL. */
void registry_ask_write(struct wr *w, const struct registry_ask *a);
ch_err registry_ask_read(bytes message, struct registry_ask *ret_a);
void registry_answer_write(struct wr *w, const struct registry_answer *a);
ch_err registry_answer_read(bytes message, struct registry_answer *ret_a);
