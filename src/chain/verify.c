/* All of a chain, read once as any reader would. Says what it found as far as it got. */
#include <sys/stat.h>

#include "base/cleanup.h"
#include "chain_internal.h"

/* Is the head that was kept one that we pass here? */
static ch_err compare(const struct chain_cursor *k, const struct chain_head *expected, bool *seen)
{
	struct chain_head here = cursor_head(k);
	if (!expected || here.seq != expected->seq)
		return CH_DONE;
	*seen = mem_eq(here.hash, expected->hash, sizeof(here.hash));
	if (!*seen)
		return ch_fail(CH_E_MISMATCH, "the chain is not the one of the head that was kept",
			       here.seq);
	return CH_DONE;
}

static void count_segment(const struct chain_cursor *k, struct chain_report *report)
{
	struct stat st = { 0 };
	report->segments++;
	if (fstat(k->walk.fd, &st) == 0)
		report->bytes += (uint64_t)st.st_size;
}

static void count_frame(struct chain_cursor *k, struct chain_report *report)
{
	struct chain_record r;
	report->frames++;
	while (k->left.n > 0 && !failed(record_take(&k->left, &r))) {
		if (report->records++ == 0)
			report->first_ms = r.time_ms;
		report->last_ms = r.time_ms;
	}
	report->head = cursor_head(k);
	report->next_seq = report->head.seq;
}

static ch_err read_all(struct chain_cursor *k, const struct chain_head *expected,
		       struct chain_report *report)
{
	bool seen = false, got = true;
	uint64_t segment = k->walk.segment;
	report->head = report->before = cursor_head(k);
	report->first_seq = report->next_seq = report->before.seq;
	count_segment(k, report);
	TRY(compare(k, expected, &seen));
	for (;;) {
		TRY(cursor_frame(k, &got));
		if (k->walk.segment != segment)
			count_segment(k, report);
		segment = k->walk.segment;
		if (!got)
			break;
		count_frame(k, report);
		TRY(compare(k, expected, &seen));
	}
	report->torn_bytes = k->torn_bytes;
	if (!expected || seen)
		return CH_DONE;
	if (expected->seq < report->first_seq)
		return ch_fail(CH_E_NOT_FOUND, "that part of the chain has been erased",
			       report->first_seq);
	return ch_fail(CH_E_MISMATCH, "the chain has no such head", report->next_seq);
}

ch_err chain_verify(const struct chain_ref *ref, const struct chain_head *expected,
		    struct chain_report *report)
{
	AUTO(cursor_close) struct chain_cursor k = { .dir_fd = -1 };
	*report = (struct chain_report){ 0 };
	ch_err e = cursor_open(&k, ref, CHAIN_OLDEST);
	if (!failed(e))
		e = read_all(&k, expected, report);
	report->fault = k.fault;
	return e;
}
