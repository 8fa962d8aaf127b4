/* Heads: when one is due, asking the signer of heads, and what becomes of its answer. A head is on
 * disk before anybody is told of it; the next one is held against the last that was signed, even
 * if that could not be persisted. */
#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/rw.h"
#include "ledger_internal.h"
#include "merkle/checkpoint.h"

enum { ASKED_MS = 10, ENTRIES_MS = 100, IDLE_MS = 1000 };
#define MS UINT64_C(1000000)

int head_wait_ms(const struct integrator *g, uint64_t durable, uint64_t now_ns)
{
	uint64_t after_ms = IDLE_MS;
	if (g->is_asked)
		return IDLE_MS;
	if (durable != g->asked.size)
		after_ms = ENTRIES_MS;
	if (asks_wait(g) && !g->is_full)
		after_ms = ASKED_MS;
	uint64_t due_ns = g->begun_ns == 0 ? 0 : g->begun_ns + after_ms * MS;
	if (due_ns <= now_ns)
		return 0;
	return (int)((due_ns - now_ns + MS - 1) / MS);
}

/* --- asking --- */

/* Tiles of an older, smaller tree, cut from those that there are now: its own open ones may be gone. */
struct older {
	struct tile_source source;
	struct integrator *g;
};

static ch_err get_older(struct tile_source *source, const struct tile_id *t, struct wr *w)
{
	static uint8_t room[TILE_SIZE_MAX];
	struct integrator *g = ((struct older *)source)->g; /* its first member */
	struct wr whole = wr_of(room, sizeof(room));
	struct tile_id id;
	if (t->entries || !tile_of(g->settled, t->level, t->n, &id) || id.width < t->width)
		return ch_fail(CH_E_NOT_FOUND, "the log has no such tile", t->n);
	TRY(tile_fetch(&g->store.tiles, &id, &whole));
	wr_put(w, (bytes){ room, (size_t)t->width * MERKLE_HASH_SIZE });
	return wr_done(w);
}

static ch_err root_at(struct integrator *g, uint64_t size, struct merkle_hash *ret_root)
{
	struct older tiles = { { get_older }, g };
	struct merkle_edge edge;
	TRY(merkle_edge_at(&tiles.source, size, &edge));
	merkle_edge_root(&edge, ret_root);
	return CH_DONE;
}

