/* What was done to a dump: the sidecar, as JSON and as text. It never holds a byte of a
 * secret, and of memory only where something lay. */
#pragma once
#include "base/rw.h"
#include "elfcore/map.h"
#include "redact/level.h"
#include "redact/value.h"

enum { REPORT_PLACES_MAX = 4096, REPORT_TEXT_MAX = 1024 * 1024 };

struct report; /* at most 1 MiB; counts go on when places are full, and it says so */
ch_err report_new(struct report **ret_r);
void report_done(struct report **r);

/* Something was overwritten: n bytes at addr. form: a literal, "le", "base64url". */
struct report_place {
	enum value_kind kind;
	str finder, form;
	uint64_t addr, n;
};
void report_masked(struct report *r, const struct report_place *p);

/* Why a dump is not whole, or a part of it could not be looked at; each counts. */
enum report_flaw {
	FLAW_CUT,         /* the stream ended before the core did */
	FLAW_UNREAD,      /* memory that could not be read; n: bytes */
	FLAW_THREADS,     /* threads left out; n: how many */
	FLAW_SEGMENTS,    /* segments that lie about themselves, left out */
	FLAW_PUBLICS,     /* more public keys than are looked for */
	FLAW_UNTRIED,     /* candidates that finders left alone, for time or room; n: how many */
	FLAW_NO_TEXT,     /* code that could not be seen: stack words into it were masked */
	FLAW_UNSUPPORTED, /* no core of a machine that we know */
	FLAW_LEVEL,       /* kept at triage, since the level asked for could not be done */
	FLAW_REGISTRY,    /* the registry of secrets was silent: kept at triage at most */
	FLAW_COUNT
};
void report_flaw(struct report *r, enum report_flaw f, uint64_t n);
bool report_whole(const struct report *r);
/* It ended early, or is no core: nothing of a crash may be kept. */
bool report_cut(const struct report *r);
/* Secrets overwritten: of all kinds but VALUE_RANDOM and VALUE_WORDS. */
uint64_t report_secrets(const struct report *r);
/* Bytes overwritten, of all kinds. */
uint64_t report_bytes(const struct report *r);

/* Facts for the reader, once. Texts are copied; they may hold anything and are escaped. */
struct report_facts {
	enum level level;
	int signal;
	uint64_t threads, size_bytes, zero_bytes, kept_bytes, masked_bytes;
	str executable, build_id; /* as the core says; empty: unknown */
};
void report_set(struct report *r, const struct report_facts *f);

/* Names places after the files that NT_FILE says are mapped there; NULL until known. */
struct place_names {
	/* mapping "libcrypto.so.3", symbol "" when unknown; slices that stay */
	void (*name)(struct place_names *n, uint64_t addr, str *ret_mapping, str *ret_symbol);
};
/* Renders all of it into w (REPORT_TEXT_MAX): an object, {"whole": …, "masked": [ … ]}. Places
 * that do not fit are left out and counted. */
void report_json(const struct report *r, struct place_names *names_or_null, struct wr *w);
/* The same for people: a line for each fact, kind and place. What came from the core is
 * shown without control characters. */
void report_text(const struct report *r, struct place_names *names_or_null, struct wr *w);
