/* YAML events of libyaml → our tree. Trusts libyaml to scan, nothing else: what could
 * make one text mean two things (aliases, tags, a second document, a key twice) is
 * refused here. The only file that includes yaml.h. */
#include "tree_internal.h"

#include <yaml.h>

#include "base/ck.h"
#include "base/cleanup.h"

struct level {
	struct node *node;
	struct node *last;
	bool has_key;
	str key;
	uint32_t key_line;
};

struct builder {
	const struct complaint *c;
	struct arena *arena;
	size_t depth, n_nodes, n_documents;
	struct node *root;
	struct level levels[TREE_DEPTH_MAX];
};

struct wr *complain(const struct complaint *c, uint32_t line)
{
	c->why->n = 0;
	c->why->full = false;
	wr_str(c->why, c->path);
	wr_lit(c->why, ":");
	wr_dec(c->why, line);
	wr_lit(c->why, ": ");
	return c->why;
}

void complain_quote(struct wr *w, str text)
{
	str shown = str_sub(text, 0, 80);
	wr_char(w, '"');
	for (size_t i = 0; i < shown.n; i++)
		wr_char(w,
			(unsigned char)shown.p[i] < ' ' || shown.p[i] == 0x7f ? '?' : shown.p[i]);
	wr_str(w, shown.n < text.n ? LIT("…\"") : LIT("\""));
}

const struct node *node_get(const struct node *map, str key)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (const struct node *n = map->first; n; n = n->next)
		if (str_eq(n->key, key))
			return n;
	return NULL;
}

static uint32_t line_of(const yaml_event_t *e)
{
	return u32_from((e->start_mark.line & INT32_MAX) + 1);
}

static ch_err no_room(struct builder *b, uint32_t line)
{
	wr_lit(complain(b->c, line),
	       "too many values or too deep; a file of ours has far fewer, "
	       "start again from `chancery init`'s, or for a gate from contrib/nginx/gate.yaml");
	return ch_fail(CH_E_LIMIT, "the file has too many values or is too deep", line);
}

/* The scalar becomes the key of what comes next. */
static ch_err take_key(struct builder *b, struct level *l, str key, uint32_t line)
{
	if (key.n == 0) {
		wr_lit(complain(b->c, line), "a key is empty; name it or remove the line");
		return ch_fail(CH_E_SYNTAX, "an empty key", line);
	}
	const struct node *other = node_get(l->node, key);
	if (other) {
		struct wr *w = complain(b->c, line);
		wr_lit(w, "key ");
		complain_quote(w, key);
		wr_lit(w, " is here twice, first in line ");
		wr_dec(w, other->line);
		wr_lit(w, "; keep one");
		return ch_fail(CH_E_DUPLICATE, "a key occurs twice", line);
	}
	l->has_key = true;
	l->key = key;
	l->key_line = line;
	return CH_DONE;
}

static ch_err complex_key(struct builder *b, uint32_t line)
{
	wr_lit(complain(b->c, line),
	       "a list or a map stands where a key belongs; write `key: value`");
	return ch_fail(CH_E_SYNTAX, "a key that is no text", line);
}

/* Hangs a new node under the open map or list, or makes it the root. */
static ch_err add_node(struct builder *b, struct node value, struct node **ret_node)
{
	struct level *l = b->depth ? &b->levels[b->depth - 1] : NULL;
	bool in_map = l && l->node->kind == NODE_MAP;
	if (in_map && !l->has_key)
		return value.kind == NODE_TEXT ? take_key(b, l, value.text, value.line)
					       : complex_key(b, value.line);
	struct node *n = b->n_nodes < TREE_NODES_MAX ? arena_new(b->arena, struct node, 1) : NULL;
	if (!n)
		return no_room(b, value.line);
	b->n_nodes++;
	*n = value;
	if (in_map) {
		n->key = l->key;
		n->line = l->key_line;
		l->has_key = false;
	}
	if (!l)
		b->root = n;
	else if (l->last)
		l->last->next = n;
	else
		l->node->first = n;
	if (l) {
		l->last = n;
		l->node->count++;
	}
	*ret_node = n;
	return CH_DONE;
}

static ch_err open_node(struct builder *b, enum node_kind kind, uint32_t line)
{
	struct node *n = NULL;
	TRY(add_node(b, (struct node){ .kind = kind, .line = line }, &n));
	if (b->depth == TREE_DEPTH_MAX)
		return no_room(b, line);
	b->levels[b->depth++] = (struct level){ .node = n };
	return CH_DONE;
}

static ch_err refuse(struct builder *b, uint32_t line, str what)
{
	struct wr *w = complain(b->c, line);
	wr_str(w, what);
	wr_lit(w, " cannot be used here; write the value itself");
	return ch_fail(CH_E_SYNTAX, "anchors, aliases, tags and directives are refused", line);
}

static bool has_control(str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return true;
	return false;
}

