/* Is the token on standard input good, and whose is it?
 *
 *   verify_one ISSUER JWKS-FILE AUDIENCE < token
 *
 *   cc verify_one.c $(pkg-config --cflags --libs chancery) */
#include <chancery/chancery.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static size_t read_all(FILE *file, char *to, size_t size)
{
	size_t n = file ? fread(to, 1, size, file) : 0;
	while (n > 0 && to[n - 1] == '\n')
		n--;
	return n;
}

int main(int argc, char **argv)
{
	static char jwks[64 * 1024], token[8 * 1024 + 1];
	static union ch_scratch scratch; /* one for each thread; 48 KiB are much for a stack */
	struct ch_issuer issuer = CH_ISSUER_INIT;
	struct ch_verifier *verifier = NULL;
	struct ch_verified v;
	enum ch_reason reason;
	char line[256];
	FILE *file;
	ch_text text;
	const char *audience;
	ch_err e;

	if (argc != 4) {
		fprintf(stderr, "usage: verify_one ISSUER JWKS-FILE AUDIENCE < token\n");
		return 2;
	}
	audience = argv[3];
	file = fopen(argv[2], "r");
	issuer.issuer = argv[1];
	issuer.realm = "example";
	issuer.audiences = &audience;
	issuer.n_audiences = 1;
	issuer.jwks = jwks;
	issuer.jwks_size = read_all(file, jwks, sizeof(jwks));
	if (file)
		fclose(file);

	/* once, when the program starts */
	e = ch_verifier_new(&issuer, 1, line, sizeof(line), &verifier);
	if (ch_failed(e)) {
		fprintf(stderr, "%s: %s (%s)\n", argv[2], line, ch_code_name(ch_code_of(e)));
		return 3;
	}
	e = ch_scratch_init(&scratch);
	if (ch_failed(e)) {
		fprintf(stderr, "%s\n", e.site->what);
		return 3;
	}

	/* for each request */
	text.p = token;
	text.n = read_all(stdin, token, sizeof(token));
	reason = ch_verify(verifier, &scratch, text, (int64_t)time(NULL), NULL, &v);
	if (reason == CH_ACCEPTED) {
		printf("%.*s of %.*s\n", CH_PRINT(v.subject), CH_PRINT(v.realm));
	} else {
		ch_explain(&scratch, line, sizeof(line));
		printf("refused: %s\n", ch_reason_name(reason));
		fprintf(stderr, "%s\n", line);
	}

	ch_scratch_done(&scratch);
	ch_verifier_unref(verifier);
	return reason == CH_ACCEPTED ? 0 : 1;
}
