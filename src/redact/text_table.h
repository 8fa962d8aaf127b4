/* What the text finder recognises, as a table of rows: one pattern for Vectorscan each, the
 * check that what stands there must pass, and what of it is masked. */
#pragma once
#include "redact/value.h"

/* Characters of a secret that ends where another one comes; see text_chars.c. */
enum text_alphabet {
	AL_NONE,
	AL_HEX,     /* 0-9 a-f A-F */
	AL_UPPER,   /* A-Z 0-9 */
	AL_ALNUM,   /* letters and digits */
	AL_WORD,    /* and _ */
	AL_URL,     /* and - : base64url */
	AL_JWS,     /* base64url and the dots between its parts */
	AL_BASE64,  /* letters, digits, + / = */
	AL_TOKEN,   /* RFC 9110's token68: letters, digits, - . _ ~ + / = */
	AL_HASH,    /* of password hashes: letters, digits, . / $ + = , - _ */
	AL_QUERY,   /* what stands in a query: visible, but & # quotes and < > */
	AL_VISIBLE, /* ! to ~, but quotes */
	AL_PEM,     /* base64 and what breaks its lines, also as \n in JSON */
	AL_COUNT
};

enum text_check {
	CHECK_RUN,       /* a run of the alphabet of the right length, behind no other letter */
	CHECK_RANDOM,    /* likewise, and it looks drawn at random */
	CHECK_PEM,       /* the label says what it is, then base64; publics are learned */
	CHECK_PUTTY,     /* lines of base64 */
	CHECK_OPENSSH,   /* openssh-key-v1 in binary, its lengths */
	CHECK_PKCS8,     /* lengths fit, the algorithm is known: the key in it is read too */
	CHECK_PKCS1,     /* nine positive integers, sizes as n's, odd primes */
	CHECK_SEC1,      /* lengths fit, the scalar is as wide as a curve, not all one byte */
	CHECK_SPKI,      /* a bit string with n and e */
	CHECK_EDWARDS,   /* 32 bytes that are not all one */
	CHECK_POINT,     /* an uncompressed point behind its BIT STRING header */
	CHECK_SSH_BLOB,  /* an SSH public key in binary */
	CHECK_SSH_TEXT,  /* likewise in base64 */
	CHECK_JWT,       /* base64url of a JSON object that is a JOSE header or claims */
	CHECK_JWK,       /* a member of a JWK: "kty" is near, base64url to the quote */
	CHECK_SIGNATURE, /* V8's string of just the length of a signature */
	CHECK_BASIC,     /* base64 of user:password */
	CHECK_COOKIE,    /* values of name=value pairs, but attributes */
	CHECK_HEADER,    /* the value of a header to the end of its line, without its scheme */
	CHECK_USERINFO,  /* a password in a URL, between : and @ */
	CHECK_QUERY,     /* a value in a query that is no placeholder */
	CHECK_PASSWORD,  /* a value that is no placeholder, type or code */
	CHECK_COMMAND,   /* likewise where a protocol or program says that it is a password */
	CHECK_QUOTED,    /* likewise, up to the quote before it once more: SQL */
	CHECK_ARRAY,     /* RESP: so many bytes as were said before */
	CHECK_LINE,      /* likewise, and the line ends behind it */
	CHECK_LOGIN,     /* IMAP: the second argument */
	CHECK_KEYLOG,    /* SSLKEYLOGFILE: the third field, hex */
	CHECK_SCHEME,    /* a password up to a colon */
	CHECK_SEXP,      /* libgcrypt's element of one letter: digits of hex in lines */
	CHECK_SEXP_CANONICAL, /* likewise, so many bytes as were said before */
	CHECK_SEXP_BINARY,    /* likewise, as it is in memory */
	CHECK_BARE,           /* DER in base64 without a head: a key, or the start of one */
	CHECK_RSA_TAIL,       /* numbers of RSA behind its public exponent, without a head */
	CHECK_EC_TAIL,        /* a scalar before the public point, without a head */
	CHECK_BASE64_TAIL,    /* either of them in base64 */
	CHECK_PEM_TAIL,       /* base64 before -----END that no -----BEGIN stands before */
	CHECK_COUNT
};

enum text_flags {
	ROW_NOCASE = 1,  /* the pattern ignores case */
	ROW_WIDE = 2,    /* UTF-16LE: the check sees every second byte */
	ROW_PUBLIC = 4,  /* masks nothing: a public half is learned */
	ROW_COUNTED = 8, /* found by the length before it, not by Vectorscan */
};

struct text_row {
	str name; /* as reports spell it */
	enum value_kind kind;
	enum text_check check;
	enum text_alphabet alphabet;
	uint8_t flags;
	uint8_t back;      /* the secret starts so many bytes before the match ends */
	uint16_t min, max; /* of the secret; max 0: none, and it goes on in spans that touch */
	const char *pattern;
	str what; /* what is recognised, and what of it is masked; for the documentation */
};

size_t text_rows_count(void);
const struct text_row *text_row_at(size_t i);
