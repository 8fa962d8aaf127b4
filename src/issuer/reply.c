/* Answers that several endpoints give, with the headers that keep them out of caches,
 * frames and other people's eyes. */
#include "base/log.h"
#include "codec/json.h"
#include "issuer.h"

struct wr reply_room(struct http_req *r, size_t n)
{
	void *p = arena_alloc(&r->arena, n);
	return wr_of(p, p ? n : 0);
}

void reply_json_with(struct http_req *r, unsigned status, str json, struct http_out more)
{
	const struct http_out fields[] = {
		{ LIT("Cache-Control"), LIT("no-store") },
		{ LIT("X-Content-Type-Options"), LIT("nosniff") },
		more,
	};
	http_answer(r, &(struct http_answer){ .status = status,
					      .type = LIT("application/json"),
					      .body = bytes_of_str(json),
					      .fields = fields,
					      .n_fields = COUNT_OF(fields) - !more.name.n });
}

void reply_json(struct http_req *r, unsigned status, str json)
{
	reply_json_with(r, status, json, (struct http_out){ .name = { NULL, 0 } });
}

/* Errors of ours, and those of the machine, which the client sees as one sentence. */
static void error_write(struct wr *w, enum ch_code code, str what)
{
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("error"), str_from_c(ch_code_oauth(code)));
	json_put_str(&o, LIT("error_description"), what);
	json_finish(&o, '}');
}

static str challenge_of(struct http_req *r, const struct realm *m)
{
	struct wr w = reply_room(r, 64 + NAME_MAX_BYTES);
	wr_lit(&w, "Basic realm=\"");
	wr_str(&w, m->config->name);
	wr_lit(&w, "\", charset=\"UTF-8\"");
	return wr_text(&w);
}

void reply_error(struct http_req *r, const struct realm *m, ch_err e)
{
	e = room_judge(e);
	enum ch_code code = ch_code_of(e);
	bool shown = ch_code_shown(code) && e.site;
	unsigned status = (unsigned)ch_code_http(code);
	struct wr w = reply_room(r, 512);
	struct http_out fields[4] = { { LIT("Cache-Control"), LIT("no-store") } };
	size_t n = 1;
	error_write(&w, code, shown ? str_from_c(e.site->what) : str_from_c(ch_code_text(code)));
	if (status == 401)
		fields[n++] = (struct http_out){ LIT("WWW-Authenticate"), challenge_of(r, m) };
	if (status == 503 || status == 429)
		fields[n++] = (struct http_out){ LIT("Retry-After"), LIT("1") };
	if (code == CH_E_NONCE)
		fields[n++] = proof_nonce(r, m);
	if (status >= 500 && code != CH_E_NO_ROOM)
		LOG(LOG_WARN, "request failed", log_str("realm", m->config->name), log_trace(r),
		    log_err(e));
	http_answer(r, &(struct http_answer){ .status = status,
					      .type = LIT("application/json"),
					      .body = wr_bytes(&w),
					      .fields = fields,
					      .n_fields = n });
}

static str policy(struct http_req *r, str form_action)
{
	struct wr w = reply_room(r, 256 + AUTH_URI_MAX);
	wr_lit(&w, "default-src 'none'; style-src ");
	wr_str(&w, page_style_hash());
	wr_lit(&w, "; base-uri 'none'; frame-ancestors 'none'; form-action 'self'");
	if (form_action.n > 0) {
		wr_char(&w, ' ');
		wr_str(&w, form_action);
	}
	return wr_text(&w);
}

enum { PAGE_FIELDS_MAX = 10 };

void reply_page(struct http_req *r, const struct page_answer *p)
{
	struct http_out fields[PAGE_FIELDS_MAX] = {
		{ LIT("Content-Security-Policy"), policy(r, p->form_action) },
		{ LIT("Cache-Control"), LIT("no-store") },
		{ LIT("Referrer-Policy"), LIT("no-referrer") },
		{ LIT("X-Content-Type-Options"), LIT("nosniff") },
		{ LIT("X-Frame-Options"), LIT("DENY") },
	};
	size_t n = 5;
	for (size_t i = 0; i < p->n_cookies; i++)
		fields[n++] = (struct http_out){ LIT("Set-Cookie"), p->cookies[i] };
	struct wr retry = reply_room(r, 12);
	wr_dec(&retry, p->retry_s > 0 ? p->retry_s : 1);
	if (p->status == 429 || p->status == 503)
		fields[n++] = (struct http_out){ LIT("Retry-After"), wr_text(&retry) };
	http_answer(r, &(struct http_answer){ .status = p->status,
					      .type = LIT("text/html; charset=utf-8"),
					      .body = bytes_of_str(p->html),
					      .fields = fields,
					      .n_fields = n });
}

void reply_see_other(struct http_req *r, str location, const str *cookies, size_t n_cookies)
{
	struct http_out fields[PAGE_FIELDS_MAX] = {
		{ LIT("Location"), location },
		{ LIT("Cache-Control"), LIT("no-store") },
		{ LIT("Referrer-Policy"), LIT("no-referrer") },
	};
	size_t n = 3;
	for (size_t i = 0; i < n_cookies; i++)
		fields[n++] = (struct http_out){ LIT("Set-Cookie"), cookies[i] };
	http_answer(r, &(struct http_answer){ .status = 303, .fields = fields, .n_fields = n });
}

void reply_error_page(struct http_req *r, enum lang lang, ch_err e)
{
	e = room_judge(e);
	enum ch_code code = ch_code_of(e);
	struct wr w = reply_room(r, 8192);
	unsigned status = (unsigned)ch_code_http(code);
	bool theirs = status < 500 && status != 429;
	if (status >= 500 && code != CH_E_NO_ROOM)
		LOG(LOG_WARN, "login failed", log_trace(r), log_err(e));
	page_error(&w, lang, theirs ? TEXT_BAD_LINK : TEXT_TRY_AGAIN,
		   theirs ? TEXT_BAD_LINK_TEXT : TEXT_CANNOT_NOW,
		   ch_code_shown(code) && e.site ? str_from_c(e.site->what)
						 : str_from_c(ch_code_text(code)));
	/* 401 asks for an Authorization field, which is not what a person can mend */
	reply_page(r, &(struct page_answer){ .status = status == 401 ? 400 : status,
					     .html = wr_text(&w) });
}
