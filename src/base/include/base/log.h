/* One line an event, on standard error, as typed fields: never a format string
 * with data, never a secret (no field type takes one). Values are quoted and
 * control bytes escaped, so a peer cannot forge a line.
 *
 *   2026-11-22T12:00:00.123Z warn chancery-gate "refused" code="bad_realm" realm="home" n=3
 *
 * or, when asked for, as a JSON object:
 *
 *   {"time":"2026-11-22T12:00:00.123Z","level":"warn","program":"chancery-gate",
 *    "what":"refused","code":"bad_realm","realm":"home","n":3}
 *
 * Library code does not log; programs log once, where they know the request. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_ALARM };

struct log_field {
	const char *name; /* NULL: no field */
	enum { LOG_F_STR, LOG_F_U64, LOG_F_I64, LOG_F_ERR } kind;
	str s;
	uint64_t u;
	ch_err e;
};

/* The program's name in each line; a literal. */
void log_open(const char *program);
void log_min_level(enum log_level level);
/* From now on; and is it so? */
void log_as_json(bool yes);
bool log_is_json(void);

static inline struct log_field log_str(const char *name, str s)
{
	return (struct log_field){ .name = name, .kind = LOG_F_STR, .s = s };
}

static inline struct log_field log_u64(const char *name, uint64_t u)
{
	return (struct log_field){ .name = name, .kind = LOG_F_U64, .u = u };
}

static inline struct log_field log_i64(const char *name, int64_t i)
{
	return (struct log_field){ .name = name, .kind = LOG_F_I64, .u = (uint64_t)i };
}

/* Code, what, file:line and detail (as errno's name when the code is E_IO). */
static inline struct log_field log_err(ch_err e)
{
	return (struct log_field){ .name = "error", .kind = LOG_F_ERR, .e = e };
}

/* One line to standard error; use LOG. Fields are quoted and escaped; never a secret. */
void log_write(enum log_level level, const char *what, const struct log_field *fields, size_t n);

#define LOG(level, what, ...)                                                           \
	log_write((level), "" what, (const struct log_field[]){ { 0 }, ##__VA_ARGS__ }, \
		  COUNT_OF(((const struct log_field[]){ { 0 }, ##__VA_ARGS__ })))

/* Renders an error as `code: what (detail) [file:line]` into w; for people. */
struct wr;
void err_print(struct wr *w, ch_err e);
