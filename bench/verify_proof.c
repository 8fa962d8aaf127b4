/* How many DPoP proofs a core judges: each brings its own key, so each is a key load and a
 * stock verification, and no table helps. Beside it, in turns in the same process, what
 * libcrypto alone takes for the same keys and signatures: SHA-256, an EC_KEY of the point
 * with the same check, ECDSA_do_verify. And the store of used proofs alone.
 *
 * usage: verify_proof [ROUNDS]   prints one line of JSON */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/base64url.h"
#include "crypto/key.h"
#include "token/confirm.h"
#include "token/jwk.h"

enum { NOW = 1700000000, KEYS = 16, PROOFS = 256, ROUNDS_MAX = 101, NOTES = 200000 };
enum { PROOF_TEXT = 1024, HALF = 32, POINT = 1 + 2 * HALF };

static const str token = LIT("an.access.token.as.long.as.it.may.be");

struct one {
	char text[PROOF_TEXT];
	str proof, input;
	uint8_t jkt[32], point[POINT], sig[SIGNATURE_MAX];
};

static struct {
	struct private_key *keys[KEYS];
	struct one proofs[PROOFS];
	struct token_scratch scratch;
	void *storage, *notes;
	size_t storage_n, notes_n;
	double ours[ROUNDS_MAX], raw[ROUNDS_MAX], ratio[ROUNDS_MAX], note[ROUNDS_MAX];
} b;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "verify_proof: %s\n", what);
	exit(3);
}

static double cpu_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void put_payload(struct wr *w, size_t i)
{
	uint8_t hash[SHA256_SIZE];
	sha256(bytes_of_str(token), hash);
	wr_lit(w, "{\"jti\":\"a-proof-of-the-bench-");
	wr_dec(w, i);
	wr_lit(w, "\",\"htm\":\"GET\",\"htu\":\"https://api.example.org/v1/messages\",\"iat\":");
	wr_dec(w, NOW);
	wr_lit(w, ",\"ath\":\"");
	base64url_write(w, BYTES_OF(hash));
	wr_lit(w, "\"}");
}

static void proof_make(struct one *p, size_t i)
{
	char head[512], body[512];
	struct wr h = wr_of(head, sizeof(head)), c = wr_of(body, sizeof(body));
	struct wr w = wr_of(p->text, sizeof(p->text)), point = wr_of(p->point, POINT);
	struct private_key *key = b.keys[i % KEYS];
	struct key_parts parts;
	size_t n = 0;
	must(!failed(private_key_public(key, &parts)), "a key has no public half");
	must(!failed(jwk_thumbprint(&parts, p->jkt)), "a key has no thumbprint");
	wr_u8(&point, 4);
	wr_put(&point, BYTES_OF(parts.x));
	wr_put(&point, BYTES_OF(parts.y));
	wr_lit(&h, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":");
	must(!failed(jwk_write(&h, &parts, LIT("k"))), "a key does not fit");
	wr_lit(&h, "}");
	put_payload(&c, i);
	base64url_write(&w, wr_bytes(&h));
	wr_char(&w, '.');
	base64url_write(&w, wr_bytes(&c));
	p->input = wr_text(&w);
	must(!failed(private_key_sign(key, wr_bytes(&w), p->sig, &n)), "a key does not sign");
	wr_char(&w, '.');
	base64url_write(&w, (bytes){ p->sig, n });
	must(!w.full && !h.full && !c.full, "a proof does not fit");
	p->proof = wr_text(&w);
}

static struct replay *store_new(void *storage, size_t n, size_t proofs)
{
	struct replay *r = NULL;
	must(!failed(replay_init(storage, n, proofs, &r)), "no store");
	return r;
}

static void prepare(void)
{
	must(!failed(crypto_init(NULL)), "no cryptography");
	must(!failed(key_work_new(&b.scratch.work)), "no memory to verify with");
	for (size_t i = 0; i < KEYS; i++)
		must(!failed(private_key_generate(ALG_ES256, &b.keys[i])), "no key");
	for (size_t i = 0; i < PROOFS; i++)
		proof_make(&b.proofs[i], i);
	b.storage_n = replay_size(PROOFS);
	b.notes_n = replay_size(NOTES);
	b.storage = aligned_alloc(64, b.storage_n);
	b.notes = aligned_alloc(64, b.notes_n);
	must(b.storage && b.notes, "no memory for a store");
}

