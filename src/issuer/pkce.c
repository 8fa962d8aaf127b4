/* Proof Key for Code Exchange (RFC 7636), S256 only: `plain` proves nothing to
 * somebody who saw the authorization request. */
#include "codec/base64url.h"
#include "rules.h"

static bool all_unreserved(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char low = (char)(s.p[i] | 0x20);
		if (!(low >= 'a' && low <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !str_has(LIT("-._~"), s.p[i]))
			return false;
	}
	return true;
}

bool pkce_challenge_ok(str challenge)
{
	uint8_t hash[SHA256_SIZE];
	struct wr w = wr_of(hash, sizeof(hash));
	return challenge.n == PKCE_CHALLENGE_SIZE && !failed(base64url_read(challenge, &w)) &&
	       w.n == SHA256_SIZE;
}

ch_err pkce_check(str challenge, str verifier)
{
	uint8_t hash[SHA256_SIZE];
	char text[PKCE_CHALLENGE_SIZE];
	struct wr w = wr_of(text, sizeof(text));
	if (!verifier.p)
		return ch_fail(CH_E_INVALID_GRANT, "code_verifier is missing", 0);
	if (verifier.n < PKCE_VERIFIER_MIN || verifier.n > PKCE_VERIFIER_MAX ||
	    !all_unreserved(verifier))
		return ch_fail(CH_E_INVALID_GRANT, "code_verifier is not well formed", verifier.n);
	sha256(bytes_of_str(verifier), hash);
	base64url_write(&w, BYTES_OF(hash));
	if (challenge.n != sizeof(text) || !mem_eq_ct(text, challenge.p, sizeof(text)))
		return ch_fail(CH_E_INVALID_GRANT, "code_verifier does not fit the code", 0);
	return CH_DONE;
}
