/* The page that asks whether an application may have what it asks for, and the one that asks
 * as whom to go on. The application's name is its operator's to choose: it is shown beside where
 * the answer will go, which he cannot choose freely. */
#include "codec/url.h"
#include "pages.h"

static const struct {
	str scope;
	enum text_id text;
} scopes[] = {
	{ { "openid", 6 }, TEXT_SCOPE_OPENID },
	{ { "profile", 7 }, TEXT_SCOPE_PROFILE },
	{ { "email", 5 }, TEXT_SCOPE_EMAIL },
	{ { "offline_access", 14 }, TEXT_SCOPE_OFFLINE },
	{ { "mail.read", 9 }, TEXT_SCOPE_MAIL_READ },
	{ { "mail.send", 9 }, TEXT_SCOPE_MAIL_SEND },
};

/* The operator's words go before ours: a realm may mean more by mail.read. */
static str words_of(const struct issuer_realm *realm, enum lang lang, str scope)
{
	for (size_t i = 0; i < realm->n_scope_texts; i++) {
		const struct role_scope_text *t = &realm->scope_texts[i];
		if (str_eq(t->scope, scope))
			return lang == LANG_FR && t->fr.n > 0 ? t->fr : t->en;
	}
	return (str){ 0 };
}

void scope_put(struct wr *w, enum lang lang, const struct issuer_realm *realm, str scope)
{
	str words = words_of(realm, lang, scope);
	wr_lit(w, "<li>");
	if (words.n > 0) {
		html_write(w, words);
		wr_lit(w, "</li>\n");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(scopes); i++) {
		if (!str_eq(scopes[i].scope, scope))
			continue;
		text_put(w, lang, scopes[i].text);
		wr_lit(w, "</li>\n");
		return;
	}
	text_put_value(w, lang, TEXT_SCOPE_OTHER, scope);
	wr_lit(w, "</li>\n");
}

static void paragraph(struct wr *w, enum lang lang, enum text_id id, str value)
{
	wr_lit(w, "<p>");
	text_put_value(w, lang, id, value);
	wr_lit(w, "</p>\n");
}

static void button(struct wr *w, const struct consent_page *p, const char *act, enum text_id id)
{
	bool first = id == TEXT_ALLOW || id == TEXT_CONTINUE_AS;
	wr_str(w, first ? LIT("<button") : LIT("<button class=\"second\""));
	wr_lit(w, " type=\"submit\" name=\"act\" value=\"");
	wr_str(w, str_from_c(act));
	wr_lit(w, "\">");
	if (id == TEXT_CONTINUE_AS)
		text_put_value(w, p->lang, id, p->user);
	else
		text_put(w, p->lang, id);
	wr_lit(w, "</button>\n");
}

/* Host of an https URI, or all of what is none: an app on this device. */
static void leads_to(struct wr *w, const struct consent_page *p)
{
	struct url u;
	str where = p->leads_to;
	if (!failed(url_parse(where, &u)))
		where = u.host;
	else
		where = str_cut(&where, ':');
	paragraph(w, p->lang, TEXT_LEADS_TO, where);
}

static void about(struct wr *w, const struct consent_page *p)
{
	if (p->home.n == 0)
		return;
	wr_lit(w, "<p><a href=\"");
	html_write(w, p->home);
	wr_lit(w, "\" rel=\"noreferrer\">");
	text_put(w, p->lang, TEXT_ABOUT_APP);
	wr_lit(w, "</a></p>\n");
}

static void take_back(struct wr *w, const struct consent_page *p)
{
	wr_lit(w, "<p class=\"note\">");
	text_put(w, p->lang, TEXT_TAKE_BACK);
	wr_lit(w, "<a href=\"/");
	html_write(w, p->realm->name);
	wr_lit(w, "/account\">");
	text_put(w, p->lang, TEXT_YOUR_ACCOUNT_PAGE);
	wr_lit(w, "</a>.</p>\n");
}

void page_consent(struct wr *w, const struct consent_page *p)
{
	str left = p->scopes;
	page_begin(w, &(struct page){
			      .lang = p->lang, .title = TEXT_CONSENT, .realm = p->realm->name });
	paragraph(w, p->lang, TEXT_CONSENT_ASKS, p->app);
	page_message(w, p->lang, p->message, (str){ 0 });
	wr_lit(w, "<ul class=\"scopes\">\n");
	while (left.n > 0)
		scope_put(w, p->lang, p->realm, str_cut(&left, ' '));
	wr_lit(w, "</ul>\n");
	about(w, p);
	leads_to(w, p);
	page_form(w, LIT("authorize"), p->fields, p->n_fields, p->csrf);
	button(w, p, "allow", TEXT_ALLOW);
	button(w, p, "deny", TEXT_DENY);
	wr_lit(w, "<hr>\n");
	paragraph(w, p->lang, TEXT_SIGNED_IN_AS, p->user);
	button(w, p, "other", TEXT_OTHER_ACCOUNT);
	wr_lit(w, "</form>\n");
	take_back(w, p);
	page_end(w);
}

void page_choose(struct wr *w, const struct consent_page *p)
{
	page_begin(w, &(struct page){
			      .lang = p->lang, .title = TEXT_CHOOSE, .realm = p->realm->name });
	paragraph(w, p->lang, TEXT_TO_CONTINUE_TO, p->app);
	page_message(w, p->lang, p->message, (str){ 0 });
	page_form(w, LIT("authorize"), p->fields, p->n_fields, p->csrf);
	button(w, p, "continue", TEXT_CONTINUE_AS);
	button(w, p, "other", TEXT_OTHER_ACCOUNT);
	wr_lit(w, "</form>\n");
	page_end(w);
}
