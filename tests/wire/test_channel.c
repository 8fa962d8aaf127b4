/* Channels on real sockets: bounds, descriptors, an absent peer; and boot's memfd. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rw.h"
#include "wire/boot.h"
#include "wire/channel.h"

static uint8_t room[MESSAGE_MAX + 1];

static void messages_keep_their_bounds(void **state)
{
	(void)state;
	int end[2];
	bytes got;
	assert_false(failed(channel_pair(end)));
	assert_int_equal(ch_code_of(channel_recv(end[1], room, MESSAGE_MAX, &got, NULL)),
			 CH_E_BUSY);
	assert_false(failed(channel_send(end[0], bytes_of_str(LIT("one")), NULL)));
	assert_false(failed(channel_send(end[0], bytes_of_str(LIT("three")), NULL)));
	assert_false(failed(channel_wait(end[1], POLLIN, 1000)));
	assert_false(failed(channel_recv(end[1], room, MESSAGE_MAX, &got, NULL)));
	assert_int_equal(got.n, 3);
	assert_int_equal(ch_code_of(channel_recv(end[1], room, 4, &got, NULL)), CH_E_PROTOCOL);
	fd_close(&end[0]);
	assert_int_equal(ch_code_of(channel_recv(end[1], room, MESSAGE_MAX, &got, NULL)),
			 CH_E_GONE);
	assert_int_equal(ch_code_of(channel_send(end[1], bytes_of_str(LIT("x")), NULL)), CH_E_GONE);
	fd_close(&end[1]);
}

static void a_socket_without_a_peer_is_gone(void **state)
{
	(void)state;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(ch_code_of(channel_send(fd, bytes_of_str(LIT("x")), NULL)), CH_E_GONE);
	fd_close(&fd);
}

static void descriptors_travel_and_close(void **state)
{
	(void)state;
	int end[2], pipes[2];
	bytes got;
	struct message_fds in = { .n = 0 }, out = { .n = 0 };
	assert_false(failed(channel_pair(end)));
	assert_int_equal(pipe(pipes), 0);
	in.fd[in.n++] = pipes[1];
	assert_false(failed(channel_send(end[0], bytes_of_str(LIT("fd")), &in)));
	assert_false(failed(channel_recv(end[1], room, MESSAGE_MAX, &got, &out)));
	assert_int_equal(out.n, 1);
	assert_true(fcntl(out.fd[0], F_GETFD) & FD_CLOEXEC);
	int fd = message_fds_take(&out, 0);
	assert_int_equal(write(fd, "x", 1), 1);
	fd_close(&fd);
	/* where none is expected, one is a breach, and it does not stay open */
	assert_false(failed(channel_send(end[0], bytes_of_str(LIT("fd")), &in)));
	assert_int_equal(ch_code_of(channel_recv(end[1], room, MESSAGE_MAX, &got, NULL)),
			 CH_E_PROTOCOL);
	fd_close(&pipes[1]);
	assert_int_equal(read(pipes[0], room, 2), 1);
	assert_int_equal(read(pipes[0], room, 2), 0);
	fd_close(&pipes[0]);
	fd_close(&end[0]);
	fd_close(&end[1]);
}

static void an_empty_message_is_not_the_end(void **state)
{
	(void)state;
	int end[2];
	bytes got = { 0 };
	assert_false(failed(channel_pair(end)));
	assert_false(failed(channel_send(end[0], (bytes){ (const uint8_t *)"", 0 }, NULL)));
	assert_int_equal(ch_code_of(channel_recv(end[1], room, MESSAGE_MAX, &got, NULL)),
			 CH_E_PROTOCOL);
	fd_close(&end[0]);
	assert_int_equal(ch_code_of(channel_recv(end[1], room, MESSAGE_MAX, &got, NULL)),
			 CH_E_GONE);
	fd_close(&end[1]);
}

/* In a child, with the memfd at BOOT_FD: the code that boot_read gives. */
static int boot_in_child(str made_for, str read_as, bytes config)
{
	static uint8_t storage[BOOT_MAX];
	int fd = -1, status = 0;
	assert_false(failed(boot_make(made_for, config, &fd)));
	pid_t pid = fork();
	if (pid == 0) {
		bytes got = { 0 };
		if (fd != BOOT_FD)
			(void)dup2(fd, BOOT_FD);
		ch_err e = boot_read(read_as, storage, sizeof(storage), &got);
		if (!failed(e) && (!bytes_eq(got, config) || fcntl(BOOT_FD, F_GETFD) >= 0))
			_exit(255);
		_exit(ch_code_of(e));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd_close(&fd);
	return WEXITSTATUS(status);
}

static void boot_is_for_one_role(void **state)
{
	(void)state;
	bytes config = bytes_of_str(LIT("configuration"));
	assert_int_equal(boot_in_child(LIT("signer"), LIT("signer"), config), CH_OK);
	assert_int_equal(boot_in_child(LIT("signer"), LIT("signer"), (bytes){ 0 }), CH_OK);
	assert_int_equal(boot_in_child(LIT("signer"), LIT("issuer"), config), CH_E_MISMATCH);
}

static void boot_cannot_be_changed(void **state)
{
	(void)state;
	int fd = -1;
	assert_false(failed(boot_make(LIT("x"), bytes_of_str(LIT("y")), &fd)));
	assert_int_equal(write(fd, "z", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	fd_close(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_keep_their_bounds),
		cmocka_unit_test(a_socket_without_a_peer_is_gone),
		cmocka_unit_test(descriptors_travel_and_close),
		cmocka_unit_test(an_empty_message_is_not_the_end),
		cmocka_unit_test(boot_is_for_one_role),
		cmocka_unit_test(boot_cannot_be_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
