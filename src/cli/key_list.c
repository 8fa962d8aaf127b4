/* What sealed key files say of themselves, without their keys, and what follows from that at
 * this time of day. */
#include "key_list.h"

#include <dirent.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include "realm_keys.h"
#include "say.h"
#include "utc.h"

enum { PAST_MAX = 8192, LIST_MAX = 512 * 1024 };

/* A key and what the clock makes of it. */
struct shown {
	const struct key_meta *m;
	enum key_state state;
	int64_t since_s, next_s;
	const char *next; /* NULL: none is planned */
};

static struct shown look(const struct realm_keys *k, size_t at, int64_t now_s)
{
	const struct key_times *t = &k->times[at];
	struct shown s = { .m = &k->keys[at].meta, .state = key_state_at(t, now_s) };
	/* while signers are being replaced two may sign; the newer one does */
	if (s.state == KEY_SIGNING && key_signer(k->times, k->n, now_s) != at)
		s.state = KEY_VERIFY_ONLY;
	if (s.state == KEY_STAGED) {
		s.since_s = t->published_s ? t->published_s : t->created_s;
		s.next_s = t->not_before_s;
		s.next = s.next_s ? "signing" : NULL;
	} else if (s.state == KEY_SIGNING) {
		s.since_s = t->not_before_s;
		s.next_s = key_ends_s(t);
		s.next = s.next_s ? "verify-only" : NULL;
	} else {
		s.since_s = s.state == KEY_RETIRED ? key_leaves_s(t) : key_ends_s(t);
		s.next_s = s.state == KEY_RETIRED ? 0 : key_leaves_s(t);
		s.next = s.next_s ? "retired" : NULL;
	}
	return s;
}

static void put_or_null(struct json_out *o, str name, int64_t at_s)
{
	if (at_s)
		json_put_int(o, name, at_s);
	else
		json_put_null(o, name);
}

static void put_json(struct json_out *o, const struct shown *s)
{
	str none = { NULL, 0 };
	const struct key_meta *m = s->m;
	json_begin(o, none, '{');
	json_put_str(o, LIT("realm"), m->realm);
	json_put_str(o, LIT("kid"), m->kid);
	json_put_str(o, LIT("alg"), alg_name(m->alg));
	json_put_str(o, LIT("state"), str_from_c(key_state_name(s->state)));
	json_put_int(o, LIT("since"), s->since_s);
	if (s->next)
		json_put_str(o, LIT("next"), str_from_c(s->next));
	else
		json_put_null(o, LIT("next"));
	put_or_null(o, LIT("next_at"), s->next_s);
	json_put_int(o, LIT("created"), m->times.created_s);
	put_or_null(o, LIT("published"), m->times.published_s);
	put_or_null(o, LIT("not_before"), m->times.not_before_s);
	json_put_int(o, LIT("not_after"), key_ends_s(&m->times));
	json_put_bool(o, LIT("imported"), m->imported);
	json_put_int(o, LIT("max_ttl"), m->grant.max_ttl_s);
	json_begin(o, LIT("audiences"), '[');
	for (size_t i = 0; i < m->grant.n_audiences; i++)
		json_put_str(o, none, m->grant.audiences[i]);
	json_finish(o, ']');
	json_finish(o, '}');
}

static void put_line(const struct shown *s)
{
	char since[UTC_MAX], at[UTC_MAX];
	const struct key_meta *m = s->m;
	str alg = alg_name(m->alg), from = utc_text(s->since_s, since),
	    to = utc_text(s->next_s, at);
	(void)printf("%.*s\t%.*s\t%.*s\t%s since %.*s", (int)m->realm.n, m->realm.p, (int)m->kid.n,
		     m->kid.p, (int)alg.n, alg.p, key_state_name(s->state), (int)from.n, from.p);
	if (s->next)
		(void)printf("\t%s %.*s", s->next, (int)to.n, to.p);
	else
		(void)printf("\tno step is planned");
	(void)printf("%s\n", m->imported ? "\timported" : "");
}

