/* The issuer's pulse: one small file, written in place so that it costs neither a new block
 * nor a sync. A reader that meets it half-written sees that by its check, and asks again. */
#include "revoke/beat.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/rw.h"
#include "crypto/hash.h"

enum { CHECK = 8 };

static const str magic = { "chrvbeat", 8 };

ch_err beat_open(int dir_fd, const char *folder, int *ret_fd)
{
	struct path path;
	TRY(path_join(&path, str_from_c(folder), LIT(REVOKE_BEAT_FILE), (str){ 0 }));
	AUTO(fd_close)
	int fd = openat(dir_fd, path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0644);
	/* whatever the umask was: who follows the chain reads this */
	if (fd < 0 || fchmod(fd, 0644) != 0)
		return ch_fail(CH_E_IO, "cannot open the pulse of revocations", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

ch_err beat_write(int fd, const struct revoke_beat *b)
{
	uint8_t room[REVOKE_BEAT_SIZE], hash[SHA256_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, magic);
	wr_u64(&w, b->count);
	wr_put(&w, BYTES_OF(b->chain));
	wr_u64(&w, b->head.seq);
	wr_put(&w, BYTES_OF(b->head.hash));
	wr_i64(&w, b->time_ms);
	sha256(wr_bytes(&w), hash);
	wr_put(&w, (bytes){ hash, CHECK });
	TRY(wr_done(&w));
	if (pwrite(fd, room, w.n, 0) != (ssize_t)w.n)
		return ch_fail(CH_E_IO, "cannot write the pulse of revocations", errno);
	return CH_DONE;
}

ch_err beat_parse(bytes b, struct revoke_beat *ret_b)
{
	struct rd r = rd_of(b);
	struct revoke_beat beat = { .count = 0 };
	uint8_t hash[SHA256_SIZE];
	if (b.n != REVOKE_BEAT_SIZE)
		return ch_fail(CH_E_SYNTAX, "the pulse of revocations has another size", b.n);
	str first = str_of_bytes(rd_take(&r, magic.n));
	beat.count = rd_u64(&r);
	bytes chain = rd_take(&r, sizeof(beat.chain));
	beat.head.seq = rd_u64(&r);
	bytes head = rd_take(&r, sizeof(beat.head.hash));
	beat.time_ms = rd_i64(&r);
	bytes check = rd_take(&r, CHECK);
	sha256((bytes){ b.p, b.n - CHECK }, hash);
	if (!rd_end(&r) || !str_eq(first, magic) || !mem_eq(check.p, hash, CHECK))
		return ch_fail(CH_E_SYNTAX, "the pulse of revocations is half-written", 0);
	mem_copy(beat.chain, chain.p, chain.n);
	mem_copy(beat.head.hash, head.p, head.n);
	*ret_b = beat;
	return CH_DONE;
}

ch_err beat_read(int dir_fd, struct revoke_beat *ret_b)
{
	uint8_t room[REVOKE_BEAT_SIZE];
	AUTO(fd_close)
	int fd = openat(dir_fd, REVOKE_BEAT_FILE, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no pulse of revocations", 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot read the pulse of revocations", errno);
	ssize_t n = read(fd, room, sizeof(room));
	if (n < 0)
		return ch_fail(CH_E_IO, "cannot read the pulse of revocations", errno);
	return beat_parse((bytes){ room, (size_t)n }, ret_b);
}