static ch_err send_head(struct integrator *g)
{
	static struct merkle_proof proof;
	static struct ledger_head h;
	static uint8_t room[LEDGER_HEAD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	TRY(merkle_prove_consistency(&g->store.tiles, g->last.size, g->asked.size, &proof));
	h = (struct ledger_head){ .old_size = g->last.size,
				  .size = g->asked.size,
				  .n_proof = proof.n };
	mem_copy(h.old_root.b, g->last.root.b, sizeof(h.old_root.b));
	mem_copy(h.root.b, g->asked.root.b, sizeof(h.root.b));
	for (size_t i = 0; i < proof.n; i++)
		mem_copy(h.proof[i].b, proof.h[i].b, sizeof(h.proof[i].b));
	ledger_head_write(&w, &h);
	TRY(wr_done(&w));
	return channel_send(g->heads_fd, wr_bytes(&w), NULL);
}

static void lose_signer(struct integrator *g, ch_err e)
{
	if (ch_code_of(e) != CH_E_GONE)
		LOG(LOG_ERROR, "the signer of heads is let go", log_err(e));
	fd_close(&g->heads_fd);
	g->is_asked = false;
}

ch_err head_ask(struct integrator *g)
{
	ch_err e = settle_and_compare(g);
	if (ch_code_of(e) == CH_E_MISMATCH) {
		struct path path = { "" };
		struct wr w = wr_of(path.p, sizeof(path.p) - 1);
		tile_path_write(&w, &g->again->fault);
		LOG(LOG_ALARM, "what was written to the log is not what is read: no head is made",
		    log_str("tile", wr_text(&w)), log_err(e));
	}
	TRY(e);
	g->asked.size = g->tree->size;
	logtree_root(g->tree, &g->asked.root);
	if (g->heads_fd < 0)
		return CH_DONE;
	e = send_head(g);
	if (ch_code_of(e) == CH_E_GONE || ch_code_of(e) == CH_E_BUSY) {
		lose_signer(g, e);
		return CH_DONE;
	}
	TRY(e);
	g->is_asked = true;
	return CH_DONE;
}

/* --- the answer --- */

ch_err head_of_note(const struct ledger_config *c, bytes note, struct head *ret_h)
{
	static struct note n;
	static struct log_head head;
	struct checkpoint p;
	struct note_key key;
	TRY(note_open(str_of_bytes(note), &n));
	TRY(checkpoint_read(n.body, &p));
	if (!str_eq(p.origin, c->origin))
		return ch_fail(CH_E_MISMATCH, "a head of another log", 0);
	if (c->vkey.n > 0) {
		TRY(vkey_read(c->vkey, &key));
		TRY(log_head_open(str_of_bytes(note), &key, &head));
	}
	*ret_h = (struct head){ p.size, p.root };
	return CH_DONE;
}

static ch_err is_as_asked(const struct integrator *g, bytes note)
{
	struct head h;
	TRY(head_of_note(g->config, note, &h));
	if (h.size != g->asked.size || !merkle_eq(&h.root, &g->asked.root))
		return ch_fail(CH_E_MISMATCH, "a head that was not asked for", h.size);
	return CH_DONE;
}

static ch_err publish(struct integrator *g, bytes note)
{
	g->last = g->asked;
	ch_err e = file_replace(g->folder, LOGSTORE_CHECKPOINT, note, 0644);
	if (ch_code_of(e) == CH_E_IO && (e.detail == ENOSPC || e.detail == EDQUOT))
		return ch_fail(CH_E_NO_ROOM, "there is no room for the head", e.detail);
	TRY(e);
	g->published = g->asked;
	mem_copy(g->note, note.p, note.n);
	g->note_n = note.n;
	g->made = g->begun;
	if (g->is_full)
		LOG(LOG_INFO, "there is room for tiles and heads again");
	g->is_full = false;
	asks_tell(g, CH_OK);
	return CH_DONE;
}

/* The signer has seen a head that we have not: it went down with the ledger before us. Its tree
 * is a start of ours, or the signer will say no again. */
static ch_err refused(struct integrator *g, const struct ledger_head_signed *s)
{
	bool is_behind = s->size <= g->asked.size && s->size > g->last.size;
	if (is_behind) {
		g->last.size = s->size;
		g->begun_ns = 0;
		return root_at(g, s->size, &g->last.root);
	}
	if (!g->is_refused)
		LOG(LOG_ALARM, "the signer of heads refuses the log's head",
		    log_u64("size", g->asked.size), log_err(ch_err_from_wire(s->code, s->size)));
	g->is_refused = true;
	asks_tell(g, (enum ch_code)s->code);
	return CH_DONE;
}

static ch_err on_signed(struct integrator *g, const struct ledger_head_signed *s)
{
	if (!g->is_asked)
		return ch_fail(CH_E_PROTOCOL, "a head that nobody asked for", s->size);
	g->is_asked = false;
	if (s->code != CH_OK)
		return refused(g, s);
	if (s->size != g->asked.size || s->note.n > sizeof(g->note))
		return ch_fail(CH_E_PROTOCOL, "a head of another size", s->size);
	TRY(is_as_asked(g, s->note));
	if (g->is_refused)
		LOG(LOG_INFO, "the signer of heads signs again");
	g->is_refused = false;
	return publish(g, s->note);
}

ch_err head_answer(struct integrator *g)
{
	static uint8_t room[MESSAGE_MAX];
	struct ledger_head_signed s = { 0 };
	bytes message = { 0 };
	if (g->heads_fd < 0)
		return CH_DONE;
	ch_err e = channel_recv(g->heads_fd, room, sizeof(room), &message, NULL);
	if (ch_code_of(e) == CH_E_BUSY)
		return CH_DONE;
	if (!failed(e))
		e = ledger_head_signed_read(message, &s);
	if (!failed(e))
		e = on_signed(g, &s);
	/* the disk is ours to mend; all else is the signer's fault */
	if (!failed(e) || ch_code_of(e) == CH_E_NO_ROOM || ch_code_of(e) == CH_E_IO)
		return e;
	lose_signer(g, e);
	return CH_DONE;
}
