/* A follower of a chain of revocations. What it hands on has been verified by the cursor; that
 * the chain is all there is, and goes on, it believes of the pulse beside it alone. */
#include "revoke/follow.h"

#include "base/clock.h"
#include "revoke/beat.h"

/* Of a first pulse, by the clock of this host, which is the issuer's, too. */
enum { YOUNG_MS = 2 * REVOKE_BEAT_MS };

static ch_err open_it(struct follow *f, int dir_fd, const char *folder)
{
	const struct chain_ref ref = { .dir_fd = dir_fd,
				       .path = folder,
				       .purpose = revoke_purpose,
				       .room = f->room,
				       .cap = sizeof(f->room) };
	if (f->open)
		return CH_DONE;
	TRY(cursor_open(&f->cursor, &ref, CHAIN_OLDEST));
	f->open = true;
	return CH_DONE;
}

static ch_err read_new(struct follow *f, follow_each *each, void *ctx)
{
	struct chain_record c;
	struct revocation r;
	bool got = true;
	for (;;) {
		TRY(cursor_next(&f->cursor, &c, &got));
		if (!got)
			return CH_DONE;
		TRY(revocation_read(c.type, c.payload, &r));
		TRY(each(ctx, &c, &r));
	}
}

/* The beat is from before the records were read: all that it speaks of must be among them. */
static ch_err hear(struct follow *f, const struct revoke_beat *b, bool *ret_alive)
{
	const struct chain_head have = cursor_head(&f->cursor);
	if (!mem_eq(b->chain, f->cursor.walk.id, sizeof(b->chain)))
		return ch_fail(CH_E_MISMATCH, "the chain of revocations was replaced by another",
			       0);
	if (b->head.seq == have.seq && !mem_eq(b->head.hash, have.hash, sizeof(have.hash)))
		return ch_fail(CH_E_MISMATCH, "the chain of revocations goes on in two ways",
			       have.seq);
	/* fewer: the chain was cut, or its issuer has more than can be read here */
	if (b->head.seq > have.seq)
		return CH_DONE;
	int64_t age_ms = clock_unix_ms() - b->time_ms;
	bool young = age_ms >= -YOUNG_MS && age_ms <= YOUNG_MS;
	*ret_alive = f->has_beat ? b->count != f->beat_count : young;
	f->has_beat = true;
	f->beat_count = b->count;
	return CH_DONE;
}

ch_err follow_look(struct follow *f, int dir_fd, const char *folder, follow_each *each, void *ctx,
		   bool *ret_alive)
{
	struct revoke_beat b;
	*ret_alive = false;
	TRY(open_it(f, dir_fd, folder));
	ch_err e = beat_read(f->cursor.dir_fd, &b);
	TRY(read_new(f, each, ctx));
	/* none yet, or half of it: the next look is soon */
	if (ch_code_of(e) == CH_E_NOT_FOUND || ch_code_of(e) == CH_E_SYNTAX)
		return CH_DONE;
	TRY(e);
	return hear(f, &b, ret_alive);
}

void follow_done(struct follow *f)
{
	if (f->open)
		cursor_close(&f->cursor);
	f->open = false;
}
