/* The pages' texts by language. What comes from outside goes through html_write, and so do
 * the texts themselves: none of them is markup. */
#include "pages.h"

#define T(text)                        \
	{                              \
		text, sizeof(text) - 1 \
	}
static const str texts[TEXT_COUNT][LANG_COUNT] = {
#define X(id, en, fr) [TEXT_##id] = { [LANG_EN] = T(en), [LANG_FR] = T(fr) },
	TEXTS(X)
#undef X
};

str text_of(enum lang lang, enum text_id id)
{
	return texts[id][lang];
}

void text_put(struct wr *w, enum lang lang, enum text_id id)
{
	html_write(w, text_of(lang, id));
}

void text_put_value(struct wr *w, enum lang lang, enum text_id id, str value)
{
	str after = text_of(lang, id);
	html_write(w, str_cut(&after, '{'));
	wr_lit(w, "<b>");
	html_write(w, value);
	wr_lit(w, "</b>");
	html_write(w, str_sub(after, 1, after.n));
}
