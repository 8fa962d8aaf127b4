/* The endpoint that a mail server asks (RFC 7662). Mail servers have been seen to ignore
 * the status and to believe any body that names a user: so a refusal is exactly
 * {"active":false}, and no other answer of ours has a body. The log gets the reason,
 * never the token. */
#include "codec/form.h"
#include "gate_internal.h"
#include "judge.h"

static const struct http_out never_store = { { "Cache-Control", 13 }, { "no-store", 8 } };

static void answer_empty(struct http_req *r, unsigned status, const struct http_out *field)
{
	http_answer(r, &(struct http_answer){
			       .status = status, .fields = field, .n_fields = field ? 1 : 0 });
}

static void answer_json(struct http_req *r, str body)
{
	http_answer(r, &(struct http_answer){ .status = 200,
					      .type = LIT("application/json"),
					      .body = bytes_of_str(body),
					      .fields = &never_store,
					      .n_fields = 1 });
}

/* The service as a constant: what it says goes into tables that live for ever. */
static str service_of(str field)
{
	static const str services[] = { { "imap", 4 },        { "pop3", 4 }, { "smtp", 4 },
					{ "submission", 10 }, { "lmtp", 4 }, { "sieve", 5 } };
	for (size_t i = 0; i < COUNT_OF(services); i++)
		if (str_eq(field, services[i]))
			return services[i];
	return LIT("introspect");
}

/* "192.0.2.7:4711" or "[2001:db8::1]:4711", as Dovecot says it. */
static struct address client_of(str field)
{
	struct address a = { 0 };
	size_t n = field.n;
	while (n > 0 && field.p[n - 1] != ':')
		n--;
	str host = str_sub(field, 0, n > 0 ? n - 1 : 0);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_sub(host, 1, host.n - 2);
	(void)address_of(host, &a);
	return a;
}

static void answer_judged(struct gate *g, struct http_req *r, struct asked *a)
{
	struct token_verdict v = { .code = TOKEN_malformed };
	uint8_t *room = arena_alloc(&r->arena, INTROSPECT_ANSWER_MAX);
	struct wr w = wr_of(room, room ? INTROSPECT_ANSWER_MAX : 0);
	enum told told = room ? judge(g, a, &v) : TOLD_TROUBLE;
	if (told == TOLD_WAIT && judge_wait(g, r, serve_introspect))
		return;
	if (told == TOLD_WAIT) {
		a->turn = LOG_IN_VAIN;
		told = judge(g, a, &v);
	}
	if (told == TOLD_TROUBLE) {
		answer_empty(r, 503, NULL);
		return;
	}
	if (told == TOLD_PASS)
		introspect_write(&w, &v);
	else
		wr_lit(&w, "{\"active\":false}");
	answer_json(r, wr_text(&w));
}

void serve_introspect(struct http_req *r, void *ctx)
{
	static const struct http_out ask = { { "WWW-Authenticate", 16 },
					     { "Basic realm=\"introspect\"", 24 } };
	struct gate *g = ctx;
	struct form form = { 0 };
	struct asked a = { .location = service_of(http_field(r, "X-Dovecot-Auth-Service")),
			   .client = client_of(http_field(r, "X-Dovecot-Auth-Remote")),
			   .turn = logs_turn_of(r) };
	if (!basic_ok(&g->basic, http_field(r, "Authorization"))) {
		judge_unread(g, &a, LIT("bad_client"), LIT("who asks did not show the secret"));
		answer_empty(r, 401, &ask);
		return;
	}
	ch_err e = form_parse(str_of_bytes(r->body), &r->arena, &form);
	a.token = failed(e) ? (str){ 0 } : form_get(&form, LIT("token"));
	if (a.token.n > 0) {
		answer_judged(g, r, &a);
		return;
	}
	judge_unread(g, &a, LIT("bad_request"), LIT("the question has no token or is malformed"));
	answer_json(r, LIT("{\"active\":false}"));
}
