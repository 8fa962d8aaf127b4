/* evidence.json: what the file is, as one line of JSON of one form alone. It is the writer's word:
 * each member of it is held against something that is signed, or against what is found. */
#include "codec/json.h"
#include "evidence_internal.h"

#define FORMAT "chancery-evidence/1"
enum { MEMBERS_MAX = 16 };

const struct part_rule part_rules[PART_COUNT] = {
	[PART_ABOUT] = { { "evidence/evidence.json", 22 }, ABOUT_MAX },
	[PART_INPUT] = { { "evidence/signing-input", 22 }, TOKEN_MAX },
	[PART_SIGNATURE] = { { "evidence/signature", 18 }, SIGNATURE_MAX },
	[PART_KEY] = { { "evidence/key.json", 17 }, EVIDENCE_PART_MAX },
	[PART_HISTORY] = { { "evidence/history.json", 21 }, EVIDENCE_HISTORY_MAX },
	[PART_CHECKPOINT] = { { "evidence/checkpoint", 19 }, NOTE_MAX },
	[PART_EDGE] = { { "evidence/edge", 13 }, EVIDENCE_PART_MAX },
	[PART_ENTRIES] = { { "evidence/entries", 16 }, (UINT64_C(1) << 33) - 1 },
};

void about_write(struct wr *w, const struct evidence_file *f)
{
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("format"), LIT(FORMAT));
	json_put_str(&o, LIT("origin"), f->origin);
	json_put_str(&o, LIT("claim"), f->says_present ? LIT("present") : LIT("absent"));
	json_put_u64(&o, LIT("size"), f->size);
	json_put_u64(&o, LIT("first"), f->first);
	json_put_bool(&o, LIT("thin"), f->e.thin);
	json_put_str(&o, LIT("log"), f->e.where);
	json_put_int(&o, LIT("created"), f->e.created_s);
	json_finish(&o, '}');
	wr_char(w, '\n');
}

/* Both must be texts without escapes, so that there is nothing to keep. */
static bool text_of(const struct json_node *obj, str name, str *ret_text)
{
	const struct json_node *m = json_member(obj, name);
	if (!m || m->type != JSON_STRING || m->escaped)
		return false;
	*ret_text = m->text;
	return true;
}

static bool number_of(const struct json_node *obj, str name, uint64_t *ret_v)
{
	const struct json_node *m = json_member(obj, name);
	if (!m || m->type != JSON_INT || m->number < 0)
		return false;
	*ret_v = (uint64_t)m->number;
	return true;
}

/* Printed by whoever reads it. */
static bool is_plain(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return false;
	return true;
}

static bool members_read(const struct json_node *obj, struct evidence_file *f)
{
	const struct json_node *thin = json_member(obj, LIT("thin"));
	uint64_t created = 0;
	str claim = { 0 };
	if (!text_of(obj, LIT("origin"), &f->origin) || !text_of(obj, LIT("claim"), &claim) ||
	    !text_of(obj, LIT("log"), &f->e.where) || !is_plain(f->e.where) ||
	    !number_of(obj, LIT("size"), &f->size) || !number_of(obj, LIT("first"), &f->first) ||
	    !thin || !number_of(obj, LIT("created"), &created))
		return false;
	f->says_present = str_eq(claim, LIT("present"));
	f->e.thin = thin->type == JSON_TRUE;
	f->e.created_s = (int64_t)created;
	f->e.minimum = f->first;
	return f->first <= f->size && f->first % TILE_WIDTH == 0;
}

ch_err about_read(str text, struct evidence_file *f)
{
	static const struct json_limits limits = { .depth = 1, .members = MEMBERS_MAX };
	struct json_node nodes[MEMBERS_MAX + 1];
	uint8_t again[ABOUT_MAX];
	struct wr w = wr_of(again, sizeof(again));
	size_t n = 0;
	if (failed(json_parse(bytes_of_str(text), limits, nodes, COUNT_OF(nodes), &n)) ||
	    !json_is_str(json_member(nodes, LIT("format")), LIT(FORMAT)))
		return ch_fail(CH_E_UNSUPPORTED, "no evidence, or of another version", text.n);
	if (!members_read(nodes, f))
		return ch_fail(CH_E_SYNTAX, "evidence.json is not what it must be", text.n);
	about_write(&w, f);
	if (w.full || !str_eq(wr_text(&w), text))
		return ch_fail(CH_E_SYNTAX, "evidence.json is not written as it must be", text.n);
	return CH_DONE;
}
