/* The account page: where somebody is signed in, and which applications have access. One form
 * a list: a button says which line it is about. */
#include "pages.h"

static void time_text(struct wr *w, enum lang lang, enum text_id id, int64_t at)
{
	str after = text_of(lang, id);
	html_write(w, str_cut(&after, '{'));
	time_put(w, lang, at);
	html_write(w, str_sub(after, 1, after.n));
}

static void button(struct wr *w, enum lang lang, str name, str value, enum text_id text, str about)
{
	wr_lit(w, "<button class=\"small\" type=\"submit\" name=\"");
	wr_str(w, name);
	wr_lit(w, "\" value=\"");
	html_write(w, value);
	if (about.n > 0) {
		/* to who hears the buttons alone, all would sound the same */
		wr_lit(w, "\" aria-label=\"");
		text_put(w, lang, text);
		wr_lit(w, ": ");
		html_write(w, about);
	}
	wr_lit(w, "\">");
	text_put(w, lang, text);
	wr_lit(w, "</button>\n");
}

static void session_put(struct wr *w, const struct account_page *p, const struct account_session *s)
{
	str agent = s->agent.n ? s->agent : text_of(p->lang, TEXT_UNKNOWN_BROWSER);
	bool here = str_eq(s->sid, p->sid);
	wr_lit(w, "<li>\n<div><b>");
	html_write(w, agent);
	wr_lit(w, "</b>");
	if (here) {
		wr_lit(w, " <span class=\"mark\">");
		text_put(w, p->lang, TEXT_THIS_BROWSER);
		wr_lit(w, "</span>");
	}
	wr_lit(w, "<p>");
	time_text(w, p->lang, TEXT_SIGNED_IN_AT, s->since);
	wr_lit(w, "<br>");
	time_text(w, p->lang, TEXT_LAST_SEEN, s->seen);
	wr_lit(w, "</p></div>\n");
	if (!here)
		button(w, p->lang, LIT("end"), s->sid, TEXT_END_SESSION, agent);
	wr_lit(w, "</li>\n");
}

static void app_put(struct wr *w, const struct account_page *p, const struct account_app *a)
{
	str left = a->scopes;
	wr_lit(w, "<li>\n<div><b>");
	html_write(w, a->name);
	wr_lit(w, "</b>\n<ul class=\"scopes\">\n");
	while (left.n > 0)
		scope_put(w, p->lang, p->realm, str_cut(&left, ' '));
	wr_lit(w, "</ul>\n<p>");
	time_text(w, p->lang, TEXT_SINCE, a->since);
	if (a->used > 0) {
		wr_lit(w, "<br>");
		time_text(w, p->lang, TEXT_LAST_SEEN, a->used);
	}
	wr_lit(w, "</p></div>\n");
	button(w, p->lang, LIT("forget"), a->id, TEXT_FORGET_APP, a->name);
	wr_lit(w, "</li>\n");
}

static void heading(struct wr *w, const struct account_page *p, const char *id, enum text_id text)
{
	wr_lit(w, "<section aria-labelledby=\"");
	wr_str(w, str_from_c(id));
	wr_lit(w, "\">\n<h2 id=\"");
	wr_str(w, str_from_c(id));
	wr_lit(w, "\">");
	text_put(w, p->lang, text);
	wr_lit(w, "</h2>\n");
}

static void sessions_put(struct wr *w, const struct account_page *p)
{
	heading(w, p, "sessions", TEXT_SESSIONS);
	page_form(w, LIT("account"), NULL, 0, p->csrf);
	wr_lit(w, "<ul class=\"list\">\n");
	for (size_t i = 0; i < p->n_sessions; i++)
		session_put(w, p, &p->sessions[i]);
	wr_lit(w, "</ul>\n");
	if (p->n_sessions > 1)
		button(w, p->lang, LIT("others"), LIT("1"), TEXT_END_OTHERS, (str){ 0 });
	wr_lit(w, "</form>\n</section>\n");
}

static void apps_put(struct wr *w, const struct account_page *p)
{
	heading(w, p, "apps", TEXT_APPS);
	if (p->n_apps == 0) {
		wr_lit(w, "<p>");
		text_put(w, p->lang, TEXT_NO_APPS);
		wr_lit(w, "</p>\n</section>\n");
		return;
	}
	page_form(w, LIT("account"), NULL, 0, p->csrf);
	wr_lit(w, "<ul class=\"list\">\n");
	for (size_t i = 0; i < p->n_apps; i++)
		app_put(w, p, &p->apps[i]);
	wr_lit(w, "</ul>\n</form>\n");
	if (p->more) {
		wr_lit(w, "<p>");
		text_put(w, p->lang, TEXT_MORE);
		wr_lit(w, "</p>\n");
	}
	wr_lit(w, "</section>\n");
}

void page_account(struct wr *w, const struct account_page *p)
{
	page_begin(w, &(struct page){ .lang = p->lang,
				      .title = TEXT_ACCOUNT,
				      .realm = p->realm->name,
				      .wide = true });
	wr_lit(w, "<p>");
	text_put_value(w, p->lang, TEXT_SIGNED_IN_AS, p->user);
	wr_lit(w, "</p>\n");
	page_message(w, p->lang, p->message, (str){ 0 });
	page_form(w, LIT("logout"), NULL, 0, p->logout_csrf);
	wr_lit(w, "<button class=\"small\" type=\"submit\">");
	text_put(w, p->lang, TEXT_SIGN_OUT_DO);
	wr_lit(w, "</button>\n</form>\n");
	sessions_put(w, p);
	apps_put(w, p);
	page_end(w);
}