/* Microseconds a proof, all of it: judged, and noted as used. */
static double ours_us(void)
{
	struct proof_request r = {
		.token = token,
		.method = LIT("GET"),
		.url = LIT("https://api.example.org/v1/messages?limit=20"),
		.now_s = NOW,
		.window_s = 60,
		.skew_s = 5,
		.replay = store_new(b.storage, b.storage_n, PROOFS),
	};
	double start = cpu_us();
	for (size_t i = 0; i < PROOFS; i++) {
		struct token_verdict v = { .code = TOKEN_accepted, .bound = true };
		const struct token_proofs shown = { .dpop = b.proofs[i].proof,
						    .dpop_scheme = true };
		v.binding.has_jkt = true;
		mem_copy(v.binding.jkt, b.proofs[i].jkt, sizeof(v.binding.jkt));
		must(token_confirm(&v, &shown, &r, &b.scratch) == TOKEN_accepted, "not accepted");
	}
	return (cpu_us() - start) / PROOFS;
}

static bool raw_verify(const struct one *p)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	(void)SHA256((const uint8_t *)p->input.p, p->input.n, hash);
	EC_KEY *key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	bool good = key && sig && EC_KEY_oct2key(key, p->point, POINT, NULL) == 1 &&
		    ECDSA_SIG_set0(sig, BN_bin2bn(p->sig, HALF, NULL),
				   BN_bin2bn(p->sig + HALF, HALF, NULL)) == 1 &&
		    ECDSA_do_verify(hash, sizeof(hash), sig, key) == 1;
	ECDSA_SIG_free(sig);
	EC_KEY_free(key);
	return good;
}

static double raw_us(void)
{
	double start = cpu_us();
	for (size_t i = 0; i < PROOFS; i++)
		must(raw_verify(&b.proofs[i]), "libcrypto does not verify");
	return (cpu_us() - start) / PROOFS;
}

static double note_us(void)
{
	struct replay *r = store_new(b.notes, b.notes_n, NOTES);
	size_t fresh = 0;
	double start = cpu_us();
	for (uint64_t i = 0; i < NOTES; i++)
		fresh += replay_note(r, BYTES_OF(b.proofs[0].jkt),
				     (bytes){ (const uint8_t *)&i, sizeof(i) }, NOW + 60,
				     NOW) == REPLAY_NEW;
	double took = (cpu_us() - start) / NOTES;
	must(fresh == NOTES, "the store turned a new proof away");
	return took;
}

static int ascending(const void *p, const void *q)
{
	const double *a = p, *c = q;
	return (*a > *c) - (*a < *c);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	return v[n / 2];
}

int main(int argc, char **argv)
{
	uint64_t n = 15;
	if (argc > 2 ||
	    (argc == 2 && (!str_to_u64(str_from_c(argv[1]), ROUNDS_MAX, &n) || n == 0))) {
		(void)fputs("usage: verify_proof [ROUNDS]\n", stderr);
		return 2;
	}
	prepare();
	(void)ours_us();
	(void)raw_us();
	for (size_t i = 0; i < n; i++) {
		b.raw[i] = raw_us();
		b.ours[i] = ours_us();
		b.ratio[i] = b.raw[i] / b.ours[i];
		b.note[i] = note_us();
	}
	double ours = median(b.ours, n);
	(void)printf("{\"proofs_per_cpu_s\":%.0f,\"proof_us\":%.1f,\"raw_us\":%.1f,\"ratio\":%.3f,"
		     "\"note_us\":%.2f,\"store_bytes_a_proof\":%.1f}\n",
		     1e6 / ours, ours, median(b.raw, n), median(b.ratio, n), median(b.note, n),
		     (double)b.notes_n / NOTES);
	return 0;
}
