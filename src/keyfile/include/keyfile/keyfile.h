/* Sealed key files: what the keeper writes and the signer reads. The header is plain
 * and readable without the key-encryption key (KEK); it is the associated data of the
 * sealed part, so that nothing in it can be changed. Integers are big endian.
 *
 *   "CHKEY2\n"
 *   u8 alg (1 ES256, 2 EdDSA, 3 RS256, 4 PS256)
 *   i64 created_s   i64 published_s   i64 not_before_s   i64 not_after_s   i64 limit_s
 *   str16 realm   str16 kid
 *   u8 typ bits   u32 max_ttl_s   u32 rate_per_s   u16 count   str16 audience …
 *   u8 flags (1 imported)
 *   bytes16 sealed: nonce || ciphertext of private_key_export || tag
 *
 * "CHKEY1" is read as well: behind alg it had u8 state (1 signing, 2 staged, 3 verify-only)
 * and the times but published_s and limit_s. What signed there signs on until a successor
 * is planned; what was staged has no plan yet.
 *
 * and the file that says how the KEK comes from the passphrase:
 *
 *   "CHKDF1\n"   u32 passes   u32 memory_kib   16 bytes salt
 *   bytes16 sealed: 16 zero bytes, which prove that the passphrase is the right one */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "base/secret.h"
#include "crypto/key.h"
#include "crypto/seal.h"
#include "keystate/keystate.h"

enum { KEYFILE_MAX = 8192, KDF_FILE_MAX = 128 };
#define KEYFILE_TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */
enum { KEYFILE_NAME_MAX = 64, KEYFILE_AUDIENCES_MAX = 16, KEYFILE_AUDIENCE_MAX = 256 };

/* What a key may sign: bits of typ. Heads of the log, or tokens; never both. */
enum key_typ { KEY_TYP_ACCESS = 1, KEY_TYP_ID = 2, KEY_TYP_CHECKPOINT = 4 };

struct key_grant {
	uint8_t typ;         /* enum key_typ, one at least */
	uint32_t max_ttl_s;  /* 1 at least */
	uint32_t rate_per_s; /* 0: no limit */
	str audiences[KEYFILE_AUDIENCES_MAX];
	size_t n_audiences;
};

struct key_meta {
	enum alg alg;
	struct key_times times; /* max_ttl_s is the grant's */
	str realm;              /* name_ok, at most 64 */
	str kid;                /* 1 to 64 of A-Z a-z 0-9 - _ . and no . first */
	struct key_grant grant;
	bool imported;
};

/* Since when all that it signs is in the log: of an imported key since it came here; 0: ever. */
int64_t key_logged_from_s(const struct key_meta *meta);

/* Appends a whole file to w; KEYFILE_MAX always suffices. E_RANGE or E_SYNTAX when the
 * reader would refuse meta, E_MISMATCH when its alg is not the key's. */
ch_err keyfile_write(const struct key_meta *meta, const struct private_key *key,
		     const struct secret *kek, struct wr *w);
/* The header alone, not authenticated: for listings. Texts are slices of file.
 * E_SYNTAX, E_RANGE, E_TRUNCATED or E_TRAILING. */
ch_err keyfile_read(bytes file, struct key_meta *ret_meta);
/* The header, authenticated, and the key. E_SEALED for another KEK or a changed file. */
ch_err keyfile_open(bytes file, const struct secret *kek, struct key_meta *ret_meta,
		    struct private_key **ret_key);

/* Appends a whole file to w; KDF_FILE_MAX always suffices. */
ch_err kdf_file_write(const struct kdf *kdf, const struct secret *kek, struct wr *w);
/* Not authenticated (the KEK is made from it); kek_derive checks the ranges. */
ch_err kdf_file_read(bytes file, struct kdf *ret_kdf);
/* E_SEALED when kek comes from another passphrase or the file was changed. */
ch_err kdf_file_check(bytes file, const struct secret *kek);
