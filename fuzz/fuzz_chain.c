/* A segment made of anything, with a hash that is always the same (sha256 is wrapped), so that the
 * parsers behind the hashes are reached. It is not zero: that is what is not written yet. Whatever it holds: reading it ends, and when a
 * writer takes it, what the writer then adds is read back. */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "chain_internal.h"
#include "crypto/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __wrap_sha256(bytes b, uint8_t ret_hash[static SHA256_SIZE]);

enum { ALWAYS = 0x5a };

static uint8_t room[CHAIN_ROOM_MAX];
static char folder[] = "/tmp/fuzz-chain-XXXXXX";
static int dir_fd = -1;

void __wrap_sha256(bytes b, uint8_t ret_hash[static SHA256_SIZE])
{
	(void)b;
	for (size_t i = 0; i < SHA256_SIZE; i++)
		ret_hash[i] = ALWAYS;
}

int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
	(void)fd; /* the disk is not what is tried here */
	return 0;
}

static void remove_folder(void)
{
	(void)dir_remove(AT_FDCWD, folder);
}

static void store(const uint8_t *data, size_t size)
{
	struct path name;
	segment_name(&name, 0);
	if (dir_fd < 0) {
		assert(mkdtemp(folder));
		(void)atexit(remove_folder);
		dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	AUTO(fd_close)
	int fd = openat(dir_fd, name.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert(fd >= 0 && !failed(fd_write_all(fd, (bytes){ data, size })));
}

static struct chain_ref ref_of(void)
{
	return (struct chain_ref){ dir_fd, ".", LIT("test"), room, sizeof(room) };
}

static void append_and_read(struct chain *c)
{
	const struct chain_ref ref = ref_of();
	struct chain_report report;
	uint64_t next = c->next_seq;
	assert(!failed(chain_add(c, 7, 1, (bytes){ (const uint8_t *)"new", 3 })));
	assert(!failed(chain_write(c, c->segment_created_ms, CHAIN_LATER)));
	chain_close(c);
	assert(!failed(chain_verify(&ref, NULL, &report)));
	assert(report.next_seq == next + 1 && report.torn_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	store(data, size);
	const struct chain_config config = { .ref = ref_of(),
					     .limits = { .segment_ms = INT64_MAX } };
	(void)chain_verify(&config.ref, NULL, &report);
	assert(report.records >= report.frames && report.bytes <= size);
	if (!failed(chain_open(&c, &config, 0, &o)))
		append_and_read(&c);
	return 0;
}
