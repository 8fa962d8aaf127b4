/* Symmetric keys in files of their own, beside the stores that they protect. What is read is wiped
 * from where it was, and never said or logged. */
#include "key_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rand.h"
#include "base/secret.h"
#include "codec/base64url.h"

enum { TEXT = 43, WHOLE = TEXT + 1 };

ch_err key_text_make(const struct authority *a, const char *path)
{
	SECRET_BUF(random, KEY_TEXT_BYTES);
	SECRET_BUF(text, WHOLE);
	struct wr w = wr_of(text, sizeof(text));
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	ch_err e = file_create(a->fd, path, wr_bytes(&w), 0600);
	return ch_code_of(e) == CH_E_EXISTS ? CH_DONE : e;
}

ch_err key_text_read(const struct authority *a, const char *path,
		     uint8_t ret_key[static KEY_TEXT_BYTES])
{
	SECRET_BUF(text, WHOLE);
	SECRET_BUF(key, KEY_TEXT_BYTES);
	struct wr plain = wr_of(key, sizeof(key));
	struct stat st = { 0 };
	size_t n = 0;
	AUTO(fd_close) int fd = openat(a->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open a file with a key", errno);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return ch_fail(CH_E_DENIED, "others may read a key", st.st_mode & 0777);
	ch_err e = fd_read_all(fd, text, WHOLE, &n);
	if (failed(e) && ch_code_of(e) != CH_E_FULL)
		return e;
	if (failed(e) || n != WHOLE || text[TEXT] != '\n' ||
	    failed(base64url_read((str){ (const char *)text, TEXT }, &plain)) ||
	    plain.n != KEY_TEXT_BYTES)
		return ch_fail(CH_E_SYNTAX, "a file holds no key", n);
	mem_copy(ret_key, key, KEY_TEXT_BYTES);
	return CH_DONE;
}