static ch_err on_scalar(struct builder *b, const yaml_event_t *e)
{
	struct node *n = NULL;
	str text = { (const char *)e->data.scalar.value, e->data.scalar.length };
	uint32_t line = line_of(e);
	if (e->data.scalar.anchor || e->data.scalar.tag)
		return refuse(b, line, LIT("an anchor (&) or a tag (!)"));
	if (has_control(text)) {
		wr_lit(complain(b->c, line), "a text has a line end or a control character in it; "
					     "write it on one line");
		return ch_fail(CH_E_SYNTAX, "a text with control characters", line);
	}
	if (failed(arena_str(b->arena, text, &text)))
		return no_room(b, line);
	return add_node(b,
			(struct node){ .kind = NODE_TEXT,
				       .line = line,
				       .text = text,
				       .plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE },
			&n);
}

static ch_err on_list(struct builder *b, const yaml_event_t *e)
{
	if (e->data.sequence_start.anchor || e->data.sequence_start.tag)
		return refuse(b, line_of(e), LIT("an anchor (&) or a tag (!)"));
	return open_node(b, NODE_LIST, line_of(e));
}

static ch_err on_map(struct builder *b, const yaml_event_t *e)
{
	if (e->data.mapping_start.anchor || e->data.mapping_start.tag)
		return refuse(b, line_of(e), LIT("an anchor (&) or a tag (!)"));
	return open_node(b, NODE_MAP, line_of(e));
}

static ch_err on_close(struct builder *b, const yaml_event_t *e)
{
	(void)e;
	b->depth--;
	return CH_DONE;
}

static ch_err on_alias(struct builder *b, const yaml_event_t *e)
{
	return refuse(b, line_of(e), LIT("an alias (*)"));
}

static ch_err on_document(struct builder *b, const yaml_event_t *e)
{
	if (e->data.document_start.version_directive ||
	    e->data.document_start.tag_directives.start !=
		    e->data.document_start.tag_directives.end)
		return refuse(b, line_of(e), LIT("a directive (%)"));
	if (b->n_documents++ == 0)
		return CH_DONE;
	wr_lit(complain(b->c, line_of(e)), "a second document begins; keep one and remove `---`");
	return ch_fail(CH_E_SYNTAX, "more than one document", line_of(e));
}

static ch_err on_nothing(struct builder *b, const yaml_event_t *e)
{
	(void)b, (void)e;
	return CH_DONE;
}

static ch_err (*const on_event[])(struct builder *, const yaml_event_t *) = {
	[YAML_NO_EVENT] = on_nothing,           [YAML_STREAM_START_EVENT] = on_nothing,
	[YAML_STREAM_END_EVENT] = on_nothing,   [YAML_DOCUMENT_START_EVENT] = on_document,
	[YAML_DOCUMENT_END_EVENT] = on_nothing, [YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,        [YAML_SEQUENCE_START_EVENT] = on_list,
	[YAML_SEQUENCE_END_EVENT] = on_close,   [YAML_MAPPING_START_EVENT] = on_map,
	[YAML_MAPPING_END_EVENT] = on_close,
};

static ch_err not_yaml(struct builder *b, const yaml_parser_t *p)
{
	uint32_t line = u32_from((p->problem_mark.line & INT32_MAX) + 1);
	struct wr *w = complain(b->c, line);
	wr_lit(w, "not YAML: ");
	wr_str(w, str_from_c(p->problem ? p->problem : "it cannot be read"));
	wr_lit(w, "; look at indentation (blanks, no tabs), quotes and brackets");
	return ch_fail(CH_E_SYNTAX, "the file is not YAML", line);
}

static ch_err one_event(struct builder *b, yaml_parser_t *p, bool *ret_end)
{
	AUTO(yaml_event_delete) yaml_event_t e = { 0 };
	if (!yaml_parser_parse(p, &e))
		return not_yaml(b, p);
	*ret_end = e.type == YAML_STREAM_END_EVENT;
	return on_event[e.type](b, &e);
}

ch_err tree_read(const struct complaint *c, bytes yaml, struct arena *a, struct node **ret_root)
{
	struct builder b = { .c = c, .arena = a };
	AUTO(yaml_parser_delete) yaml_parser_t p = { 0 };
	bool end = false;
	if (!yaml_parser_initialize(&p))
		return ch_fail(CH_E_NOMEM, "no memory for the YAML parser", 0);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, yaml.p, yaml.n);
	while (!end)
		TRY(one_event(&b, &p, &end));
	if (!b.root || b.root->kind != NODE_MAP) {
		wr_lit(complain(c, 1),
		       "the file is not a map of keys; "
		       "start from `chancery init`'s, or for a gate from contrib/nginx/gate.yaml");
		return ch_fail(CH_E_SYNTAX, "the file is not a map of keys", 1);
	}
	*ret_root = b.root;
	return CH_DONE;
}
