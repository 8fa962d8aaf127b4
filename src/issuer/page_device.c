/* The pages of a device's login (RFC 8628 section 3.3): where its code is typed, where a person
 * sees who asks for what and says yes or no, and the end of it. Whoever sends somebody else a link
 * or a code wants his account: each page that allows something says so. */
#include "pages.h"
#include "rules.h"

static void paragraph(struct wr *w, enum lang lang, enum text_id id, str value)
{
	wr_lit(w, "<p>");
	text_put_value(w, lang, id, value);
	wr_lit(w, "</p>\n");
}

static void code_put(struct wr *w, const struct device_page *p)
{
	char room[USER_CODE_SIZE + 1];
	struct wr code = wr_of(room, sizeof(room));
	if (p->user_code.n == USER_CODE_SIZE)
		user_code_write(&code, p->user_code);
	else
		wr_str(&code, str_sub(p->user_code, 0, sizeof(room)));
	html_write(w, wr_text(&code));
}

void page_device_code(struct wr *w, const struct device_page *p)
{
	page_begin(w, &(struct page){
			      .lang = p->lang, .title = TEXT_DEVICE, .realm = p->realm->name });
	paragraph(w, p->lang, TEXT_SIGNED_IN_AS, p->user);
	page_message(w, p->lang, p->message, (str){ 0 });
	page_form(w, LIT("device"), NULL, 0, p->csrf);
	wr_lit(w, "<label for=\"user_code\">");
	text_put(w, p->lang, TEXT_DEVICE_CODE);
	wr_lit(w, "</label>\n"
		  "<input id=\"user_code\" name=\"user_code\" type=\"text\" autocomplete=\"off\""
		  " autocapitalize=\"characters\" spellcheck=\"false\" maxlength=\"20\" required"
		  " autofocus");
	wr_str(w, p->message < TEXT_COUNT ? LIT(" aria-describedby=\"message\"") : LIT(""));
	wr_lit(w, " value=\"");
	code_put(w, p);
	wr_lit(w, "\">\n<button type=\"submit\">");
	text_put(w, p->lang, TEXT_DEVICE_NEXT);
	wr_lit(w, "</button>\n</form>\n");
	page_end(w);
}

static void button(struct wr *w, const struct device_page *p, bool allow)
{
	wr_str(w, allow ? LIT("<button type=\"submit\" name=\"act\" value=\"allow\">")
			: LIT("<button class=\"second\" type=\"submit\" name=\"act\" "
			      "value=\"deny\">"));
	text_put(w, p->lang, allow ? TEXT_ALLOW : TEXT_DENY);
	wr_lit(w, "</button>\n");
}

void page_device_ask(struct wr *w, const struct device_page *p)
{
	str left = p->scopes;
	const struct form_field code = { LIT("user_code"), p->user_code };
	page_begin(w, &(struct page){
			      .lang = p->lang, .title = TEXT_DEVICE, .realm = p->realm->name });
	page_message(w, p->lang, p->message, (str){ 0 });
	wr_lit(w, "<p>");
	text_put(w, p->lang, TEXT_DEVICE_SAME);
	wr_lit(w, "</p>\n<p><b class=\"code\">");
	code_put(w, p);
	wr_lit(w, "</b></p>\n");
	paragraph(w, p->lang, TEXT_DEVICE_ASKS, p->app);
	wr_lit(w, "<ul class=\"scopes\">\n");
	while (left.n > 0)
		scope_put(w, p->lang, p->realm, str_cut(&left, ' '));
	wr_lit(w, "</ul>\n<p class=\"bad\">");
	text_put(w, p->lang, TEXT_DEVICE_WARNING);
	wr_lit(w, "</p>\n");
	page_form(w, LIT("device"), &code, 1, p->csrf);
	button(w, p, true);
	button(w, p, false);
	wr_lit(w, "</form>\n");
	paragraph(w, p->lang, TEXT_SIGNED_IN_AS, p->user);
	page_end(w);
}

void page_device_done(struct wr *w, const struct device_page *p, bool allowed)
{
	page_begin(w, &(struct page){ .lang = p->lang,
				      .title = allowed ? TEXT_DEVICE_IN : TEXT_DEVICE_OUT,
				      .realm = p->realm->name });
	wr_lit(w, "<p role=\"status\">");
	text_put(w, p->lang, allowed ? TEXT_DEVICE_IN_TEXT : TEXT_DEVICE_OUT_TEXT);
	wr_lit(w, "</p>\n");
	page_end(w);
}
