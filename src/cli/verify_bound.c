/* Confirmation for `chancery verify`: one proof and one certificate, from files, so that
 * neither is an argument. Trusts its arguments; whether the client holds the certificate's
 * key is for who ended TLS to know. The store of used proofs is new each time: a proof that
 * was used elsewhere is not found out here. */
#include "verify_bound.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "codec/base64url.h"
#include "say.h"
#include "token/confirm.h"

enum { CERTIFICATE_MAX = 64 * 1024, WINDOW_S = 60, SKEW_S = 5, STORE_BYTES = 2048 };

static void text_done(uint8_t **p)
{
	free(*p);
}

bool bound_asked(const struct bound_wish *b)
{
	return b->dpop || b->method || b->url || b->nonce || b->certificate;
}

static int wrong(const char *text)
{
	say(text, (str){ NULL, 0 });
	return EXIT_USAGE;
}

int bound_check(const struct bound_wish *b)
{
	if (b->dpop && (!b->method || !b->url))
		return wrong(
			"verify: --dpop needs --method and --url, which the proof must be for");
	if (!b->dpop && (b->method || b->url || b->nonce))
		return wrong(
			"verify: --method, --url and --nonce are of a proof: give it by --dpop");
	return EXIT_YES;
}

static str trimmed(str s)
{
	while (s.n && str_has(LIT(" \r\n\t"), s.p[s.n - 1]))
		s.n--;
	return s;
}

/* What stands before `mark`, which is cut off with it; p == NULL: no mark. */
static str cut_at(str *s, str mark)
{
	for (size_t at = 0; at + mark.n <= s->n; at++) {
		if (!str_eq(str_sub(*s, at, mark.n), mark))
			continue;
		str before = str_sub(*s, 0, at);
		*s = str_sub(*s, at + mark.n, s->n);
		return before;
	}
	return (str){ NULL, 0 };
}

/* The first certificate of a PEM text (RFC 7468), decoded in place. */
static bool pem_read(uint8_t *text, size_t n, bytes *ret_der)
{
	str rest = { (const char *)text, n };
	if (!cut_at(&rest, LIT("-----BEGIN CERTIFICATE-----")).p)
		return false;
	str body = cut_at(&rest, LIT("-----END CERTIFICATE-----"));
	struct wr plain = wr_of(text, n), der = wr_of(text, n);
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] == '+' || body.p[i] == '/')
			wr_char(&plain, body.p[i] == '+' ? '-' : '_');
		else if (!str_has(LIT(" \r\n\t="), body.p[i]))
			wr_char(&plain, body.p[i]);
	if (!plain.n || failed(base64url_read(wr_text(&plain), &der)))
		return false;
	*ret_der = wr_bytes(&der);
	return true;
}

/* PEM, or DER, which begins with a SEQUENCE. */
static int certificate_read(const char *name, uint8_t **text, bytes *ret_der)
{
	size_t n = 0;
	ch_err e = file_read_new(AT_FDCWD, name, CERTIFICATE_MAX, text, &n);
	if (failed(e))
		return say_trouble("verify: cannot read the certificate", str_from_c(name), e);
	*ret_der = (bytes){ *text, n };
	if ((n && **text == 0x30) || pem_read(*text, n, ret_der))
		return EXIT_YES;
	return say_trouble("verify: cannot read the certificate", str_from_c(name),
			   ch_fail(CH_E_SYNTAX, "is neither PEM nor DER", n));
}

static int shown_read(const struct bound_wish *b, uint8_t **dpop, uint8_t **certificate,
		      struct token_proofs *shown)
{
	size_t n = 0;
	if (b->certificate) {
		int status = certificate_read(b->certificate, certificate, &shown->certificate);
		if (status != EXIT_YES)
			return status;
	}
	if (!b->dpop)
		return EXIT_YES;
	ch_err e = file_read_new(AT_FDCWD, b->dpop, CERTIFICATE_MAX, dpop, &n);
	if (failed(e))
		return say_trouble("verify: cannot read the proof", str_from_c(b->dpop), e);
	shown->dpop = trimmed(str_of_bytes((bytes){ *dpop, n }));
	shown->dpop_scheme = true;
	return EXIT_YES;
}

int bound_judge(const struct bound_wish *b, str token, int64_t now_s, struct token_verdict *v)
{
	static struct token_scratch scratch;
	static _Alignas(64) uint8_t storage[STORE_BYTES];
	AUTO(text_done) uint8_t *dpop = NULL;
	AUTO(text_done) uint8_t *certificate = NULL;
	struct token_proofs shown = { .dpop_scheme = false };
	str nonce = str_from_c(b->nonce);
	struct proof_request r = {
		.token = token,
		.method = str_from_c(b->method),
		.url = str_from_c(b->url),
		.now_s = now_s,
		.window_s = WINDOW_S,
		.skew_s = SKEW_S,
		.nonces = &nonce,
		.n_nonces = b->nonce ? 1 : 0,
	};
	int status = shown_read(b, &dpop, &certificate, &shown);
	if (status != EXIT_YES)
		return status;
	ch_err e = replay_init(storage, sizeof(storage), 1, &r.replay);
	if (failed(e))
		return say_trouble("verify: cannot start", (str){ NULL, 0 }, e);
	(void)token_confirm(v, &shown, &r, &scratch);
	return EXIT_YES;
}
