/* Heads of logs. What is read here was signed, or is about to be held against a signature: it
 * must be of one form, whoever wrote it. */
#include "merkle/checkpoint.h"

#include "internal.h"

static ch_err not_a_checkpoint(size_t n)
{
	return ch_fail(CH_E_SYNTAX, "this is no checkpoint of a log", n);
}

/* A signature over "cosignature/v1…" must never be one over a head as well. */
static bool origin_ok(str origin)
{
	return origin.n > 0 && origin.n <= NOTE_NAME_MAX && !str_eq(origin, LIT("cosignature/v1"));
}

static bool extensions_ok(str lines)
{
	str line = { 0 };
	while (lines.n > 0)
		if (!line_take(&lines, &line) || line.n == 0)
			return false;
	return true;
}

ch_err checkpoint_read(str body, struct checkpoint *ret_c)
{
	struct checkpoint c = { 0 };
	struct merkle_hash empty;
	str left = body, size = { 0 }, root = { 0 };
	if (!line_take(&left, &c.origin) || !line_take(&left, &size) || !line_take(&left, &root))
		return not_a_checkpoint(body.n);
	if (!origin_ok(c.origin) || !str_to_u64(size, MERKLE_SIZE_MAX, &c.size) ||
	    !hash_read(root, &c.root) || !extensions_ok(left))
		return not_a_checkpoint(body.n);
	merkle_empty(&empty);
	if (c.size == 0 && !merkle_eq(&c.root, &empty))
		return not_a_checkpoint(0);
	c.extensions = left;
	*ret_c = c;
	return CH_DONE;
}

void checkpoint_write(struct wr *w, const struct checkpoint *c)
{
	wr_str(w, c->origin);
	wr_char(w, '\n');
	wr_dec(w, c->size);
	wr_char(w, '\n');
	hash_write(w, &c->root);
	wr_char(w, '\n');
}

ch_err log_head_open(str text, const struct note_key *log, struct log_head *ret_h)
{
	NOT_ZEROED struct log_head h;
	struct note_key cosigner;
	TRY(note_open(text, &h.note));
	TRY(note_check(&h.note, log));
	TRY(note_key_make(log->name, NOTE_COSIGNATURE, log->key, &cosigner));
	TRY(cosignature_check(&h.note, &cosigner, &h.time_s));
	TRY(checkpoint_read(h.note.body, &h.c));
	if (!str_eq(h.c.origin, log->name))
		return ch_fail(CH_E_MISMATCH, "the head is of another log", h.c.origin.n);
	if (h.c.extensions.n > 0)
		return ch_fail(CH_E_UNSUPPORTED, "the head says more than a log of ours",
			       h.c.extensions.n);
	*ret_h = h;
	return CH_DONE;
}
