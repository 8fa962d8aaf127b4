/* What the issuer decides from text alone: no socket, no store, no clock. Each file of
 * these is tested by itself. */
#pragma once
#include "base/address.h"
#include "base/arena.h"
#include "codec/form.h"
#include "codec/list.h"
#include "crypto/hash.h"
#include "pages.h"
#include "store/store.h"
#include "wire/roles.h"

/* --- client authentication, basic.c --- */
/* `Basic base64(id:secret)`, both form-encoded (RFC 6749 section 2.3.1, RFC 7617).
 * E_INVALID_CLIENT when it is anything else. */
ch_err basic_read(str field, struct arena *a, str *ret_id, struct secret_bytes *ret_secret);

/* --- client authentication, method.c --- */
enum client_auth {
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_BASIC,
	CLIENT_AUTH_POST,
	CLIENT_AUTH_JWT,
	CLIENT_AUTH_COUNT
};
/* As the store and the metadata have it: "private_key_jwt" … */
str client_auth_name(enum client_auth way);
/* The way that a request takes. E_INVALID_REQUEST for two at once or half of one,
 * E_INVALID_CLIENT for an assertion of an unknown type. */
ch_err client_auth_of(const struct form *f, bool has_authorization, enum client_auth *ret_way);
/* Can it keep no secret? */
bool client_is_public(const struct store_client *c);

/* --- access tokens that come in, bearer.c --- */
/* field: the Authorization field, in_form: access_token of the body; p == NULL: there is
 * none. E_MISSING when neither is one, E_INVALID_REQUEST when both are, or it cannot be a token.
 * *ret_dpop: it came by the scheme DPoP (RFC 9449 section 7.1). */
ch_err bearer_read(str field, str in_form, str *ret_token, bool *ret_dpop);
/* A challenge of WWW-Authenticate; error and scope may be empty. */
void challenge_write(struct wr *w, bool dpop, str realm, str error, str scope);

/* --- PKCE, pkce.c: RFC 7636, S256 alone --- */
enum { PKCE_CHALLENGE_SIZE = 43, PKCE_VERIFIER_MIN = 43, PKCE_VERIFIER_MAX = 128 };
bool pkce_challenge_ok(str challenge);
/* E_INVALID_GRANT unless SHA-256(verifier) is the challenge; constant time. */
ch_err pkce_check(str challenge, str verifier);

/* --- scope and audience, grant.c --- */
bool realm_has_scope(const struct issuer_realm *realm, str scope);
/* What is granted: `asked` (each once, in its order), or without it all that the client
 * may have. E_INVALID_SCOPE for one that the client or the realm does not have. */
ch_err scope_resolve(const struct issuer_realm *realm, str allowed, str asked, struct arena *a,
		     str *ret_scope);
/* The name of the audience: of `resource` (RFC 8707), or the client's default one.
 * E_INVALID_TARGET when it is not registered, or not for this client. */
ch_err audience_resolve(const struct issuer_realm *realm, const struct store_client *c,
			str resource, str *ret_audience);
/* May the client (still) name this audience? */
bool audience_allowed(const struct issuer_realm *realm, const struct store_client *c, str audience);
/* `scope` without those of `others`, and only with those of `within` when within.p is set. */
ch_err scope_without(str scope, str others, str within, struct arena *a, str *ret_scope);
/* Do its tokens name a mailbox? "mail" and "mail-…". */
bool audience_is_mail(str audience);

/* --- names in the order of time, stamp.c --- */
enum { STAMP_SIZE = 6, STAMP_TEXT = 8 };
/* Appends n bytes (STAMP_SIZE to 32) as base64url: milliseconds of now, then random ones. */
void stamp_write(struct wr *w, size_t n);
/* By which the store knows a code: its SHA-256, with the stamp in place of the first bytes. */
void code_key(str code, uint8_t ret_key[static STORE_HASH_SIZE]);

