/* The endpoint that web servers ask for each request: GET /check/PLACE. What it reads of the
 * request that is to be let through stands in fields that the web server sets; the token and
 * the proof are the client's. Must never answer 2xx but for a token that was judged good,
 * nor put into a field what the policy or a clean claim is not. */
#include "base/clock.h"
#include "cert.h"
#include "challenge.h"
#include "gate_internal.h"
#include "target.h"

enum { FIELDS_MAX = 8, CLAIM_MAX = 1024, URL_MAX = 8192 };

struct answer {
	struct http_req *r;
	struct http_out fields[FIELDS_MAX];
	size_t n;
	bool full;
};

/* A field that does not fit makes the whole answer one of trouble. */
static void add(struct answer *a, str name, str value)
{
	if (a->n < FIELDS_MAX)
		a->fields[a->n++] = (struct http_out){ name, value };
	else
		a->full = true;
}

static void send_empty(struct answer *a, unsigned status)
{
	http_answer(a->r, &(struct http_answer){
				  .status = a->full ? 500 : status,
				  .fields = a->fields,
				  .n_fields = a->full ? 0 : a->n,
			  });
}

/* Visible ASCII but '%', ',' and '"' as it is, all else as %XX: one value, one spelling, and
 * nothing that a server could read as two values or a header's end. */
static void put_claim(struct wr *w, str claim, bool words)
{
	for (size_t i = 0; i < claim.n; i++) {
		char c = claim.p[i];
		bool plain = (c > ' ' && c <= '~' && !str_has(LIT("%,\""), c)) ||
			     (words && c == ' ');
		if (plain) {
			wr_char(w, c);
			continue;
		}
		wr_char(w, '%');
		wr_char(w, "0123456789ABCDEF"[(uint8_t)c >> 4]);
		wr_char(w, "0123456789ABCDEF"[(uint8_t)c & 15]);
	}
}

static void add_claim(struct answer *a, str name, str claim, bool words)
{
	const size_t most = claim.n < CLAIM_MAX / 3 ? 3 * claim.n : CLAIM_MAX; /* all escaped */
	if (claim.n == 0)
		return;
	uint8_t *room = arena_alloc(&a->r->arena, most);
	struct wr w = wr_of(room, room ? most : 0);
	put_claim(&w, claim, words);
	a->full = a->full || w.full;
	add(a, name, wr_text(&w));
}

static void add_nonce(struct gate *g, struct answer *a)
{
	char before[NONCE_TEXT], *now = arena_alloc(&a->r->arena, NONCE_TEXT);
	a->full = a->full || !now;
	if (!now)
		return;
	nonces_at(&g->nonces, clock_unix_s(), now, before);
	add(a, LIT("DPoP-Nonce"), (str){ now, NONCE_TEXT });
}

static void answer_pass(struct gate *g, struct answer *a, const struct token_verdict *v,
			const struct asked *asked)
{
	add_claim(a, LIT("X-Token-Subject"), v->sub, false);
	add_claim(a, LIT("X-Token-Realm"), v->realm, false);
	add_claim(a, LIT("X-Token-Scope"), v->scope, true);
	add_claim(a, LIT("X-Token-Client"), v->client_id, false);
	if (asked->place->nonce)
		add_nonce(g, a);
	if (a->full)
		judge_unread(g, asked, LIT("long_claim"),
			     LIT("a claim is too long for a header field"));
	send_empty(a, 200);
}

static void answer_told(struct gate *g, struct http_req *r, const struct asked *asked,
			enum told told)
{
	struct answer a = { .r = r };
	uint8_t *room = arena_alloc(&r->arena, CHALLENGE_MAX);
	struct wr w = wr_of(room, room ? CHALLENGE_MAX : 0);
	challenge_write(&w, asked->place, told,
			asked->shown.dpop_scheme || told == TOLD_BAD_PROOF || told == TOLD_NONCE);
	a.full = w.full;
	if (w.n > 0)
		add(&a, LIT("WWW-Authenticate"), wr_text(&w));
	if (told == TOLD_NONCE || (asked->place->nonce && challenge_status(told) == 401))
		add_nonce(g, &a);
	send_empty(&a, challenge_status(told));
}

