/* What people see: languages, the texts in each, and the pages, made of text alone. A page
 * has no script; everything that comes from a request or the store is escaped. Each file of
 * these is tested by itself. */
#pragma once
#include "codec/form.h"
#include "texts.h"
#include "wire/roles.h"

/* --- languages, lang.c --- */
/* Which one to speak: the first of ui_locales (OpenID Connect Core section 3.1.2.1) that we
 * have, else the one that Accept-Language likes best (RFC 9110 section 12.5.4), else English. */
enum lang lang_pick(str ui_locales, str accept_language);
/* The tag for `lang`: "en". */
str lang_tag(enum lang lang);

/* --- texts, texts.c --- */
str text_of(enum lang lang, enum text_id id);
/* Escaped. */
void text_put(struct wr *w, enum lang lang, enum text_id id);
/* Escaped, with the value (escaped as well, in bold) where the text has {}. */
void text_put_value(struct wr *w, enum lang lang, enum text_id id, str value);

/* --- the frame of a page, layout.c --- */
struct page {
	enum lang lang;
	enum text_id title;
	str realm; /* empty: of none */
	bool wide; /* for lists */
};
void page_begin(struct wr *w, const struct page *p);
void page_end(struct wr *w);
/* "sha256-…" of the pages' style element, for style-src. */
str page_style_hash(void);
/* <form method=post …> with hidden fields; absent ones (p == NULL) are left out. */
void page_form(struct wr *w, str action, const struct form_field *fields, size_t n, str csrf);
/* A message that something went wrong, with a value where it has {}; TEXT_COUNT: none. */
void page_message(struct wr *w, enum lang lang, enum text_id message, str value);

/* --- the pages, page_*.c --- */
struct login_page {
	enum lang lang;
	str realm;
	str app;              /* who asks; empty: our own pages */
	str action;           /* where the form goes */
	str username;         /* as it was typed, or hinted at */
	enum text_id message; /* TEXT_COUNT: nothing is wrong yet */
	str message_value;    /* where the message has {} */
	const struct form_field *fields;
	size_t n_fields;
	str csrf;
};
void page_login(struct wr *w, const struct login_page *p);
/* What a scope lets an application do, as a list item. */
void scope_put(struct wr *w, enum lang lang, const struct issuer_realm *realm, str scope);

struct consent_page {
	enum lang lang;
	const struct issuer_realm *realm;
	str app, home; /* its name, and where people read about it (or empty) */
	str user;      /* who is signed in */
	str scopes;    /* list */
	str leads_to;  /* the redirect URI */
	enum text_id message;
	const struct form_field *fields;
	size_t n_fields;
	str csrf;
};
/* Posts act = allow, deny or other. */
void page_consent(struct wr *w, const struct consent_page *p);
/* Posts act = continue or other. */
void page_choose(struct wr *w, const struct consent_page *p);

/* What the account page lists. */
enum { ACCOUNT_SESSIONS_MAX = 32, ACCOUNT_APPS_MAX = 24 };
struct account_session {
	str sid, agent;
	int64_t since, seen;
};
struct account_app {
	str id, name, scopes;
	int64_t since, used; /* used 0: not since */
};
struct account_page {
	enum lang lang;
	const struct issuer_realm *realm;
	str user;
	str sid; /* of this browser */
	struct account_session sessions[ACCOUNT_SESSIONS_MAX];
	struct account_app apps[ACCOUNT_APPS_MAX];
	size_t n_sessions, n_apps;
	bool more;
	str csrf, logout_csrf;
	enum text_id message;
};
/* Posts end = SID, others = 1 or forget = CLIENT; its sign-out goes to logout. */
void page_account(struct wr *w, const struct account_page *p);

struct logout_page {
	enum lang lang;
	const struct issuer_realm *realm;
	str app; /* who asks; empty: nobody says */
	enum text_id message;
	const struct form_field *fields;
	size_t n_fields;
	str csrf;
};
void page_logout(struct wr *w, const struct logout_page *p);
void page_signed_out(struct wr *w, enum lang lang, str realm);

/* "23 November 2026, 01:40 UTC", in a time element. */
void time_put(struct wr *w, enum lang lang, int64_t unix_s);

struct device_page {
	enum lang lang;
	const struct issuer_realm *realm;
	str user;        /* who is signed in */
	str user_code;   /* as it was typed, when it is none; empty: none came */
	str app, scopes; /* who asks for what */
	enum text_id message;
	str csrf;
};
/* Posts user_code. */
void page_device_code(struct wr *w, const struct device_page *p);
/* Posts user_code and act = allow or deny. */
void page_device_ask(struct wr *w, const struct device_page *p);
void page_device_done(struct wr *w, const struct device_page *p, bool allowed);

/* An error that a person can see; detail is for those who run the application, in English. */
void page_error(struct wr *w, enum lang lang, enum text_id title, enum text_id text, str detail);