/* --- refresh tokens, refresh.c: `rt.` grant `.` number `.` code --- */
enum { REFRESH_TOKEN_MAX = 3 + STORE_GRANT_ID_SIZE + 1 + 19 + 1 + 43 };
struct refresh_token {
	str grant_id; /* points into the text */
	int64_t seq;  /* from 1 on */
	uint8_t code[MAC_SIZE];
};
/* E_SYNTAX for what is none; one text a token. Says nothing of its code being right. */
ch_err refresh_token_read(str text, struct refresh_token *ret_t);
/* At most REFRESH_TOKEN_MAX bytes; the same for the same number, always. */
void refresh_token_write(struct wr *w, const uint8_t key[static MAC_KEY_SIZE],
			 const struct store_grant *g, int64_t seq);
/* Is the code ours, for this grant and this number? Constant time. */
bool refresh_token_genuine(const uint8_t key[static MAC_KEY_SIZE], const struct store_grant *g,
			   const struct refresh_token *t);

enum refresh_verdict {
	REFRESH_ROTATE,  /* the next one */
	REFRESH_REPEAT,  /* the one that it got before: its answer was lost */
	REFRESH_REFUSED, /* and nothing else */
	REFRESH_STOLEN,  /* two have it: refused, and the grant is revoked */
};
/* What becomes of a genuine token of this number that this client shows, with a proof of this
 * key or (empty) without one (RFC 9700 section 4.14.2, RFC 9449 section 5). */
enum refresh_verdict refresh_judge(const struct issuer_realm *realm, const struct store_grant *g,
				   str client_id, str jkt, int64_t seq, int64_t now);
/* Revoked, or too old by its own date or by what the realm says now. */
bool grant_is_over(const struct issuer_realm *realm, const struct store_grant *g, int64_t now);
/* When a grant ends that nobody comes back to. */
int64_t grant_expires(const struct issuer_realm *realm, int64_t created, int64_t now);

/* What we say of how somebody signed in (OpenID Connect Core section 2): by a password that
 * we checked. It is the only way there is. */
#define ACR_PASSWORD "pwd"

/* --- the authorization request, authreq.c: RFC 6749 section 4.1.1, OAuth 2.1 --- */
struct auth_request {
	str client_id;
	str redirect_uri;
	str response_type;
	str scope;
	str state;
	str nonce;
	str challenge;
	str method;
	str resource;
	str dpop_jkt;
	str pushed; /* the request_uri that all of this came from; p == NULL: it came plain */
	/* OpenID Connect Core section 3.1.2.1 */
	str prompt;
	str max_age;
	str login_hint;
	str id_token_hint;
	str ui_locales;
	str acr_values;
};
enum {
	AUTH_STATE_MAX = 1024,
	AUTH_NONCE_MAX = 512,
	AUTH_URI_MAX = 1024,
	AUTH_HINT_MAX = 4096,
	AUTH_FIELDS_MAX = 24,
};

/* The fields, by themselves and all of them in one order: what our forms carry and the CSRF
 * token covers. Returns how many there are. */
void auth_request_read(const struct form *f, struct auth_request *ret_q);
size_t auth_request_fields(const struct auth_request *q,
			   struct form_field ret_fields[static AUTH_FIELDS_MAX]);

/* An error that may be sent to the redirect URI (RFC 6749 section 4.1.2.1). */
struct auth_fail {
	str error; /* p == NULL: none */
	str description;
};
/* May we redirect there at all? E_INVALID_REQUEST or E_INVALID_CLIENT: show a page. */
ch_err auth_redirect_check(const struct auth_request *q, const struct store_client *c);
/* All the rest. scope and audience are the resolved ones. */
struct auth_fail auth_request_check(const struct form *f, const struct auth_request *q,
				    const struct issuer_realm *realm, const struct store_client *c,
				    struct arena *a, str *ret_scope, str *ret_audience);

/* --- pushed requests, pushed.c --- */
enum {
	PUSHED_ID_SIZE = 16,
	PUSHED_FORM_MAX = 4096,
	PUSHED_URI_MAX = 6144,
};
struct pushed {
	uint8_t id[PUSHED_ID_SIZE]; /* random: to note its use by */
	int64_t expires;
	int64_t used_until; /* for so long its use must be known */
	bool begun;         /* a page of ours carries it, so somebody came in time */
	str client_id;
	str form; /* what was pushed, form-encoded */
};
/* At most PUSHED_URI_MAX bytes. E_FULL: the form is too long. */
ch_err pushed_write(struct wr *w, const uint8_t key[static MAC_KEY_SIZE], str realm,
		    const struct pushed *p);
