/* Root starts what needs no right of root's: it becomes whoever owns the folder that it writes. */
#include "owner.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

ch_err owner_become(int folder)
{
	struct stat st = { 0 };
	if (geteuid() != 0)
		return CH_DONE;
	if (fstat(folder, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the folder", errno);
	if (st.st_uid == 0 || st.st_gid == 0)
		return ch_fail(CH_E_DENIED,
			       "the folder that it writes is root's: give it to the user that it "
			       "shall run as",
			       0);
	if (setgroups(0, NULL) != 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) != 0)
		return ch_fail(CH_E_IO, "cannot become the folder's owner", errno);
	return CH_DONE;
}
