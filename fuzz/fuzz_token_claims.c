/* Any bytes as a token's payload, under a good header and with every signature taken for
 * good: what is accepted is for us, of this time, and says what the payload says. */
#include <assert.h>

#include "codec/base64url.h"
#include "lenient.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const str header = LIT("{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"ed\"}");

static void check_text(struct token_claims *c, str name, str said)
{
	str text = { NULL, 0 };
	ch_err e = token_claim_str(c, name, &text);
	assert(failed(e) == !said.p && (failed(e) || str_eq(text, said)));
	assert(said.p || said.n == 0);
	for (size_t i = 0; said.p && i < said.n; i++)
		assert((uint8_t)said.p[i] >= ' ' && said.p[i] != 0x7f);
}

static void check_number(const struct token_claims *c, str name, int64_t said)
{
	int64_t v = 0;
	assert(!failed(token_claim_int(c, name, &v)) && v == said);
}

static void check_audience(struct token_claims *c)
{
	str aud[TOKEN_MEMBERS_MAX];
	size_t n = 0, ours = 0;
	assert(!failed(token_claim_texts(c, LIT("aud"), aud, COUNT_OF(aud), &n)));
	for (size_t i = 0; i < n; i++)
		ours += str_eq(aud[i], LIT("mail"));
	assert(ours);
}

static void check_accepted(const struct token_verdict *v)
{
	static struct token_claims c;
	str cnf = { NULL, 0 };
	assert(!failed(token_claims_read(v, &c)));
	check_text(&c, LIT("iss"), v->issuer);
	check_text(&c, LIT("sub"), v->sub);
	check_text(&c, LIT("jti"), v->jti);
	check_text(&c, LIT("client_id"), v->client_id);
	check_text(&c, LIT("scope"), v->scope);
	check_text(&c, LIT("username"), v->username);
	check_number(&c, LIT("iat"), v->iat);
	check_number(&c, LIT("exp"), v->exp);
	check_audience(&c);
	assert(v->sub.n && v->jti.n && v->client_id.n);
	assert(v->iat >= 0 && v->iat <= FUZZ_NOW + 30 && v->nbf <= FUZZ_NOW + 30);
	assert(v->exp > FUZZ_NOW && v->exp - v->iat <= 3600);
	bool bound = !failed(token_claim_json(&c, LIT("cnf"), &cnf));
	assert(bound == v->bound);
	assert(bound == (v->binding.has_jkt || v->binding.has_x5t || v->binding.other));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct token_verdict v;
	static uint8_t text[TOKEN_MAX * 2];
	struct wr w = wr_of(text, sizeof(text));
	if (size > TOKEN_MAX)
		return 0;
	base64url_write(&w, bytes_of_str(header));
	wr_char(&w, '.');
	base64url_write(&w, (bytes){ data, size });
	wr_lit(&w, ".AAAA");
	fuzz_judge(wr_text(&w), &v);
	assert(v.code != TOKEN_bad_signature && v.code != TOKEN_bad_header);
	if (v.code == TOKEN_accepted)
		check_accepted(&v);
	return 0;
}