/* Does it look like one? */
bool pushed_is(str uri);
/* E_SYNTAX, E_SEALED: it is none of ours for this realm. Says nothing of its time. Texts are in
 * the arena. */
ch_err pushed_read(str uri, const uint8_t key[static MAC_KEY_SIZE], str realm, struct arena *a,
		   struct pushed *ret_p);

/* What a request asks of the person. */
enum { PROMPT_NONE = 1, PROMPT_LOGIN = 2, PROMPT_CONSENT = 4, PROMPT_SELECT = 8 };
struct auth_asks {
	unsigned prompt; /* a bit for each */
	int64_t max_age; /* -1: any */
};
struct auth_fail auth_asks_read(const struct auth_request *q, struct auth_asks *ret_asks);

/* Where the person stands with it. */
struct auth_situation {
	struct auth_asks asks;
	bool signed_in;
	int64_t age;     /* seconds since the password was typed */
	bool another;    /* id_token_hint names somebody else */
	bool must_agree; /* the app has not been let do all of this */
	bool anybody;    /* the app's identity is not assured (RFC 8252 section 8.6) */
	/* done in this very request, on a page of ours that followed from it */
	bool typed, chose, agreed;
};
enum auth_next {
	AUTH_CODE,
	AUTH_SIGN_IN,
	AUTH_CHOOSE,
	AUTH_CONSENT,
	AUTH_LOGIN_REQUIRED,
	AUTH_CONSENT_REQUIRED,
	AUTH_INTERACTION_REQUIRED,
};
enum auth_next auth_decide(const struct auth_situation *s);

/* redirect_uri with the answer's parameters: error, or code; state; iss (RFC 9207). */
void auth_redirect_write(struct wr *w, const struct auth_request *q, str issuer, str code,
			 const struct auth_fail *fail_or_null);
/* The CSP source of the redirect URI: browsers hold a form's redirects to form-action. */
void form_action_write(struct wr *w, str redirect_uri);

/* --- cookies, cookie.c --- */
enum cookie_kind { COOKIE_SESSION, COOKIE_FORM, COOKIE_KNOWN, COOKIE_COUNT };
enum { COOKIE_NAME_MAX = 32 + NAME_MAX_BYTES, COOKIE_MAX = COOKIE_NAME_MAX + 256 };
str cookie_name(const struct issuer_realm *realm, enum cookie_kind kind,
		char room[static COOKIE_NAME_MAX]);
/* The value of Set-Cookie, in COOKIE_MAX bytes; an empty value takes the cookie away. */
void cookie_write(struct wr *w, const struct issuer_realm *realm, enum cookie_kind kind, str value);

/* --- CSRF, csrf.c --- */
enum { CSRF_ID_SIZE = 32, CSRF_TOKEN_SIZE = 80, CSRF_TTL_S = 3600 };
struct csrf {
	str realm;
	str purpose; /* a constant of the form's */
	str cookie;  /* the browser's: of its session, or of the form alone; empty fits nothing */
	const struct form_field *fields; /* that may not be changed */
	size_t n_fields;
};
/* Hex of the time and of an HMAC over it and all of c. */
void csrf_write(const uint8_t key[static MAC_KEY_SIZE], const struct csrf *c, int64_t now,
		char ret_token[static CSRF_TOKEN_SIZE]);
bool csrf_ok(const uint8_t key[static MAC_KEY_SIZE], const struct csrf *c, int64_t now, str token);

/* --- browsers, agent.c --- */
/* "Firefox, Linux"; nothing for one that we do not know. */
void agent_write(struct wr *w, str user_agent);

/* --- paths of ours, path.c --- */
/* Is it a path of this realm's, as a Location may hold it: "/home/…" and nothing that a
 * browser could take for another host's? */
bool path_is_ours(const struct issuer_realm *realm, str path);

