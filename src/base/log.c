/* Log lines: one write(2) each, fields quoted, control bytes escaped. Trusts
 * nothing in a value; must never print a secret (no field type carries one). */
#include "base/log.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/rw.h"

/* a byte can take six in JSON; a pipe takes 4096 as one */
enum { LINE_CAP = 2048, JSON_CAP = 4096, VALUE_CAP = 512 };

static const char *program_name = "chancery";
static enum log_level min_level = LOG_INFO;
static bool as_json;

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info",   [LOG_WARN] = "warn",
	[LOG_ERROR] = "error", [LOG_ALARM] = "ALARM",
};

void log_open(const char *program)
{
	program_name = program;
}

void log_min_level(enum log_level level)
{
	min_level = level;
}

void log_as_json(bool yes)
{
	as_json = yes;
}

bool log_is_json(void)
{
	return as_json;
}

static void put_padded(struct wr *w, int v, int width)
{
	for (int unit = width == 4 ? 1000 : width == 3 ? 100 : 10; unit > 0; unit /= 10)
		wr_char(w, (char)('0' + v / unit % 10));
}

struct date {
	int year, month, day;
};

/* The proleptic Gregorian date of a day since 1970 (years begin in March). gmtime_r is
 * no choice: it opens /etc/localtime, for which a confined role is killed. */
static struct date date_of(int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = z / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	int64_t month = mp < 10 ? mp + 3 : mp - 9;
	return (struct date){ (int)(yoe + era * 400 + (month <= 2)), (int)month,
			      (int)(doy - (153 * mp + 2) / 5 + 1) };
}

static void put_time(struct wr *w)
{
	struct timespec now = { 0 };
	(void)clock_gettime(CLOCK_REALTIME, &now);
	struct date d = date_of(now.tv_sec / 86400);
	int second = (int)(now.tv_sec % 86400);
	const struct {
		int v, width;
		char before;
	} parts[] = {
		{ d.year, 4, 0 },
		{ d.month, 2, '-' },
		{ d.day, 2, '-' },
		{ second / 3600, 2, 'T' },
		{ second / 60 % 60, 2, ':' },
		{ second % 60, 2, ':' },
		{ (int)(now.tv_nsec / 1000000), 3, '.' },
	};
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if (parts[i].before)
			wr_char(w, parts[i].before);
		put_padded(w, parts[i].v, parts[i].width);
	}
	wr_char(w, 'Z');
}

/* In JSON a byte that is no ASCII stands for the character of its number: what came is not
 * believed to be UTF-8. */
static void put_quoted(struct wr *w, str s)
{
	size_t n = s.n > VALUE_CAP ? VALUE_CAP : s.n;
	wr_char(w, '"');
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s.p[i];
		if (c == '"' || c == '\\') {
			wr_char(w, '\\');
			wr_char(w, (char)c);
		} else if (c < 0x20 || c >= 0x7f) {
			wr_str(w, as_json ? LIT("\\u00") : LIT("\\x"));
			wr_hex(w, (bytes){ &c, 1 });
		} else {
			wr_char(w, (char)c);
		}
	}
	wr_str(w, n < s.n ? LIT("...\"") : LIT("\""));
}

void err_print(struct wr *w, ch_err e)
{
	if (!e.site) {
		wr_lit(w, "OK");
		return;
	}
	wr_str(w, str_from_c(ch_code_name((enum ch_code)e.site->code)));
	wr_lit(w, ": ");
	wr_str(w, str_from_c(e.site->what));
	wr_lit(w, " (");
	if (e.site->code == CH_E_IO && e.detail < 200)
		wr_str(w, str_from_c(strerrorname_np((int)e.detail)));
	else
		wr_dec(w, e.detail);
	wr_lit(w, ") [");
	wr_str(w, str_from_c(e.site->file));
	wr_char(w, ':');
	wr_dec(w, e.site->line);
	wr_char(w, ']');
}

static void put_field(struct wr *w, const struct log_field *f)
{
	uint8_t text[VALUE_CAP];
	struct wr t = wr_of(text, sizeof(text));
	wr_str(w, as_json ? LIT(",\"") : LIT(" "));
	wr_str(w, str_from_c(f->name));
	wr_str(w, as_json ? LIT("\":") : LIT("="));
	switch (f->kind) {
	case LOG_F_STR:
		put_quoted(w, f->s);
		break;
	case LOG_F_U64:
		wr_dec(w, f->u);
		break;
	case LOG_F_I64:
		if ((int64_t)f->u < 0)
			wr_char(w, '-');
		wr_dec(w, (int64_t)f->u < 0 ? -f->u : f->u);
		break;
	case LOG_F_ERR:
		err_print(&t, f->e);
		put_quoted(w, wr_text(&t));
		break;
	}
}

/* One that does not fit any more is left out: half of one would break a line of JSON. */
static void put_whole_field(struct wr *w, const struct log_field *f)
{
	size_t before = w->n;
	bool was_full = w->full;
	put_field(w, f);
	if (!as_json || !w->full)
		return;
	w->n = before;
	w->full = was_full;
}

static void put_head(struct wr *w, enum log_level level, const char *what)
{
	if (as_json)
		wr_lit(w, "{\"time\":\"");
	put_time(w);
	wr_str(w, as_json ? LIT("\",\"level\":\"") : LIT(" "));
	wr_str(w, str_from_c(level_names[level]));
	wr_str(w, as_json ? LIT("\",\"program\":\"") : LIT(" "));
	wr_str(w, str_from_c(program_name));
	wr_str(w, as_json ? LIT("\",\"what\":") : LIT(" "));
	put_quoted(w, str_from_c(what));
}

void log_write(enum log_level level, const char *what, const struct log_field *fields, size_t n)
{
	uint8_t line[JSON_CAP];
	struct wr w = wr_of(line, (as_json ? JSON_CAP : LINE_CAP) - 2);
	if (level < min_level)
		return;
	put_head(&w, level, what);
	for (size_t i = 0; i < n; i++)
		if (fields[i].name)
			put_whole_field(&w, &fields[i]);
	if (as_json)
		line[w.n++] = '}';
	line[w.n] = '\n';
	/* a log that cannot be written has nowhere to be reported */
	ssize_t ignored = write(STDERR_FILENO, line, w.n + 1);
	(void)ignored;
}
