/* The endpoint that a mail server asks (RFC 7662). Mail servers have been seen to ignore
 * the status and to believe any body that names a user: so a refusal is exactly
 * {"active":false}, and no other answer of ours has a body. The log gets the reason,
 * never the token. */
#include "base/clock.h"
#include "base/log.h"
#include "codec/form.h"
#include "gate_internal.h"

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

static struct log_field field_if(const char *name, str value)
{
	return value.n > 0 ? log_str(name, value) : (struct log_field){ 0 };
}

/* An alarm when a realm claimed a mailbox of another's: that is no mistake of typing. */
static void log_refused(struct http_req *r, const struct token_verdict *v)
{
	bool known = introspect_claims_known(v);
	LOG(v->code == TOKEN_bad_mailbox ? LOG_ALARM : LOG_WARN, "token refused",
	    log_str("code", token_code_name(v->code)), log_str("why", token_code_text(v->code)),
	    field_if("issuer", v->issuer), field_if("realm", v->realm), field_if("kid", v->kid),
	    field_if("username", known ? v->username : (str){ 0 }),
	    field_if("client_id", known ? v->client_id : (str){ 0 }),
	    field_if("jti", known ? v->jti : (str){ 0 }),
	    field_if("remote", http_field(r, "X-Dovecot-Auth-Remote")),
	    field_if("service", http_field(r, "X-Dovecot-Auth-Service")));
}

static void log_unread(struct http_req *r, const char *code, ch_err e)
{
	LOG(LOG_WARN, "request refused", log_str("code", str_from_c(code)),
	    failed(e) ? log_err(e) : (struct log_field){ 0 },
	    field_if("remote", http_field(r, "X-Dovecot-Auth-Remote")),
	    field_if("service", http_field(r, "X-Dovecot-Auth-Service")));
}

static void judge(struct gate *g, struct http_req *r, str token)
{
	struct token_verdict v = { .code = TOKEN_malformed };
	uint8_t *room = arena_alloc(&r->arena, INTROSPECT_ANSWER_MAX);
	struct wr w = wr_of(room, room ? INTROSPECT_ANSWER_MAX : 0);
	keys_refresh(&g->keys);
	if (!room || !g->keys.policy || !g->keys.any) {
		LOG(LOG_ERROR, "cannot judge a token: no issuer of the policy has a key");
		answer_empty(r, 503, NULL);
		return;
	}
	token_introspect(g->keys.policy, &g->rules, token, clock_unix_s(), &g->scratch, &v);
	if (v.code != TOKEN_accepted)
		log_refused(r, &v);
	else
		LOG(LOG_DEBUG, "token accepted", log_str("realm", v.realm),
		    log_str("username", v.username), log_str("jti", v.jti));
	introspect_write(&w, &v);
	answer_json(r, wr_text(&w));
}

void serve_introspect(struct http_req *r, void *ctx)
{
	static const struct http_out ask = { { "WWW-Authenticate", 16 },
					     { "Basic realm=\"introspect\"", 24 } };
	struct gate *g = ctx;
	struct form form = { 0 };
	if (!basic_ok(&g->basic, http_field(r, "Authorization"))) {
		log_unread(r, "bad_client", CH_DONE);
		answer_empty(r, 401, &ask);
		return;
	}
	ch_err e = form_parse(str_of_bytes(r->body), &r->arena, &form);
	str token = form_get(&form, LIT("token")); /* a form that failed has no field */
	if (token.n == 0) {
		log_unread(r, "bad_request", e);
		answer_json(r, LIT("{\"active\":false}"));
		return;
	}
	judge(g, r, token);
}
