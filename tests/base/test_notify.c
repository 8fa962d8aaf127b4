/* What a service manager hears: one datagram, at a path or an abstract name; and who is
 * asked for a sign of life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/notify.h"

/* A socket of a manager's kind at this address, as NOTIFY_SOCKET writes it. */
static int manager(const char *address)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = str_from_c(address).n;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mem_copy(a.sun_path, address, n);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = 0;
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
			 0);
	return fd;
}

static void hears(int fd, const char *text)
{
	char got[128] = { 0 };
	assert_int_equal(recv(fd, got, sizeof(got) - 1, 0), str_from_c(text).n);
	assert_string_equal(got, text);
	assert_int_equal(recv(fd, got, sizeof(got) - 1, 0), -1); /* one datagram */
}

static void is_heard_at(const char *address)
{
	AUTO(fd_close) int fd = manager(address);
	str at = str_from_c(address);
	assert_false(failed(notify_send(at, LIT("READY=1\nSTATUS=serving"))));
	hears(fd, "READY=1\nSTATUS=serving");
	assert_false(failed(notify_send(at, LIT("STOPPING=1"))));
	hears(fd, "STOPPING=1");
}

static void at_a_path_and_at_a_name(void **state)
{
	char folder[] = "/tmp/notify-XXXXXX", path[64], name[64];
	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	(void)snprintf(name, sizeof(name), "@chancery-notify-%d", (int)getpid());
	is_heard_at(path);
	is_heard_at(name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void nobody_listens(void **state)
{
	char longer[200];
	(void)state;
	assert_false(failed(notify_send((str){ NULL, 0 }, LIT("READY=1"))));
	assert_int_equal(ch_code_of(notify_send(LIT("/nowhere/socket"), LIT("READY=1"))), CH_E_IO);
	for (size_t i = 0; i < sizeof(longer); i++)
		longer[i] = '/';
	const str none[] = { LIT("relative"),  LIT("/"),        LIT("@"),
			     LIT("vsock:2:1"), { longer, 108 }, { longer, sizeof(longer) } };
	for (size_t i = 0; i < COUNT_OF(none); i++)
		assert_int_equal(ch_code_of(notify_send(none[i], LIT("READY=1"))), CH_E_SYNTAX);
	/* the longest that the kernel takes */
	assert_int_equal(ch_code_of(notify_send((str){ longer, 107 }, LIT("READY=1"))), CH_E_IO);
}

static void put(const char *name, const char *value)
{
	assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void the_environment_says_who(void **state)
{
	char me[32], other[32];
	(void)state;
	(void)snprintf(me, sizeof(me), "%d", (int)getpid());
	(void)snprintf(other, sizeof(other), "%d", (int)getppid());
	const struct {
		const char *us, *pid;
		uint64_t want;
	} rows[] = { { NULL, NULL, 0 },
		     { "30000000", NULL, 30000000 },
		     { "30000000", me, 30000000 },
		     { "30000000", other, 0 },
		     { "30000000", "x", 0 },
		     { "", me, 0 },
		     { "-1", NULL, 0 },
		     { "1e6", NULL, 0 } };
	put("NOTIFY_SOCKET", NULL);
	assert_int_equal(notify_wish_read().address.n, 0);
	put("NOTIFY_SOCKET", "@a");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		put("WATCHDOG_USEC", rows[i].us);
		put("WATCHDOG_PID", rows[i].pid);
		assert_int_equal(notify_wish_read().watchdog_us, rows[i].want);
		assert_true(str_eq(notify_wish_read().address, LIT("@a")));
	}
}

static void a_third_of_the_watchdog(void **state)
{
	(void)state;
	assert_int_equal(notify_timeout(0, -1), -1);
	assert_int_equal(notify_timeout(0, 70), 70);
	assert_int_equal(notify_timeout(30000000, -1), 10000);
	assert_int_equal(notify_timeout(30000000, 50), 50);
	assert_int_equal(notify_timeout(30000000, 20000), 10000);
	assert_int_equal(notify_timeout(UINT64_MAX, -1), 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_a_path_and_at_a_name),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(the_environment_says_who),
		cmocka_unit_test(a_third_of_the_watchdog),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