/* RFC 6750 section 2.1: one scheme, blanks, one token, nothing else. Whoever uses another
 * scheme has shown nothing to us. */
static enum told read_authorization(str field, struct asked *a)
{
	if (!field.p)
		return TOLD_NO_TOKEN;
	str rest = field;
	str scheme = str_cut(&rest, ' ');
	bool dpop = str_eq_nocase(scheme, LIT("DPoP"));
	if (field.n > 0 && !dpop && !str_eq_nocase(scheme, LIT("Bearer")))
		return TOLD_NO_TOKEN;
	a->shown.dpop_scheme = dpop;
	while (rest.n > 0 && rest.p[0] == ' ')
		rest = str_sub(rest, 1, rest.n);
	if (rest.n == 0 || str_has(rest, ' ') || str_has(rest, ',') || str_has(rest, '\t'))
		return TOLD_BAD_REQUEST;
	a->token = rest;
	return TOLD_PASS;
}

/* The path as the client sent it, unless it could be another one to a backend: its query is no
 * part of htu. */
static bool read_url(struct http_req *r, const struct gate_location *place, struct asked *a)
{
	str target = http_field(r, "X-Original-URI");
	if (target.n == 0 || target.p[0] != '/' || target.n > URL_MAX)
		return false;
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= ' ' || target.p[i] > '~' || target.p[i] == '#')
			return false;
	str path = str_cut(&target, '?');
	if (!target_is_plain(path))
		return false;
	uint8_t *room = arena_alloc(&r->arena, place->origin.n + path.n);
	struct wr w = wr_of(room, room ? place->origin.n + path.n : 0);
	wr_str(&w, place->origin);
	wr_str(&w, path);
	a->url = wr_text(&w);
	return !w.full;
}

/* What the web server says of the request. Anything missing is its mistake, and the end. */
static enum told read_request(struct http_req *r, const struct gate_location *place,
			      struct asked *a)
{
	a->method = http_field(r, "X-Original-Method");
	if (a->method.n == 0 || a->method.n > METHOD_MAX_BYTES || !read_url(r, place, a))
		return TOLD_BAD_REQUEST;
	str cert = http_field(r, "X-Client-Cert");
	if (cert.p && failed(cert_read(cert, &r->arena, &a->shown.certificate)))
		return TOLD_BAD_REQUEST;
	a->shown.dpop = http_field(r, "DPoP");
	if (a->shown.dpop.p && a->shown.dpop.n == 0)
		return TOLD_BAD_PROOF;
	return read_authorization(http_field(r, "Authorization"), a);
}

static const struct gate_location *place_of(const struct gate *g, str name)
{
	for (size_t i = 0; i < g->config.n_locations; i++)
		if (str_eq(g->config.locations[i].name, name))
			return &g->config.locations[i];
	return NULL;
}

void serve_check(struct http_req *r, void *ctx)
{
	struct gate *g = ctx;
	struct token_verdict v = { .code = TOKEN_malformed };
	struct asked a = { .place = place_of(g, str_sub(r->path, CHECK_PREFIX, r->path.n)),
			   .turn = logs_turn_of(r) };
	struct answer answer = { .r = r };
	(void)address_of(http_field(r, "X-Client-Address"), &a.client);
	if (!a.place) {
		judge_unread(g, &a, LIT("unknown_place"),
			     LIT("the policy has no location of this name"));
		send_empty(&answer, challenge_status(TOLD_FORBIDDEN));
		return;
	}
	a.location = a.place->name;
	enum told told = read_request(r, a.place, &a);
	if (told == TOLD_BAD_REQUEST || told == TOLD_BAD_PROOF)
		judge_unread(g, &a, LIT("bad_request"),
			     LIT("the fields of the question are malformed"));
	if (told == TOLD_PASS)
		told = judge(g, &a, &v);
	if (told == TOLD_WAIT && judge_wait(g, r, serve_check))
		return;
	if (told == TOLD_WAIT) {
		a.turn = LOG_IN_VAIN;
		told = judge(g, &a, &v);
	}
	if (told == TOLD_PASS)
		answer_pass(g, &answer, &v, &a);
	else
		answer_told(g, r, &a, told);
}
