/* The entries of a log, read in order: hashed into the tree, and looked into. Nothing in an entry is
 * believed but that it hashes to what the log signed, which is found out at the end. */
#include "base/clock.h"
#include "log_watch.h"
#include "merkle/entry.h"

static bool known(const str *names, size_t n, str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return true;
	return n == 0;
}

/* Each alarm may cost a process or a request: a log must not keep us busy with them. */
static void entry_tell(struct watched *w, const struct alarm *a)
{
	struct alarm last = *a;
	if (++w->told > WATCH_ENTRIES_TOLD)
		return;
	if (w->told == WATCH_ENTRIES_TOLD)
		last.what = LIT("more entries should not be there than are told one by one");
	watch_tell(w, &last);
}

static void seen_check(struct watched *w, uint64_t index, const struct log_entry *e)
{
	struct seen_hash *s = &w->seen[load_le64(e->hash) % WATCH_SEEN];
	if (s->index > 0 && s->index != index + 1 && mem_eq(s->hash, e->hash, sizeof(s->hash)))
		entry_tell(w, &(struct alarm){ .kind = ALARM_DUPLICATE,
					       .size = index,
					       .what = LIT("one token is in the log twice") });
	mem_copy(s->hash, e->hash, sizeof(s->hash));
	s->index = index + 1;
}

static void entry_check(struct watched *w, uint64_t index, bytes entry)
{
	const struct watch_rules *r = w->rules;
	struct log_entry e = { 0 };
	if (failed(log_entry_read(entry, &e))) {
		entry_tell(w, &(struct alarm){ .kind = ALARM_ENTRY,
					       .size = index,
					       .what = LIT("an entry is not of the form that the "
							   "log states") });
		return;
	}
	if (!known(r->realms, r->n_realms, e.realm))
		entry_tell(w,
			   &(struct alarm){ .kind = ALARM_REALM,
					    .size = index,
					    .what = LIT("an entry is of a realm that is not known"),
					    .more = e.realm });
	if (!known(r->kids, r->n_kids, e.kid))
		entry_tell(w,
			   &(struct alarm){ .kind = ALARM_KID,
					    .size = index,
					    .what = LIT("an entry is of a key that is not known"),
					    .more = e.kid });
	seen_check(w, index, &e);
}

ch_err watch_entries(struct watched *w, struct merkle_edge *edge, uint64_t size)
{
	static uint8_t room[TILE_ROOM_MAX];
	static bytes entries[TILE_WIDTH];
	uint64_t began_ns = clock_mono_ns(), patience_ns = w->rules->patience_ms * 1000000;
	while (edge->size < size) {
		if (patience_ns > 0 && edge->size % TILE_WIDTH == 0 &&
		    clock_mono_ns() - began_ns > patience_ns)
			break;
		struct wr bundle = wr_of(room, sizeof(room));
		struct tile_id t = { 0 };
		if (!tile_of(size, 0, edge->size / TILE_WIDTH, &t))
			return ch_fail(CH_E_INTERNAL, "a tree without this bundle", edge->size);
		t.entries = true;
		TRY(tile_fetch(&w->source.tiles, &t, &bundle));
		TRY(bundle_read(wr_bytes(&bundle), t.width, entries));
		for (size_t i = edge->size % TILE_WIDTH; i < t.width; i++) {
			struct merkle_hash leaf;
			if (!w->rules->foreign)
				entry_check(w, edge->size, entries[i]);
			merkle_leaf(entries[i], &leaf);
			merkle_edge_add(edge, &leaf);
		}
	}
	return CH_DONE;
}
