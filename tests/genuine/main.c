/* genuine: an issuer whose tokens are logged before they are shown, and those who show them, in one
 * program that is quick enough for a million. Started by tests/e2e/test_gate_log_load.py, which
 * has the log. Standard input begins with a line:
 *
 *   SEED ISSUER KID AUTHORIZATION TOKENS BATCH IAT PATIENT PORT…
 *
 * SEED: 64 hex digits, of the Ed25519 key; AUTHORIZATION: of HTTP Basic, without "Basic "; IAT: seconds from now, or
 * before; PATIENT 1: what is refused is shown again until it passes. Of each batch it writes a u32 with their
 * bytes and the entries, a u16 before each, and waits for one byte that says: they are in the log.
 * At the end a u32 of zero and a line of JSON. */
#include "genuine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "crypto/hash.h"
#include "merkle/entry.h"

enum { TTL_S = 300, SEED = 32 };

struct issuer {
	struct private_key *key;
	str name, kid;
	int64_t iat_more;
	char line[2048];
};

static struct show show;
static struct issuer issuer;

void die(const char *what)
{
	(void)fprintf(stderr, "genuine: %s\n", what);
	exit(3);
}

static void must(const char *what, ch_err e)
{
	if (failed(e))
		die(what);
}

static uint64_t number(str s, uint64_t max)
{
	uint64_t n = 0;
	if (!str_to_u64(s, max, &n))
		die("a number on the first line");
	return n;
}

static void read_key(str hex)
{
	uint8_t seed[SEED];
	struct secret *s = NULL;
	if (hex.n != sizeof(seed) * 2)
		die("a seed has 64 digits");
	for (size_t i = 0; i < sizeof(seed); i++) {
		unsigned byte = 0;
		const char two[3] = { hex.p[2 * i], hex.p[2 * i + 1], 0 };
		if (sscanf(two, "%2x", &byte) != 1)
			die("a seed has 64 digits");
		seed[i] = (uint8_t)byte;
	}
	must("secret", secret_copy(secret_bytes_of(BYTES_OF(seed)), &s));
	must("key", private_key_load(ALG_EDDSA, s, &issuer.key));
	secret_free(s);
}

/* *ret_batch and returns how many tokens there shall be. */
static uint64_t read_task(uint64_t *ret_batch)
{
	if (!fgets(issuer.line, sizeof(issuer.line), stdin))
		die("no first line");
	str rest = str_trim(str_from_c(issuer.line), LIT("\n"));
	read_key(str_cut(&rest, ' '));
	issuer.name = str_cut(&rest, ' ');
	issuer.kid = str_cut(&rest, ' ');
	str given = str_cut(&rest, ' ');
	(void)snprintf(show.authorization, sizeof(show.authorization), "Basic %.*s", (int)given.n,
		       given.p);
	uint64_t tokens = number(str_cut(&rest, ' '), UINT32_MAX);
	*ret_batch = number(str_cut(&rest, ' '), BATCH_MAX);
	str iat = str_cut(&rest, ' ');
	bool is_before = str_starts(iat, LIT("-"));
	issuer.iat_more = (int64_t)number(str_sub(iat, is_before, iat.n), UINT32_MAX);
	issuer.iat_more = is_before ? -issuer.iat_more : issuer.iat_more;
	show.is_patient = number(str_cut(&rest, ' '), 1);
	while (rest.n > 0 && show.gates < GATES_MAX)
		show.ports[show.gates++] = (uint16_t)number(str_cut(&rest, ' '), UINT16_MAX);
	if (*ret_batch == 0 || show.gates == 0)
		die("a batch and a gate at least");
	return tokens;
}

static void put_text(struct wr *w, const char *text, size_t n)
{
	base64url_write(w, (bytes){ (const uint8_t *)text, n });
}

/* Signs one, writes its entry. */
static void issue(struct token *t, struct wr *entries)
{
	char text[TOKEN_MAX / 2], jti[33];
	uint8_t id[16], sig[SIGNATURE_MAX], room[LOG_ENTRY_MAX];
	struct wr w = wr_of(t->text, sizeof(t->text)), e = wr_of(room, sizeof(room));
	struct log_entry entry = { .typ = LOG_TYP_AT_JWT, .realm = LIT("home"), .kid = issuer.kid };
	size_t n = 0;
	rand_fill(id, sizeof(id));
	struct wr j = wr_of(jti, sizeof(jti));
	wr_hex(&j, BYTES_OF(id));
	entry.iat_s = clock_unix_s() + issuer.iat_more;
	entry.exp_s = entry.iat_s + TTL_S;
	int length = snprintf(text, sizeof(text),
			      "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%.*s\"}",
			      (int)issuer.kid.n, issuer.kid.p);
	put_text(&w, text, (size_t)length);
	wr_char(&w, '.');
	length = snprintf(
		text, sizeof(text),
		"{\"iss\":\"%.*s\",\"iat\":%lld,\"exp\":%lld,\"jti\":\"%.32s\",\"sub\":\"s-1\","
		"\"aud\":\"mail\",\"client_id\":\"demo\",\"scope\":\"openid mail.read\","
		"\"username\":\"alice@home.test\"}",
		(int)issuer.name.n, issuer.name.p, (long long)entry.iat_s, (long long)entry.exp_s,
		jti);
	put_text(&w, text, (size_t)length);
	sha256(wr_bytes(&w), entry.hash);
	must("sign", private_key_sign(issuer.key, wr_bytes(&w), sig, &n));
	wr_char(&w, '.');
	base64url_write(&w, (bytes){ sig, n });
	t->n = (uint16_t)wr_bytes(&w).n;
	t->was_refused = false;
	t->due_ns = 0;
	must("entry", log_entry_write(&e, &entry));
	wr_bytes16(entries, wr_bytes(&e));
}

/* Returns when all of them are in the log. */
static void issue_all(size_t n)
{
	static uint8_t room[BATCH_MAX * (LOG_ENTRY_MAX + 2)];
	uint8_t size[4], said = 0;
	struct wr w = wr_of(room, sizeof(room)), s = wr_of(size, sizeof(size));
	for (size_t i = 0; i < n; i++)
		issue(&show.tokens[i], &w);
	wr_u32(&s, (uint32_t)wr_bytes(&w).n);
	must("write", fd_write_all(STDOUT_FILENO, wr_bytes(&s)));
	must("write", fd_write_all(STDOUT_FILENO, wr_bytes(&w)));
	must("the log's word", fd_read_exactly(STDIN_FILENO, &said, 1));
}

int main(void)
{
	uint64_t batch = 0;
	must("crypto", crypto_init(NULL));
	(void)setvbuf(stdin, NULL, _IONBF, 0); /* what follows the line is read without it */
	for (uint64_t left = read_task(&batch); left > 0;) {
		size_t n = (size_t)(left < batch ? left : batch);
		issue_all(n);
		show_all(&show, n);
		left -= n;
	}
	const uint8_t end[4] = { 0 };
	must("write", fd_write_all(STDOUT_FILENO, BYTES_OF(end)));
	(void)printf("{\"passed\":%llu,\"refused\":%llu,\"unheard\":%llu}\n",
		     (unsigned long long)show.passed, (unsigned long long)show.refused,
		     (unsigned long long)show.unheard);
	private_key_free(issuer.key);
	return 0;
}
