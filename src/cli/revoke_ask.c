/* What is due goes into a store first; that the issuer takes it in is asked of the supervisor,
 * at DIR/run/control. Nothing of it travels there: whoever asks twice, asks for the same. */
#include "revoke_ask.h"

#include <unistd.h>

#include "control_ask.h"
#include "say.h"
#include "stores.h"

/* an issuer that is on its way, or ended before it answered, is asked again */
enum { ANSWER_MS = 20000 };

ch_err revoke_due(struct store *s, str realm, const struct revocation *r)
{
	uint8_t room[REVOKE_DUE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	revocation_due_write(&w, r);
	TRY(wr_done(&w));
	return store_due_add(s, realm, wr_bytes(&w));
}

struct settling {
	const struct authority *a;
	bool due[PLAN_GROUPS_MAX];
};

static ch_err one_due(void *ctx, const struct store_due *d)
{
	bool *due = ctx;
	(void)d;
	*due = true;
	return CH_DONE;
}

static int look(struct store *s, str group, void *ctx)
{
	struct settling *st = ctx;
	for (size_t i = 0; i < st->a->config.n_groups; i++) {
		if (!str_eq(st->a->config.groups[i].name, group))
			continue;
		ch_err e = store_due_list(s, one_due, &st->due[i]);
		if (failed(e))
			return say_trouble("cannot read the store of group", group, e);
	}
	return EXIT_YES;
}

static int settle_group(const struct authority *a, str group, bool *ret_queued)
{
	bool runs = false;
	ch_err e = control_ask(a, CONTROL_REVOKE, group, ANSWER_MS, &runs);
	if (!runs) {
		*ret_queued = true;
		say("the authority does not run: it takes this in when it starts, and no gate "
		    "hears of it before",
		    (str){ 0 });
		return EXIT_YES;
	}
	if (!failed(e))
		return EXIT_YES;
	return say_trouble("this is kept and tried again each second, but NOT IN FORCE yet: the "
			   "issuer cannot write its revocations (its log says why)",
			   group, e);
}

int revoke_settle(const struct authority *a, bool *ret_queued)
{
	struct settling st = { .a = a };
	*ret_queued = false;
	ch_err e = stores_leave();
	if (failed(e))
		return say_trouble("cannot go on", (str){ 0 }, e);
	int r = stores_each(a, look, &st);
	for (size_t i = 0; i < a->config.n_groups && r == EXIT_YES; i++)
		if (st.due[i])
			r = settle_group(a, a->config.groups[i].name, ret_queued);
	return r;
}
