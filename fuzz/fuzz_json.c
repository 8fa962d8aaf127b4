/* Parsed JSON is sound: nodes nest, strings are UTF-8, and what is written from them
 * parses to the same shape; and a plain parser takes and refuses the same texts. */
#include <assert.h>

#include "codec/json.h"
#include "plain.h"
#include "unwritten.h"

enum { MEMBERS = 256, TEXT = 1 << 16 };

static const struct json_limits limits = { .depth = 8, .members = MEMBERS };
static uint8_t room[TEXT];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(struct json_out *o, const struct json_node *n)
{
	struct arena a;
	str s = { NULL, 0 };
	int64_t v = 0;
	arena_init(&a, room, sizeof(room));
	assert(failed(json_to_int(n, &v)) == (n->type != JSON_INT));
	assert(utf8_ok(n->text) && utf8_ok(n->name));
	if (n->type == JSON_STRING) {
		assert(!failed(json_to_str(n, &a, &s)));
		assert(utf8_ok(s) && s.n <= n->text.n);
		json_put_str(o, n->name, s);
	} else if (n->type == JSON_INT) {
		json_put_int(o, n->name, v);
	} else {
		json_put_raw(o, n->name, n->text);
	}
}

static void check_children(struct json_out *o, const struct json_node *parent)
{
	uint32_t count = 0;
	for (const struct json_node *c = json_first(parent); c; c = json_next(parent, c)) {
		bool object = parent->type == JSON_OBJECT;
		assert(object == (c->name.p != NULL));
		if (object)
			assert(json_member(parent, c->name) == c);
		check_value(o, c);
		count++;
	}
	assert(count == parent->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_node nodes[MEMBERS + 1], again[MEMBERS + 1];
	static uint8_t text[TEXT];
	size_t count = 0, count_again = 0;
	if (size > TEXT / 8)
		return 0;
	unwritten(nodes, sizeof(nodes));
	unwritten(again, sizeof(again));
	unwritten(text, sizeof(text));
	ch_err e = json_parse((bytes){ data, size }, limits, nodes, MEMBERS + 1, &count);
	assert(failed(e) == !plain_json(str_of_bytes((bytes){ data, size }), limits));
	if (failed(e))
		return 0;
	assert(nodes[0].next == count && count >= 1);
	if (nodes[0].type != JSON_OBJECT && nodes[0].type != JSON_ARRAY)
		return 0;
	bool object = nodes[0].type == JSON_OBJECT;
	struct wr w = wr_of(text, sizeof(text));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ NULL, 0 }, object ? '{' : '[');
	check_children(&o, nodes);
	json_finish(&o, object ? '}' : ']');
	assert(!w.full);
	assert(!failed(json_parse(wr_bytes(&w), limits, again, MEMBERS + 1, &count_again)));
	assert(count_again == count);
	return 0;
}
