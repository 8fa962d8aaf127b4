/* Paths of a process name people: whose home it ran in, whose mail it had open. What stands
 * behind such a folder is overwritten, with the length as it was. */
#include "elfcore/core.h"

static const str tops[] = { LIT("/root/"), LIT("/var/mail/"), LIT("/var/spool/mail/"),
			    LIT("/var/vmail/") };
static const str mail_folders[] = { LIT("Maildir"), LIT("mdbox"), LIT("sdbox") };

/* How much of the path stays. */
static size_t stays(str path)
{
	for (size_t i = 0; i < COUNT_OF(tops); i++)
		if (str_starts(path, tops[i]))
			return tops[i].n;
	size_t top = 0; /* behind the first folder */
	str rest = path;
	for (size_t at = 0; rest.p; at = path.n - rest.n) {
		str part = str_cut(&rest, '/');
		if (part.n && !top)
			top = rest.p ? path.n - rest.n : path.n;
		if (str_eq(part, LIT("home")) && rest.p)
			return path.n - rest.n;
		for (size_t i = 0; i < COUNT_OF(mail_folders); i++)
			if (str_eq(part, mail_folders[i]))
				return top < at ? top : at;
	}
	return path.n;
}

void core_path_mask(char *p, size_t n)
{
	for (size_t i = stays((str){ p, n }); i < n; i++)
		p[i] = 'x';
}
