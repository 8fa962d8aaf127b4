/* The life of the key that signed: its times as they are sealed, or what is kept of it since it left,
 * and what administrators did to it. And the alarms. */
#include "audit.h"
#include "base/clock.h"
#include "base/file.h"
#include "chain/cursor.h"
#include "codec/json.h"
#include "realm_keys.h"
#include "trace.h"
#include "wire/audit.h"

enum { PAST_MAX = 8192, NODES = 64, ALARM_MAX = 8192 };

static uint8_t chain_room[CHAIN_ROOM_MAX];
static struct realm_keys keys;

/* The one key of all that was found; of several none. */
static void find_key(struct trace *t)
{
	t->key = t->kid;
	t->key_realm = t->realm;
	for (size_t i = 0; i < t->n; i++) {
		const struct trace_event *e = &t->events[i];
		if (e->kid.n == 0)
			continue;
		if (t->key.n > 0 && !str_eq(t->key, e->kid)) {
			t->key = (str){ 0 };
			return;
		}
		t->key = e->kid;
		if (e->realm.n > 0)
			t->key_realm = e->realm;
	}
}

static void add_state(struct trace *t, const char *what, int64_t at_s, str detail)
{
	if (at_s == 0)
		return;
	trace_add(t, &(struct trace_event){ .time_ms = at_s * 1000,
					    .kind = TRACE_KEY,
					    .what = str_from_c(what),
					    .realm = t->key_realm,
					    .kid = t->key,
					    .detail = detail });
}

static ch_err add_past(struct trace *t, const struct config_realm *realm)
{
	static uint8_t file[PAST_MAX];
	struct json_node nodes[NODES];
	const struct json_limits limits = { 4, NODES - 1 };
	size_t n = 0, count = 0;
	ch_err e = past_key_read(t->a, realm->name, t->key, file, sizeof(file), &n);
	if (failed(e))
		return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
	TRY(json_parse((bytes){ file, n }, limits, nodes, NODES, &count));
	const struct json_node *state = json_member(nodes, LIT("state"));
	const struct json_node *since = json_member(nodes, LIT("since"));
	const struct json_node *reason = json_member(nodes, LIT("reason"));
	int64_t since_s = 0;
	if (!state || !since || failed(json_to_int(since, &since_s)))
		return CH_DONE;
	t->key_realm = realm->name;
	add_state(t, json_is_str(state, LIT("compromised")) ? "compromised" : "retired", since_s,
		  reason && reason->type == JSON_STRING && !reason->escaped ? reason->text
									    : (str){ 0 });
	return CH_DONE;
}

static ch_err add_life(struct trace *t, const struct config_realm *realm)
{
	TRY(realm_keys_read(t->a, realm, &keys));
	size_t at = realm_keys_find(&keys, t->key);
	if (at == keys.n)
		return add_past(t, realm);
	const struct key_times *k = &keys.times[at];
	t->key_realm = realm->name;
	add_state(t, "made", k->created_s, (str){ 0 });
	add_state(t, "published", k->published_s, (str){ 0 });
	add_state(t, "signs", k->not_before_s, (str){ 0 });
	add_state(t, "verifies only", key_ends_s(k), (str){ 0 });
	add_state(t, "leaves", key_leaves_s(k), (str){ 0 });
	return CH_DONE;
}

static bool names(str text, str kid)
{
	for (size_t i = 0; i + kid.n <= text.n; i++)
		if (str_eq(str_sub(text, i, kid.n), kid))
			return true;
	return false;
}

static ch_err take_act(struct trace *t, const struct chain_record *r)
{
	struct audit_intent i;
	struct audit_outcome o;
	struct trace_event e = { .time_ms = r->time_ms, .kind = TRACE_ADMIN, .kid = t->key };
	if (r->type == AUDIT_INTENT) {
		TRY(audit_intent_read(r->payload, &i));
		if (!t->all && !names(i.object, t->key))
			return CH_DONE;
		e.what = i.command;
		e.detail = i.object;
		e.gate = i.who;
	} else {
		TRY(audit_outcome_read(r->payload, &o));
		if (!t->all && !names(o.detail, t->key))
			return CH_DONE;
		e.what = audit_result_name(o.result);
		e.detail = o.detail;
	}
	trace_add(t, &e);
	return CH_DONE;
}

