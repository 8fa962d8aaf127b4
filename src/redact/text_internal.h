/* Between the stream that finds anchors (text_stream.c), the checks that say what stands
 * there, and the two that want to know: finder_text and text_spans. */
#pragma once
#include "redact/finder.h"
#include "redact/spans.h"
#include "text_table.h"

/* What a check sees of the memory: so much before the end of a match, so much behind it. */
enum { TEXT_BEHIND = 2 * 1024, TEXT_REACH = 16 * 1024 };

/* Who is told what is found. Functions that are NULL are not called. */
struct text_sink {
	ch_err (*span)(struct text_sink *s, const struct span *one);
	ch_err (*value)(struct text_sink *s, const struct value *one);
	ch_err (*learn)(struct text_sink *s, enum public_kind kind, bytes is);
	/* no span that is said from now on ends before this address */
	ch_err (*passed)(struct text_sink *s, uint64_t addr);
};

/* One match that is looked at. */
struct text_job {
	const struct text_row *row;
	enum value_kind kind; /* the row's, unless the check knows better */
	bytes v;              /* what is to be seen */
	size_t at;            /* in v, behind the match */
	uint64_t addr;        /* of v.p[0] */
	unsigned scale;       /* 2 when v is every second byte */
	struct text_sink *sink;
	bool open;   /* out: what is behind v might change the answer */
	size_t work; /* out: how many bytes were looked through, roughly */
	size_t to;   /* out: the last secret said ends here in v; 0: none */
};

/* HERE: masked where it stands. EVERYWHERE: said as a value, too. */
enum text_worth { TEXT_NOTHING, TEXT_HERE, TEXT_EVERYWHERE };

/* A secret at v[from .. to). */
ch_err text_secret(struct text_job *j, size_t from, size_t to, enum text_worth worth);
/* A value that stands in another form; nothing when it is too short or too long for one. */
ch_err text_value(struct text_job *j, enum value_kind kind, bool number, bytes is);
ch_err text_learn(struct text_job *j, enum public_kind kind, bytes is);

/* Looks whether the match is what its row is for, and says it. */
typedef ch_err text_check_fn(struct text_job *j);
ch_err text_check(struct text_job *j);
text_check_fn check_run, check_random, check_pem, check_putty, check_openssh, check_pkcs8,
	check_pkcs1, check_sec1, check_spki, check_edwards, check_point, check_ssh_blob,
	check_ssh_text, check_jwt, check_jwk, check_signature, check_basic, check_cookie,
	check_header, check_userinfo, check_query, check_password, check_command, check_quoted,
	check_array, check_line, check_login, check_keylog, check_scheme, check_sexp,
	check_sexp_canonical, check_sexp_binary, check_bare, check_rsa_tail, check_ec_tail,
	check_base64_tail, check_pem_tail;

/* --- characters --- */
bool text_is(uint8_t c, enum text_alphabet a);
/* Where the run of the alphabet that starts at `from` ends; at most max bytes (0: any).
 * Sets j->open when v ends first. */
size_t text_run(struct text_job *j, size_t from, size_t max);
size_t text_run_of(struct text_job *j, size_t from, size_t max, enum text_alphabet a);
/* How often digits, capitals and small letters change, whatever stands between. */
unsigned text_changes(bytes b);
/* Does it look drawn at random? Documentation, words and x's do not. */
bool text_looks_random(bytes b);
/* What a password by context is worth: nothing for placeholders, types and code. */
enum text_worth text_password_worth(bytes b);
bool text_is_example(bytes b);
unsigned text_distinct(bytes b);
bool bytes_find(bytes hay, str needle, size_t *ret_at);

/* Decodes base64 or base64url, blanks and line ends (also as \n) between; stops at what is
 * neither. How many bytes it wrote; not more than cap. */
size_t text_unbase64(bytes text, uint8_t *to, size_t cap);

/* Where n bytes in base64 from `from` on end, and what pads them; its lines may be broken. Less
 * than n are there where it is cut. */
size_t text_base64_end(struct text_job *j, size_t from, size_t n);
/* Likewise all that is there. */
size_t text_base64_lines_end(struct text_job *j, size_t from);

/* --- keys --- */
enum { TEXT_DER_MAX = 16 * 1024 };
/* Each reads one key that starts at in.p[0], says its numbers and learns its public half.
 * E_TRUNCATED: it goes on behind in, and all of in belongs to it. */
ch_err key_pkcs1(struct text_job *j, bytes in, size_t *ret_size);
ch_err key_sec1(struct text_job *j, bytes in, bytes curve_or_none, size_t *ret_size);
ch_err key_pkcs8(struct text_job *j, bytes in, size_t *ret_size);
ch_err key_openssh(struct text_job *j, bytes in, size_t *ret_size);
/* The private section of such a key, wherever it begins in `in`; *ret_to is where it ends, and
 * stays when there is none. */
ch_err key_openssh_section(struct text_job *j, bytes in, size_t *ret_to);
/* Does the error say only that there is no key (or that it is cut)? */
bool text_no(ch_err e);
/* Any of the first three. */
ch_err key_any(struct text_job *j, bytes in, size_t *ret_size);
/* Any of them of which the end is missing: done where it begins as one; the numbers that are
 * whole are said. */
ch_err key_cut(struct text_job *j, bytes in);
/* All public keys in a DER structure: a certificate, a SubjectPublicKeyInfo. */
ch_err publics_of_der(struct text_job *j, bytes der);
ch_err public_of_ssh(struct text_job *j, bytes blob);
/* An uncompressed point, 4 || x || y; its curve's OID may be among the bytes before. */
ch_err public_of_point(struct text_job *j, bytes point, bytes before);
/* All lines of base64 as values of their own. */
ch_err text_lines(struct text_job *j, size_t from, size_t to);

/* --- the stream --- */
struct text_stream;
ch_err text_stream_new(struct text_stream **ret_s);
void text_stream_done(struct text_stream **s);
ch_err text_stream_feed(struct text_stream *s, uint64_t addr, bytes b, struct text_sink *sink);
/* Are there matches that more memory may change? */
bool text_stream_open(const struct text_stream *s);
/* How many matches were not judged, since others had cost too much: what they stand in was said
 * as a span, not as values. */
uint64_t text_stream_unjudged(const struct text_stream *s);
