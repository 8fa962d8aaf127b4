/* The reader of sealed dumps behind its seals: the linker puts an opener in place that takes
 * everything, so that frames of zstd and their parts can be anything. The first byte says how
 * the rest is given: as the file behind its head, or as parts that are packed here. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "base/file.h"
#include "crypto/key.h"
#include "sealed_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ch_err __wrap_sealed_stream_open(const struct secret *private_half,
				 const uint8_t head[static SEALED_STREAM_HEAD],
				 struct secret **ret_state);
ch_err __wrap_sealed_stream_get(struct secret *state, bytes associated, bytes sealed,
				uint8_t *ret_plain, bool *ret_last);

enum { PACK = 1, ROOM = 256 * 1024 };

ch_err __wrap_sealed_stream_open(const struct secret *private_half,
				 const uint8_t head[static SEALED_STREAM_HEAD],
				 struct secret **ret_state)
{
	(void)private_half;
	(void)head;
	return secret_new(1, ret_state);
}

/* The tag's byte says whether it is the last. */
ch_err __wrap_sealed_stream_get(struct secret *state, bytes associated, bytes sealed,
				uint8_t *ret_plain, bool *ret_last)
{
	(void)state;
	(void)associated;
	mem_copy(ret_plain, sealed.p + SEALED_STREAM_OVERHEAD, sealed.n - SEALED_STREAM_OVERHEAD);
	*ret_last = sealed.p[0] & 1;
	return CH_DONE;
}

static struct secret *key;
static struct dump_public_key to;
static uint8_t packed[ROOM];

static void setup(void)
{
	if (!key && (failed(crypto_init(NULL)) || failed(dump_key_new(&to, &key))))
		abort();
}

static ch_err write_input(int fd, const uint8_t *data, size_t size)
{
	uint8_t head[DUMP_HEAD_SIZE + FRAME_LENGTH + SEALED_STREAM_OVERHEAD];
	struct wr w = wr_of(head, sizeof(head));
	wr_str(&w, DUMP_MAGIC);
	dump_key_id(&to, wr_room(&w, KEY_ID_SIZE));
	(void)wr_room(&w, SEALED_STREAM_HEAD);
	if (!(data[0] & PACK)) {
		TRY(fd_write_all(fd, wr_bytes(&w)));
		return fd_write_all(fd, (bytes){ data + 1, size - 1 });
	}
	size_t n = ZSTD_compress(packed, sizeof(packed), data + 1, size - 1, 1);
	if (ZSTD_isError(n))
		return ch_fail(CH_E_FULL, "too much at once", size);
	wr_u32(&w, (uint32_t)(n + SEALED_STREAM_OVERHEAD));
	*wr_room(&w, SEALED_STREAM_OVERHEAD) = 1;
	TRY(fd_write_all(fd, wr_bytes(&w)));
	return fd_write_all(fd, (bytes){ packed, n });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(sealed_reader_done) struct sealed_reader *r = NULL;
	AUTO(fd_close) int fd = memfd_create("dump", MFD_CLOEXEC);
	struct sealed_piece p;
	uint64_t sum = 0;
	bool report = false;
	setup();
	if (size == 0 || failed(write_input(fd, data, size)) || lseek(fd, 0, SEEK_SET) != 0 ||
	    failed(sealed_reader_new(fd, key, &r)))
		return 0;
	while (!failed(sealed_next(r, &p))) {
		/* the report is the last, and each byte of a piece is there */
		if (report || (!p.is_report && p.n == 0) || (!p.is_fill && p.n != p.data.n))
			abort();
		report = p.is_report;
		for (size_t i = 0; i < p.data.n; i++)
			sum += p.data.p[i];
	}
	return sum == 1 && size == 0;
}
