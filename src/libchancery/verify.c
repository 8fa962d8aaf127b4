/* The one question: is this token good, for this request? Every answer but accepted leaves
 * the caller's struct zero. A wrong call is answered, never obeyed and never fatal. */
#include <assert.h>

#include "base/rw.h"
#include "crypto/guest.h"
#include "inside.h"

static_assert(sizeof(struct inside) <= sizeof(union ch_scratch), "scratch is too small");
static_assert(_Alignof(struct inside) <= _Alignof(union ch_scratch), "scratch is misaligned");

static const uint64_t seal_mark = UINT64_C(0x6368616e63657279);

struct asked {
	const struct ch_verifier *verifier;
	struct inside *in;
	str token;
	int64_t now_s;
	struct ch_verified *verified;
};

static uint64_t seal_of(const union ch_scratch *s)
{
	return seal_mark ^ (uintptr_t)s;
}

struct inside *inside_of(union ch_scratch *s)
{
	struct inside *in = (void *)s;
	return s && in->seal == seal_of(s) ? in : NULL;
}

const struct inside *inside_seen(const union ch_scratch *s)
{
	const struct inside *in = (const void *)s;
	return s && in->seal == seal_of(s) ? in : NULL;
}

str str_of_text(ch_text t)
{
	return (str){ t.p, t.p ? t.n : 0 };
}

ch_text text_of_str(str s)
{
	return (ch_text){ s.p, s.n };
}

ch_err ch_scratch_init(union ch_scratch *s)
{
	if (!s || (uintptr_t)s % _Alignof(struct inside))
		return ch_fail(CH_E_USAGE, "ch_scratch_init got a NULL, or it is misaligned", 0);
	struct inside *in = (void *)s;
	*in = (struct inside){ 0 };
	TRY(crypto_guest_init());
	TRY(key_work_new(&in->judge.work));
	in->proof.work = in->judge.work;
	in->seal = seal_of(s);
	return CH_DONE;
}

void ch_scratch_done(union ch_scratch *s)
{
	struct inside *in = inside_of(s);
	if (!in)
		return;
	key_work_free(in->judge.work);
	*in = (struct inside){ 0 };
}

static enum token_code refuse(struct asked *a, enum token_code code, str where, str what)
{
	a->in->last.code = code;
	a->in->last.where = where;
	a->in->last.what = what;
	return code;
}

static enum token_code ask_judge(struct asked *a)
{
	struct inside *in = a->in;
	const struct policy *p = a->verifier->policy;
	if (in->cache)
		token_cache_verify(in->cache, p, a->token, a->now_s, &in->judge, &in->last);
	else
		token_verify(p, a->token, a->now_s, &in->judge, &in->last);
	return in->last.code;
}

/* RFC 6749 section 3.3: each of the words. */
static enum token_code ask_scope(struct asked *a)
{
	str wanted = str_from_c(a->in->options.scope);
	while (wanted.n) {
		str word = str_cut(&wanted, ' ');
		if (word.n && !scope_has(a->in->last.scope, word))
			return refuse(a, TOKEN_bad_scope, LIT("payload"), LIT("scope"));
	}
	return TOKEN_accepted;
}

/* A token that is bound to a key is worth nothing without that key (RFC 7800). */
static enum token_code ask_binding(struct asked *a)
{
	if (a->in->options.request)
		return request_confirm(&a->in->request, a->token, a->now_s, a->in);
	if (a->in->last.bound)
		return refuse(a, TOKEN_bad_binding, LIT("payload"), LIT("cnf"));
	return TOKEN_accepted;
}

static void verified_fill(struct asked *a)
{
	const struct token_verdict *v = &a->in->last;
	struct ch_verified *to = a->verified;
	*to = (struct ch_verified){
		.issuer = text_of_str(v->issuer),
		.realm = text_of_str(v->realm),
		.kid = text_of_str(v->kid),
		.audience = text_of_str(v->audience),
		.subject = text_of_str(v->sub),
		.client_id = text_of_str(v->client_id),
		.scope = text_of_str(v->scope),
		.username = text_of_str(v->username),
		.jti = text_of_str(v->jti),
		.iat = v->iat,
		.exp = v->exp,
		.nbf = v->nbf,
		.claims = text_of_str(v->claims),
	};
	mem_copy(to->identity, v->identity, sizeof(to->identity));
	if (v->binding.has_jkt) {
		to->confirmed |= CH_BY_DPOP;
		mem_copy(to->jkt, v->binding.jkt, sizeof(to->jkt));
	}
	if (v->binding.has_x5t) {
		to->confirmed |= CH_BY_TLS;
		mem_copy(to->x5t, v->binding.x5t, sizeof(to->x5t));
	}
}

/* Last: whoever answers it is not to be bothered with what is no good anyway. */
static enum token_code ask_revoked(struct asked *a)
{
	verified_fill(a);
	if (a->in->options.revoked &&
	    a->in->options.revoked(a->in->options.revoked_ctx, a->verified))
		return refuse(a, TOKEN_revoked, LIT("token"), LIT(""));
	return TOKEN_accepted;
}

/* What the call asks beyond a good token. False: it was called wrongly. */
static bool options_take(struct inside *in, const struct ch_options *options, int64_t now_s)
{
	static const struct ch_options plain = CH_OPTIONS_INIT;
	in->options = plain;
	if (options && failed(struct_take(options, sizeof(plain), &in->options)))
		return false;
	const struct ch_request *r = in->options.request;
	return !r || request_take(r, now_s, &in->request);
}

/* A request without a token is no fault of the caller's. */
static str token_take(ch_text token)
{
	return token.p ? str_of_text(token) : LIT("");
}

enum ch_reason ch_verify(const struct ch_verifier *v, union ch_scratch *s, ch_text token,
			 int64_t now_s, const struct ch_options *options, struct ch_verified *ret)
{
	static enum token_code (*const steps[])(struct asked *) = {
		ask_judge,
		ask_scope,
		ask_binding,
		ask_revoked,
	};
	static const struct ch_verified nothing;
	struct inside *in = inside_of(s);
	bool well = v && in && ret && options_take(in, options, now_s);
	if (in)
		in->misused = !well;
	if (!well && ret)
		*ret = nothing;
	if (!well)
		return CH_MISUSED;
	struct asked a = { v, in, token_take(token), now_s, ret };
	enum token_code code = TOKEN_accepted;
	for (size_t i = 0; i < COUNT_OF(steps) && code == TOKEN_accepted; i++)
		code = steps[i](&a);
	if (code != TOKEN_accepted)
		*ret = nothing;
	return (enum ch_reason)code;
}

size_t ch_explain(const union ch_scratch *s, char *to, size_t to_size)
{
	const struct inside *in = inside_seen(s);
	if (!to || !to_size)
		return 0;
	struct wr w = wr_of(to, to_size - 1);
	if (in && !in->misused)
		token_explain(&w, &in->last);
	else
		wr_str(&w, str_from_c(ch_reason_text(CH_MISUSED)));
	to[w.n] = 0;
	return w.n;
}

ch_text ch_judged_issuer(const union ch_scratch *s)
{
	const struct inside *in = inside_seen(s);
	return text_of_str(in && !in->misused ? in->last.issuer : (str){ NULL, 0 });
}
