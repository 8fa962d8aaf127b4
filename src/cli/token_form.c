/* A login without a browser, for tests and demonstrations on this machine: it fetches the
 * issuer's own login page, fills its form in and posts it, cookie and all. There is no
 * other way in: no grant and no endpoint takes a password. */
#include "base/rw.h"
#include "codec/form.h"
#include "codec/url.h"
#include "say.h"
#include "token_flow.h"

enum { FORM_ROOM = 16384 };

static const struct {
	str escape;
	char c;
} entities[] = {
	{ { "&amp;", 5 }, '&' },  { { "&lt;", 4 }, '<' },   { { "&gt;", 4 }, '>' },
	{ { "&quot;", 6 }, '"' }, { { "&#39;", 5 }, '\'' },
};

static void html_read(struct wr *w, str s)
{
	while (s.n > 0) {
		size_t step = 1;
		char c = s.p[0];
		for (size_t i = 0; i < COUNT_OF(entities); i++)
			if (str_starts(s, entities[i].escape)) {
				c = entities[i].c;
				step = entities[i].escape.n;
			}
		wr_char(w, c);
		s = str_sub(s, step, s.n);
	}
}

/* What stands behind `before` up to a quote; p == NULL when it is not there. */
static str quoted_after(str s, str before)
{
	for (size_t i = 0; i + before.n <= s.n; i++) {
		str rest = str_sub(s, i, s.n);
		if (!str_starts(rest, before))
			continue;
		rest = str_sub(rest, before.n, rest.n);
		return str_cut(&rest, '"');
	}
	return (str){ 0 };
}

/* The hidden fields of the page, as a form. */
static void hidden_fields(str page, struct wr *form, struct arena *a)
{
	while (page.n > 0) {
		str tag = str_cut(&page, '>');
		str name = quoted_after(tag, LIT("<input type=\"hidden\" name=\""));
		str value = quoted_after(tag, LIT(" value=\""));
		if (!name.p)
			continue;
		char *plain = arena_alloc(a, value.n);
		struct wr w = wr_of(plain, plain ? value.n : 0);
		html_read(&w, value);
		form_write(form, name, wr_text(&w));
	}
}

static int answer_read(const struct flow *f, const struct fetch_answer *a, str *ret_query)
{
	str rest = a->location;
	str base = str_cut(&rest, '?');
	if (a->status == 401) {
		say("refused: username or password is wrong", f->user);
		return EXIT_NO;
	}
	if (a->status == 429) {
		say("refused: this username was tried too often with a wrong password; wait a"
		    " while",
		    f->user);
		return EXIT_NO;
	}
	if (a->status == 303 && str_eq(base, f->redirect_uri)) {
		*ret_query = rest;
		return EXIT_YES;
	}
	say(a->status == 503 ? "the issuer is too busy for a login just now; try again"
			     : "the issuer does not take this login: is the client's redirect URI"
			       " http://127.0.0.1/callback?",
	    f->client);
	return a->status == 503 ? EXIT_TROUBLE : EXIT_NO;
}

/* The page itself, or the answer that stands in its place: an error goes to the
 * redirect URI at once. */
static int page_get(struct flow *f, struct fetch_answer *ret_page)
{
	str url = { 0 };
	ch_err e = flow_authorize_url(f, &url);
	if (!failed(e))
		e = fetch_run(f->fetch, &(struct fetch_request){ .url = url }, &f->arena, ret_page);
	return failed(e) ? say_trouble("cannot ask", f->authorization_endpoint, e) : EXIT_YES;
}

/* Posts what the page's form holds, and an answer to what it asks. */
static ch_err form_post(struct flow *f, bytes page, const struct form_field *answers, size_t n,
			struct fetch_answer *ret_answer)
{
	uint8_t *p = arena_alloc(&f->arena, FORM_ROOM);
	struct wr form = wr_of(p, p ? FORM_ROOM : 0);
	hidden_fields(str_of_bytes(page), &form, &f->arena);
	for (size_t i = 0; i < n; i++)
		form_write(&form, answers[i].name, answers[i].value);
	size_t length = form.n;
	wr_char(&form, 0);
	ch_err e = wr_done(&form);
	if (!failed(e))
		e = fetch_run(f->fetch,
			      &(struct fetch_request){ .url = f->authorization_endpoint,
						       .form = str_sub(wr_text(&form), 0, length) },
			      &f->arena, ret_answer);
	mem_wipe(form.p, form.n);
	return e;
}

/* Whoever gives the password agrees to what the client asks for. */
static ch_err sign_in(struct flow *f, bytes page, struct fetch_answer *ret_answer)
{
	const struct form_field who[] = { { LIT("username"), f->user },
					  { LIT("password"), str_of_bytes(f->password.hidden) } };
	const struct form_field allow = { LIT("act"), LIT("allow") };
	TRY(form_post(f, page, who, COUNT_OF(who), ret_answer));
	if (ret_answer->status != 200)
		return CH_DONE;
	return form_post(f, ret_answer->body, &allow, 1, ret_answer);
}

int flow_form(struct flow *f, str *ret_query)
{
	struct fetch_answer page = { 0 }, answer = { 0 };
	struct url u;
	f->redirect_uri = LIT("http://127.0.0.1/callback");
	/* the issuer is here; what it calls its login page must be, too */
	if (failed(url_parse(f->authorization_endpoint, &u)) || !url_is_loopback(&u)) {
		say("--user is for login pages on this machine only", f->authorization_endpoint);
		return EXIT_NO;
	}
	int r = page_get(f, &page);
	if (r != EXIT_YES)
		return r;
	if (page.status != 200)
		return answer_read(f, &page, ret_query);
	ch_err e = sign_in(f, page.body, &answer);
	if (failed(e))
		return say_trouble("cannot log in at", f->authorization_endpoint, e);
	return answer_read(f, &answer, ret_query);
}
