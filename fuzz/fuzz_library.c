/* A request as a host of the library hands it over: the field Authorization in the first
 * line, a DPoP proof in the second, a certificate in the rest. Every signature is taken for
 * good, so that what stands behind it is reached. */
#include <assert.h>

#include "chancery/chancery.h"
#include "lenient.h"
#include "unwritten.h"

enum { STORE = 1 << 14 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ch_verifier *the_verifier(void)
{
	static const char *const audience = "mail";
	static struct ch_verifier *v;
	struct ch_issuer issuer = CH_ISSUER_INIT;
	if (v)
		return v;
	issuer.issuer = "https://id.test/home";
	issuer.realm = "home";
	issuer.audiences = &audience;
	issuer.n_audiences = 1;
	issuer.jwks = fuzz_jwks.p;
	issuer.jwks_size = fuzz_jwks.n;
	assert(!failed(ch_verifier_new(&issuer, 1, NULL, 0, &v)));
	return v;
}

static void check_verified(const struct ch_verified *v, bool dpop, bool certificate)
{
	char text[64];
	int64_t exp = 0;
	assert(ch_text_is(v->realm, "home") && ch_text_is(v->audience, "mail"));
	assert(!failed(ch_claim_int(v, "exp", &exp)) && exp == v->exp && exp > FUZZ_NOW);
	assert(!(v->confirmed & CH_BY_DPOP) == !dpop);
	assert(!(v->confirmed & CH_BY_TLS) || certificate);
	(void)ch_claim_text(v, "username", text, sizeof(text));
	(void)ch_scope_has(v, "mail.read");
}

/* The same question twice: with a cache the second answer may come from there. */
static void ask_twice(union ch_scratch *s, ch_text token, struct ch_request *r)
{
	static const struct ch_verified nothing;
	static uint8_t store[STORE];
	struct ch_options o = CH_OPTIONS_INIT;
	struct ch_verified v;
	enum ch_reason first = CH_MISUSED;
	char line[128];
	o.request = r;
	for (int pass = 0; pass < 2; pass++) {
		assert(!failed(ch_replay_init(store, sizeof(store), 4, 0, &r->replay)));
		unwritten(&v, sizeof(v));
		enum ch_reason reason = ch_verify(the_verifier(), s, token, FUZZ_NOW, &o, &v);
		assert(reason != CH_MISUSED && (!pass || reason == first));
		assert(ch_explain(s, line, sizeof(line)) > 0);
		if (reason == CH_ACCEPTED)
			check_verified(&v, r->dpop_scheme, r->certificate);
		else
			assert(mem_eq(&v, &nothing, sizeof(v)));
		first = reason;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union ch_scratch s;
	static uint8_t cache[1 << 16];
	static bool ready;
	str rest = str_of_bytes((bytes){ data, size });
	str field = str_cut(&rest, '\n'), proof = str_cut(&rest, '\n');
	struct ch_request r = CH_REQUEST_INIT;
	if (!ready)
		assert(!failed(ch_scratch_init(&s)) &&
		       !failed(ch_cache_use(&s, cache, sizeof(cache), 8, 2048)));
	ready = true;
	ch_text token = ch_bearer_token((ch_text){ field.p, field.n }, &r.dpop_scheme);
	r.method = ch_text_of("GET");
	r.url = ch_text_of("https://rs.test/inbox");
	r.dpop = (ch_text){ proof.n ? proof.p : NULL, proof.n };
	r.certificate = rest.n ? (const uint8_t *)rest.p : NULL;
	r.certificate_size = rest.n;
	ask_twice(&s, token, &r);
	return 0;
}
