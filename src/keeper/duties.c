/* Unlock, generate (or give new times), import. The key-encryption key comes from the passphrase by
 * Argon2id; it leaves this process only as secret memory for the warden. */
#include "base/file.h"
#include "codec/base64url.h"
#include "keeper_internal.h"
#include "keyfile/keyfile.h"
#include "token/jwk.h"

enum {
	PASSPHRASE_MAX = 4096,
	PASSPHRASE_MIN = 8,
	PEM_MAX = 16 * 1024,
	KID_BYTES = 12,
	KID_MAX_TEXT = 32
};

static ch_err read_passphrase(struct secret **ret_s)
{
	AUTO(secret_done) struct secret *s = NULL;
	TRY(secret_read(PASSPHRASE_FD, PASSPHRASE_MAX, true, &s));
	if (secret_size(s) < PASSPHRASE_MIN)
		return ch_fail(CH_E_RANGE, "the passphrase is shorter than 8 bytes",
			       secret_size(s));
	*ret_s = TAKE(s);
	return CH_DONE;
}

static ch_err tell(enum control_kind kind, size_t index, str name, bytes text)
{
	const struct control c = {
		.kind = kind, .generation = (uint32_t)index, .name = name, .text = text
	};
	return control_send(CONTROL_FD, &c, NULL);
}

/* Argon2id makes guessing a person's passphrase dear; 256 random bits need no such help. */
static void new_kdf(const struct keeper_config *c, struct kdf *ret_kdf)
{
	kdf_default(ret_kdf);
	if (c->random_passphrase) {
		ret_kdf->passes = 1;
		ret_kdf->memory_kib = 8 * 1024;
	}
}

/* The key-encryption key: checked against the kdf file, or with a new one. */
static ch_err unlock(const struct keeper_config *c, struct secret **ret_kek)
{
	struct kdf kdf;
	uint8_t file[KDF_FILE_MAX];
	AUTO(secret_done) struct secret *passphrase = NULL;
	AUTO(secret_done) struct secret *kek = NULL;
	TRY(read_passphrase(&passphrase));
	if (c->kdf.n > 0)
		TRY(kdf_file_read(c->kdf, &kdf));
	else
		new_kdf(c, &kdf);
	TRY(kek_derive(&kdf, passphrase, &kek));
	if (c->kdf.n > 0) {
		TRY(kdf_file_check(c->kdf, kek));
	} else {
		struct wr w = wr_of(file, sizeof(file));
		TRY(kdf_file_write(&kdf, kek, &w));
		TRY(tell(CONTROL_SEALED, 0, LIT("kdf"), wr_bytes(&w)));
	}
	*ret_kek = TAKE(kek);
	return CH_DONE;
}

static ch_err give_to_warden(const struct keeper_config *c, const struct secret *kek)
{
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	const struct control key = { .kind = CONTROL_KEY, .detail = secret_size(kek) };
	TRY(secret_share(kek, c->secret_memory, &fds.fd[0]));
	fds.n = 1;
	return control_send(OTHER_FD, &key, &fds);
}

/* A kid says nothing and never repeats: the start of the key's RFC 7638 thumbprint. */
static ch_err make_kid(const struct private_key *k, struct wr *w)
{
	struct key_parts parts;
	uint8_t print[THUMBPRINT_SIZE];
	TRY(private_key_public(k, &parts));
	TRY(jwk_thumbprint(&parts, print));
	base64url_write(w, (bytes){ print, KID_BYTES });
	/* a file is named after it: the first character must not be a sign */
	if (w->n > 0 && (w->p[0] == '-' || w->p[0] == '_'))
		w->p[0] = 'k';
	return wr_done(w);
}

static ch_err tell_public(const struct private_key *k, size_t index, const struct key_meta *meta)
{
	struct key_parts parts;
	uint8_t text[JWK_TEXT_MAX];
	struct wr w = wr_of(text, sizeof(text));
	TRY(private_key_public(k, &parts));
	TRY(jwk_write_logged(&w, &parts, meta->kid, key_logged_from_s(meta)));
	return tell(CONTROL_PUBLIC, index, meta->kid, wr_bytes(&w));
}

