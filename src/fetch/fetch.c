/* libcurl, held short: two schemes, no redirects, no netrc, limits on time and size.
 * The only folder that includes curl. What comes back is believed in nothing but size. */
#include "fetch/fetch.h"

#include <curl/curl.h>

#include "base/rw.h"
#include "codec/url.h"
#include "fetch_internal.h"

enum { TIMEOUT_S = 20, CONNECT_TIMEOUT_S = 10, BODY_MAX = 256 * 1024 };

struct sink {
	struct arena *a;
	struct wr body;
	struct fetch_answer answer;
	ch_err e;
};

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct sink *s = ctx;
	(void)size;
	wr_put(&s->body, (bytes){ (const uint8_t *)data, n });
	if (s->body.full)
		s->e = ch_fail(CH_E_FULL, "the answer is longer than allowed", s->body.cap);
	return s->body.full ? 0 : n;
}

static str trimmed(str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_sub(s, 1, s.n);
	while (s.n > 0 && str_has(LIT(" \t\r\n"), s.p[s.n - 1]))
		s.n--;
	return s;
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct sink *s = ctx;
	str value = { data, n };
	str name = str_cut(&value, ':');
	(void)size;
	if (str_eq_nocase(name, LIT("Location")))
		s->e = arena_str(s->a, trimmed(value), &s->answer.location);
	else if (str_eq_nocase(name, LIT("Content-Type")))
		s->e = arena_str(s->a, trimmed(value), &s->answer.type);
	return failed(s->e) ? 0 : n;
}

/* libcurl wants NUL-terminated texts. */
static ch_err text_c(struct arena *a, str s, const char **ret_c)
{
	char *c = arena_alloc(a, s.n + 1);
	if (!c)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	if (str_has(s, 0))
		return ch_fail(CH_E_SYNTAX, "a text for HTTP holds a NUL byte", 0);
	mem_copy(c, s.p, s.n);
	*ret_c = c;
	return CH_DONE;
}

static void set_limits(CURL *c, const struct fetch_request *q)
{
	long timeout = q->timeout_s ? (long)q->timeout_s : TIMEOUT_S;
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT, timeout);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(c, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
}

static ch_err set_request(CURL *c, const struct fetch_request *q, struct arena *a)
{
	const char *url = NULL, *user = NULL, *password = NULL;
	/* the handle has had another request: all that one may set is set again */
	(void)curl_easy_setopt(c, CURLOPT_USERNAME, NULL);
	(void)curl_easy_setopt(c, CURLOPT_PASSWORD, NULL);
	TRY(text_c(a, q->url, &url));
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	if (q->form.p) {
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)q->form.n);
		(void)curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, q->form.p);
	} else {
		(void)curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	}
	if (!q->user.p)
		return CH_DONE;
	TRY(text_c(a, q->user, &user));
	TRY(text_c(a, str_of_bytes(q->password.hidden), &password));
	(void)curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	(void)curl_easy_setopt(c, CURLOPT_USERNAME, user);
	(void)curl_easy_setopt(c, CURLOPT_PASSWORD, password);
	return CH_DONE;
}

static ch_err error_of(CURLcode code, const struct sink *s)
{
	if (failed(s->e))
		return s->e;
	switch (code) {
	case CURLE_OK:
		return CH_DONE;
	case CURLE_OPERATION_TIMEDOUT:
		return ch_fail(CH_E_BUSY, "the server does not answer in time", code);
	case CURLE_COULDNT_RESOLVE_HOST:
		return ch_fail(CH_E_GONE, "there is no server of that name", code);
	case CURLE_COULDNT_CONNECT:
		return ch_fail(CH_E_GONE, "no server answers at that address and port", code);
	case CURLE_PEER_FAILED_VERIFICATION:
		return ch_fail(CH_E_DENIED, "the server's certificate is not good", code);
	default:
		return ch_fail(CH_E_GONE, "the server's answer is not HTTP, or broke off", code);
	}
}

ch_err fetch_run(struct fetch *f, const struct fetch_request *q, struct arena *a,
		 struct fetch_answer *ret_answer)
{
	struct url u;
	struct sink s = { .a = a };
	size_t max = q->max ? q->max : BODY_MAX;
	long status = 0;
	TRY(url_parse(q->url, &u));
	void *room = arena_alloc(a, max);
	if (!room)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	s.body = wr_of(room, max);
	set_limits(f->curl, q);
	TRY(set_request(f->curl, q, a));
	(void)curl_easy_setopt(f->curl, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(f->curl, CURLOPT_WRITEDATA, &s);
	(void)curl_easy_setopt(f->curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(f->curl, CURLOPT_HEADERDATA, &s);
	TRY(error_of(curl_easy_perform(f->curl), &s));
	(void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	s.answer.status = (unsigned)status;
	s.answer.body = wr_bytes(&s.body);
	*ret_answer = s.answer;
	return CH_DONE;
}
