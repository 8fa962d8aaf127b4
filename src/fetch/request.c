/* One request on a libcurl handle, held short: two schemes, no redirects, no netrc, limits
 * on time and size. What comes back is believed in nothing but size. */
#include "codec/url.h"
#include "fetch_internal.h"

enum { TIMEOUT_S = 20, CONNECT_TIMEOUT_S = 10, BODY_MAX = 256 * 1024 };

void sink_done(struct sink *s)
{
	curl_slist_free_all(s->fields);
	curl_slist_free_all(s->addresses);
	s->fields = NULL;
	s->addresses = NULL;
}

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
	(void)size;
	/* of several responses (RFC 9110 section 15.2) the last one counts */
	if (str_starts(value, LIT("HTTP/"))) {
		s->answer = (struct fetch_answer){ .max_age_s = -1 };
		return n;
	}
	str name = str_cut(&value, ':');
	if (str_eq_nocase(name, LIT("Location")))
		s->e = arena_str(s->a, trimmed(value), &s->answer.location);
	else if (str_eq_nocase(name, LIT("Content-Type")))
		s->e = arena_str(s->a, trimmed(value), &s->answer.type);
	else if (str_eq_nocase(name, LIT("DPoP-Nonce")))
		s->e = arena_str(s->a, trimmed(value), &s->answer.dpop_nonce);
	else if (str_eq_nocase(name, LIT("ETag")))
		s->e = arena_str(s->a, trimmed(value), &s->answer.etag);
	else if (str_eq_nocase(name, LIT("Cache-Control")))
		s->answer.max_age_s = max_age_read(trimmed(value), s->answer.max_age_s);
	return failed(s->e) ? 0 : n;
}

/* libcurl wants NUL-terminated texts. */
static ch_err text_c(struct arena *a, str s, const char **ret_c)
{
	char *c = arena_alloc(a, s.n + 1);
	if (!c)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ')
			return ch_fail(CH_E_SYNTAX, "a text for HTTP holds a control byte", i);
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
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	(void)curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* a header and a body: nothing that a newer version of HTTP would do better */
	(void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

static ch_err set_pinned(CURL *c, const struct fetch_request *q, const struct url *u)
{
	bool https = str_eq(u->scheme, LIT("https"));
	if (!q->pinned)
		return CH_DONE;
	if (!https && !url_is_loopback(u))
		return ch_fail(CH_E_DENIED, "https, or http on this host, must it be", 0);
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
	(void)curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(c, CURLOPT_FORBID_REUSE, q->reuse ? 0L : 1L);
	return CH_DONE;
}

/* HOST:PORT:ADDRESS,ADDRESS… as CURLOPT_RESOLVE has it. */
static ch_err set_addresses(CURL *c, const struct fetch_request *q, const struct url *u,
			    struct arena *a, struct sink *s)
{
	const char *line = NULL;
	if (q->addresses.n == 0)
		return CH_DONE;
	size_t cap = u->host.n + q->addresses.n + 16;
	struct wr w = wr_of(arena_alloc(a, cap), cap);
	if (!w.p)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	wr_str(&w, u->host);
	wr_char(&w, ':');
	wr_str(&w, u->port.p ? u->port : str_eq(u->scheme, LIT("https")) ? LIT("443") : LIT("80"));
	wr_char(&w, ':');
	wr_str(&w, q->addresses);
	TRY(text_c(a, wr_text(&w), &line));
	s->addresses = curl_slist_append(NULL, line);
	if (!s->addresses)
		return ch_fail(CH_E_NOMEM, "no memory for a request", 0);
	(void)curl_easy_setopt(c, CURLOPT_RESOLVE, s->addresses);
	return CH_DONE;
}

/* An empty value: no such field. */
static ch_err add_field(str name, str value, struct arena *a, struct sink *s)
{
	const char *line = NULL;
	if (value.n == 0)
		return CH_DONE;
	size_t cap = name.n + value.n + 2;
	struct wr w = wr_of(arena_alloc(a, cap), cap);
	if (!w.p)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	wr_str(&w, name);
	wr_lit(&w, ": ");
	wr_str(&w, value);
	TRY(text_c(a, wr_text(&w), &line));
	struct curl_slist *longer = curl_slist_append(s->fields, line);
	if (!longer)
		return ch_fail(CH_E_NOMEM, "no memory for a request", 0);
	s->fields = longer;
	return CH_DONE;
}

static ch_err set_fields(CURL *c, const struct fetch_request *q, struct arena *a, struct sink *s)
{
	TRY(add_field(LIT("If-None-Match"), q->if_none_match, a, s));
	TRY(add_field(LIT("DPoP"), q->dpop, a, s));
	TRY(add_field(LIT("Content-Type"), q->form_type, a, s));
	TRY(add_field(LIT("Chancery-Signature"), q->signature, a, s));
	if (s->fields)
		(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, s->fields);
	return CH_DONE;
}

static ch_err set_authority(CURL *c, const struct fetch_request *q, struct arena *a)
{
	const char *ca = NULL, *user = NULL, *password = NULL;
	if (q->ca_file.n > 0) {
		TRY(text_c(a, q->ca_file, &ca));
		(void)curl_easy_setopt(c, CURLOPT_CAINFO, ca);
		(void)curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
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

static void set_method(CURL *c, const struct fetch_request *q)
{
	if (!q->form.p) {
		(void)curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
		return;
	}
	(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)q->form.n);
	(void)curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, q->form.p);
}

ch_err request_set(CURL *c, const struct fetch_request *q, struct arena *a, struct sink *s)
{
	struct url u;
	const char *url = NULL;
	size_t max = q->max ? q->max : BODY_MAX;
	*s = (struct sink){ .a = a, .answer.max_age_s = -1 };
	TRY(url_parse(q->url, &u));
	void *room = arena_alloc(a, max);
	if (!room)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	s->body = wr_of(room, max);
	set_limits(c, q);
	TRY(set_pinned(c, q, &u));
	TRY(text_c(a, q->url, &url));
	(void)curl_easy_setopt(c, CURLOPT_URL, url);
	set_method(c, q);
	TRY(set_authority(c, q, a));
	TRY(set_addresses(c, q, &u, a, s));
	TRY(set_fields(c, q, a, s));
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
	(void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(c, CURLOPT_HEADERDATA, s);
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
	case CURLE_SSL_CONNECT_ERROR:
		return ch_fail(CH_E_DENIED, "the server's TLS or certificate is not good", code);
	case CURLE_SSL_CACERT_BADFILE:
		return ch_fail(CH_E_DENIED, "the file of trusted certificates is not good", code);
	default:
		return ch_fail(CH_E_GONE, "the server's answer is not HTTP, or broke off", code);
	}
}

ch_err request_end(CURL *c, CURLcode code, struct sink *s)
{
	long status = 0;
	TRY(error_of(code, s));
	(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	s->answer.status = (unsigned)status;
	s->answer.body = wr_bytes(&s->body);
	return CH_DONE;
}
