/* The report is the word of a process that has read hostile bytes: it is parsed behind the
 * opener's walls, and only texts of a known form go on. */
#include "report_facts.h"

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
	return CH_DONE;
}
