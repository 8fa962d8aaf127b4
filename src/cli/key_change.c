/* Rotate and compromise. A rotation keeps the order that lets every verifier follow, or is
 * refused. A compromised key leaves whatever follows from that; what follows is said. */
#include "key_change.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include "keeper.h"
#include "key_revoke.h"
#include "say.h"
#include "utc.h"

enum { OUTCOME_MAX = 1024, SENTENCE_MAX = 512, PAST_MAX = 8192 };

static struct realm_keys keys;

struct kid {
	char p[KEYFILE_NAME_MAX];
	size_t n;
};

struct outcome {
	const char *what;        /* "rotated", "refused", "compromised", "same" */
	struct kid kid;          /* that the command is about */
	struct kid signs;        /* that signs now; empty: none */
	int64_t allowed_s;       /* refused: until then; 0: not known */
	int64_t trusted_until_s; /* a verifier may accept what kid signs until then */
	int64_t unknown_until_s; /* and may not know the one that signs until then; 0: all do */
};

static str text_of(const struct kid *k)
{
	return (str){ k->p, k->n };
}

static struct kid kid_at(size_t at)
{
	struct kid k = { .n = 0 };
	if (at >= keys.n)
		return k;
	k.n = keys.keys[at].meta.kid.n;
	mem_copy(k.p, keys.keys[at].meta.kid.p, k.n);
	return k;
}

static void put_text(struct json_out *o, const char *name, str text)
{
	if (text.n > 0)
		json_put_str(o, str_from_c(name), text);
	else
		json_put_null(o, str_from_c(name));
}

static void put_time(struct json_out *o, const char *name, int64_t at_s)
{
	if (at_s != 0)
		json_put_int(o, str_from_c(name), at_s);
	else
		json_put_null(o, str_from_c(name));
}

static void print_json(const struct key_change *c, const struct outcome *r)
{
	uint8_t room[OUTCOME_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("realm"), c->realm->name);
	json_put_str(&o, LIT("outcome"), str_from_c(r->what));
	put_text(&o, "kid", text_of(&r->kid));
	put_text(&o, "signs", text_of(&r->signs));
	put_time(&o, "allowed_at", r->allowed_s);
	put_time(&o, "trusted_until", r->trusted_until_s);
	put_time(&o, "unknown_until", r->unknown_until_s);
	json_finish(&o, '}');
	(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
}

static void print(const struct key_change *c, const struct outcome *r)
{
	if (c->json) {
		print_json(c, r);
		return;
	}
	if (!str_eq(str_from_c(r->what), LIT("rotated")))
		(void)printf("%.*s compromised\n", (int)r->kid.n, r->kid.p);
	if (r->signs.n > 0)
		(void)printf("%.*s signing\n", (int)r->signs.n, r->signs.p);
}

/* "TEXT: KID MORE TIME" */
static void say_with_time(const char *text, const struct kid *kid, const char *more, int64_t at_s)
{
	char room[SENTENCE_MAX], time_room[UTC_MAX];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, text_of(kid));
	wr_str(&w, str_from_c(more));
	wr_str(&w, utc_text(at_s, time_room));
	say(text, wr_text(&w));
}

/* What foreign verifiers do meanwhile. */
static void say_consequences(const struct outcome *r)
{
	if (r->unknown_until_s != 0)
		say_with_time("ATTENTION: this key signs before it was published for long enough; "
			      "verifiers that keep an older key set, and do not fetch it anew for "
			      "a kid that they do not know, refuse its tokens",
			      &r->signs, " until ", r->unknown_until_s);
	if (r->trusted_until_s != 0)
		say_with_time("ATTENTION: verifiers elsewhere that keep a key set accept what this "
			      "key signs, its thief's tokens too, until they fetch the set anew; "
			      "if they obey its max-age",
			      &r->kid, " until ", r->trusted_until_s);
}

static void note(const struct key_change *c, const struct outcome *r)
{
	if (r->signs.n > 0) {
		wr_str(c->detail, text_of(&r->signs));
		wr_lit(c->detail, " signs");
	}
	if (r->unknown_until_s != 0)
		wr_lit(c->detail, " early");
	if (r->kid.n > 0) {
		wr_str(c->detail, c->detail->n > 0 ? LIT(", ") : LIT(""));
		wr_str(c->detail, text_of(&r->kid));
		wr_char(c->detail, ' ');
		wr_str(c->detail, str_eq(str_from_c(r->what), LIT("rotated"))
					  ? LIT("verifies only")
					  : str_from_c(r->what));
	}
}

