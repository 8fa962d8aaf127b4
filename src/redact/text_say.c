/* What a check found, said to whoever asked; and which check is whose. */
#include "text_internal.h"

static text_check_fn *const checks[CHECK_COUNT] = {
	[CHECK_RUN] = check_run,
	[CHECK_RANDOM] = check_random,
	[CHECK_PEM] = check_pem,
	[CHECK_PUTTY] = check_putty,
	[CHECK_OPENSSH] = check_openssh,
	[CHECK_PKCS8] = check_pkcs8,
	[CHECK_PKCS1] = check_pkcs1,
	[CHECK_SEC1] = check_sec1,
	[CHECK_SPKI] = check_spki,
	[CHECK_EDWARDS] = check_edwards,
	[CHECK_POINT] = check_point,
	[CHECK_SSH_BLOB] = check_ssh_blob,
	[CHECK_SSH_TEXT] = check_ssh_text,
	[CHECK_JWT] = check_jwt,
	[CHECK_JWK] = check_jwk,
	[CHECK_SIGNATURE] = check_signature,
	[CHECK_BASIC] = check_basic,
	[CHECK_COOKIE] = check_cookie,
	[CHECK_HEADER] = check_header,
	[CHECK_USERINFO] = check_userinfo,
	[CHECK_QUERY] = check_query,
	[CHECK_PASSWORD] = check_password,
	[CHECK_COMMAND] = check_command,
	[CHECK_QUOTED] = check_quoted,
	[CHECK_ARRAY] = check_array,
	[CHECK_LINE] = check_line,
	[CHECK_LOGIN] = check_login,
	[CHECK_KEYLOG] = check_keylog,
	[CHECK_SCHEME] = check_scheme,
	[CHECK_SEXP] = check_sexp,
	[CHECK_SEXP_CANONICAL] = check_sexp_canonical,
	[CHECK_SEXP_BINARY] = check_sexp_binary,
	[CHECK_BARE] = check_bare,
	[CHECK_RSA_TAIL] = check_rsa_tail,
	[CHECK_EC_TAIL] = check_ec_tail,
	[CHECK_BASE64_TAIL] = check_base64_tail,
	[CHECK_PEM_TAIL] = check_pem_tail,
};

ch_err text_check(struct text_job *j)
{
	/* who only masks has no use for public halves */
	if (j->row->flags & ROW_PUBLIC && !j->sink->learn)
		return CH_DONE;
	if (j->at < j->row->back)
		return CH_DONE;
	return checks[j->row->check](j);
}

static ch_err say_spans(struct text_job *j, uint64_t from, uint64_t to)
{
	for (; j->sink->span && from < to; from += TEXT_REACH) {
		uint64_t end = to - from > TEXT_REACH ? from + TEXT_REACH : to;
		struct span one = { from, end, j->kind, j->row->name };
		TRY(j->sink->span(j->sink, &one));
	}
	return CH_DONE;
}

ch_err text_secret(struct text_job *j, size_t from, size_t to, enum text_worth worth)
{
	if (worth == TEXT_NOTHING || to <= from || to > j->v.n)
		return CH_DONE;
	TRY(say_spans(j, j->addr + from * j->scale, j->addr + to * j->scale));
	j->to = to > j->to ? to : j->to;
	if (worth == TEXT_HERE)
		return CH_DONE;
	return text_value(j, j->kind, false, (bytes){ j->v.p + from, to - from });
}

ch_err text_value(struct text_job *j, enum value_kind kind, bool number, bytes is)
{
	while (number && is.n && !is.p[0])
		is = (bytes){ is.p + 1, is.n - 1 };
	if (!j->sink->value || is.n < VALUE_MIN || is.n > VALUE_MAX)
		return CH_DONE;
	struct value one = { kind, number, is, j->row->name, j->addr + j->at * j->scale };
	return j->sink->value(j->sink, &one);
}

ch_err text_learn(struct text_job *j, enum public_kind kind, bytes is)
{
	return j->sink->learn ? j->sink->learn(j->sink, kind, is) : CH_DONE;
}