/* --- guessing, throttle.c: zeroed, it is empty --- */
enum {
	THROTTLE_TRIES = 10,
	THROTTLE_FIRST_S = 30,
	THROTTLE_MOST_S = 900,
	THROTTLE_PLACES = 1024,
};
/* Free tries, then a wait of first_s that doubles up to most_s; one failure is forgotten each
 * forget_s. */
struct throttle_rule {
	uint16_t tries;
	uint32_t first_s, most_s, forget_s;
};
/* of a name or one of its browsers, of an address, of who types codes of devices */
extern const struct throttle_rule throttle_account, throttle_address, throttle_code;
struct throttle_place {
	uint64_t who; /* 0: free */
	uint64_t since_ns, until_ns;
	uint16_t failures, under_way;
};
struct throttle {
	struct throttle_place places[THROTTLE_PLACES];
};
/* One that is counted. */
struct throttle_try {
	uint64_t who;
	const struct throttle_rule *rule;
	bool clears; /* a right password undoes its failures */
};
/* What the table knows a name of this kind by; the key is secret, that nobody can choose
 * whose place to take. */
uint64_t throttle_who(const uint8_t key[static MAC_KEY_SIZE], str kind, str realm, str name);
/* May this one try? 0: yes, and throttle_end or throttle_drop must follow; else the seconds to
 * wait. */
uint32_t throttle_begin(struct throttle *t, const struct throttle_try *one, uint64_t now_ns);
/* The seconds that it must wait from now on, to be logged; 0: none. */
uint32_t throttle_end(struct throttle *t, const struct throttle_try *one, bool right,
		      uint64_t now_ns);
/* Instead of it, when the password was not looked at. */
void throttle_drop(struct throttle *t, uint64_t who);

/* --- browsers that somebody has used before, known.c --- */
enum { KNOWN_SIZE = 66 };
/* A new cookie's value. */
void known_write(const uint8_t key[static MAC_KEY_SIZE], str realm, str username, struct wr *w);
/* Is it one of ours, for this name (in any case)? Constant time. */
bool known_ok(const uint8_t key[static MAC_KEY_SIZE], str realm, str username, str value);

/* --- who connects, front.c --- */
/* forwarded: X-Forwarded-For, believed when peer is one of the configuration's fronts.
 * Family 0 when it cannot be said: on loopback without a front, or the field is unreadable. */
struct address front_client(const struct issuer_config *c, const struct address *peer,
			    str forwarded);

/* --- devices: usercode.c, pace.c (RFC 8628) --- */
enum { USER_CODE_SIZE = 8 };
void user_code_make(char ret_code[static USER_CODE_SIZE]);
/* As a person types it: in any case, with hyphens and blanks or without. E_SYNTAX,
 * E_TRUNCATED. */
ch_err user_code_read(str typed, char ret_code[static USER_CODE_SIZE]);
/* XXXX-XXXX */
void user_code_write(struct wr *w, str code);

enum {
	PACE_INTERVAL_S = 5,
	PACE_STEP_S = 5,
	PACE_INTERVAL_MAX_S = 60,
	PACE_GRACE_S = 1,
	PACE_PLACES = 1024
};
struct pace_place {
	uint64_t who; /* 0: free */
	uint64_t asked_ns;
	uint16_t interval_s;
};
/* Zeroed, it is empty. */
struct pace {
	struct pace_place places[PACE_PLACES];
};
/* The device of this code asks, and is not answered yet. False: too soon. */
bool pace_ask(struct pace *t, const uint8_t hash[static STORE_HASH_SIZE], uint64_t now_ns);

/* How many wrong user codes a realm takes: zeroed, all are left. */
enum { GUESSES_MAX = 100, GUESSES_REFILL_MS = 1000 };
struct guesses {
	uint64_t since_ns;
	unsigned spent;
};
bool guesses_left(struct guesses *g, uint64_t now_ns);
void guesses_spend(struct guesses *g);

/* --- metadata, metadata.c: OpenID Connect Discovery 1.0, RFC 8414 --- */
/* algs: bit 1 << enum alg for each that the realm signs with */
void metadata_write(struct wr *w, const struct issuer_realm *realm, unsigned algs);
/* Does If-None-Match name this ETag (RFC 9110 section 13.1.2)? */
bool etag_matches(str if_none_match, str etag);
