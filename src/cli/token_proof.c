/* The client's side of DPoP: the key is read from a file that nobody else may read, or made
 * there. Trusts the issuer's nonce to be text, no more. Must never send a proof elsewhere than
 * to the token endpoint, nor print or send the key. */
#include "token_proof.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "codec/form.h"
#include "crypto/key.h"
#include "say.h"
#include "token/jwk.h"
#include "token_keep.h"

enum { PEM_MAX = 16 * 1024, CLAIMS_MAX = 5120 };

static ch_err key_make(const char *file)
{
	AUTO(private_key_done) struct private_key *key = NULL;
	AUTO(secret_done) struct secret *pem = NULL;
	TRY(private_key_generate(ALG_ES256, &key));
	TRY(private_key_pem(key, &pem));
	ch_err e = file_create(AT_FDCWD, file, secret_said(pem).hidden, 0600);
	return ch_code_of(e) == CH_E_EXISTS ? CH_DONE : e;
}

static ch_err key_open(const char *file, int *ret_fd)
{
	AUTO(fd_close) int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no such file", 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the file", errno);
	TRY(kept_check(fd));
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err key_read(const char *file, struct private_key **ret_key)
{
	AUTO(fd_close) int fd = -1;
	AUTO(secret_done) struct secret *pem = NULL;
	enum alg alg = ALG_ES256;
	TRY(crypto_init(NULL));
	ch_err e = key_open(file, &fd);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		TRY(key_make(file));
		e = key_open(file, &fd);
	}
	TRY(e);
	TRY(secret_read(fd, PEM_MAX, false, &pem));
	TRY(private_key_pem_alg(pem, &alg));
	if (alg != ALG_ES256 && alg != ALG_EDDSA)
		return ch_fail(CH_E_MISMATCH, "a key for DPoP is P-256 or Ed25519", alg);
	return private_key_from_pem(alg, pem, ret_key);
}

int proof_key_take(const char *file, struct private_key **ret_key)
{
	if (str_eq(str_from_c(file), LIT("-"))) {
		say("--dpop is a file: the token is of use with its key alone", (str){ 0 });
		return EXIT_USAGE;
	}
	ch_err e = key_read(file, ret_key);
	return failed(e) ? say_trouble("cannot use the key", str_from_c(file), e) : EXIT_YES;
}

static ch_err header_write(const struct private_key *key, struct wr *w)
{
	char jwk[JWK_TEXT_MAX], text[JWK_TEXT_MAX + 64];
	struct key_parts parts;
	struct wr j = wr_of(jwk, sizeof(jwk)), t = wr_of(text, sizeof(text));
	struct json_out o = json_out_of(&t);
	TRY(private_key_public(key, &parts));
	TRY(jwk_write_bare(&j, &parts));
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("typ"), LIT("dpop+jwt"));
	json_put_str(&o, LIT("alg"), alg_name(parts.alg));
	json_put_raw(&o, LIT("jwk"), wr_text(&j));
	json_finish(&o, '}');
	TRY(wr_done(&t));
	base64url_write(w, wr_bytes(&t));
	return wr_done(w);
}

/* htu has neither query nor fragment (section 4.2). */
static ch_err claims_write(const struct flow *f, str url, struct wr *w)
{
	char text[CLAIMS_MAX], jti[32];
	uint8_t random[16];
	struct wr t = wr_of(text, sizeof(text)), id = wr_of(jti, sizeof(jti));
	struct json_out o = json_out_of(&t);
	str rest = str_cut(&url, '#');
	rand_fill(random, sizeof(random));
	base64url_write(&id, BYTES_OF(random));
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("jti"), wr_text(&id));
	json_put_str(&o, LIT("htm"), LIT("POST"));
	json_put_str(&o, LIT("htu"), str_cut(&rest, '?'));
	json_put_int(&o, LIT("iat"), clock_unix_s());
	if (f->proof_nonce_n > 0)
		json_put_str(&o, LIT("nonce"), (str){ f->proof_nonce, f->proof_nonce_n });
	json_finish(&o, '}');
	TRY(wr_done(&t));
	base64url_write(w, wr_bytes(&t));
	return wr_done(w);
}

ch_err proof_write(const struct flow *f, str url, struct wr *w)
{
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	TRY(header_write(f->proof_key, w));
	wr_char(w, '.');
	TRY(claims_write(f, url, w));
	TRY(private_key_sign(f->proof_key, wr_bytes(w), sig, &n));
	wr_char(w, '.');
	base64url_write(w, (bytes){ sig, n });
	return wr_done(w);
}

ch_err proof_jkt_write(const struct flow *f, struct wr *form)
{
	uint8_t hash[THUMBPRINT_SIZE];
	char text[64];
	struct wr w = wr_of(text, sizeof(text));
	struct key_parts parts;
	if (!f->proof_key)
		return CH_DONE;
	TRY(private_key_public(f->proof_key, &parts));
	TRY(jwk_thumbprint(&parts, hash));
	base64url_write(&w, BYTES_OF(hash));
	form_write(form, LIT("dpop_jkt"), wr_text(&w));
	return wr_done(form);
}

static bool nonce_ok(str nonce)
{
	for (size_t i = 0; i < nonce.n; i++)
		if (nonce.p[i] <= ' ' || nonce.p[i] > '~')
			return false;
	return nonce.n > 0 && nonce.n <= PROOF_NONCE_MAX;
}

bool proof_nonce_wanted(struct flow *f, const struct fetch_answer *a)
{
	if (!f->proof_key || !nonce_ok(a->dpop_nonce))
		return false;
	mem_copy(f->proof_nonce, a->dpop_nonce.p, a->dpop_nonce.n);
	f->proof_nonce_n = a->dpop_nonce.n;
	return (a->status == 400 || a->status == 401) && flow_json(f, a->body) &&
	       str_eq(flow_member(f, LIT("error")), LIT("use_dpop_nonce"));
}

int proof_bound(struct flow *f, str body)
{
	if (!f->proof_key || (flow_json(f, bytes_of_str(body)) &&
			      str_eq_nocase(flow_member(f, LIT("token_type")), LIT("DPoP"))))
		return EXIT_YES;
	say("the issuer gave a token that is not bound to the key", f->issuer);
	return EXIT_TROUBLE;
}
