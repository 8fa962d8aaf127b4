/* The secrets that were found in one dump, by value: each once, however often it occurs.
 * They are in memory of their own that is wiped when it is freed and in no dump. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* What a value is: name in reports and marks, fewest bits of entropy it has. Values of 96
 * bits and more get equal marks when they are equal, the others a mark of their kind. */
#define VALUE_KINDS(X)                                                                    \
	X(VALUE_RSA_PRIME, "rsa-prime", 512)                                              \
	X(VALUE_RSA_EXPONENT, "rsa-d", 512)                                               \
	X(VALUE_RSA_CRT, "rsa-crt", 512)                                                  \
	X(VALUE_DH_EXPONENT, "dh-x", 160)                                                 \
	X(VALUE_EC_SCALAR, "ec-d", 192)                                                   \
	X(VALUE_ED25519_SEED, "ed25519-seed", 256)                                        \
	X(VALUE_ED25519_SCALAR, "ed25519-scalar", 250)                                    \
	X(VALUE_X25519, "x25519", 250)                                                    \
	X(VALUE_AES_KEY, "aes-key", 128)                                                  \
	X(VALUE_HMAC_KEY, "hmac-key", 128)                                                \
	X(VALUE_SSH_PREKEY, "ssh-prekey", 128)                                            \
	X(VALUE_BIGNUM, "bignum", 128)                                                    \
	X(VALUE_PRIVATE_KEY, "private-key", 128) /* PEM, DER, OpenSSH: the whole of it */ \
	X(VALUE_TOKEN, "token", 96)              /* JWT, JWS, cloud and forge tokens */   \
	X(VALUE_TOKEN_PART, "token-part", 96)                                             \
	X(VALUE_BEARER, "bearer", 96)                                                     \
	X(VALUE_COOKIE, "cookie", 0)                                                      \
	X(VALUE_PASSWORD, "password", 0)                                                  \
	X(VALUE_WORDS, "argument", 0) /* arguments and environment */                     \
	X(VALUE_REGISTERED, "registered", 96)                                             \
	X(VALUE_REGISTERED_WEAK, "registered-weak", 0)                                    \
	X(VALUE_RANDOM, "random", 0)

#define VALUE_ENUM(id, name, bits) id,
enum value_kind { VALUE_KINDS(VALUE_ENUM) VALUE_KIND_COUNT };
#undef VALUE_ENUM

str value_kind_name(enum value_kind k);
unsigned value_kind_bits(enum value_kind k);

/* number: the bytes are a number, big endian, without leading zeros, and are looked for in
 * every order and width that programs keep numbers in. Otherwise they are bytes or text. */
struct value {
	enum value_kind kind;
	bool number;
	bytes is;            /* VALUE_MIN to VALUE_MAX bytes */
	str finder;          /* its name; a literal */
	uint64_t first_addr; /* where it was found first */
};

enum {
	VALUE_MIN = 4, /* the shortest password that is looked for elsewhere too */
	VALUE_MAX = 16 * 1024,
	VALUES_MAX = 8192,
	VALUES_BYTES_MAX = 2 * 1024 * 1024,
};

struct values;
ch_err values_new(struct values **ret_v);
void values_done(struct values **v);
/* Copies it in; once more is fine and changes nothing, and one byte again and again is no
 * secret: memory is full of it. E_RANGE: too short or too long. E_LIMIT when there are too many: the
 * dump then must not be kept but at triage. */
ch_err values_add(struct values *v, const struct value *one);
size_t values_count(const struct values *v);
const struct value *values_at(const struct values *v, size_t i);
