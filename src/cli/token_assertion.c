/* The client's side of private_key_jwt: one fresh assertion for each request. The key comes
 * from a file and stays in locked memory; it must never be printed or sent. */
#include "token_assertion.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "codec/form.h"
#include "crypto/key.h"
#include "say.h"
#include "token/assertion.h"
#include "token/build.h"

enum { PEM_MAX = 16 * 1024, LIFE_S = 60 };

static ch_err key_read(const char *file, struct private_key **ret_key)
{
	AUTO(fd_close) int opened = -1;
	AUTO(secret_done) struct secret *pem = NULL;
	enum alg alg = ALG_ES256;
	int fd = STDIN_FILENO;
	if (!str_eq(str_from_c(file), LIT("-"))) {
		opened = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (opened < 0)
			return ch_fail(CH_E_IO, "cannot open the file", errno);
		fd = opened;
	}
	TRY(crypto_init(NULL));
	TRY(secret_read(fd, PEM_MAX, false, &pem));
	TRY(private_key_pem_alg(pem, &alg));
	return private_key_from_pem(alg, pem, ret_key);
}

int client_key_take(const char *file, struct private_key **ret_key)
{
	ch_err e = key_read(file, ret_key);
	return failed(e) ? say_trouble("cannot read the client's key", str_from_c(file), e)
			 : EXIT_YES;
}

static ch_err assertion_sign(const struct flow *f, struct wr *w)
{
	uint8_t random[16], sig[SIGNATURE_MAX];
	char jti[32];
	size_t n = 0;
	struct wr id = wr_of(jti, sizeof(jti));
	int64_t now = clock_unix_s();
	rand_fill(random, sizeof(random));
	base64url_write(&id, BYTES_OF(random));
	const struct token_header h = { private_key_alg(f->key), LIT("JWT"), f->key_id };
	const struct token_stamp stamp = { f->client, now, now + LIFE_S, wr_text(&id) };
	const struct claim claims[] = {
		{ .name = LIT("sub"), .kind = CLAIM_TEXT, .text = f->client },
		{ .name = LIT("aud"), .kind = CLAIM_TEXT, .text = f->issuer },
	};
	TRY(token_write_input(w, &h, &stamp, claims, COUNT_OF(claims)));
	TRY(private_key_sign(f->key, wr_bytes(w), sig, &n));
	token_write_signature(w, (bytes){ sig, n });
	return wr_done(w);
}

ch_err assertion_write(const struct flow *f, struct wr *form)
{
	char text[ASSERTION_MAX];
	struct wr w = wr_of(text, sizeof(text));
	TRY(assertion_sign(f, &w));
	form_write(form, LIT("client_id"), f->client);
	form_write(form, LIT("client_assertion_type"),
		   LIT("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
	form_write(form, LIT("client_assertion"), wr_text(&w));
	return wr_done(form);
}
