/* What people see: languages, the texts in each, and the pages, made of text alone. A page
 * has no script; everything that comes from a request or the store is escaped. Each file of
 * these is tested by itself. */
#pragma once
#include "codec/form.h"
#include "texts.h"

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
/* A message that something went wrong; TEXT_COUNT: none. */
void page_message(struct wr *w, enum lang lang, enum text_id message);

/* --- the pages, page_*.c --- */
struct login_page {
	enum lang lang;
	str realm;
	str app;              /* who asks; empty: our own pages */
	str action;           /* where the form goes */
	str username;         /* as it was typed, or hinted at */
	enum text_id message; /* TEXT_COUNT: nothing is wrong yet */
	const struct form_field *fields;
	size_t n_fields;
	str csrf;
};
void page_login(struct wr *w, const struct login_page *p);
/* An error that a person can see; detail is for those who run the application, in English. */
void page_error(struct wr *w, enum lang lang, enum text_id title, enum text_id text, str detail);
