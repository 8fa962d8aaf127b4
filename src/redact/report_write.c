/* Renders a report, as JSON and for people. Names of mappings, symbols and the executable
 * come from the core: they may hold anything, so they are cut, and escaped or shown as
 * question marks where they are no plain text. */
#include "codec/json.h"
#include "report_internal.h"

enum { NAME_MAX_SHOWN = 160, PLACE_ROOM = 2 * 6 * NAME_MAX_SHOWN + 512, END_ROOM = 4096 };

#define S(s)                        \
	{                           \
		"" s, sizeof(s) - 1 \
	}
const str flaw_names[FLAW_COUNT] = {
	[FLAW_CUT] = S("cut"),         [FLAW_UNREAD] = S("unread"),
	[FLAW_THREADS] = S("threads"), [FLAW_SEGMENTS] = S("segments"),
	[FLAW_PUBLICS] = S("publics"), [FLAW_NO_TEXT] = S("no-text"),
	[FLAW_LEVEL] = S("level"),     [FLAW_UNSUPPORTED] = S("unsupported"),
	[FLAW_UNTRIED] = S("untried"), [FLAW_REGISTRY] = S("registry"),
};

const str flaw_texts[FLAW_COUNT] = {
	[FLAW_CUT] = S("the stream ended before the core did"),
	[FLAW_UNREAD] = S("bytes of memory could not be read"),
	[FLAW_THREADS] = S("threads were left out"),
	[FLAW_SEGMENTS] = S("segments lie about themselves and were left out"),
	[FLAW_PUBLICS] = S("more public keys than are looked for"),
	[FLAW_UNTRIED] = S("candidates for keys were not tried, for time or room"),
	[FLAW_NO_TEXT] = S("code could not be seen: stack words into it were masked"),
	[FLAW_UNSUPPORTED] = S("no core of a machine that is known"),
	[FLAW_LEVEL] = S("kept at triage: the level asked for could not be done"),
	[FLAW_REGISTRY] = S("the registry of secrets was silent: kept at triage, without a look "
			    "for what is registered"),
};
#undef S

static bool room_for_place(const struct wr *w)
{
	return !w->full && w->cap - w->n > PLACE_ROOM + END_ROOM;
}

static str shortened(str s)
{
	return str_sub(s, 0, NAME_MAX_SHOWN);
}

static void wr_addr(struct wr *w, uint64_t addr)
{
	wr_lit(w, "0x");
	for (int shift = 60; shift >= 0; shift -= 4) {
		unsigned digit = (unsigned)(addr >> shift) & 15;
		wr_char(w, (char)(digit < 10 ? '0' + digit : 'a' + digit - 10));
	}
}

static void names_of(struct place_names *names, uint64_t addr, str *mapping, str *symbol)
{
	*mapping = *symbol = (str){ NULL, 0 };
	if (names)
		names->name(names, addr, mapping, symbol);
	*mapping = shortened(*mapping);
	*symbol = shortened(*symbol);
}

static void json_facts(struct json_out *o, const struct report_facts *f)
{
	json_put_str(o, LIT("level"), level_name(f->level));
	json_put_int(o, LIT("signal"), f->signal);
	json_put_str(o, LIT("executable"), f->executable);
	json_put_str(o, LIT("build_id"), f->build_id);
	json_put_u64(o, LIT("threads"), f->threads);
	json_put_u64(o, LIT("size_bytes"), f->size_bytes);
	json_put_u64(o, LIT("zero_bytes"), f->zero_bytes);
	json_put_u64(o, LIT("kept_bytes"), f->kept_bytes);
	json_put_u64(o, LIT("masked_bytes"), f->masked_bytes);
}

static void json_flaws(struct json_out *o, const struct report *r)
{
	json_begin(o, LIT("flaws"), '[');
	for (unsigned i = 0; i < FLAW_COUNT; i++) {
		if (!r->flaws[i].times)
			continue;
		json_begin(o, (str){ NULL, 0 }, '{');
		json_put_str(o, LIT("flaw"), flaw_names[i]);
		json_put_str(o, LIT("text"), flaw_texts[i]);
		json_put_u64(o, LIT("times"), r->flaws[i].times);
		json_put_u64(o, LIT("n"), r->flaws[i].n);
		json_finish(o, '}');
	}
	json_finish(o, ']');
}

static void json_kinds(struct json_out *o, const struct report *r)
{
	json_begin(o, LIT("kinds"), '[');
	for (unsigned i = 0; i < VALUE_KIND_COUNT; i++) {
		if (!r->kinds[i].bytes)
			continue;
		json_begin(o, (str){ NULL, 0 }, '{');
		json_put_str(o, LIT("kind"), value_kind_name((enum value_kind)i));
		json_put_u64(o, LIT("places"), r->kinds[i].places);
		json_put_u64(o, LIT("bytes"), r->kinds[i].bytes);
		json_finish(o, '}');
	}
	json_finish(o, ']');
}