static ch_err add_acts(struct trace *t)
{
	struct chain_cursor k;
	struct chain_record r = { 0 };
	const struct chain_ref ref = { t->a->fd, audit_folder, AUDIT_PURPOSE, chain_room,
				       sizeof(chain_room) };
	ch_err e = cursor_open(&k, &ref, CHAIN_OLDEST);
	if (failed(e))
		return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
	for (bool got = true; got && !failed(e);) {
		e = cursor_next(&k, &r, &got);
		if (!failed(e) && got)
			e = take_act(t, &r);
	}
	cursor_close(&k);
	return e;
}

ch_err trace_keys(struct trace *t)
{
	find_key(t);
	if (t->key.n == 0)
		return t->all ? add_acts(t) : CH_DONE;
	TRY(arena_str(&t->memory, t->key, &t->key));
	for (size_t i = 0; i < t->a->config.n_realms; i++) {
		const struct config_realm *m = &t->a->config.realms[i];
		if (t->key_realm.n == 0 || str_eq(t->key_realm, m->name))
			TRY(add_life(t, m));
	}
	return add_acts(t);
}

/* --- alarms --- */

static str text_of(const struct json_node *o, str name)
{
	const struct json_node *m = json_member(o, name);
	return m && m->type == JSON_STRING && !m->escaped ? m->text : (str){ 0 };
}

static bool hex_is(str hex, const uint8_t id[static TRACE_ID_SIZE])
{
	uint8_t room[2 * TRACE_ID_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	wr_hex(&w, (bytes){ id, TRACE_ID_SIZE });
	return str_eq(hex, wr_text(&w));
}

static bool is_about(const struct trace *t, const struct json_node *o)
{
	if (t->realm.n > 0 && !str_eq(t->realm, text_of(o, LIT("realm"))))
		return false;
	if (t->all)
		return true;
	if (t->by_id)
		return hex_is(text_of(o, LIT("token")), t->id);
	if (t->kid.n > 0)
		return str_eq(t->kid, text_of(o, LIT("kid")));
	return t->client.n > 0 ? str_eq(t->client, text_of(o, LIT("client_id")))
			       : str_eq(t->sub, text_of(o, LIT("sub")));
}

static ch_err take_alarm(struct trace *t, bytes file, str id)
{
	static struct json_node nodes[NODES];
	const struct json_limits limits = { 6, NODES - 1 };
	size_t n = 0;
	int64_t time_s = 0;
	TRY(json_parse(file, limits, nodes, NODES, &n));
	const struct json_node *time = json_member(nodes, LIT("time"));
	if (!is_about(t, nodes) || !time || failed(json_to_int(time, &time_s)))
		return CH_DONE;
	trace_add(t, &(struct trace_event){ .time_ms = time_s * 1000,
					    .kind = TRACE_ALARM,
					    .what = LIT("never issued"),
					    .realm = text_of(nodes, LIT("realm")),
					    .kid = text_of(nodes, LIT("kid")),
					    .client_id = text_of(nodes, LIT("client_id")),
					    .place = text_of(nodes, LIT("location")),
					    .gate = text_of(nodes, LIT("gate")),
					    .address = text_of(nodes, LIT("client")),
					    .detail = id });
	return CH_DONE;
}

ch_err trace_alarms(struct trace *t)
{
	static uint8_t file[ALARM_MAX];
	AUTO(dir_done) DIR *d = NULL;
	ch_err e = dir_open(t->a->fd, "alarms", &d);
	if (failed(e))
		return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		struct path path;
		size_t n = 0;
		str id = str_from_c(entry->d_name);
		if (!name_ok(id, NAME_MAX_BYTES))
			continue;
		TRY(path_join(&path, id, LIT("alarm.json"), (str){ 0 }));
		ch_err read = file_read(dirfd(d), path.p, file, sizeof(file), &n);
		if (ch_code_of(read) == CH_E_NOT_FOUND)
			continue;
		TRY(read);
		TRY(take_alarm(t, (bytes){ file, n }, id));
	}
	return CH_DONE;
}
