/* The files of the crash handler's state folder, and reports that are handed to it; both
 * halves. The files are root's, yet what does not fit is refused whole: a policy that was
 * half read must not decide. */
#include "wire/dump_settings.h"

#include "base/ck.h"
#include "wire_internal.h"

enum { SETTINGS_VERSION = 2, FILE_VERSION = 1, REPORT = 0x81, STORED = 0x82, ID_MAX = 40 };

/* clang-format off: as the header draws it */
#define SETTINGS_MAGIC "CHDUMP1\n"
#define FORMER_MAGIC "CHFORM1\n"
#define TEST_MAGIC "CHTEST1\n"
/* clang-format on */

static void header_write(struct wr *w, str magic, uint16_t version)
{
	wr_str(w, magic);
	wr_u16(w, version);
}

static void header_read(struct rd *r, str magic, uint16_t version)
{
	bytes m = rd_take(r, magic.n);
	r->bad = r->bad || !bytes_eq(m, bytes_of_str(magic)) || rd_u16(r) != version;
}

static void limits_write(struct wr *w, const struct dump_limits *l)
{
	wr_u64(w, l->core_bytes);
	wr_u64(w, l->file_bytes);
	wr_u64(w, l->total_bytes);
	wr_u64(w, l->free_bytes);
	wr_u32(w, l->keep_days);
	wr_u32(w, l->crashes);
	wr_u32(w, l->per_s);
	wr_u32(w, l->at_once);
	wr_u32(w, l->seconds);
}

static void limits_read(struct rd *r, struct dump_limits *l)
{
	l->core_bytes = rd_u64(r);
	l->file_bytes = rd_u64(r);
	l->total_bytes = rd_u64(r);
	l->free_bytes = rd_u64(r);
	l->keep_days = rd_u32(r);
	l->crashes = rd_u32(r);
	l->per_s = rd_u32(r);
	l->at_once = rd_u32(r);
	l->seconds = rd_u32(r);
	r->bad = r->bad || l->crashes == 0 || l->per_s == 0 || l->at_once == 0 || l->seconds == 0;
}

void dump_settings_write(struct wr *w, const struct dump_settings *s)
{
	header_write(w, LIT(SETTINGS_MAGIC), SETTINGS_VERSION);
	wr_u8(w, (uint8_t)s->mode);
	wr_str16(w, s->pattern);
	wr_u32(w, s->pipe_limit);
	wr_str16(w, s->libexec);
	wr_str16(w, s->store);
	wr_put(w, BYTES_OF(s->public_key));
	wr_u32(w, s->uid_base);
	limits_write(w, &s->limits);
	wr_u16(w, u16_from(s->n_reporters));
	for (size_t i = 0; i < s->n_reporters; i++)
		wr_u32(w, s->reporters[i]);
	wr_u8(w, (uint8_t)s->wish);
	wr_bool(w, s->beyond_to_former);
	wire_rules_write(w, s->rules, s->n_rules);
}

static void key_read(struct rd *r, uint8_t key[static 32])
{
	bytes b = rd_take(r, 32);
	mem_copy(key, b.p, b.n);
}

static bool is_absolute(str path)
{
	return path.n > 0 && path.p[0] == '/';
}

ch_err dump_settings_read(bytes b, struct dump_settings *ret_s)
{
	struct rd r = rd_of(b);
	struct dump_settings *s = ret_s;
	header_read(&r, LIT(SETTINGS_MAGIC), SETTINGS_VERSION);
	uint8_t mode = rd_u8(&r);
	r.bad = r.bad || mode >= DUMP_MODE_COUNT;
	s->mode = r.bad ? DUMP_MODE_PIPE : (enum dump_mode)mode;
	s->pattern = rd_str16(&r, CORE_PATTERN_MAX);
	s->pipe_limit = rd_u32(&r);
	s->libexec = rd_str16(&r, WIRE_PATH_MAX);
	s->store = rd_str16(&r, WIRE_PATH_MAX);
	key_read(&r, s->public_key);
	s->uid_base = rd_u32(&r);
	limits_read(&r, &s->limits);
	s->n_reporters = rd_count16(&r, DUMP_REPORTERS_MAX);
	for (size_t i = 0; i < s->n_reporters; i++)
		s->reporters[i] = rd_u32(&r);
	uint8_t wish = rd_u8(&r);
	r.bad = r.bad || wish >= WISH_COUNT;
	s->wish = r.bad ? WISH_TRIAGE : (enum dump_wish)wish;
	s->beyond_to_former = rd_bool(&r);
	s->n_rules = wire_rules_read(&r, s->rules);
	r.bad = r.bad || s->pattern.n == 0 || !is_absolute(s->libexec) || !is_absolute(s->store);
	return wire_done(&r);
}

