/* Is the evidence what it claims to be? Believes what it is given to believe (struct
 * evidence_trust) and nothing of the file: each part is held against a signature, or against
 * the head that is signed. */
#include "codec/base64.h"
#include "codec/json.h"
#include "evidence_internal.h"

ch_err token_check(const struct evidence *e, str jwk, struct evidence_scratch *scratch,
		   struct evidence_verdict *v)
{
	struct token_facts f;
	TRY(token_facts_of(e->input, e->signature, &scratch->token, &f));
	TRY(token_facts_check(&f, jwk));
	ch_err logged = token_facts_logged(&f, jwk);
	if (ch_code_of(logged) != CH_E_RANGE)
		TRY(logged);
	v->is_legacy = v->is_legacy || failed(logged);
	mem_copy(v->identity, f.identity, sizeof(v->identity));
	v->iat_s = f.iat;
	v->exp_s = f.exp;
	v->kid = f.kid;
	v->iss = f.iss;
	return CH_DONE;
}

ch_err head_check(const struct evidence *e, const struct note_key *log,
		  struct evidence_scratch *scratch, struct evidence_verdict *v)
{
	TRY(log_head_open(e->checkpoint, log, &scratch->head));
	v->head_time_s = scratch->head.time_s;
	return CH_DONE;
}

static ch_err witnesses_check(const struct evidence_trust *t, const struct note *n,
			      struct evidence_verdict *v)
{
	TRY(cosignatures_count(n, t->witnesses, t->n_witnesses, 0, &v->witnessed));
	if (v->witnessed < t->quorum)
		return ch_fail(CH_E_MISSING, "too few witnesses cosigned the head", v->witnessed);
	return CH_DONE;
}

static ch_err keys_check(const struct evidence_file *f, const struct evidence_trust *t,
			 struct evidence_scratch *scratch, struct evidence_verdict *v)
{
	TRY(token_check(&f->e, f->e.jwk, scratch, v));
	v->key_is_known = t->jwk.n > 0;
	return v->key_is_known ? token_check(&f->e, t->jwk, scratch, v) : CH_DONE;
}

/* A line for each bit of `first`. */
static ch_err edge_read(const struct evidence_file *f, struct merkle_edge *ret_edge)
{
	struct merkle_edge e = { .size = f->first };
	str left = f->edge;
	while (left.n > 0 && e.n < MERKLE_EDGE_MAX) {
		str line = str_cut(&left, '\n');
		struct wr w = wr_of(e.h[e.n].b, MERKLE_HASH_SIZE);
		if (!left.p || failed(base64_read(line, &w)) || w.n != MERKLE_HASH_SIZE)
			return ch_fail(CH_E_SYNTAX, "a line of the edge is no hash", e.n);
		e.n++;
	}
	if (left.n > 0 || e.n != (size_t)__builtin_popcountll(f->first))
		return ch_fail(CH_E_MISMATCH, "the edge has not the hashes that it must have", e.n);
	*ret_edge = e;
	return CH_DONE;
}

static ch_err entries_check(const struct evidence_file *f, struct tile_source *tiles_or_null,
			    struct evidence_scratch *scratch, struct evidence_verdict *v)
{
	struct merkle_edge edge;
	TRY(edge_read(f, &edge));
	struct scan s = scan_of(&edge, v->identity);
	if (f->e.thin && !tiles_or_null)
		return ch_fail(CH_E_MISSING, "the file is thin: its entries are elsewhere",
			       f->size);
	if (f->e.thin)
		TRY(scan_tiles(&s, tiles_or_null, f->size, scratch->tile, -1));
	else
		TRY(scan_bytes(&s, f->entries, f->size));
	TRY(scan_root(&s, &scratch->head.c));
	scan_tell(&s, v);
	return CH_DONE;
}

ch_err evidence_check(const struct evidence_file *f, const struct evidence_trust *t,
		      struct tile_source *tiles_or_null, struct evidence_scratch *scratch,
		      struct evidence_verdict *ret_v)
{
	struct evidence_verdict v = { .says_present = f->says_present,
				      .created_s = f->e.created_s };
	TRY(keys_check(f, t, scratch, &v));
	TRY(head_check(&f->e, &t->log, scratch, &v));
	TRY(witnesses_check(t, &scratch->head.note, &v));
	if (!str_eq(scratch->head.c.origin, f->origin) || scratch->head.c.size != f->size)
		return ch_fail(CH_E_MISMATCH, "the head is not the one that evidence.json names",
			       f->size);
	TRY(entries_check(f, tiles_or_null, scratch, &v));
	*ret_v = v;
	return CH_DONE;
}