static void json_place(struct json_out *o, const struct report_place *p, struct place_names *names)
{
	str mapping, symbol;
	names_of(names, p->addr, &mapping, &symbol);
	uint8_t text[24] = { 0 };
	struct wr addr = wr_of(text, sizeof(text));
	wr_addr(&addr, p->addr);
	json_begin(o, (str){ NULL, 0 }, '{');
	json_put_str(o, LIT("kind"), value_kind_name(p->kind));
	json_put_str(o, LIT("finder"), p->finder);
	json_put_str(o, LIT("form"), p->form);
	json_put_str(o, LIT("addr"), wr_text(&addr));
	json_put_u64(o, LIT("bytes"), p->n);
	if (mapping.n)
		json_put_str(o, LIT("mapping"), mapping);
	if (symbol.n)
		json_put_str(o, LIT("symbol"), symbol);
	json_finish(o, '}');
}

void report_json(const struct report *r, struct place_names *names_or_null, struct wr *w)
{
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ NULL, 0 }, '{');
	json_put_bool(&o, LIT("whole"), report_whole(r));
	if (r->has_facts)
		json_facts(&o, &r->facts);
	json_put_u64(&o, LIT("secrets"), report_secrets(r));
	json_flaws(&o, r);
	json_kinds(&o, r);
	json_begin(&o, LIT("masked"), '[');
	size_t i = 0;
	for (; i < r->n_places && room_for_place(w); i++)
		json_place(&o, &r->places[i], names_or_null);
	json_finish(&o, ']');
	json_put_u64(&o, LIT("places_left_out"), r->places_left_out + (r->n_places - i));
	json_finish(&o, '}');
}

/* What is no printable ASCII would move a terminal's cursor, or worse. */
static void wr_shown(struct wr *w, str s)
{
	for (size_t i = 0; i < s.n; i++)
		wr_char(w, s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?');
}

static void text_number(struct wr *w, str name, uint64_t v)
{
	wr_str(w, name);
	wr_dec(w, v);
	wr_char(w, '\n');
}

static void text_name(struct wr *w, str name, str value)
{
	if (!value.n)
		return;
	wr_str(w, name);
	wr_shown(w, value);
	wr_char(w, '\n');
}

static void text_facts(struct wr *w, const struct report_facts *f)
{
	text_name(w, LIT("level:        "), level_name(f->level));
	text_name(w, LIT("executable:   "), f->executable);
	text_name(w, LIT("build id:     "), f->build_id);
	text_number(w, LIT("signal:       "), (uint64_t)(f->signal > 0 ? f->signal : 0));
	text_number(w, LIT("threads:      "), f->threads);
	text_number(w, LIT("size bytes:   "), f->size_bytes);
	text_number(w, LIT("zero bytes:   "), f->zero_bytes);
	text_number(w, LIT("kept bytes:   "), f->kept_bytes);
	text_number(w, LIT("masked bytes: "), f->masked_bytes);
}

static void text_flaws(struct wr *w, const struct report *r)
{
	for (unsigned i = 0; i < FLAW_COUNT; i++) {
		if (!r->flaws[i].times)
			continue;
		wr_lit(w, "flaw:         ");
		wr_str(w, flaw_texts[i]);
		wr_lit(w, " (");
		wr_dec(w, r->flaws[i].n);
		wr_lit(w, ")\n");
	}
}

static void text_kinds(struct wr *w, const struct report *r)
{
	for (unsigned i = 0; i < VALUE_KIND_COUNT; i++) {
		if (!r->kinds[i].bytes)
			continue;
		wr_lit(w, "masked:       ");
		wr_str(w, value_kind_name((enum value_kind)i));
		wr_lit(w, ", places ");
		wr_dec(w, r->kinds[i].places);
		wr_lit(w, ", bytes ");
		wr_dec(w, r->kinds[i].bytes);
		wr_char(w, '\n');
	}
}

static void text_place(struct wr *w, const struct report_place *p, struct place_names *names)
{
	str mapping, symbol;
	names_of(names, p->addr, &mapping, &symbol);
	wr_addr(w, p->addr);
	wr_char(w, ' ');
	wr_dec(w, p->n);
	wr_char(w, ' ');
	wr_str(w, value_kind_name(p->kind));
	wr_char(w, ' ');
	wr_str(w, p->finder);
	wr_char(w, ' ');
	wr_str(w, p->form.n ? p->form : LIT("-"));
	if (mapping.n)
		wr_char(w, ' ');
	wr_shown(w, mapping);
	if (symbol.n)
		wr_char(w, '!');
	wr_shown(w, symbol);
	wr_char(w, '\n');
}

void report_text(const struct report *r, struct place_names *names_or_null, struct wr *w)
{
	text_name(w, LIT("whole:        "), report_whole(r) ? LIT("yes") : LIT("no"));
	if (r->has_facts)
		text_facts(w, &r->facts);
	text_number(w, LIT("secrets:      "), report_secrets(r));
	text_flaws(w, r);
	text_kinds(w, r);
	size_t i = 0;
	for (; i < r->n_places && room_for_place(w); i++)
		text_place(w, &r->places[i], names_or_null);
	uint64_t left = r->places_left_out + (r->n_places - i);
	if (left)
		text_number(w, LIT("places left out: "), left);
}
