/* Configuration by sealed memfd. The reader trusts the descriptor (only the one who
 * exec'd it could place it) but not that both are of one build. */
#include "wire/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/rw.h"
#include "build_info.h"
#include "wire/channel.h"

enum { MAGIC_SIZE = 8, TEXT_MAX = 128 };

str boot_build(void)
{
	return LIT(CHANCERY_BUILD);
}

static void header_write(struct wr *w, str role)
{
	wr_str(w, LIT("CHBOOT1\n"));
	wr_u16(w, WIRE_VERSION);
	wr_str16(w, boot_build());
	wr_str16(w, role);
	wr_bool(w, log_is_json());
}

static ch_err fill_and_seal(int fd, bytes header, bytes config)
{
	uint8_t count[4];
	struct wr w = wr_of(count, sizeof(count));
	wr_u32(&w, (uint32_t)config.n);
	TRY(fd_write_all(fd, header));
	TRY(fd_write_all(fd, wr_bytes(&w)));
	TRY(fd_write_all(fd, config));
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		return ch_fail(CH_E_IO, "cannot seal a role's configuration", errno);
	if (lseek(fd, 0, SEEK_SET) != 0)
		return ch_fail(CH_E_IO, "cannot rewind a role's configuration", errno);
	return CH_DONE;
}

ch_err boot_make(str role, bytes config, int *ret_fd)
{
	uint8_t header[MAGIC_SIZE + 2 * TEXT_MAX];
	struct wr w = wr_of(header, sizeof(header));
	AUTO(fd_close) int fd = memfd_create("boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a memfd for a configuration", errno);
	if (config.n > BOOT_MAX - sizeof(header) - 4)
		return ch_fail(CH_E_FULL, "a role's configuration is too long", BOOT_MAX);
	header_write(&w, role);
	TRY(wr_done(&w));
	TRY(fill_and_seal(fd, wr_bytes(&w), config));
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

static ch_err check_header(struct rd *r, str role)
{
	bytes m = rd_take(r, MAGIC_SIZE);
	uint16_t version = rd_u16(r);
	str build = rd_str16(r, TEXT_MAX);
	str meant_for = rd_str16(r, TEXT_MAX);
	bool json = rd_bool(r);
	if (r->bad || !bytes_eq(m, bytes_of_str(LIT("CHBOOT1\n"))))
		return ch_fail(CH_E_PROTOCOL, "descriptor 3 holds no configuration: run `chancery`",
			       0);
	if (version != WIRE_VERSION)
		return ch_fail(CH_E_MISMATCH, "another wire version: restart the authority",
			       version);
	if (!str_eq(build, boot_build()))
		return ch_fail(CH_E_MISMATCH, "program of another build: restart the authority", 0);
	if (!str_eq(meant_for, role))
		return ch_fail(CH_E_MISMATCH, "configuration of another role", 0);
	log_as_json(json);
	return CH_DONE;
}

ch_err boot_read(str role, void *storage, size_t cap, bytes *ret_config)
{
	AUTO(fd_close) int fd = BOOT_FD;
	size_t n = 0;
	TRY(fd_read_all(fd, storage, cap, &n));
	struct rd r = rd_of((bytes){ storage, n });
	TRY(check_header(&r, role));
	bytes config = rd_bytes32(&r, BOOT_MAX);
	TRY(rd_done(&r));
	*ret_config = config;
	return CH_DONE;
}
