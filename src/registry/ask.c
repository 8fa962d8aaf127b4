/* Questions to the registry: a table says who may ask what. A secret is in secret memory while
 * it is hashed and nowhere after; nothing of it is said in an answer or a log. */
#include <unistd.h>

#include "base/log.h"
#include "codec/json.h"
#include "registry_internal.h"

enum { ROOT = 0, LIST_ROW_MAX = 128 };
_Static_assert((int)REGISTRY_TEXT == REGISTERED_TEXT && (int)REGISTRY_NUMBER == REGISTERED_NUMBER &&
		       (int)REGISTRY_BYTES == REGISTERED_BYTES,
	       "a kind is the same on the wire");

struct question {
	struct registry *registry;
	const struct registry_ask *ask;
	struct wr *text;
	int *ret_snapshot;
};

static ch_err on_register(struct question *q)
{
	const struct registry_ask *a = q->ask;
	AUTO(secret_done) struct secret *s = NULL;
	if (a->secret.hidden.n == 0)
		return ch_fail(CH_E_RANGE, "a registered secret has 16 bytes to 16 KiB", 0);
	TRY(secret_copy(a->secret, &s));
	const struct registered one = { .kind = (enum registered_kind)a->registered_kind,
					.is = s,
					.weak = a->weak,
					.label = a->label };
	TRY(fingerprints_add(q->registry->set, &one));
	TRY(registry_save(q->registry));
	LOG(LOG_INFO, "a secret was registered", log_str("label", a->label));
	return CH_DONE;
}

static ch_err on_remove(struct question *q)
{
	TRY(fingerprints_remove(q->registry->set, q->ask->label));
	TRY(registry_save(q->registry));
	LOG(LOG_INFO, "a label was removed", log_str("label", q->ask->label));
	return CH_DONE;
}

static ch_err on_snapshot(struct question *q)
{
	return registry_snapshot(q->registry, q->ret_snapshot);
}

/* {"labels":[{"label":…,"weak":…,"windows":…}],"left_out":N} */
static ch_err on_list(struct question *q)
{
	const struct fingerprints *f = q->registry->set;
	struct json_out o = json_out_of(q->text);
	size_t i = 0, n = fingerprints_count(f);
	json_begin(&o, (str){ 0 }, '{');
	json_begin(&o, LIT("labels"), '[');
	for (; i < n && q->text->cap - q->text->n > 2 * LIST_ROW_MAX; i++) {
		str label = { 0 };
		bool weak = false;
		size_t windows = 0;
		fingerprints_at(f, i, &label, &weak, &windows);
		json_begin(&o, (str){ 0 }, '{');
		json_put_str(&o, LIT("label"), label);
		json_put_bool(&o, LIT("weak"), weak);
		json_put_int(&o, LIT("windows"), (int64_t)windows);
		json_finish(&o, '}');
	}
	json_finish(&o, ']');
	json_put_int(&o, LIT("left_out"), (int64_t)(n - i));
	json_finish(&o, '}');
	return wr_done(q->text);
}

static const struct rule {
	ch_err (*on)(struct question *q);
	bool root_only;
} rules[] = {
	[REGISTRY_REGISTER] = { on_register, false },
	[REGISTRY_SNAPSHOT] = { on_snapshot, true },
	[REGISTRY_LIST] = { on_list, true },
	[REGISTRY_REMOVE] = { on_remove, true },
};

/* Whoever runs the registry could read its file anyway. */
static bool is_root(uint32_t uid)
{
	return uid == ROOT || uid == geteuid();
}

bool registry_knows(const struct registry *r, uint32_t uid)
{
	for (size_t i = 0; i < r->config.n_uids; i++)
		if (r->config.uids[i] == uid)
			return true;
	return is_root(uid);
}

ch_err registry_answer(struct registry *r, uint32_t uid, bytes message, struct wr *w,
		       int *ret_snapshot)
{
	static uint8_t text_room[REGISTRY_TEXT_MAX];
	struct wr text = wr_of(text_room, sizeof(text_room));
	struct registry_ask ask = { 0 };
	int snapshot = -1;
	TRY(registry_ask_read(message, &ask));
	const struct rule *rule = &rules[ask.kind];
	struct question q = { r, &ask, &text, &snapshot };
	ch_err e = rule->root_only && !is_root(uid)
			   ? ch_fail(CH_E_DENIED, "only root may ask that", uid)
			   : rule->on(&q);
	const struct registry_answer answer = { .code = (uint16_t)ch_code_of(e),
						.detail = e.detail,
						.text = failed(e) ? (bytes){ 0 }
								  : wr_bytes(&text) };
	registry_answer_write(w, &answer);
	*ret_snapshot = snapshot;
	return wr_done(w);
}
