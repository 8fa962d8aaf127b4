/* Who is signed in, and how people sign in: what every page for people starts from. */
#pragma once
#include "issuer.h"

/* --- sessions, session.c --- */
/* Who is signed in on a request. Texts are in the request's arena. */
struct session {
	str sid; /* public; in ID tokens */
	str amr;
	int64_t auth_time, created;
	struct store_user user;
	str cookie; /* its value: forms are bound to it. Never shown, never logged */
};
/* E_NOT_FOUND when nobody is: no cookie, a session that is over or was ended, a user who is
 * gone or disabled. Else the store's error. */
ch_err session_find(struct http_req *r, struct realm *m, struct session *ret_s);
/* Is it there still? E_NOT_FOUND when it was ended since it was found. */
ch_err session_again(struct realm *m, const struct session *s, struct arena *a);
/* A new one, under a new cookie, of somebody who has just proved who he is; the one that the
 * browser had before ends. *ret_cookie is the value of Set-Cookie. */
ch_err session_begin(struct http_req *r, struct realm *m, const struct store_user *u,
		     struct session *ret_s, str *ret_cookie);
/* Ends one of the person's, everywhere, with the grants that do not outlive it (those without
 * offline_access), account.c. Fine when it is over. */
ch_err session_end(struct http_req *r, struct realm *m, str sub, str sid);
/* What a page's form carries as `csrf`, for an act on this session (a constant of the act's); and whether
 * what came back is that: made for this session and act, within the last hour. */
str session_csrf(struct http_req *r, const struct realm *m, const struct session *s, str act);
bool session_csrf_ok(const struct realm *m, const struct session *s, str act, str token);

/* --- hints, hint.c --- */
/* Of an ID token of this realm's, which may have expired; sid is empty when it has none. */
struct hint {
	str sub, sid, client_id;
};
/* E_INVALID_REQUEST when it is none of this realm's. Texts are in the arena. */
ch_err hint_judge(struct realm *m, str token, struct arena *a, struct hint *ret_h);

/* --- pages about an account, account.c and logout.c; ctx is the realm --- */
void serve_account(struct http_req *r, void *ctx);
void serve_account_act(struct http_req *r, void *ctx);
void serve_logout(struct http_req *r, void *ctx);

/* --- signing in, signin.c --- */
/* Instead of a page for which somebody must be signed in: the sign-in form. Who signs in
 * comes back to `then`, a path of this realm with its query ("/home/account"), by GET.
 * Anything else than such a path is a 400. */
void signin_then(struct http_req *r, struct realm *m, str then);
/* POST /REALM/signin: takes that form. */
void serve_signin(struct http_req *r, void *ctx);

/* One form on its way: shown, or taken. In the request's arena, first in its owner's struct. */
struct signin {
	struct hash_job hash; /* first */
	struct realm *realm;
	struct http_req *http;
	enum lang lang;
	struct form form; /* what came */
	str purpose;      /* a constant: which form of ours */
	str action;       /* where it is posted */
	str app;          /* who asks, as people know it; empty: we */
	str client_id;    /* for the log */
	str form_action;  /* a CSP source that the answer may lead to; empty: none */
	str username;     /* to start with */
	struct form_field fields[AUTH_FIELDS_MAX];
	size_t n_fields;
	/* somebody has signed in: goes on from there, with in->cookies in its answer */
	void (*done)(struct signin *in, const struct session *s);
	str cookies[3];
	size_t n_cookies;
	struct store_user user;
	bool known;                   /* user is set */
	struct throttle_try tries[2]; /* what this one counts as */
	size_t n_tries;
	uint32_t wait_s; /* before the next one */
};
/* Sets what the request says: realm, http, language (form must be set). */
void signin_init(struct signin *in, struct http_req *r, struct realm *m);
void signin_show(struct signin *in, unsigned status, enum text_id message);
/* Judges the form that came; answers, or calls done later. */
void signin_take(struct signin *in);
