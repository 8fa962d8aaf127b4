/* Any bytes as a token's header, under a good payload and with every signature taken for
 * good: what is accepted names the key, its algorithm and the type, and has none of the
 * members that would change how a token is checked. */
#include <assert.h>

#include "codec/base64url.h"
#include "lenient.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const str payload =
	LIT("{\"iss\":\"https://id.test/home\",\"aud\":\"mail\",\"iat\":1699999900,"
	    "\"exp\":1700000500,\"jti\":\"j\",\"sub\":\"s\",\"client_id\":\"c\"}");

static void check_accepted(bytes header)
{
	static const char *const never[] = { "crit", "b64", "jku", "jwk", "x5u", "x5c",     "x5t",
					     "zip",  "cty", "enc", "epk", "iss", "x5t#S256" };
	static struct json_node nodes[TOKEN_MEMBERS_MAX + 1];
	static const struct json_limits limits = { TOKEN_DEPTH_MAX, TOKEN_MEMBERS_MAX };
	size_t count = 0;
	assert(!failed(json_parse(header, limits, nodes, COUNT_OF(nodes), &count)));
	for (size_t i = 0; i < COUNT_OF(never); i++)
		assert(!json_member(nodes, str_from_c(never[i])));
	assert(json_member(nodes, LIT("typ")) && json_member(nodes, LIT("alg")) &&
	       json_member(nodes, LIT("kid")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct token_verdict v;
	static uint8_t text[TOKEN_MAX * 2];
	struct wr w = wr_of(text, sizeof(text));
	if (size > TOKEN_MAX)
		return 0;
	base64url_write(&w, (bytes){ data, size });
	wr_char(&w, '.');
	base64url_write(&w, bytes_of_str(payload));
	wr_lit(&w, ".AAAA");
	fuzz_judge(wr_text(&w), &v);
	assert(v.code != TOKEN_bad_signature && v.code != TOKEN_bad_claims);
	if (v.code == TOKEN_accepted)
		check_accepted((bytes){ data, size });
	return 0;
}
