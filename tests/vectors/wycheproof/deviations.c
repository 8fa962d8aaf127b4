/* The deviations from Wycheproof, each with its reason and the step that refuses. Trusts
 * the files; must never excuse an invalid case that is accepted. */
#include "deviations.h"

#include <stdio.h>

static const char no_hmac[] = "HMAC: there is no symmetric algorithm in the verifier";
static const char no_alg[] = "an algorithm that is not here: ES256, EdDSA, RS256, PS256 are";
static const char no_jwe[] =
	"JWE: there is no encryption in the verifier, and five parts are no JWS";
static const char small_e[] = "RSA with e = 3: only 65537 is taken at load";
static const char no_null[] = "\"acceptable\": DigestInfo without its NULL; one encoding is enough";
static const char empty[] = "an empty payload is no JSON object, so no token";
static const char other_alg[] = "the key states PS256 and the header PS384: one key, one algorithm";
static const char alphabet[] = "characters outside the alphabet: the MAC covers the text as sent, "
			       "but here a value has one text";

/* Of the ids from first to last those that are not invalid: count of them. */
static const struct deviation {
	const char *file;
	int64_t first, last, count;
	enum step step;
	const char *reason;
} deviations[] = {
	{ "ecdsa_secp384r1_sha384_p1363_test.json", 1, 280, 193, STEP_KEY, no_alg },
	{ "rsa_signature_2048_sha256_test.json", 8, 8, 1, STEP_SIGNATURE, no_null },
	{ "rsa_signature_2048_sha256_test.json", 258, 259, 2, STEP_KEY, small_e },
	{ "rsa_signature_3072_sha256_test.json", 8, 8, 1, STEP_SIGNATURE, no_null },
	{ "rsa_signature_3072_sha256_test.json", 259, 259, 1, STEP_KEY, small_e },
	{ "json_web_signature_test.json", 1, 1, 1, STEP_KEY, no_hmac },
	{ "json_web_signature_test.json", 259, 259, 1, STEP_TEXT, empty },
	{ "json_web_signature_test.json", 264, 264, 1, STEP_TEXT, empty },
	{ "json_web_signature_test.json", 265, 267, 3, STEP_KEY, no_alg },
	{ "json_web_signature_test.json", 268, 268, 1, STEP_TEXT, empty },
	{ "json_web_signature_test.json", 269, 271, 3, STEP_KEY, no_alg },
	{ "json_web_signature_test.json", 272, 272, 1, STEP_TEXT, empty },
	{ "json_web_signature_test.json", 320, 320, 1, STEP_TEXT, empty },
	{ "json_web_signature_test.json", 321, 323, 3, STEP_KEY, no_alg },
	{ "json_web_signature_test.json", 325, 325, 1, STEP_TEXT, empty },
	{ "json_web_signature_test.json", 326, 328, 3, STEP_KEY, no_alg },
	{ "json_web_signature_test.json", 346, 346, 1, STEP_ALG, other_alg },
	{ "json_web_signature_test.json", 347, 347, 1, STEP_KEY, no_alg },
	{ "json_web_signature_test.json", 348, 348, 1, STEP_KEY, no_hmac },
	{ "json_web_signature_test.json", 350, 350, 1, STEP_ALG, other_alg },
	{ "json_web_signature_test.json", 351, 351, 1, STEP_KEY, no_alg },
	{ "json_web_signature_test.json", 352, 352, 1, STEP_KEY, no_hmac },
	{ "json_web_signature_test.json", 357, 371, 3, STEP_KEY, no_hmac },
	{ "json_web_signature_test.json", 372, 373, 2, STEP_TEXT, alphabet },
	{ "json_web_signature_test.json", 374, 377, 2, STEP_KEY, no_hmac },
	{ "json_web_key_test.json", 2, 2, 1, STEP_KEY, no_hmac },
	{ "json_web_key_test.json", 13, 15, 3, STEP_KEY, no_hmac },
	{ "json_web_crypto_test.json", 1, 1, 1, STEP_KEY, no_hmac },
	{ "json_web_crypto_test.json", 48, 48, 1, STEP_KEY, no_hmac },
	{ "json_web_crypto_test.json", 50, 50, 1, STEP_TEXT, no_jwe },
	{ "json_web_crypto_test.json", 67, 67, 1, STEP_TEXT, no_jwe },
};

static str file;
static int64_t occurred[COUNT_OF(deviations)];
static struct deviations_tally tally;

void deviations_begin(str name)
{
	file = name;
	tally = (struct deviations_tally){ 0 };
	for (size_t i = 0; i < COUNT_OF(occurred); i++)
		occurred[i] = 0;
}

static bool is_declared(int64_t id, enum step refused_by)
{
	for (size_t i = 0; i < COUNT_OF(deviations); i++) {
		const struct deviation *d = &deviations[i];
		if (!str_eq(file, str_from_c(d->file)) || id < d->first || id > d->last ||
		    d->step != refused_by)
			continue;
		occurred[i]++;
		return true;
	}
	return false;
}

const char *deviations_judge(int64_t id, str result, enum step refused_by)
{
	bool invalid = str_eq(result, LIT("invalid"));
	bool accepted = refused_by == STEP_NONE;
	*(accepted ? &tally.accepted : &tally.refused) += 1;
	if (invalid && accepted)
		return "is invalid and was accepted";
	if (invalid || accepted)
		return NULL;
	if (!is_declared(id, refused_by))
		return "is valid and was refused, which deviations.c does not declare so";
	tally.deviating++;
	return NULL;
}

int64_t deviations_missing(void)
{
	int64_t missing = 0;
	for (size_t i = 0; i < COUNT_OF(deviations); i++) {
		const struct deviation *d = &deviations[i];
		if (!str_eq(file, str_from_c(d->file)) || occurred[i] == d->count)
			continue;
		(void)printf("%s: %d to %d: %d of %d deviations: %s\n", d->file, (int)d->first,
			     (int)d->last, (int)occurred[i], (int)d->count, d->reason);
		missing += d->count > occurred[i] ? d->count - occurred[i] : 1;
	}
	(void)printf("%.*s: %zu accepted, %zu refused, %zu of them declared deviations\n",
		     (int)file.n, file.p, tally.accepted, tally.refused, tally.deviating);
	return missing;
}

struct deviations_tally deviations_tally(void)
{
	return tally;
}
