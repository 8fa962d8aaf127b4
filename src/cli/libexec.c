/* Finding the role programs: beside this program as it was built, or where the prefix has
 * them, wherever the prefix is. Trusts /proc/self/exe, never argv[0], PATH or the
 * environment. */
#include "libexec.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "build_info.h"

ch_err program_itself(struct path *ret_path)
{
	struct path exe = { 0 };
	if (readlink("/proc/self/exe", exe.p, sizeof(exe.p) - 1) < 0)
		return ch_fail(CH_E_IO, "cannot find out where this program is", errno);
	/* replaced since we were started, by what an upgrade has put in its place */
	str deleted = LIT(" (deleted)"), name = str_from_c(exe.p);
	if (str_ends(name, deleted))
		exe.p[name.n - deleted.n] = 0;
	*ret_path = exe;
	return CH_DONE;
}

ch_err libexec_folder(struct path *ret_path)
{
	static const str places[] = { { "libexec/chancery", 16 }, { "../libexec/chancery", 19 } };
	struct path exe = { 0 }, at;
	struct stat st = { 0 };
	ssize_t n = readlink("/proc/self/exe", exe.p, sizeof(exe.p) - 1);
	if (n < 0)
		return ch_fail(CH_E_IO, "cannot find out where this program is", errno);
	while (n > 0 && exe.p[n - 1] != '/')
		n--;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		TRY(path_join(&at, (str){ exe.p, (size_t)n }, places[i], (str){ 0 }));
		if (stat(at.p, &st) == 0 && S_ISDIR(st.st_mode)) {
			*ret_path = at;
			return CH_DONE;
		}
	}
	return path_of(ret_path, LIT(CHANCERY_LIBEXEC));
}
