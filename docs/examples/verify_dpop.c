/* A token that is bound to the client's key (DPoP, RFC 9449): good only together with a
 * fresh proof of that key, for this method and address. Standard input has what two header
 * fields of a request would have: the token in its first line, the proof in its second, if
 * there is one. Nonces are asked for, so the first answer is 401 with a nonce for the next
 * proof.
 *
 *   verify_dpop ISSUER JWKS-FILE AUDIENCE METHOD URL < token-and-proof
 *
 *   cc verify_dpop.c $(pkg-config --cflags --libs chancery) */
#include <chancery/chancery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROOFS 10000 /* kept at a time: requests a second times window_s + skew_s */

static char jwks[64 * 1024], token[8 * 1024 + 2], proof[8 * 1024 + 2];
static union ch_scratch scratch;

static struct ch_verifier *verifier_load(const char *name, const char *path, const char *audience)
{
	struct ch_issuer issuer = CH_ISSUER_INIT;
	struct ch_verifier *verifier = NULL;
	char why[256];
	FILE *file = fopen(path, "r");

	issuer.issuer = name;
	issuer.realm = "example";
	issuer.audiences = &audience;
	issuer.n_audiences = 1;
	issuer.jwks = jwks;
	issuer.jwks_size = file ? fread(jwks, 1, sizeof(jwks), file) : 0;
	if (file)
		fclose(file);
	if (ch_failed(ch_verifier_new(&issuer, 1, why, sizeof(why), &verifier)))
		fprintf(stderr, "%s: %s\n", path, why);
	return verifier;
}

static int line_read(char *to, size_t size)
{
	if (!fgets(to, (int)size, stdin))
		return 0;
	to[strcspn(to, "\n")] = 0;
	return to[0] != 0;
}

/* The fields of the answer, as RFC 6750 and RFC 9449 have them. */
static void answer(enum ch_reason reason, const struct ch_nonces *nonces, int64_t now)
{
	char nonce[CH_NONCE_SIZE];

	printf("%d\n", ch_reason_status(reason));
	if (*ch_reason_error(reason))
		printf("WWW-Authenticate: DPoP error=\"%s\", algs=\"ES256 EdDSA\"\n",
		       ch_reason_error(reason));
	if (ch_nonce_now(nonces, now, nonce))
		printf("DPoP-Nonce: %s\n", nonce);
}

int main(int argc, char **argv)
{
	struct ch_request request = CH_REQUEST_INIT;
	struct ch_options options = CH_OPTIONS_INIT;
	struct ch_nonces nonces;
	struct ch_verifier *verifier;
	struct ch_verified v;
	enum ch_reason reason = CH_MISUSED;
	size_t size = ch_replay_size(PROOFS);
	void *storage;

	if (argc != 6) {
		fprintf(stderr,
			"usage: verify_dpop ISSUER JWKS-FILE AUDIENCE METHOD URL < lines\n");
		return 2;
	}

	/* once, when the program starts; all threads share these */
	verifier = verifier_load(argv[1], argv[2], argv[3]);
	storage = malloc(size);
	memset(&nonces, 0, sizeof(nonces)); /* random and secret in a real program */
	nonces.slice_s = 300;
	/* 0: no proof was taken before; a real program that restarts says time(NULL) */
	if (!verifier || !storage || ch_failed(ch_scratch_init(&scratch)) ||
	    ch_failed(ch_replay_init(storage, size, PROOFS, 0, &request.replay))) {
		fprintf(stderr, "cannot start\n");
		return 3;
	}

	/* for each request */
	if (line_read(token, sizeof(token))) {
		int64_t now = (int64_t)time(NULL);
		request.dpop_scheme = true; /* Authorization: DPoP … */
		if (line_read(proof, sizeof(proof)))
			request.dpop = ch_text_of(proof);
		request.method = ch_text_of(argv[4]);
		request.url = ch_text_of(argv[5]);
		request.nonces = &nonces;
		options.request = &request;
		reason = ch_verify(verifier, &scratch, ch_text_of(token), now, &options, &v);
		answer(reason, &nonces, now);
		if (reason == CH_ACCEPTED)
			printf("%.*s of %.*s%s\n", CH_PRINT(v.subject), CH_PRINT(v.realm),
			       v.confirmed & CH_BY_DPOP ? ", holding the key" : "");
		else
			fprintf(stderr, "%s\n", ch_reason_text(reason));
	}

	ch_scratch_done(&scratch);
	ch_verifier_unref(verifier);
	free(storage);
	return reason == CH_ACCEPTED ? 0 : 1;
}
