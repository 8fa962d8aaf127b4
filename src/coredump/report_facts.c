/* The report is the word of a process that has read hostile bytes: it is parsed behind the
 * opener's walls, and only texts of a known form go on. */
#include "report_facts.h"

#include "base/rw.h"
#include "codec/json.h"

enum { NODES = 48 * 1024, DEPTH = 6, BUILD_ID_TEXT_MAX = 64, SIGNAL_MAX = 64 };

static bool is_hex(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!str_has(LIT("0123456789abcdef"), s.p[i]))
			return false;
	return s.n <= BUILD_ID_TEXT_MAX;
}

static bool is_level(str s)
{
	return str_eq(s, LIT("triage")) || str_eq(s, LIT("strict")) || str_eq(s, LIT("full"));
}

static str text_if(const struct json_node *n, bool (*fits)(str s))
{
	if (!n || n->type != JSON_STRING || n->escaped || !fits(n->text))
		return (str){ "", 0 };
	return n->text;
}

static bool is_word(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] < 'a' || s.p[i] > 'z') && s.p[i] != '-')
			return false;
	return s.n > 0;
}

/* A flaw without a name that we can read counts as the worst. */
static void read_flaws(const struct json_node *list, struct report_facts_said *f)
{
	struct wr w = wr_of(f->flaws, sizeof(f->flaws));
	for (const struct json_node *n = list ? json_first(list) : NULL; n;
	     n = json_next(list, n)) {
		str name = text_if(json_member(n, LIT("flaw")), is_word);
		f->unusable = f->unusable || name.n == 0 || str_eq(name, LIT("cut")) ||
			      str_eq(name, LIT("unsupported"));
		if (w.n > 0)
			wr_char(&w, ' ');
		wr_str(&w, name);
	}
	f->flaws_n = w.n;
}

ch_err report_facts_read(bytes report, struct report_facts_said *ret_f)
{
	static struct json_node nodes[NODES + 1];
	const struct json_limits limits = { .depth = DEPTH, .members = NODES };
	size_t n = 0;
	int64_t number = 0;
	TRY(json_parse(report, limits, nodes, COUNT_OF(nodes), &n));
	if (nodes[0].type != JSON_OBJECT)
		return ch_fail(CH_E_SYNTAX, "a report is no object", 0);
	const struct json_node *signal = json_member(&nodes[0], LIT("signal"));
	bool has = signal && !failed(json_to_int(signal, &number)) && number > 0 &&
		   number <= SIGNAL_MAX;
	*ret_f = (struct report_facts_said){
		.level = text_if(json_member(&nodes[0], LIT("level")), is_level),
		.build_id = text_if(json_member(&nodes[0], LIT("build_id")), is_hex),
		.signal = has ? (int)number : 0,
	};
	read_flaws(json_member(&nodes[0], LIT("flaws")), ret_f);
	return CH_DONE;
}