void dump_former_write(struct wr *w, const struct dump_former *f)
{
	header_write(w, LIT(FORMER_MAGIC), FILE_VERSION);
	wr_str16(w, f->pattern);
	wr_u32(w, f->pipe_limit);
}

ch_err dump_former_read(bytes b, struct dump_former *ret_f)
{
	struct rd r = rd_of(b);
	struct dump_former f = { 0 };
	header_read(&r, LIT(FORMER_MAGIC), FILE_VERSION);
	f.pattern = rd_str16(&r, CORE_PATTERN_MAX);
	f.pipe_limit = rd_u32(&r);
	TRY(wire_done(&r));
	*ret_f = f;
	return CH_DONE;
}

void dump_self_test_write(struct wr *w, const struct dump_self_test *t)
{
	header_write(w, LIT(TEST_MAGIC), FILE_VERSION);
	wr_u32(w, t->pid);
	wr_put(w, BYTES_OF(t->public_key));
	wr_str16(w, t->store);
}

ch_err dump_self_test_read(bytes b, struct dump_self_test *ret_t)
{
	struct rd r = rd_of(b);
	struct dump_self_test t = { 0 };
	header_read(&r, LIT(TEST_MAGIC), FILE_VERSION);
	t.pid = rd_u32(&r);
	key_read(&r, t.public_key);
	t.store = rd_str16(&r, WIRE_PATH_MAX);
	r.bad = r.bad || !is_absolute(t.store);
	TRY(wire_done(&r));
	*ret_t = t;
	return CH_DONE;
}

void crash_report_write(struct wr *w, const struct crash_report *c)
{
	wr_u8(w, REPORT);
	wr_u8(w, WIRE_VERSION);
	wr_u32(w, c->pid);
	wr_u32(w, c->signal);
	wr_i64(w, c->time_s);
	wr_str16(w, c->program);
	wr_bytes16(w, c->text);
}

ch_err crash_report_read(bytes message, struct crash_report *ret_c)
{
	struct rd r = rd_of(message);
	struct crash_report c = { 0 };
	r.bad = rd_u8(&r) != REPORT || rd_u8(&r) != WIRE_VERSION;
	c.pid = rd_u32(&r);
	c.signal = rd_u32(&r);
	c.time_s = rd_i64(&r);
	c.program = rd_str16(&r, CRASH_REPORT_NAME_MAX);
	c.text = rd_bytes16(&r, CRASH_REPORT_TEXT_MAX);
	r.bad = r.bad || c.signal > 64 || c.text.n == 0;
	TRY(wire_done(&r));
	*ret_c = c;
	return CH_DONE;
}

void crash_stored_write(struct wr *w, const struct crash_stored *s)
{
	wr_u8(w, STORED);
	wr_u8(w, WIRE_VERSION);
	wr_u16(w, s->code);
	wr_u64(w, s->detail);
	wr_str16(w, s->id);
}

ch_err crash_stored_read(bytes message, struct crash_stored *ret_s)
{
	struct rd r = rd_of(message);
	struct crash_stored s = { 0 };
	r.bad = rd_u8(&r) != STORED || rd_u8(&r) != WIRE_VERSION;
	s.code = rd_u16(&r);
	s.detail = rd_u64(&r);
	s.id = rd_str16(&r, ID_MAX);
	r.bad = r.bad || s.code >= CH_CODE_COUNT;
	TRY(wire_done(&r));
	*ret_s = s;
	return CH_DONE;
}
