/* The sign-in page. It reflects a username and an application's name, never a password. */
#include "pages.h"

/* The cursor stands where the person goes on: with a name there, in the password. */
static void inputs(struct wr *w, const struct login_page *p)
{
	bool named = p->username.n > 0;
	wr_lit(w, "<label for=\"username\">");
	text_put(w, p->lang, TEXT_USERNAME);
	wr_lit(w, "</label>\n"
		  "<input id=\"username\" name=\"username\" type=\"text\" autocomplete=\"username\""
		  " autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"128\" required");
	wr_str(w, named ? LIT("") : LIT(" autofocus"));
	wr_lit(w, " value=\"");
	html_write(w, p->username);
	wr_lit(w, "\">\n<label for=\"password\">");
	text_put(w, p->lang, TEXT_PASSWORD);
	wr_lit(w, "</label>\n"
		  "<input id=\"password\" name=\"password\" type=\"password\""
		  " autocomplete=\"current-password\" maxlength=\"1024\" required");
	wr_str(w, named ? LIT(" autofocus") : LIT(""));
	wr_str(w, p->message < TEXT_COUNT ? LIT(" aria-describedby=\"message\"") : LIT(""));
	wr_lit(w, ">\n<button type=\"submit\">");
	text_put(w, p->lang, TEXT_SIGN_IN_DO);
	wr_lit(w, "</button>\n");
}

void page_login(struct wr *w, const struct login_page *p)
{
	page_begin(w, &(struct page){ .lang = p->lang, .title = TEXT_SIGN_IN, .realm = p->realm });
	wr_lit(w, "<p>");
	if (p->app.n > 0)
		text_put_value(w, p->lang, TEXT_TO_CONTINUE_TO, p->app);
	else
		text_put(w, p->lang, TEXT_TO_SEE_ACCOUNT);
	wr_lit(w, "</p>\n");
	page_message(w, p->lang, p->message, p->message_value);
	page_form(w, p->action, p->fields, p->n_fields, p->csrf);
	inputs(w, p);
	wr_lit(w, "</form>\n<p class=\"note\">");
	text_put(w, p->lang, TEXT_PASSWORD_NOTE);
	wr_lit(w, "</p>\n");
	page_end(w);
}
