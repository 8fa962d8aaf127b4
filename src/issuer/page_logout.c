/* Signing out: the question, where nobody proved that the person meant it, and the answer. */
#include "pages.h"

void page_logout(struct wr *w, const struct logout_page *p)
{
	page_begin(w, &(struct page){
			      .lang = p->lang, .title = TEXT_SIGN_OUT, .realm = p->realm->name });
	wr_lit(w, "<p>");
	if (p->app.n > 0)
		text_put_value(w, p->lang, TEXT_SIGN_OUT_APP, p->app);
	wr_lit(w, "</p>\n<p>");
	text_put(w, p->lang, TEXT_SIGN_OUT_ASK);
	wr_lit(w, "</p>\n");
	page_message(w, p->lang, p->message, (str){ 0 });
	page_form(w, LIT("logout"), p->fields, p->n_fields, p->csrf);
	wr_lit(w, "<button type=\"submit\">");
	text_put(w, p->lang, TEXT_SIGN_OUT_DO);
	wr_lit(w, "</button>\n</form>\n<p class=\"note\"><a href=\"account\">");
	text_put(w, p->lang, TEXT_STAY);
	wr_lit(w, "</a></p>\n");
	page_end(w);
}

void page_signed_out(struct wr *w, enum lang lang, str realm)
{
	page_begin(w, &(struct page){ .lang = lang, .title = TEXT_SIGNED_OUT, .realm = realm });
	wr_lit(w, "<p role=\"status\">");
	text_put(w, lang, TEXT_SIGNED_OUT_TEXT);
	wr_lit(w, "</p>\n<p class=\"note\"><a href=\"account\">");
	text_put(w, lang, TEXT_SIGN_IN_DO);
	wr_lit(w, "</a></p>\n");
	page_end(w);
}
