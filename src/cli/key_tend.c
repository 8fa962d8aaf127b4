/* Tends keys. Whoever stops it at any point, and whatever fails, the keys on disk keep
 * their order: a time is sealed only when the key has been published before, and a running
 * authority is asked again until it has taken all up. */
#include "key_tend.h"

#include "audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "keeper.h"
#include "say.h"
#include "utc.h"

enum { ROUNDS_MAX = 5, AUDIT_DETAIL_ROOM = 2048 };

static ch_err check_clock(const struct realm_keys *k, int64_t now_s)
{
	if (now_s + KEY_CLOCK_SLACK_S >= key_newest_s(k->times, k->n))
		return CH_DONE;
	return ch_fail(CH_E_RANGE,
		       "the clock is before the making of a key that is there: set it right; if it "
		       "is right now, and was ahead then, see `chancery key rotate --force`",
		       (uint64_t)key_newest_s(k->times, k->n));
}

/* From the answer on no set without them is given out. If nothing runs: what starts later
 * reads the files that are there now. */
static ch_err publish(struct realm_keys *k)
{
	bool missing = false, asked = false;
	for (size_t i = 0; i < k->n; i++)
		missing |= k->times[i].published_s == 0;
	TRY(realm_keys_take_up(k, missing, &asked));
	for (size_t i = 0; i < k->n; i++)
		if (k->times[i].published_s == 0)
			k->times[i].published_s = clock_unix_s();
	return CH_DONE;
}

/* The last ones stay until there are others: a set is never empty, and what they say tells
 * when a new key may sign. */
static ch_err retire(struct realm_keys *k, int64_t now_s, bool *changed)
{
	bool others = false;
	for (size_t i = 0; i < k->n; i++)
		others |= key_state_at(&k->keys[i].meta.times, now_s) != KEY_RETIRED;
	for (size_t i = k->n; i-- > 0 && others;) {
		const struct past_key past = { "retired", key_leaves_s(&k->times[i]), { 0 } };
		if (key_state_at(&k->keys[i].meta.times, now_s) != KEY_RETIRED)
			continue;
		TRY(realm_keys_remove(k, i, &past));
		TRY(authority_write_jwks(k->a, k->realm->name));
		*changed = true;
	}
	return CH_DONE;
}

static bool differs(const struct realm_keys *k, size_t i)
{
	const struct key_times *t = &k->keys[i].meta.times, *to = &k->times[i];
	return t->published_s != to->published_s || t->not_before_s != to->not_before_s ||
	       t->not_after_s != to->not_after_s;
}

/* What will be done, as the audit has it; empty: nothing. */
static void work_write(const struct realm_keys *k, bool makes, int64_t now_s, struct wr *w)
{
	char room[UTC_MAX];
	if (makes)
		wr_lit(w, "a new key; ");
	for (size_t i = 0; i < k->n; i++) {
		bool is_over = key_state_at(&k->keys[i].meta.times, now_s) == KEY_RETIRED;
		if (!is_over && !differs(k, i))
			continue;
		wr_str(w, k->keys[i].meta.kid);
		if (is_over) {
			wr_lit(w, " is retired; ");
			continue;
		}
		wr_lit(w, " signs from ");
		wr_str(w, k->times[i].not_before_s ? utc_text(k->times[i].not_before_s, room)
						   : LIT("a time that is not planned"));
		wr_lit(w, " to ");
		wr_str(w, key_ends_s(&k->times[i]) ? utc_text(key_ends_s(&k->times[i]), room)
						   : LIT("when there is another"));
		wr_lit(w, "; ");
	}
}

/* The last ones are over, but stay for want of others: that is no work. */
static bool has_work(const struct realm_keys *k, bool makes, int64_t now_s)
{
	size_t over = 0;
	for (size_t i = 0; i < k->n; i++) {
		makes |= differs(k, i);
		over += key_state_at(&k->keys[i].meta.times, now_s) == KEY_RETIRED;
	}
	return makes || (over > 0 && over < k->n);
}

static ch_err act(const struct tending *t, struct realm_keys *k,
		  const struct key_times *new_or_null, int64_t now_s, bool *ret_changed)
{
	bool retired = false;
	TRY(realm_keys_save(k, t->passphrase_fd, new_or_null, ret_changed));
	TRY(retire(k, now_s, &retired));
	*ret_changed |= retired;
	return CH_DONE;
}

static ch_err act_recorded(const struct tending *t, struct realm_keys *k,
			   const struct key_times *new_or_null, int64_t now_s, bool *ret_changed)
{
	char room[AUDIT_DETAIL_ROOM];
	struct wr w = wr_of(room, sizeof(room));
	struct audit audit = { .items = 0 };
	*ret_changed = false;
	work_write(k, new_or_null != NULL, now_s, &w);
	if (!has_work(k, new_or_null != NULL, now_s))
		return CH_DONE;
	if (t->recorded)
		return act(t, k, new_or_null, now_s, ret_changed);
	if (audit_begin(t->a, "key tend", k->realm->name, &audit) != EXIT_YES)
		return ch_fail(CH_E_IO, "what is not recorded is not done", 0);
	ch_err e = act(t, k, new_or_null, now_s, ret_changed);
	if (audit_end(&audit, failed(e) ? EXIT_TROUBLE : EXIT_YES, wr_text(&w)) == EXIT_YES)
		return CH_DONE;
	return failed(e) ? e : ch_fail(CH_E_IO, "the outcome could not be recorded", 0);
}

static ch_err go_round(const struct tending *t, struct realm_keys *k, bool *ret_changed)
{
	const struct key_rules rules = authority_key_rules(t->a);
	int64_t now_s = clock_unix_s();
	struct key_times next = { .created_s = now_s };
	TRY(check_clock(k, now_s));
	TRY(publish(k));
	keys_end_replaced(k->times, k->n, now_s);
	key_plan(k->times, k->n, &rules, now_s);
	/* a realm without any key waits for one that is imported */
	bool wants = t->makes && k->n > 0 && key_wants_next(k->times, k->n, &rules, now_s);
	if (wants && key_may_be_first(k->times, k->n, &rules, now_s))
		next = key_first(&rules, now_s, keeper_max_ttl_s(k->realm));
	return act_recorded(t, k, wants ? &next : NULL, now_s, ret_changed);
}

ch_err key_tend(const struct tending *t, const struct config_realm *realm, struct realm_keys *k)
{
	bool changed = true, asked = false;
	for (int i = 0; changed && i < ROUNDS_MAX; i++) {
		TRY(realm_keys_read(t->a, realm, k));
		TRY(go_round(t, k, &changed));
	}
	return realm_keys_take_up(k, false, &asked);
}

int key_tend_all(const struct tending *t)
{
	static struct realm_keys k;
	AUTO(fd_close) int lock = -1;
	int status = EXIT_YES;
	ch_err e = realm_keys_lock(t->a, &lock);
	if (failed(e))
		return say_trouble("cannot tend the keys", (str){ 0 }, e);
	for (size_t i = 0; i < t->a->config.n_realms; i++) {
		const struct config_realm *realm = &t->a->config.realms[i];
		e = key_tend(t, realm, &k);
		/* one that was written into the file and not added yet */
		if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
			status = say_trouble("cannot tend the keys of realm", realm->name, e);
	}
	return status;
}
