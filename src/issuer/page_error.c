/* An error for a person: what it means first, then the sentence for those who can mend it. */
#include "pages.h"

void page_error(struct wr *w, enum lang lang, enum text_id title, enum text_id text, str detail)
{
	page_begin(w, &(struct page){ .lang = lang, .title = title });
	wr_lit(w, "<div class=\"bad\" role=\"alert\">");
	text_put(w, lang, text);
	if (detail.n > 0) {
		wr_lit(w, "<p class=\"detail\" lang=\"en\">");
		html_write(w, detail);
		wr_lit(w, "</p>");
	}
	wr_lit(w, "</div>\n");
	if (title == TEXT_BAD_LINK) {
		wr_lit(w, "<p class=\"note\">");
		text_put(w, lang, TEXT_GO_BACK);
		wr_lit(w, "</p>\n");
	}
	page_end(w);
}
