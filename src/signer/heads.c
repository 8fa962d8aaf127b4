/* Heads of the log: what the signer's other instance signs, and all that it signs. It asks itself
 * of each new head: is this a tree that begins with the last one? The ledger is believed in
 * nothing; once signed, a head is never contradicted, whoever asks. */
#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "merkle/checkpoint.h"
#include "signer_internal.h"

_Static_assert((int)LEDGER_HASH_SIZE == (int)MERKLE_HASH_SIZE &&
		       (int)HEAD_ROOT_SIZE == (int)MERKLE_HASH_SIZE &&
		       (int)STATUS_ROOT == (int)MERKLE_HASH_SIZE,
	       "a root is a hash of the tree");

static struct {
	bool knows; /* a head that was signed, by us or by who was here before */
	uint64_t size;
	struct merkle_hash root;
	struct note_key name; /* of our key */
	bool said;            /* that a head was refused */
} heads;

static struct merkle_hash hash_of(const struct ledger_hash *h)
{
	struct merkle_hash m;
	mem_copy(m.b, h->b, sizeof(m.b));
	return m;
}

/* It goes on from the last head, and from no other. */
static ch_err goes_on(const struct ledger_head *h)
{
	struct merkle_hash old = hash_of(&h->old_root);
	if (!heads.knows)
		return CH_DONE;
	if (h->size < heads.size)
		return ch_fail(CH_E_DENIED, "the log has shrunk", h->size);
	if (h->old_size != heads.size)
		return ch_fail(CH_E_MISMATCH, "the head goes on from another one than the last",
			       h->old_size);
	if (!merkle_eq(&old, &heads.root))
		return ch_fail(CH_E_DENIED, "the log has another root than the one that was signed",
			       h->old_size);
	return CH_DONE;
}

static ch_err head_check(const struct ledger_head *h)
{
	struct merkle_hash old = hash_of(&h->old_root), root = hash_of(&h->root);
	struct merkle_proof proof = { .n = h->n_proof };
	for (size_t i = 0; i < h->n_proof; i++)
		proof.h[i] = hash_of(&h->proof[i]);
	TRY(goes_on(h));
	ch_err e = merkle_check_consistency(h->old_size, &old, h->size, &root, &proof);
	if (failed(e))
		return ch_fail(CH_E_DENIED, "the log does not begin with what was signed",
			       h->old_size);
	return CH_DONE;
}

static ch_err sign(struct signer *s, bytes text, uint8_t ret_signature[static SIGNATURE_MAX])
{
	size_t n = 0;
	TRY(private_key_sign(s->keys[0].key, text, ret_signature, &n));
	return n == NOTE_SIGNATURE_SIZE ? CH_DONE : ch_fail(CH_E_CRYPTO, "an odd signature", n);
}

/* Signed as a note, and cosigned with the time, under one key (c2sp.org tlog-checkpoint,
 * signed-note, tlog-cosignature). */
static ch_err note_make(struct signer *s, const struct ledger_head *h, struct wr *w)
{
	uint8_t signature[SIGNATURE_MAX], room[CHECKPOINT_BODY_MAX + 64];
	const struct checkpoint c = { .origin = s->config.log_origin,
				      .size = h->size,
				      .root = hash_of(&h->root) };
	struct note_key cosigner;
	struct wr timed = wr_of(room, sizeof(room));
	int64_t now_s = clock_unix_s();
	checkpoint_write(w, &c);
	TRY(wr_done(w));
	str body = wr_text(w);
	TRY(sign(s, bytes_of_str(body), signature));
	wr_char(w, '\n');
	note_line_write(w, &heads.name, signature);
	TRY(note_key_make(s->config.log_origin, NOTE_COSIGNATURE, heads.name.key, &cosigner));
	cosignature_text(&timed, now_s, body);
	TRY(wr_done(&timed));
	TRY(sign(s, wr_bytes(&timed), signature));
	cosignature_line_write(w, &cosigner, now_s, signature);
	return wr_done(w);
}

/* Known to us, and to who comes after us, before it is out. */
static void remember(struct signer *s, const struct ledger_head *h)
{
	heads.knows = true;
	heads.size = h->size;
	heads.root = hash_of(&h->root);
	status_put_head(s->status, heads.size, heads.root.b);
	s->status->signed_tokens++;
}

static void say_refused(const struct ledger_head *h, ch_err e)
{
	/* one that was behind asks again, from where the last one was */
	if (ch_code_of(e) == CH_E_MISMATCH || heads.said)
		return;
	heads.said = true;
	LOG(LOG_ALARM, "a head of the log is refused: it contradicts the one that was signed",
	    log_u64("size", h->size), log_u64("signed", heads.size), log_err(e));
}

static ch_err head_answer(struct signer *s, bytes message)
{
	static struct ledger_head h;
	static uint8_t note_room[CHECKPOINT_MAX], room[LEDGER_HEAD_SIGNED_MAX];
	struct wr note = wr_of(note_room, sizeof(note_room)), w = wr_of(room, sizeof(room));
	TRY(ledger_head_read(message, &h));
	s->status->step = STEP_SIGN;
	ch_err e = head_check(&h);
	if (!failed(e))
		e = note_make(s, &h, &note);
	if (!failed(e))
		remember(s, &h);
	else
		say_refused(&h, e);
	s->status->refused += failed(e);
	const struct ledger_head_signed answer = { .size = failed(e) ? heads.size : h.size,
						   .code = (uint16_t)ch_code_of(e),
						   .note = failed(e) ? (bytes){ 0 }
								     : wr_bytes(&note) };
	ledger_head_signed_write(&w, &answer);
	TRY(wr_done(&w));
	s->status->step = STEP_SEND;
	return channel_send(s->ledger, wr_bytes(&w), NULL);
}

ch_err heads_begin(struct signer *s)
{
	struct key_parts parts;
	if (s->config.n_keys != 1)
		return ch_fail(CH_E_MISMATCH, "a log has exactly one key", s->config.n_keys);
	TRY(private_key_public(s->keys[0].key, &parts));
	TRY(note_key_make(s->config.log_origin, NOTE_ED25519, parts.x, &heads.name));
	heads.knows = s->config.has_head;
	heads.size = 0;
	if (!heads.knows)
		return CH_DONE;
	heads.size = s->config.head.size;
	mem_copy(heads.root.b, s->config.head.root, sizeof(heads.root.b));
	/* it must stay known, even if we sign nothing */
	status_put_head(s->status, heads.size, heads.root.b);
	return CH_DONE;
}

ch_err heads_turn(struct signer *s)
{
	static uint8_t room[LEDGER_HEAD_MAX + 1];
	bytes message = { 0 };
	ch_err e = channel_recv(s->ledger, room, sizeof(room), &message, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return CH_DONE;
	TRY(e);
	s->status->batches++;
	return head_answer(s, message);
}

ch_err heads_serve(struct signer *s)
{
	TRY(heads_begin(s));
	for (;;) {
		struct pollfd p[] = { { s->control, POLLIN, 0 }, { s->ledger, POLLIN, 0 } };
		s->status->step = STEP_IDLE;
		if (poll(p, COUNT_OF(p), -1) < 0 && errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait", errno);
		if (p[1].revents)
			TRY(heads_turn(s));
		if (p[0].revents)
			return CH_DONE;
	}
}
