/* Paths: what stands behind a home or mail folder goes, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "elfcore/core.h"

static const char *const cases[][2] = {
	{ "/home/alice/bin/app", "/home/xxxxxxxxxxxxx" },
	{ "/root/.ssh/agent", "/root/xxxxxxxxxx" },
	{ "/var/mail/alice", "/var/mail/xxxxx" },
	{ "/var/spool/mail/bob", "/var/spool/mail/xxx" },
	{ "/var/vmail/example.org/bob/cur/1", "/var/vmail/xxxxxxxxxxxxxxxxxxxxx" },
	{ "/srv/mail/bob/Maildir/cur/1", "/srv/xxxxxxxxxxxxxxxxxxxxxx" },
	{ "/data/bob/mdbox/storage/m.1", "/data/xxxxxxxxxxxxxxxxxxxxx" },
	{ "/data/bob/sdbox", "/data/xxxxxxxxx" },
	{ "/export/home/alice/x", "/export/home/xxxxxxx" },
	{ "Maildir/cur/1", "xxxxxxxxxxxxx" },
	{ "/Maildir/cur/1", "/xxxxxxxxxxxxx" },
	{ "/home/", "/home/" },
	{ "/home", "/home" },
	{ "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6" },
	{ "/usr/share/homes/x", "/usr/share/homes/x" },
	{ "/opt/Maildirs/x", "/opt/Maildirs/x" },
	{ "/memfd:root (deleted)", "/memfd:root (deleted)" },
	{ "", "" },
};

static void masks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char p[64] = { 0 };
		str path = str_from_c(cases[i][0]);
		mem_copy(p, path.p, path.n);
		core_path_mask(p, path.n);
		assert_string_equal(p, cases[i][1]);
		/* masked once more it is the same: memory and notes can be compared */
		core_path_mask(p, path.n);
		assert_string_equal(p, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(masks) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
