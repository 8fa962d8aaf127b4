/* Finding the role programs. Trusts /proc/self/exe, never argv[0], PATH or the
 * environment. */
#include "libexec.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build_info.h"

ch_err libexec_folder(struct path *ret_path)
{
	struct path exe = { 0 }, beside;
	struct stat st = { 0 };
	ssize_t n = readlink("/proc/self/exe", exe.p, sizeof(exe.p) - 1);
	if (n < 0)
		return ch_fail(CH_E_IO, "cannot find out where this program is", errno);
	while (n > 0 && exe.p[n - 1] != '/')
		n--;
	TRY(path_join(&beside, (str){ exe.p, (size_t)n }, LIT("libexec/chancery"), (str){ 0 }));
	if (stat(beside.p, &st) == 0 && S_ISDIR(st.st_mode)) {
		*ret_path = beside;
		return CH_DONE;
	}
	return path_of(ret_path, LIT(CHANCERY_LIBEXEC));
}