/* The member of a past key's file, which we wrote. */
static str past_text(const struct json_node *past, str name)
{
	const struct json_node *m = json_member(past, name);
	return m ? m->text : (str){ 0 };
}

static void put_past_line(const struct json_node *past)
{
	char since[UTC_MAX];
	int64_t since_s = 0;
	const struct json_node *m = json_member(past, LIT("since"));
	str realm = past_text(past, LIT("realm")), kid = past_text(past, LIT("kid")),
	    alg = past_text(past, LIT("alg")), state = past_text(past, LIT("state"));
	if (m && failed(json_to_int(m, &since_s)))
		since_s = 0;
	str from = utc_text(since_s, since);
	(void)printf("%.*s\t%.*s\t%.*s\t%.*s since %.*s\n", (int)realm.n, realm.p, (int)kid.n,
		     kid.p, (int)alg.n, alg.p, (int)state.n, state.p, (int)from.n, from.p);
}

static ch_err list_past_one(const struct authority *a, str realm, str kid,
			    struct json_out *o_or_null)
{
	static uint8_t file[PAST_MAX];
	struct json_node nodes[65];
	size_t n = 0, count = 0;
	TRY(past_key_read(a, realm, kid, file, sizeof(file), &n));
	TRY(json_parse((bytes){ file, n }, (struct json_limits){ 3, 64 }, nodes, COUNT_OF(nodes),
		       &count));
	if (o_or_null)
		json_put_raw(o_or_null, (str){ 0 }, nodes[0].text);
	else
		put_past_line(nodes);
	return CH_DONE;
}

static ch_err list_past(const struct authority *a, str realm, struct json_out *o_or_null)
{
	AUTO(dir_done) DIR *d = NULL;
	ch_err e = realm_keys_open(a, realm, LIT("past"), &d);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	TRY(e);
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		str name = str_from_c(entry->d_name);
		if (str_ends(name, LIT(".json")))
			TRY(list_past_one(a, realm, str_sub(name, 0, name.n - LIT(".json").n),
					  o_or_null));
	}
	return CH_DONE;
}

/* Those that signed, the one that signs, those that will, those without a plan. */
static bool is_before(const struct key_times *a, const struct key_times *b)
{
	if ((a->not_before_s == 0) != (b->not_before_s == 0))
		return a->not_before_s != 0;
	if (a->not_before_s != b->not_before_s)
		return a->not_before_s < b->not_before_s;
	return a->created_s < b->created_s;
}

static void sort(const struct realm_keys *k, size_t order[static KEY_SET_MAX])
{
	for (size_t i = 0; i < k->n; i++) {
		size_t at = i;
		for (; at > 0 && is_before(&k->times[i], &k->times[order[at - 1]]); at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

static ch_err list_realm(const struct authority *a, const struct config_realm *realm,
			 const struct key_list_wish *w, struct json_out *o_or_null)
{
	static struct realm_keys keys;
	size_t order[KEY_SET_MAX] = { 0 };
	int64_t now_s = clock_unix_s();
	TRY(realm_keys_read(a, realm, &keys));
	sort(&keys, order);
	for (size_t i = 0; i < keys.n; i++) {
		struct shown s = look(&keys, order[i], now_s);
		if (o_or_null)
			put_json(o_or_null, &s);
		else
			put_line(&s);
	}
	return w->all ? list_past(a, realm->name, o_or_null) : CH_DONE;
}

int key_list(const struct authority *a, const struct key_list_wish *wish)
{
	static uint8_t room[LIST_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '[');
	for (size_t i = 0; i < a->config.n_realms; i++) {
		const struct config_realm *realm = &a->config.realms[i];
		if (wish->realm.n > 0 && !str_eq(wish->realm, realm->name))
			continue;
		ch_err e = list_realm(a, realm, wish, wish->json ? &o : NULL);
		if (failed(e))
			return say_trouble("cannot list the keys of realm", realm->name, e);
	}
	json_finish(&o, ']');
	if (wish->json && failed(wr_done(&w))) {
		say("too many keys for one listing; name a --realm", (str){ 0 });
		return EXIT_TROUBLE;
	}
	if (wish->json)
		(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return EXIT_YES;
}
