/* The set of fingerprints: adding a secret, taking a label out. It sees secrets only while it
 * adds them, keeps no byte of one, and refuses those that their fingerprints would give away
 * unless the caller says that he knows. */
#include "fingerprint_internal.h"

#include <stdlib.h>

#include "base/ck.h"
#include "base/path.h"
#include "base/rand.h"
#include "fingerprint/forms.h"

enum {
	DISTINCT_MIN = 8,  /* of 16 random bytes, or characters of 32 kinds */
	ALPHABET_MIN = 32, /* so that a window of text has 80 bits */
	HEX_MIN = 2 * WINDOW,
	HEX_BYTES_MAX = FORM_VALUE_MAX / 2,
};

ch_err fingerprints_new(struct fingerprints **ret_f)
{
	struct fingerprints *f = calloc(1, sizeof(*f));
	if (!f)
		return ch_fail(CH_E_NOMEM, "no memory for fingerprints", sizeof(*f));
	rand_fill(f->key, sizeof(f->key));
	quick_key_of(f->key, &f->quick);
	*ret_f = f;
	return CH_DONE;
}

void fingerprints_done(struct fingerprints **f)
{
	if (*f)
		mem_wipe(*f, sizeof(**f));
	free(*f);
	*f = NULL;
}

bool fingerprint_label_ok(str label)
{
	if (label.n > FINGERPRINT_LABEL_MAX)
		return false;
	if (!str_has(label, '/'))
		return name_ok(label, FINGERPRINT_LABEL_MAX);
	str first = str_cut(&label, '/');
	return name_ok(first, FINGERPRINT_LABEL_MAX) && name_ok(label, FINGERPRINT_LABEL_MAX);
}

static unsigned distinct(const uint8_t *p, size_t n)
{
	uint64_t seen[4] = { 0 };
	unsigned count = 0;
	for (size_t i = 0; i < n; i++)
		seen[p[i] >> 6] |= UINT64_C(1) << (p[i] & 63);
	for (size_t i = 0; i < COUNT_OF(seen); i++)
		count += (unsigned)__builtin_popcountll(seen[i]);
	return count;
}

static bool within(uint8_t c, char from, char to)
{
	return c >= (uint8_t)from && c <= (uint8_t)to;
}

static bool is_hex(uint8_t c)
{
	return within(c, '0', '9') || within(c, 'a', 'f') || within(c, 'A', 'F');
}

/* How many characters it may have been chosen from: whole classes, but of letters a to f
 * only those, and of all that is no letter or digit what is there. */
static unsigned alphabet_of(bytes text)
{
	bool digits = false, small[2] = { 0 }, capital[2] = { 0 };
	uint8_t others[128] = { 0 };
	unsigned size = 0;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		digits |= within(c, '0', '9');
		small[within(c, 'a', 'f')] |= within(c, 'a', 'z');
		capital[within(c, 'A', 'F')] |= within(c, 'A', 'Z');
		if (c < sizeof(others) && !within(c, '0', '9') && !within(c, 'a', 'z') &&
		    !within(c, 'A', 'Z') && !others[c]++)
			size++;
	}
	size += digits ? 10 : 0;
	size += small[0] ? 26 : small[1] ? 6 : 0;
	return size + (capital[0] ? 26 : capital[1] ? 6 : 0);
}

static size_t owner_of(const struct fingerprints *f, str label)
{
	for (size_t i = 0; i < f->n_owners; i++)
		if (str_eq(owner_label(&f->owners[i]), label))
			return i;
	return f->n_owners;
}

static struct window *same_window(struct fingerprints *f, const struct window *w)
{
	for (size_t i = 0; i < f->n_windows; i++) {
		struct window *o = &f->windows[i];
		if (o->bits == w->bits && o->owner == w->owner &&
		    mem_eq(o->slow, w->slow, SLOW_SIZE))
			return o;
	}
	return NULL;
}

static uint8_t larger(uint8_t a, uint8_t b)
{
	return a > b ? a : b;
}

/* One that is being added. */
struct addition {
	struct fingerprints *f;
	uint16_t owner;
	bool weak;
	size_t windows; /* new ones and those that are there */
};

/* A form of n bytes that is looked at 16 at a time. */
struct form_windows {
	unsigned form;
	const struct form_value *v;
	size_t n;
};

static ch_err keep_window(struct addition *a, const struct form_windows *of, size_t at,
			  const uint8_t *p)
{
	struct fingerprints *f = a->f;
	size_t behind = of->n - WINDOW - at;
	struct window w = { .bits = quick_hash(&f->quick, p),
			    .owner = a->owner,
			    .before = (uint8_t)(at < STRIDE ? at : 0),
			    .after = (uint8_t)(behind < STRIDE ? behind : 0),
			    .alone = of->n < STRIDED_MIN };
	slow_hash(f->key, p, w.slow);
	a->windows++;
	struct window *same = same_window(f, &w);
	if (same) {
		same->before = larger(same->before, w.before);
		same->after = larger(same->after, w.after);
		same->alone |= w.alone;
		return CH_DONE;
	}
	if (f->n_windows == FINGERPRINTS_MAX)
		return ch_fail(CH_E_LIMIT, "the registry is full", FINGERPRINTS_MAX);
	f->windows[f->n_windows++] = w;
	return CH_DONE;
}

static ch_err add_window(struct addition *a, const struct form_windows *of, size_t at)
{
	SECRET_BUF(window, WINDOW);
	for (size_t i = 0; i < WINDOW; i++)
		window[i] = form_byte(of->form, of->v, at + i);
	/* zeros are everywhere and nobody's secret; a scan leaves them out */
	if (bytes_are_zero(BYTES_OF(window)))
		return CH_DONE;
	if (of->form == 0 && !a->weak && distinct(window, WINDOW) < DISTINCT_MIN)
		return ch_fail(CH_E_MISMATCH, "it repeats itself and does not look random", at);
	return keep_window(a, of, at, window);
}