/* What is left to do after a change; the change stands even if this fails. */
static int finish(const struct key_change *c, const struct outcome *r)
{
	const struct tending t = { c->a, c->passphrase_fd, true, true };
	ch_err e = key_tend(&t, c->realm, &keys);
	note(c, r);
	print(c, r);
	say_consequences(r);
	if (!failed(e))
		return EXIT_YES;
	return say_trouble("it is done, but what follows from it is not; the running authority "
			   "tries again, and so does `chancery key tend`. Realm",
			   c->realm->name, e);
}

/* After a clock that was ahead, what was made then counts as made now. */
static void pull_back(int64_t now_s)
{
	for (size_t i = 0; i < keys.n; i++) {
		if (keys.times[i].created_s > now_s)
			keys.times[i].created_s = now_s;
		if (keys.times[i].published_s > now_s)
			keys.times[i].published_s = now_s;
	}
}

static int refuse(const struct key_change *c, size_t next, int64_t may_s)
{
	struct outcome r = { .what = "refused",
			     .kid = kid_at(next),
			     .signs = kid_at(key_signer(keys.times, keys.n, clock_unix_s())),
			     .allowed_s = may_s };
	say_with_time("not yet: verifiers may not know the next key", &r.kid,
		      ", which may sign from ", may_s);
	if (c->json)
		print_json(c, &r);
	return EXIT_NO;
}

static int no_successor(const struct key_change *c)
{
	say("the realm has no key that could follow; `chancery key add` makes one", c->realm->name);
	return EXIT_NO;
}

static int rotate(const struct key_change *c)
{
	const struct key_rules rules = authority_key_rules(c->a);
	const struct tending t = { c->a, c->passphrase_fd, true, true };
	struct outcome r = { .what = "rotated" };
	bool changed = false;
	ch_err e = key_tend(&t, c->realm, &keys);
	if (failed(e) && !(c->force && ch_code_of(e) == CH_E_RANGE))
		return say_trouble("cannot rotate the keys of realm", c->realm->name, e);
	int64_t now_s = clock_unix_s();
	size_t next = key_successor(keys.times, keys.n, now_s);
	if (next == keys.n)
		return no_successor(c);
	int64_t may_s = key_may_sign_s(&keys.times[next], &rules);
	bool early = may_s == 0 || may_s > now_s;
	if (early && !c->force)
		return refuse(c, next, may_s);
	if (c->force)
		pull_back(now_s);
	r.kid = kid_at(key_signer(keys.times, keys.n, now_s));
	r.signs = kid_at(next);
	r.unknown_until_s = !early ? 0 : may_s > now_s ? may_s : now_s + key_lead_s(&rules);
	keys_hand_over(keys.times, keys.n, next, &rules, now_s);
	e = realm_keys_save(&keys, c->passphrase_fd, NULL, &changed);
	if (failed(e))
		return say_trouble("cannot rotate the keys of realm", c->realm->name, e);
	return finish(c, &r);
}

int key_rotate(const struct key_change *c)
{
	AUTO(fd_close) int lock = -1;
	ch_err e = realm_keys_lock(c->a, &lock);
	if (failed(e))
		return say_trouble("cannot rotate the keys of realm", c->realm->name, e);
	return rotate(c);
}

/* Of a key that left before: said once more of it, or for the first time. */
static int compromise_past(const struct key_change *c)
{
	static uint8_t file[PAST_MAX];
	const str mark = LIT("{\"state\":\"compromised\"");
	const struct past_key past = { "compromised", clock_unix_s(), c->reason };
	struct outcome r = { .what = "compromised" };
	size_t n = 0;
	ch_err e = past_key_read(c->a, c->realm->name, c->kid, file, sizeof(file), &n);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		say("the realm has no such key (`chancery key list --all` has all)", c->kid);
		return EXIT_NO;
	}
	if (!failed(e)) {
		mem_copy(r.kid.p, c->kid.p, c->kid.n);
		r.kid.n = c->kid.n;
		if (str_starts((str){ (const char *)file, n }, mark))
			r.what = "same";
		else
			e = past_key_compromise(c->a, c->realm->name, c->kid, &past);
	}
	if (failed(e))
		return say_trouble("cannot note the key as compromised", c->kid, e);
	if (str_eq(str_from_c(r.what), LIT("compromised")) &&
	    key_revoke(c->a, c->realm->name, c->kid) != EXIT_YES)
		return EXIT_TROUBLE;
	note(c, &r);
	print(c, &r);
	return EXIT_YES;
}

