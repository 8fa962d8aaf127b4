/* Passwords typed at a terminal: never echoed, and the terminal is put back however it ends:
 * while one is typed, no key sends a signal. */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rw.h"

bool prompt_possible(void)
{
	return isatty(STDIN_FILENO) == 1;
}

static ch_err read_line(int tty, char *storage, size_t cap, str *ret_line)
{
	size_t n = 0;
	for (;;) {
		char c = 0;
		ssize_t got = read(tty, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || c == '\n')
			break;
		if ((uint8_t)c < 0x20)
			return ch_fail(CH_E_SYNTAX, "it was broken off", (uint8_t)c);
		if (n == cap)
			return ch_fail(CH_E_FULL, "it is too long", cap);
		storage[n++] = c;
	}
	*ret_line = (str){ storage, n };
	return CH_DONE;
}

static ch_err ask(int tty, str text, char *storage, size_t cap, str *ret_line)
{
	TRY(fd_write_all(tty, bytes_of_str(text)));
	ch_err e = read_line(tty, storage, cap, ret_line);
	(void)fd_write_all(tty, bytes_of_str(LIT("\n")));
	return e;
}

static ch_err ask_twice(int tty, str whose, char *storage, size_t cap, str *ret_password)
{
	char room[256];
	struct wr w = wr_of(room, sizeof(room));
	str first = { 0 }, second = { 0 };
	wr_lit(&w, "New password of ");
	wr_str(&w, whose);
	wr_lit(&w, ": ");
	TRY(ask(tty, wr_text(&w), storage, cap / 2, &first));
	if (first.n == 0)
		return ch_fail(CH_E_MISSING, "no password was typed", 0);
	TRY(ask(tty, LIT("The same again: "), storage + cap / 2, cap / 2, &second));
	if (!str_eq(first, second))
		return ch_fail(CH_E_MISMATCH, "the two are not the same", 0);
	*ret_password = first;
	return CH_DONE;
}

ch_err prompt_new_password(str whose, void *storage, size_t cap, str *ret_password)
{
	struct termios before = { 0 };
	AUTO(fd_close) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0 || tcgetattr(tty, &before) != 0)
		return ch_fail(CH_E_IO, "there is no terminal to ask at", errno);
	struct termios quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
		return ch_fail(CH_E_IO, "cannot keep the terminal from echoing", errno);
	ch_err e = ask_twice(tty, whose, storage, cap, ret_password);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	return e;
}
