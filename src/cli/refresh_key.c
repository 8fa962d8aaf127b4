/* The key that refresh tokens are made with. It lies outside of the stores, so that a
 * stolen store is no use without it, nor it without a store. Each issuer is given what is
 * derived for its group alone. It is never said, nor logged. */
#include "refresh_key.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rand.h"
#include "base/secret.h"
#include "codec/base64url.h"
#include "crypto/hash.h"

enum { KEY_TEXT = 43, KEY_FILE = KEY_TEXT + 1 };

static const char file_name[] = "refresh.key";

ch_err refresh_key_make(const struct authority *a)
{
	SECRET_BUF(random, MAC_KEY_SIZE);
	SECRET_BUF(text, KEY_FILE);
	struct wr w = wr_of(text, sizeof(text));
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	ch_err e = file_create(a->fd, file_name, wr_bytes(&w), 0600);
	return ch_code_of(e) == CH_E_EXISTS ? CH_DONE : e;
}

static ch_err read_text(const struct authority *a, uint8_t text[static KEY_FILE])
{
	struct stat st = { 0 };
	size_t n = 0;
	AUTO(fd_close) int fd = openat(a->fd, file_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open refresh.key", errno);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return ch_fail(CH_E_DENIED,
			       "others may read refresh.key: chmod 600 it, or remove it (then"
			       " everybody logs in again)",
			       st.st_mode & 0777);
	ch_err e = fd_read_all(fd, text, KEY_FILE, &n);
	if (failed(e) && ch_code_of(e) != CH_E_FULL)
		return e;
	if (failed(e) || n != KEY_FILE || text[KEY_TEXT] != '\n')
		return ch_fail(CH_E_SYNTAX,
			       "refresh.key is damaged: bring it back from a copy, or remove it"
			       " (then everybody logs in again)",
			       n);
	return CH_DONE;
}

ch_err refresh_key_of(const struct authority *a, str group,
		      uint8_t ret_key[static REFRESH_KEY_SIZE])
{
	SECRET_BUF(text, KEY_FILE);
	SECRET_BUF(key, MAC_KEY_SIZE);
	uint8_t room[32 + NAME_MAX_BYTES];
	struct wr plain = wr_of(key, sizeof(key));
	struct wr label = wr_of(room, sizeof(room));
	if (faccessat(a->fd, file_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		TRY(refresh_key_make(a));
	TRY(read_text(a, text));
	if (failed(base64url_read((str){ (const char *)text, KEY_TEXT }, &plain)))
		return ch_fail(CH_E_SYNTAX,
			       "refresh.key is damaged: bring it back from a copy, or remove it"
			       " (then everybody logs in again)",
			       KEY_TEXT);
	wr_lit(&label, "chancery refresh key of ");
	wr_str(&label, group);
	TRY(wr_done(&label));
	mac(key, wr_bytes(&label), ret_key);
	return CH_DONE;
}
_Static_assert((int)REFRESH_KEY_SIZE == (int)MAC_SIZE, "a group's key is a code of the file's");
