/* The ledger, as a signer of tokens sees it: entries go there first, and nothing of a batch is
 * signed before the ledger has said that they are durable. It is believed in that alone; an
 * answer that was not waited for ends the signer. */
#include "crypto/hash.h"
#include "signer_internal.h"

static uint8_t append_room[LEDGER_APPEND_MAX];

static str text_of(const struct sign_request *q, enum sign_claim_id id)
{
	for (size_t i = 0; i < q->n_claims; i++)
		if (q->claims[i].id == id)
			return q->claims[i].text;
	return (str){ NULL, 0 };
}

/* An ID token's client is its authorized party, or the one it is for. */
static str client_of(const struct sign_request *q)
{
	str azp = text_of(q, CLAIM_AZP);
	if (q->typ == TYP_ACCESS)
		return text_of(q, CLAIM_CLIENT_ID);
	return azp.n > 0 ? azp : text_of(q, CLAIM_AUD);
}

static ch_err hash_sub(const struct signer *s, const struct realm *m, str sub,
		       uint8_t ret_hash[static LEDGER_SUB_SIZE])
{
	uint8_t room[NAME_MAX_BYTES + 1 + SIGN_TEXT_MAX], hash[MAC_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, m->name);
	wr_u8(&w, 0);
	wr_str(&w, sub);
	TRY(wr_done(&w));
	keyed_hash(s->config.journal_key, wr_bytes(&w), hash);
	mem_copy(ret_hash, hash, LEDGER_SUB_SIZE);
	return CH_DONE;
}

ch_err ledger_item_of(const struct signer *s, const struct realm *m, const struct sign_request *q,
		      const struct log_entry *entry, struct wr *room, struct ledger_item *ret_item)
{
	size_t before = room->n;
	struct ledger_item item = { .client_id = client_of(q),
				    .grant_id = text_of(q, CLAIM_GRANT_ID) };
	if (item.client_id.n > LEDGER_TEXT_MAX || item.grant_id.n > LEDGER_TEXT_MAX)
		return ch_fail(CH_E_INVALID_REQUEST, "a name is too long for the log's journal",
			       LEDGER_TEXT_MAX);
	TRY(hash_sub(s, m, text_of(q, CLAIM_SUB), item.sub));
	TRY(log_entry_write(room, entry));
	item.entry = (bytes){ room->p + before, room->n - before };
	*ret_item = item;
	return CH_DONE;
}

static ch_err send_items(struct signer *s, uint64_t seq, const struct ledger_item *items, size_t n)
{
	struct wr w = wr_of(append_room, sizeof(append_room));
	ledger_append_begin(&w, seq);
	for (size_t i = 0; i < n; i++)
		if (!ledger_append_add(&w, &items[i]))
			return ch_fail(CH_E_INTERNAL, "an entry does not fit a message", i);
	ch_err e = channel_send(s->ledger, wr_bytes(&w), NULL);
	/* it has two at most, which its socket holds */
	if (ch_code_of(e) == CH_E_BUSY)
		return ch_fail(CH_E_PROTOCOL, "the ledger does not read", seq);
	return e;
}

void ledger_append(struct signer *s, struct batch *b, const struct ledger_item *items, size_t n)
{
	b->state = BATCH_LOGGED;
	b->code = CH_OK;
	b->seq = 0;
	if (n == 0)
		return;
	s->status->step = STEP_APPEND;
	b->state = BATCH_APPENDING;
	b->seq = ++s->seq;
	s->trouble = send_items(s, b->seq, items, n);
}

static struct batch *batch_of(struct signer *s, uint64_t seq)
{
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (s->batches[i].state == BATCH_APPENDING && s->batches[i].seq == seq)
			return &s->batches[i];
	return NULL;
}

/* What issuers are told of it; another number is the ledger's own trouble. */
static uint16_t refusal_of(uint16_t code)
{
	return code == CH_OK || code == CH_E_NO_ROOM ? code : CH_E_LOG;
}

ch_err ledger_take(struct signer *s)
{
	uint8_t room[LEDGER_APPENDED_SIZE + 1];
	struct ledger_appended a = { 0 };
	bytes message = { 0 };
	ch_err e = channel_recv(s->ledger, room, sizeof(room), &message, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return CH_DONE;
	TRY(e);
	TRY(ledger_appended_read(message, &a));
	struct batch *b = batch_of(s, a.seq);
	if (!b || a.seq != s->appended + 1)
		return ch_fail(CH_E_PROTOCOL, "the ledger answers out of order", a.seq);
	s->appended = a.seq;
	b->code = refusal_of(a.code);
	b->state = BATCH_LOGGED;
	return CH_DONE;
}
