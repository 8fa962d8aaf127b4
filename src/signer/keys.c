/* Keys into secret memory: the key-encryption key comes from the warden as a descriptor
 * of secret memory, opens the sealed files of the configuration, and is unmapped. */
#include <poll.h>
#include <unistd.h>

#include "base/file.h"
#include "signer_internal.h"
#include "token/jwk.h"
#include "wire/boot.h"
#include "wire/control.h"

enum { KEY_FD = ROLE_FD, KEY_TIMEOUT_MS = 60000 };

static ch_err kek_receive(enum secretmem_kind kind, struct secret **ret_kek)
{
	static uint8_t room[CONTROL_MAX];
	struct control c = { 0 };
	struct secretmem m = { 0 };
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	TRY(channel_wait(KEY_FD, POLLIN, KEY_TIMEOUT_MS));
	TRY(control_recv(KEY_FD, room, &c, &fds));
	(void)close(KEY_FD);
	if (c.kind != CONTROL_KEY || fds.n != 1 || c.detail != KEK_SIZE)
		return ch_fail(CH_E_PROTOCOL, "the warden sent no key", c.kind);
	TRY(secretmem_receive(fds.fd[0], kind, c.detail, &m));
	ch_err e = secret_adopt(m, c.detail, ret_kek);
	if (failed(e))
		secretmem_done(&m);
	return e;
}

static ch_err open_key(struct signer *s, const struct secret *kek, const struct realm *m, size_t i)
{
	struct signing_key *k = &s->keys[i];
	TRY(keyfile_open(s->config.keys[i], kek, &k->meta, &k->key));
	if (!str_eq(k->meta.realm, m->name))
		return ch_fail(CH_E_MISMATCH, "a sealed key belongs to another realm", i);
	/* heads or tokens, as its grant says: no key ever signs both */
	bool of_heads = k->meta.grant.typ == KEY_TYP_CHECKPOINT;
	if (of_heads != (s->config.log_origin.n > 0))
		return ch_fail(CH_E_DENIED, "a key whose grant is for another duty", i);
	bucket_init(&k->bucket, k->meta.grant.rate_per_s);
	return CH_DONE;
}

ch_err keys_load(struct signer *s)
{
	AUTO(secret_done) struct secret *kek = NULL;
	TRY(kek_receive(s->config.secret_memory, &kek));
	s->status->step = STEP_UNSEAL;
	TRY(kdf_file_check(s->config.kdf, kek));
	for (size_t r = 0; r < s->n_realms; r++) {
		const struct signer_realm *c = &s->config.realms[r];
		for (size_t i = 0; i < c->n_keys; i++)
			TRY(open_key(s, kek, &s->realms[r], c->first_key + i));
	}
	return CH_DONE;
}

static ch_err announce_one(struct wr *w, const struct signing_key *k)
{
	uint8_t text[JWK_TEXT_MAX];
	struct wr jwk = wr_of(text, sizeof(text));
	struct key_parts parts;
	TRY(private_key_public(k->key, &parts));
	TRY(jwk_write_logged(&jwk, &parts, k->meta.kid, key_logged_from_s(&k->meta)));
	const struct sign_key key = { .kid = k->meta.kid,
				      .alg = (uint8_t)k->meta.alg,
				      .not_before_s = k->meta.times.not_before_s,
				      .not_after_s = key_ends_s(&k->meta.times),
				      .max_ttl_s = k->meta.times.max_ttl_s,
				      .jwk = wr_bytes(&jwk) };
	if (!sign_batch_add_key(w, &key))
		return ch_fail(CH_E_FULL, "a realm has more keys than a message holds",
			       sign_batch_count(w));
	return CH_DONE;
}

ch_err keys_announce(struct signer *s)
{
	static uint8_t room[MESSAGE_MAX];
	for (size_t r = 0; r < s->n_realms; r++) {
		struct realm *m = &s->realms[r];
		struct wr w = wr_of(room, sizeof(room));
		sign_batch_begin(&w, SIGN_KEYS);
		for (size_t i = 0; i < m->n_keys; i++)
			TRY(announce_one(&w, &m->keys[i]));
		TRY(channel_send(m->fd, wr_bytes(&w), NULL));
	}
	return CH_DONE;
}