static ch_err add_form(struct addition *a, unsigned form, const struct form_value *v)
{
	struct form_windows of = { form, v, form_size(form, v) };
	if (of.n < WINDOW)
		return CH_DONE;
	for (size_t shift = 0; shift < STRIDE && shift + WINDOW <= of.n; shift++) {
		for (size_t at = shift; at + WINDOW <= of.n; at += WINDOW)
			TRY(add_window(a, &of, at));
		TRY(add_window(a, &of, of.n - WINDOW - shift));
	}
	return CH_DONE;
}

/* Of all forms those that are not text: what is text is decoded where it occurs. Digits of 28 bits
 * are of machines that no dump is taken of here. */
static ch_err add_forms(struct addition *a, bytes is, bool number)
{
	static const str kept[] = {
		{ "plain", 5 }, { "le", 2 }, { "w32be", 5 }, { "le30", 4 }, { "le60", 4 }
	};
	const struct form_value v = form_value_of(is, number);
	if (v.is.n < WINDOW)
		return ch_fail(CH_E_RANGE, "a registered secret has 16 bytes or more", v.is.n);
	for (unsigned form = 0; form < forms_count(); form++)
		for (size_t i = 0; i < COUNT_OF(kept); i++)
			if (str_eq(form_name(form), kept[i]))
				TRY(add_form(a, form, &v));
	return CH_DONE;
}

static uint8_t hex_value(uint8_t c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Digits of hex stand for bytes, and those are what is kept: see the header. */
static ch_err add_hex(struct addition *a, bytes text)
{
	SECRET_BUF(decoded, HEX_BYTES_MAX);
	for (size_t i = 0; i < text.n / 2; i++)
		decoded[i] =
			(uint8_t)(hex_value(text.p[2 * i]) << 4 | hex_value(text.p[2 * i + 1]));
	return add_forms(a, (bytes){ decoded, text.n / 2 }, false);
}

static ch_err add_text(struct addition *a, bytes text)
{
	size_t hex = 0;
	while (hex < text.n && is_hex(text.p[hex]))
		hex++;
	if (hex == text.n && hex >= HEX_MIN && hex % 2 == 0)
		return add_hex(a, text);
	if (!a->weak && alphabet_of(text) < ALPHABET_MIN)
		return ch_fail(CH_E_MISMATCH,
			       "it is of too few kinds of characters: 16 of them can be guessed",
			       alphabet_of(text));
	return add_forms(a, text, false);
}

static ch_err add_all(struct addition *a, const struct registered *r)
{
	bytes is = secret_peek(r->is);
	if (is.n < WINDOW || is.n > FORM_VALUE_MAX)
		return ch_fail(CH_E_RANGE, "a registered secret has 16 bytes to 16 KiB", is.n);
	size_t before = a->f->n_windows;
	if (r->kind == REGISTERED_TEXT)
		TRY(add_text(a, is));
	else
		TRY(add_forms(a, is, r->kind == REGISTERED_NUMBER));
	if (a->windows == 0)
		return ch_fail(CH_E_MISMATCH, "there is nothing in it but zeros", is.n);
	if (a->f->n_windows == before)
		return ch_fail(CH_E_EXISTS, "it is registered already", a->windows);
	return CH_DONE;
}

ch_err fingerprints_add(struct fingerprints *f, const struct registered *r)
{
	size_t owner = owner_of(f, r->label), before = f->n_windows;
	if (!fingerprint_label_ok(r->label))
		return ch_fail(CH_E_SYNTAX, "a label that is no name", r->label.n);
	if (owner == FINGERPRINT_LABELS_MAX)
		return ch_fail(CH_E_LIMIT, "the registry has too many labels", owner);
	struct addition a = { .f = f, .owner = (uint16_t)owner, .weak = r->weak };
	ch_err e = add_all(&a, r);
	if (failed(e)) {
		f->n_windows = before;
		return e;
	}
	struct owner *o = &f->owners[owner];
	if (owner == f->n_owners) {
		mem_copy(o->label, r->label.p, r->label.n);
		o->label_n = u8_from(r->label.n);
		o->weak = false;
		f->n_owners++;
	}
	o->weak |= r->weak;
	return CH_DONE;
}

ch_err fingerprints_remove(struct fingerprints *f, str label)
{
	size_t owner = owner_of(f, label), kept = 0;
	if (owner == f->n_owners)
		return ch_fail(CH_E_NOT_FOUND, "the registry has no such label", 0);
	for (size_t i = 0; i < f->n_windows; i++) {
		struct window w = f->windows[i];
		if (w.owner == owner)
			continue;
		w.owner = (uint16_t)(w.owner - (w.owner > owner));
		f->windows[kept++] = w;
	}
	for (size_t i = owner; i + 1 < f->n_owners; i++)
		f->owners[i] = f->owners[i + 1];
	f->n_windows = kept;
	f->n_owners--;
	return CH_DONE;
}

size_t fingerprints_count(const struct fingerprints *f)
{
	return f->n_owners;
}

void fingerprints_at(const struct fingerprints *f, size_t i, str *ret_label, bool *ret_weak,
		     size_t *ret_windows)
{
	size_t n = 0;
	for (size_t k = 0; k < f->n_windows; k++)
		n += f->windows[k].owner == i;
	*ret_label = owner_label(&f->owners[i]);
	*ret_weak = f->owners[i].weak;
	*ret_windows = n;
}
