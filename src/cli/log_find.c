/* Finds an entry. What the source says is not believed: what is found is proved afterwards, and what
 * is not found is only not found. */
#include "log_find.h"

#include "merkle/entry.h"

struct search {
	struct log_source *s;
	const struct token_facts *f;
	uint64_t size;
	uint8_t *room;
	bytes entries[TILE_WIDTH];
	size_t n;
};

static ch_err bundle_at(struct search *q, uint64_t n)
{
	struct tile_id t;
	struct wr w = wr_of(q->room, TILE_ROOM_MAX);
	if (!tile_of(q->size, 0, n, &t))
		return ch_fail(CH_E_RANGE, "the log has no such bundle", n);
	t.entries = true;
	TRY(tile_fetch(&q->s->tiles, &t, &w));
	TRY(bundle_read(wr_bytes(&w), t.width, q->entries));
	q->n = t.width;
	return CH_DONE;
}

/* The iat of a bundle's first entry; of a bundle that was pruned, -1. */
static ch_err first_iat(struct search *q, uint64_t n, int64_t *ret_s)
{
	struct log_entry e;
	ch_err err = bundle_at(q, n);
	if (failed(err) && ch_code_of(err) == CH_E_NOT_FOUND) {
		*ret_s = -1;
		return CH_DONE;
	}
	TRY(err);
	TRY(log_entry_read(q->entries[0], &e));
	*ret_s = e.iat_s;
	return CH_DONE;
}

/* The last bundle that begins LOG_FIND_SKEW_S before the token, or the first of all. */
static ch_err begin_at(struct search *q, uint64_t *ret_n)
{
	uint64_t low = 0, high = (q->size + TILE_WIDTH - 1) / TILE_WIDTH;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		int64_t iat_s = 0;
		TRY(first_iat(q, middle, &iat_s));
		if (iat_s < q->f->iat - LOG_FIND_SKEW_S)
			low = middle;
		else
			high = middle;
	}
	*ret_n = low;
	return CH_DONE;
}

static ch_err bundle_look(struct search *q, uint64_t n, struct log_found *found)
{
	struct log_entry e;
	for (size_t i = 0; i < q->n; i++) {
		TRY(log_entry_read(q->entries[i], &e));
		if (!mem_eq(e.hash, q->f->identity, sizeof(e.hash)))
			continue;
		*found = (struct log_found){ true, n * TILE_WIDTH + i, q->entries[i] };
		break;
	}
	return CH_DONE;
}

static ch_err halve(struct search *q, struct log_found *found)
{
	uint64_t n = 0;
	int64_t iat_s = 0;
	if (q->size == 0)
		return CH_DONE;
	TRY(begin_at(q, &n));
	for (; !found->found && n * TILE_WIDTH < q->size; n++) {
		TRY(first_iat(q, n, &iat_s));
		if (iat_s > q->f->iat + LOG_FIND_SKEW_S)
			break;
		if (iat_s >= 0)
			TRY(bundle_look(q, n, found));
	}
	return CH_DONE;
}

ch_err log_find(struct log_source *s, const struct token_facts *f, uint64_t size,
		uint8_t room[static TILE_ROOM_MAX], struct log_found *ret_found)
{
	struct search q = { .s = s, .f = f, .size = size, .room = room };
	struct log_found found = { .found = false };
	if (s->place->url)
		TRY(halve(&q, &found));
	else
		TRY(logstore_find(&s->store, f->identity, size, room, &found.index, &found.found));
	if (!s->place->url && found.found)
		TRY(logstore_entry(&s->store, found.index, size, room, &found.entry));
	*ret_found = found;
	return CH_DONE;
}