static struct key_times times_of(const struct keeper_key *c)
{
	return (struct key_times){ .created_s = c->created_s,
				   .published_s = c->published_s,
				   .not_before_s = c->not_before_s,
				   .not_after_s = c->not_after_s,
				   .limit_s = c->limit_s,
				   .max_ttl_s = c->max_ttl_s };
}

static struct key_meta meta_of(const struct keeper_key *c, const struct private_key *k, str kid)
{
	struct key_meta m = {
		.alg = private_key_alg(k),
		.times = times_of(c),
		.realm = c->realm,
		.kid = kid,
		.grant = { .typ = c->typs,
			   .max_ttl_s = c->max_ttl_s,
			   .rate_per_s = c->rate_per_s,
			   .n_audiences = c->n_audiences },
	};
	for (size_t i = 0; i < c->n_audiences; i++)
		m.grant.audiences[i] = c->audiences[i];
	return m;
}

static ch_err seal_key(const struct keeper_config *c, size_t i, const struct private_key *k,
		       const struct secret *kek)
{
	static uint8_t file[KEYFILE_MAX];
	uint8_t kid_room[KID_MAX_TEXT];
	struct wr kid = wr_of(kid_room, sizeof(kid_room));
	struct wr w = wr_of(file, sizeof(file));
	TRY(make_kid(k, &kid));
	struct key_meta meta = meta_of(&c->keys[i], k, wr_text(&kid));
	meta.imported = c->duty == KEEPER_IMPORT;
	TRY(keyfile_write(&meta, k, kek, &w));
	TRY(tell(CONTROL_SEALED, i, meta.kid, wr_bytes(&w)));
	TRY(tell_public(k, i, &meta));
	keeper_register(c, k, meta.realm, meta.kid);
	return CH_DONE;
}

/* The key stays what it is, and so does its grant: nothing here can widen it. */
static ch_err time_again(const struct keeper_config *c, size_t i, const struct secret *kek)
{
	static uint8_t file[KEYFILE_MAX];
	AUTO(private_key_done) struct private_key *k = NULL;
	struct key_meta meta = { 0 };
	struct wr w = wr_of(file, sizeof(file));
	TRY(keyfile_open(c->keys[i].sealed, kek, &meta, &k));
	if (!str_eq(meta.realm, c->keys[i].realm))
		return ch_fail(CH_E_MISMATCH, "a sealed key belongs to another realm", i);
	meta.times = times_of(&c->keys[i]);
	TRY(keyfile_write(&meta, k, kek, &w));
	return tell(CONTROL_SEALED, i, meta.kid, wr_bytes(&w));
}

static ch_err new_key(const struct keeper_config *c, size_t i, const struct secret *kek)
{
	AUTO(private_key_done) struct private_key *k = NULL;
	uint8_t alg = c->keys[i].alg;
	TRY(private_key_generate(alg < ALG_COUNT ? (enum alg)alg : ALG_ES256, &k));
	return seal_key(c, i, k, kek);
}

static ch_err generate(const struct keeper_config *c, const struct secret *kek)
{
	for (size_t i = 0; i < c->n_keys; i++)
		TRY(c->keys[i].sealed.n > 0 ? time_again(c, i, kek) : new_key(c, i, kek));
	return CH_DONE;
}

static ch_err import(const struct keeper_config *c, const struct secret *kek)
{
	AUTO(secret_done) struct secret *pem = NULL;
	AUTO(private_key_done) struct private_key *k = NULL;
	enum alg alg = (enum alg)c->keys[0].alg;
	if (c->n_keys != 1)
		return ch_fail(CH_E_USAGE, "one key is imported at a time", c->n_keys);
	TRY(secret_read(OTHER_FD, PEM_MAX, false, &pem));
	if (c->keys[0].alg >= ALG_COUNT)
		TRY(private_key_pem_alg(pem, &alg));
	TRY(private_key_from_pem(alg, pem, &k));
	return seal_key(c, 0, k, kek);
}

ch_err keeper_do(const struct keeper_config *c)
{
	AUTO(secret_done) struct secret *kek = NULL;
	TRY(unlock(c, &kek));
	switch (c->duty) {
	case KEEPER_UNLOCK:
		return give_to_warden(c, kek);
	case KEEPER_GENERATE:
		return generate(c, kek);
	case KEEPER_IMPORT:
		return import(c, kek);
	}
	return ch_fail(CH_E_INTERNAL, "a duty that does not exist", c->duty);
}
