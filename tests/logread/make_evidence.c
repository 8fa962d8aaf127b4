/* Evidence to be read by others: `make_evidence token DIR [IAT]` makes a key and a token, DIR/jwk,
 * DIR/jwks and DIR/token, and prints the token's SHA-256; `make_evidence write DIR LOG FILE [thin]
 * [MINIMUM]` writes evidence about it from a folder that make_log wrote. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "codec/base64url.h"
#include "crypto/key.h"
#include "evidence/evidence.h"
#include "logstore/logstore.h"

enum { IAT = 1795396200 };

static void put(int dir_fd, const char *name, bytes content)
{
	if (failed(file_replace(dir_fd, name, content, 0644)))
		abort();
}

static void put_keys(int dir_fd, const struct private_key *k)
{
	static uint8_t room[JWK_TEXT_MAX], set_room[JWK_TEXT_MAX + 32];
	struct wr w = wr_of(room, sizeof(room)), set = wr_of(set_room, sizeof(set_room));
	struct key_parts parts;
	assert(!failed(private_key_public(k, &parts)) &&
	       !failed(jwk_write(&w, &parts, LIT("2026-11-es256"))));
	put(dir_fd, "jwk", wr_bytes(&w));
	wr_lit(&set, "{\"keys\":[");
	wr_put(&set, wr_bytes(&w));
	wr_lit(&set, "]}");
	put(dir_fd, "jwks", wr_bytes(&set));
}

static int make_token(const char *dir, uint64_t iat_s)
{
	AUTO(private_key_done) struct private_key *k = NULL;
	static uint8_t room[TOKEN_MAX], payload[512];
	uint8_t sig[SIGNATURE_MAX], hash[SHA256_SIZE], hex[2 * SHA256_SIZE];
	struct wr w = wr_of(room, sizeof(room)), p = wr_of(payload, sizeof(payload)),
		  h = wr_of(hex, sizeof(hex));
	size_t n = 0;
	assert(!failed(crypto_init(NULL)) && !failed(dir_make(AT_FDCWD, dir, 0755)));
	AUTO(fd_close) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dir_fd >= 0 && !failed(private_key_generate(ALG_ES256, &k)));
	put_keys(dir_fd, k);
	wr_lit(&p, "{\"iss\":\"https://login.example.com/home\",\"iat\":");
	wr_dec(&p, iat_s);
	wr_lit(&p, ",\"exp\":1795399800,\"sub\":\"mallory\",\"aud\":\"mail\",\"jti\":\"x\"}");
	base64url_write(
		&w, bytes_of_str(LIT(
			    "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"2026-11-es256\"}")));
	wr_char(&w, '.');
	base64url_write(&w, wr_bytes(&p));
	sha256(wr_bytes(&w), hash);
	assert(!failed(private_key_sign(k, wr_bytes(&w), sig, &n)));
	wr_char(&w, '.');
	base64url_write(&w, (bytes){ sig, n });
	put(dir_fd, "token", wr_bytes(&w));
	wr_hex(&h, BYTES_OF(hash));
	(void)printf("%.*s\n", (int)h.n, (const char *)hex);
	return 0;
}

/* Each file once: its text stays. */
static str text_of(const char *dir, const char *name)
{
	static uint8_t rooms[4][TOKEN_MAX + 2];
	static size_t next;
	struct path path;
	uint8_t *room = rooms[next++];
	size_t n = 0;
	assert(next <= COUNT_OF(rooms));
	if (failed(path_join(&path, str_from_c(dir), str_from_c(name), (str){ 0 })) ||
	    failed(file_read(AT_FDCWD, path.p, room, TOKEN_MAX + 2, &n)))
		abort();
	return str_trim((str){ (const char *)room, n }, LIT("\n"));
}

static int write_evidence(const char *dir, const char *log, const char *file, bool thin,
			  uint64_t minimum)
{
	static struct evidence_scratch scratch;
	static struct token_scratch token_scratch;
	static uint8_t head[LOGSTORE_NOTE_MAX];
	AUTO(logstore_close) struct logstore s = { .dir_fd = -1 };
	struct wr w = wr_of(head, sizeof(head));
	struct token_facts f;
	struct note_key k;
	struct evidence_verdict v;
	assert(!failed(token_facts_read(text_of(dir, "token"), &token_scratch, &f)));
	assert(!failed(vkey_read(text_of(log, "vkey"), &k)));
	assert(!failed(logstore_open(AT_FDCWD, log, &s)) && !failed(logstore_checkpoint(&s, &w)));
	const struct evidence e = { .input = f.input,
				    .signature = f.signature,
				    .jwk = text_of(dir, "jwk"),
				    .history = LIT("{\"state\":\"signing\"}"),
				    .checkpoint = wr_text(&w),
				    .where = LIT("https://login.example.com/log"),
				    .minimum = minimum,
				    .created_s = 1795396400,
				    .thin = thin };
	AUTO(fd_close) int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert(fd >= 0);
	ch_err err = evidence_write(fd, &e, &k, &s.tiles, &scratch, &v);
	if (failed(err))
		(void)fprintf(stderr, "make_evidence: %s\n", err.site->what);
	return failed(err) ? 3 : 0;
}

int main(int argc, char **argv)
{
	uint64_t v = 0;
	str verb = str_from_c(argc > 2 ? argv[1] : "");
	if (str_eq(verb, LIT("token")))
		return make_token(
			argv[2],
			argc > 3 && str_to_u64(str_from_c(argv[3]), UINT32_MAX, &v) ? v : IAT);
	if (argc < 5 || !str_eq(verb, LIT("write")))
		return 2;
	if (argc > 6 && !str_to_u64(str_from_c(argv[6]), UINT32_MAX, &v))
		return 2;
	return write_evidence(argv[2], argv[3], argv[4],
			      argc > 5 && str_eq(str_from_c(argv[5]), LIT("thin")), v);
}
