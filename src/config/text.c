/* Storage of parsed files, and what both kinds of file check alike. */
#include "text_internal.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "codec/url.h"

void config_text_free(struct config_text *t)
{
	free(t);
}

void config_text_done(struct config_text **t)
{
	config_text_free(*t);
	*t = NULL;
}

ch_err text_read(const struct complaint *c, bytes yaml, struct config_text **ret_text,
		 struct node **ret_root)
{
	if (yaml.n > CONFIG_FILE_MAX) {
		wr_lit(complain(c, 1),
		       "the file is longer than 64 KiB; start again from "
		       "`chancery init`'s, or for a gate from contrib/nginx/gate.yaml");
		return ch_fail(CH_E_LIMIT, "the file is too long", CONFIG_FILE_MAX);
	}
	AUTO(config_text_done) struct config_text *t = malloc(sizeof(*t));
	if (!t)
		return ch_fail(CH_E_NOMEM, "no memory for a configuration file", sizeof(*t));
	arena_init(&t->arena, t->storage, sizeof(t->storage));
	TRY(tree_read(c, yaml, &t->arena, ret_root));
	t->root = *ret_root;
	*ret_text = TAKE(t);
	return CH_DONE;
}

/* The tree is at most TREE_DEPTH_MAX deep. */
static uint32_t line_below(const struct node *n, const char *text)
{
	uint32_t line = n->kind == NODE_TEXT && n->text.p == text ? n->line : 0;
	for (const struct node *m = n->first; m && line == 0; m = m->next)
		line = line_below(m, text);
	return line;
}

uint32_t config_text_line(const struct config_text *t, str text)
{
	return text.n > 0 ? line_below(t->root, text.p) : 0;
}

const char *check_issuer(str text)
{
	struct url url;
	if (failed(url_parse(text, &url)) || url.query.p || str_ends(text, LIT("/")) ||
	    (!str_starts(text, LIT("https://")) && !str_starts(text, LIT("http://"))))
		return "is no issuer; write an https URL without query and without a slash at its "
		       "end, like https://login.example/home";
	if (str_eq(url.scheme, LIT("http")) && !url_is_loopback(&url))
		return "is http and not on this machine; use https, or localhost for a trial";
	return NULL;
}
