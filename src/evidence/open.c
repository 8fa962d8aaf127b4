/* A file of evidence taken apart: a tar archive whose members have one order and one form. It comes
 * from whoever wants to be believed. */
#include "archive/tar.h"
#include "evidence_internal.h"

static ch_err cut_short(const struct rd *r)
{
	return ch_fail(CH_E_TRUNCATED, "the file ends early", rd_left(r));
}

/* The header in front of the next part, which must be written just so. */
static ch_err part_head(struct rd *r, const struct part_rule *p, int64_t mtime_s, uint64_t *ret_n)
{
	uint8_t wanted[TAR_BLOCK];
	struct wr w = wr_of(wanted, sizeof(wanted));
	bytes head = rd_take(r, TAR_BLOCK);
	uint64_t size = 0;
	if (r->bad)
		return cut_short(r);
	if (!tar_size(head, &size) || size > p->max)
		return ch_fail(CH_E_MISMATCH, "a part's size is not one it can have", rd_left(r));
	tar_header(&w, p->name, size, mtime_s);
	if (w.full || !bytes_eq(head, BYTES_OF(wanted)))
		return ch_fail(CH_E_MISMATCH, "a part is missing, or its header was changed",
			       rd_left(r));
	*ret_n = size;
	return CH_DONE;
}

static ch_err part_read(struct rd *r, const struct part_rule *p, int64_t mtime_s, bytes *ret_b)
{
	uint64_t n = 0;
	TRY(part_head(r, p, mtime_s, &n));
	bytes content = rd_take(r, (size_t)n);
	bytes padding = rd_take(r, tar_padding(n));
	if (r->bad)
		return cut_short(r);
	if (!bytes_are_zero(padding))
		return ch_fail(CH_E_MISMATCH, "something is written behind a part", rd_left(r));
	*ret_b = content;
	return CH_DONE;
}

/* When the file was made is said by its first header too. */
static ch_err first_read(struct rd *r, struct evidence_file *f)
{
	struct rd look = *r;
	bytes head = rd_take(&look, TAR_BLOCK), about = { 0 };
	int64_t mtime_s = 0;
	if (look.bad)
		return cut_short(r);
	if (!tar_mtime(head, &mtime_s))
		return ch_fail(CH_E_UNSUPPORTED, "no evidence, or of another version", 0);
	TRY(part_read(r, &part_rules[PART_ABOUT], mtime_s, &about));
	TRY(about_read(str_of_bytes(about), f));
	if (f->e.created_s != mtime_s)
		return ch_fail(CH_E_MISMATCH, "the file says two times of its making", 0);
	return CH_DONE;
}

ch_err evidence_open(bytes file, struct evidence_file *ret_f)
{
	struct evidence_file f = { .origin = { 0 } };
	struct rd r = rd_of(file);
	bytes part[PART_COUNT] = { { 0 } };
	TRY(first_read(&r, &f));
	for (int i = PART_ABOUT + 1; i < PART_COUNT; i++)
		if (i != PART_ENTRIES || !f.e.thin)
			TRY(part_read(&r, &part_rules[i], f.e.created_s, &part[i]));
	bytes end = rd_take(&r, TAR_END);
	if (r.bad)
		return cut_short(&r);
	if (!bytes_are_zero(end))
		return ch_fail(CH_E_MISMATCH, "the file's end was changed", 0);
	TRY(rd_done(&r));
	f.e.input = str_of_bytes(part[PART_INPUT]);
	f.e.signature = part[PART_SIGNATURE];
	f.e.jwk = str_of_bytes(part[PART_KEY]);
	f.e.history = str_of_bytes(part[PART_HISTORY]);
	f.e.checkpoint = str_of_bytes(part[PART_CHECKPOINT]);
	f.edge = str_of_bytes(part[PART_EDGE]);
	f.entries = part[PART_ENTRIES];
	*ret_f = f;
	return CH_DONE;
}
