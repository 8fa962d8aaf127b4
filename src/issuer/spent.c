/* Which client assertions and DPoP proofs were used: tables in files beside the store, mapped,
 * so that they outlive this process and a restart lets nothing in twice. Each is made at its first
 * use. Must only be told of what a client of ours has signed: strangers cannot fill them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "issuer.h"

/* How many may be live at once: 4 and 16 MiB. An assertion is live until its exp, five minutes
 * at most, so at least 400 a second may come; a proof for 76 s, so 6,800. */
enum { ASSERTIONS_MAX = 128 * 1024, PROOFS_MAX = 512 * 1024 };

static ch_err zeros_write(int fd, size_t n)
{
	static const uint8_t zeros[16384];
	for (size_t left = n; left > 0;) {
		size_t some = left < sizeof(zeros) ? left : sizeof(zeros);
		TRY(fd_write_all(fd, (bytes){ zeros, some }));
		left -= some;
	}
	return CH_DONE;
}

static ch_err map(int fd, size_t n, void **ret_p)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot map a table of what was used", errno);
	*ret_p = p;
	return CH_DONE;
}

/* The blocks are written first: in a mapping, a full disk would be a signal. */
static ch_err blocks_write(int fd, size_t n)
{
	TRY(zeros_write(fd, n));
	if (fdatasync(fd) != 0)
		return ch_fail(CH_E_IO, "cannot make a table of what was used", errno);
	return CH_DONE;
}

/* One byte more says that the table is whole; without it, it is made anew. */
static ch_err table_make(int fd, size_t n, size_t max, struct replay **ret_r)
{
	struct replay *r = NULL;
	void *p = NULL;
	if (ftruncate(fd, 0) != 0)
		return ch_fail(CH_E_IO, "cannot make a table of what was used", errno);
	ch_err written = blocks_write(fd, n);
	if (failed(written)) {
		/* half a table is no use, and takes the room that others need */
		(void)!ftruncate(fd, 0);
		return written;
	}
	TRY(map(fd, n, &p));
	ch_err e = replay_init(p, n, max, &r);
	if (!failed(e) && (fdatasync(fd) != 0 || ftruncate(fd, (off_t)n + 1) != 0))
		e = ch_fail(CH_E_IO, "cannot make a table of what was used", errno);
	if (failed(e))
		(void)munmap(p, n);
	else
		*ret_r = r;
	return e;
}

static const struct {
	str file;
	size_t max; /* how many may be live at once */
} tables[SPENT_KINDS] = {
	[SPENT_ASSERTIONS] = { { "assertions", 10 }, ASSERTIONS_MAX },
	[SPENT_PROOFS] = { { "proofs", 6 }, PROOFS_MAX },
};

static ch_err table_open(const struct issuer *is, enum spent_kind kind, struct replay **ret_r)
{
	const size_t max = tables[kind].max, n = replay_size(max);
	struct path path;
	struct stat st;
	void *p = NULL;
	TRY(path_join(&path, is->config.store, tables[kind].file, (str){ 0 }));
	AUTO(fd_close)
	int fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open a table of what was used", errno);
	if (st.st_size != (off_t)n + 1)
		return table_make(fd, n, max, ret_r);
	TRY(map(fd, n, &p));
	return replay_attach(p, n, max, ret_r);
}

static ch_err table_of(struct issuer *is, enum spent_kind kind, struct replay **ret_r)
{
	if (!is->spent[kind])
		TRY(table_open(is, kind, &is->spent[kind]));
	*ret_r = is->spent[kind];
	return CH_DONE;
}

ch_err spent_proofs(struct issuer *is, struct replay **ret_used)
{
	return table_of(is, SPENT_PROOFS, ret_used);
}

ch_err spent_note(struct issuer *is, str realm, const struct assertion *a, int64_t now_s)
{
	char both[2 * STORE_NAME_MAX + 1];
	struct wr key = wr_of(both, sizeof(both));
	struct replay *used = NULL;
	TRY(table_of(is, SPENT_ASSERTIONS, &used));
	/* no name has a blank */
	wr_str(&key, realm);
	wr_char(&key, ' ');
	wr_str(&key, a->client);
	TRY(wr_done(&key));
	switch (replay_note(used, wr_bytes(&key), bytes_of_str(a->jti), a->exp, now_s)) {
	case REPLAY_NEW:
		return CH_DONE;
	case REPLAY_USED:
		return ch_fail(CH_E_INVALID_CLIENT,
			       "the client assertion was used before (jti): make a new one for "
			       "each request",
			       0);
	case REPLAY_FULL:
		break;
	}
	return ch_fail(CH_E_BUSY, "too many client assertions are live: let them expire sooner",
		       ASSERTIONS_MAX);
}

/* By its id, which is random: whose it is says nothing more. */
static const bytes pushed_kind = { (const uint8_t *)"pushed request", 14 };

ch_err spent_has_pushed(struct issuer *is, const struct pushed *p, bool *ret_used)
{
	struct replay *used = NULL;
	TRY(table_of(is, SPENT_ASSERTIONS, &used));
	*ret_used = replay_has(used, pushed_kind, BYTES_OF(p->id), clock_unix_s());
	return CH_DONE;
}

ch_err spent_pushed(struct issuer *is, const struct pushed *p)
{
	struct replay *used = NULL;
	TRY(table_of(is, SPENT_ASSERTIONS, &used));
	switch (replay_note(used, pushed_kind, BYTES_OF(p->id), p->used_until, clock_unix_s())) {
	case REPLAY_NEW:
		return CH_DONE;
	case REPLAY_USED:
		return ch_fail(CH_E_INVALID_REQUEST,
			       "the request_uri was used before: begin again in the application",
			       0);
	case REPLAY_FULL:
		break;
	}
	return ch_fail(CH_E_BUSY, "too many requests are live", ASSERTIONS_MAX);
}
