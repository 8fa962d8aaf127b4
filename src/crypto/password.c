/* Password hashes in the PHC form. The parameters stand in the string, which comes
 * from a store: they are checked before anything is computed, so that a changed row
 * cannot make a check cost more than it should. */
#include "crypto/password.h"

#include <errno.h>
#include <sodium.h>

enum { PASSES = 2, MEMORY_KIB = 19 * 1024 };
enum { PASSES_MAX = 10, MEMORY_KIB_MAX = 64 * 1024, LANES_MAX = 16 };

_Static_assert(PASSWORD_HASH_MAX == crypto_pwhash_argon2id_STRBYTES, "hash text");

ch_err password_hash(struct secret_bytes password, struct wr *w)
{
	char text[PASSWORD_HASH_MAX];
	bytes p = password.hidden;
	if (p.n > PASSWORD_MAX)
		return ch_fail(CH_E_RANGE, "the password is longer than 1024 bytes", p.n);
	if (crypto_pwhash_argon2id_str(text, (const char *)p.p, p.n, PASSES,
				       (size_t)MEMORY_KIB * 1024) != 0)
		return ch_fail(CH_E_NOMEM, "no memory to hash a password", MEMORY_KIB);
	wr_str(w, str_from_c(text));
	return wr_done(w);
}

/* name=NUMBER, then the separator */
static ch_err cut_number(str *s, str name, char separator, uint64_t max)
{
	uint64_t v = 0;
	str field = str_cut(s, separator);
	if (!str_starts(field, name) ||
	    !str_to_u64(str_sub(field, name.n, field.n), UINT32_MAX, &v))
		return ch_fail(CH_E_SYNTAX, "not an Argon2id hash", 0);
	if (v == 0 || v > max)
		return ch_fail(CH_E_RANGE, "the password hash asks for too much", v);
	return CH_DONE;
}

/* $argon2id$v=19$m=KIB,t=PASSES,p=LANES$salt$hash */
static ch_err check_parameters(str hash)
{
	str head = LIT("$argon2id$v=19$");
	if (!str_starts(hash, head) || hash.n >= PASSWORD_HASH_MAX || str_has(hash, 0))
		return ch_fail(CH_E_SYNTAX, "not an Argon2id hash", hash.n);
	str rest = str_sub(hash, head.n, hash.n);
	TRY(cut_number(&rest, LIT("m="), ',', MEMORY_KIB_MAX));
	TRY(cut_number(&rest, LIT("t="), ',', PASSES_MAX));
	return cut_number(&rest, LIT("p="), '$', LANES_MAX);
}

/* The salt's and the hash's sizes are part of the cost's form: 16 and 32 bytes, as libsodium's. */
ch_err password_hash_alike(str hash)
{
	char text[PASSWORD_HASH_MAX];
	struct wr head = wr_of(text, sizeof(text));
	wr_lit(&head, "$argon2id$v=19$m=");
	wr_dec(&head, MEMORY_KIB);
	wr_lit(&head, ",t=");
	wr_dec(&head, PASSES);
	wr_lit(&head, ",p=1$");
	str rest = str_sub(hash, head.n, hash.n);
	str salt = str_cut(&rest, '$');
	if (!str_starts(hash, wr_text(&head)) || salt.n != 22 || rest.n != 43)
		return ch_fail(
			CH_E_MISMATCH,
			"its password_hash is not Argon2id with m=19456,t=2,p=1, as all here "
			"are: leave it out, and give a password with `chancery user reset`",
			hash.n);
	return CH_DONE;
}

ch_err password_check(str hash, struct secret_bytes password)
{
	char text[PASSWORD_HASH_MAX] = { 0 };
	bytes p = password.hidden;
	TRY(check_parameters(hash));
	if (p.n > PASSWORD_MAX)
		return ch_fail(CH_E_MISMATCH, "the password is longer than any of ours", p.n);
	mem_copy(text, hash.p, hash.n);
	errno = 0;
	if (crypto_pwhash_argon2id_str_verify(text, (const char *)p.p, p.n) == 0)
		return CH_DONE;
	if (errno == EINVAL)
		return ch_fail(CH_E_MISMATCH, "wrong password", 0);
	if (errno == ENOMEM)
		return ch_fail(CH_E_NOMEM, "no memory to check a password", 0);
	return ch_fail(CH_E_SYNTAX, "not an Argon2id hash", hash.n);
}
