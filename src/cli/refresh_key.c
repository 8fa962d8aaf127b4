/* The key that refresh tokens are made with. It lies outside of the stores, so that a
 * stolen store is no use without it, nor it without a store. Each issuer is given what is
 * derived for its group alone. It is never said, nor logged. */
#include "refresh_key.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/secret.h"
#include "crypto/hash.h"
#include "key_text.h"

static const char file_name[] = "refresh.key";

ch_err refresh_key_make(const struct authority *a)
{
	return key_text_make(a, file_name);
}

static ch_err read_key(const struct authority *a, uint8_t ret_key[static KEY_TEXT_BYTES])
{
	ch_err e = key_text_read(a, file_name, ret_key);
	if (ch_code_of(e) == CH_E_DENIED)
		return ch_fail(CH_E_DENIED,
			       "others may read refresh.key: chmod 600 it, or remove it (then"
			       " everybody logs in again)",
			       e.detail);
	if (ch_code_of(e) == CH_E_SYNTAX)
		return ch_fail(CH_E_SYNTAX,
			       "refresh.key is damaged: bring it back from a copy, or remove it"
			       " (then everybody logs in again)",
			       e.detail);
	return e;
}

ch_err refresh_key_of(const struct authority *a, str group,
		      uint8_t ret_key[static REFRESH_KEY_SIZE])
{
	SECRET_BUF(key, MAC_KEY_SIZE);
	uint8_t room[32 + NAME_MAX_BYTES];
	struct wr label = wr_of(room, sizeof(room));
	if (faccessat(a->fd, file_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		TRY(refresh_key_make(a));
	TRY(read_key(a, key));
	wr_lit(&label, "chancery refresh key of ");
	wr_str(&label, group);
	TRY(wr_done(&label));
	mac(key, wr_bytes(&label), ret_key);
	return CH_DONE;
}
_Static_assert((int)REFRESH_KEY_SIZE == (int)MAC_SIZE, "a group's key is a code of the file's");
_Static_assert((int)KEY_TEXT_BYTES == (int)MAC_KEY_SIZE, "the file's key is one of a code");
