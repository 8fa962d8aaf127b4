/* Landlock by its system calls: this folder is built against kernels whose headers are
 * older than the kernel it runs on, so the structures and bits stand here
 * (Documentation/userspace-api/landlock.rst). */
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "sandbox/sandbox.h"

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { ASK_VERSION = 1, RULE_PATH_BENEATH = 1 };

/* file system rights: bit numbers of the kernel's ABI, and since which ABI they are */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_TRUNCATE = 1 << 14,
	FS_ABI_1 = (1 << 13) - 1,
	FS_ABI_2 = (1 << 14) - 1,
	FS_ABI_3 = (1 << 15) - 1,
	FS_ABI_5 = (1 << 16) - 1,
	FS_OF_A_FILE = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE,
	NET_TCP = 3,   /* bind and connect, ABI 4 */
	SCOPE_ALL = 3, /* abstract sockets and signals, ABI 6 */
};

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

static uint64_t handled_fs(int abi)
{
	return abi >= 5 ? FS_ABI_5 : abi >= 3 ? FS_ABI_3 : abi == 2 ? FS_ABI_2 : FS_ABI_1;
}

/* An older kernel refuses a longer structure than it knows. */
static size_t ruleset_size(int abi)
{
	return abi >= 6 ? sizeof(struct ruleset) : abi >= 4 ? 16 : 8;
}

static uint64_t rights_of(unsigned access)
{
	uint64_t rights = 0;
	if (access & ACCESS_READ)
		rights |= FS_READ_FILE | FS_READ_DIR;
	if (access & ACCESS_WRITE)
		rights |= FS_WRITE_FILE | FS_MAKE_REG | FS_REMOVE_FILE | FS_TRUNCATE;
	if (access & ACCESS_FOLDERS)
		rights |= FS_MAKE_DIR | FS_REMOVE_DIR;
	if (access & ACCESS_EXEC)
		rights |= FS_EXECUTE;
	return rights;
}

static ch_err add_path(int ruleset, const struct sandbox_path *p, uint64_t handled)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd = open(p->path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open a path that the role needs", errno);
	uint64_t rights = rights_of(p->access) & handled;
	if (!S_ISDIR(st.st_mode))
		rights &= FS_OF_A_FILE;
	struct path_beneath rule = { rights, fd };
	if (syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0)
		return ch_fail(CH_E_IO, "cannot allow a path in landlock", errno);
	return CH_DONE;
}

ch_err sandbox_landlock(const struct sandbox_path *paths, size_t n, enum sandbox_net net,
			int *ret_abi)
{
	int abi = (int)syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
	if (abi < 1)
		return ch_fail(CH_E_UNSUPPORTED, "this kernel has no landlock", errno);
	struct ruleset rules = {
		.fs = handled_fs(abi),
		.net = net == NET_NONE && abi >= 4 ? NET_TCP : 0,
		.scoped = net == NET_NONE && abi >= 6 ? SCOPE_ALL : 0,
	};
	AUTO(fd_close) int fd = (int)syscall(CREATE_RULESET, &rules, ruleset_size(abi), 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a landlock ruleset", errno);
	for (size_t i = 0; i < n; i++)
		TRY(add_path(fd, &paths[i], rules.fs));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(RESTRICT_SELF, fd, 0) != 0)
		return ch_fail(CH_E_IO, "cannot enter landlock", errno);
	*ret_abi = abi;
	return CH_DONE;
}