static ch_err meta_again(size_t at)
{
	struct realm_key_file *f = &keys.keys[at];
	return keyfile_read((bytes){ f->file, f->n }, &f->meta);
}

/* To the end of the array, where plans can leave it out. */
static ch_err put_last(size_t at)
{
	static struct realm_key_file other;
	size_t last = keys.n - 1;
	struct key_times t = keys.times[at];
	other = keys.keys[at];
	keys.times[at] = keys.times[last];
	keys.keys[at] = keys.keys[last];
	keys.times[last] = t;
	keys.keys[last] = other;
	/* their texts point into their own files, which have moved */
	TRY(meta_again(at));
	return meta_again(last);
}

/* Who signs without it, which keys does not count any more. *ret_new: the times of a key that
 * must be made, if ret_wants says so. True when the one that signs then was not published for
 * long enough. */
static bool replace_signer(const struct key_change *c, int64_t now_s, struct key_times *ret_new,
			   bool *ret_wants)
{
	const struct key_rules rules = authority_key_rules(c->a);
	*ret_wants = false;
	if (key_signer(keys.times, keys.n, now_s) < keys.n)
		return false;
	size_t next = key_successor(keys.times, keys.n, now_s);
	if (next == keys.n) {
		*ret_new = key_first(&rules, now_s, keeper_max_ttl_s(c->realm));
		*ret_wants = true;
		return true;
	}
	int64_t may_s = key_may_sign_s(&keys.times[next], &rules);
	keys_hand_over(keys.times, keys.n, next, &rules, now_s);
	return may_s == 0 || may_s > now_s;
}

/* The successor is sealed first: whatever stops us then, there is one that signs. If it
 * cannot be, the compromised key leaves all the same. */
static ch_err replace_and_remove(const struct key_change *c, int64_t now_s, bool *ret_early)
{
	const struct past_key past = { "compromised", now_s, c->reason };
	struct key_times next = { 0 };
	bool changed = false, wants = false;
	keys.n--;
	*ret_early = replace_signer(c, now_s, &next, &wants);
	ch_err sealed = realm_keys_save(&keys, c->passphrase_fd, wants ? &next : NULL, &changed);
	keys.n++;
	TRY(realm_keys_remove(&keys, keys.n - 1, &past));
	TRY(authority_write_jwks(c->a, c->realm->name));
	return sealed;
}

/* After it is out of the folder: is it out of what runs? */
static int compromised(const struct key_change *c, struct outcome *r, bool early, ch_err e)
{
	const struct key_rules rules = authority_key_rules(c->a);
	bool asked = false;
	ch_err taken = realm_keys_take_up(&keys, false, &asked);
	int64_t now_s = clock_unix_s();
	if (failed(taken))
		(void)say_trouble("ATTENTION: the running authority may still sign with this key; "
				  "stop it or restart it. Key",
				  text_of(&r->kid), taken);
	if (failed(e))
		return say_trouble(
			"ATTENTION: the key is out as far as that went, and perhaps none "
			"signs in its place; mend what is named and run `chancery key "
			"tend`. Key",
			text_of(&r->kid), e);
	r->trusted_until_s = now_s + rules.max_age_s;
	r->unknown_until_s = early ? now_s + key_lead_s(&rules) : 0;
	e = realm_keys_read(c->a, c->realm, &keys);
	if (!failed(e))
		r->signs = kid_at(key_signer(keys.times, keys.n, now_s));
	int revoked = key_revoke(c->a, c->realm->name, text_of(&r->kid));
	int status = finish(c, r);
	return failed(taken) || revoked != EXIT_YES ? EXIT_TROUBLE : status;
}

static int compromise(const struct key_change *c)
{
	struct outcome r = { .what = "compromised" };
	bool early = false;
	ch_err e = realm_keys_read(c->a, c->realm, &keys);
	if (failed(e))
		return say_trouble("cannot take out the key", c->kid, e);
	size_t at = realm_keys_find(&keys, c->kid);
	if (at == keys.n)
		return compromise_past(c);
	r.kid = kid_at(at);
	e = put_last(at);
	if (!failed(e))
		e = replace_and_remove(c, clock_unix_s(), &early);
	return compromised(c, &r, early, e);
}

int key_compromise(const struct key_change *c)
{
	AUTO(fd_close) int lock = -1;
	ch_err e = realm_keys_lock(c->a, &lock);
	if (failed(e))
		return say_trouble("cannot take out the key", c->kid, e);
	return compromise(c);
}
