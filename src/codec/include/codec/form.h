/* application/x-www-form-urlencoded, strictly (URL Standard section 5, RFC 6749
 * appendix B): a name occurs once, percent escapes are whole, the result is UTF-8
 * without NUL. Raw bytes outside visible ASCII are refused; empty pieces between two
 * ampersands are skipped. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"

enum { FORM_FIELDS_MAX = 32 };

struct form_field {
	str name;
	str value;
};

struct form {
	struct form_field fields[FORM_FIELDS_MAX];
	size_t n;
};

/* Decoded text goes into the arena. E_SYNTAX or E_DUPLICATE with detail = offset,
 * E_LIMIT for more than FORM_FIELDS_MAX fields. An empty body is an empty form. */
ch_err form_parse(str body, struct arena *a, struct form *ret_form);
/* The value, or a str with p == NULL when the field is absent. An empty value is
 * treated as absent (RFC 6749 section 3.1). */
str form_get(const struct form *f, str name);

/* name=value with a leading '&' unless the text so far ends in '?' or is empty. */
void form_write(struct wr *w, str name, str value);
/* Percent-encodes all but unreserved characters (RFC 3986 section 2.3). */
void url_write_encoded(struct wr *w, str s);
/* Undoes %XX (and '+' as blank when plus is true) into the arena. E_SYNTAX for a broken
 * escape, NUL or bad UTF-8. */
ch_err url_decode(str s, bool plus, struct arena *a, str *ret_s);
/* Text for HTML content and quoted attributes: & < > " ' are escaped. */
void html_write(struct wr *w, str s);
