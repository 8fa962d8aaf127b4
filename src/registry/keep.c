/* The set of fingerprints at rest: one file, replaced whole, in a folder that is the
 * registry's alone. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "registry_internal.h"

#define NAME "fingerprints"

static uint8_t room[FINGERPRINTS_BYTES_MAX];

ch_err registry_load(struct registry *r)
{
	size_t n = 0;
	ch_err e = file_read(r->folder, NAME, room, sizeof(room), &n);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return fingerprints_new(&r->set);
	TRY(e);
	return fingerprints_read((bytes){ room, n }, &r->set);
}

static ch_err as_bytes(const struct registry *r, bytes *ret_b)
{
	struct wr w = wr_of(room, sizeof(room));
	fingerprints_write(r->set, &w);
	TRY(wr_done(&w));
	*ret_b = wr_bytes(&w);
	return CH_DONE;
}

ch_err registry_save(const struct registry *r)
{
	bytes b = { 0 };
	TRY(as_bytes(r, &b));
	return file_replace(r->folder, NAME, b, 0600);
}

ch_err registry_snapshot(const struct registry *r, int *ret_fd)
{
	bytes b = { 0 };
	TRY(as_bytes(r, &b));
	AUTO(fd_close) int fd = memfd_create("fingerprints", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a memfd for fingerprints", errno);
	TRY(fd_write_all(fd, b));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		return ch_fail(CH_E_IO, "cannot seal fingerprints", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}
