/* Addresses as text and back, by the C library. The text is a stranger's, so the buffer is
 * fixed and anything but a plain numeric address is none. */
#include "base/address.h"

#include <arpa/inet.h>

enum { MAPPED_AT = 12 };

static const uint8_t mapped[MAPPED_AT] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool address_of(str text, struct address *ret_a)
{
	char c[INET6_ADDRSTRLEN] = { 0 };
	struct address a = { 0 };
	*ret_a = a;
	if (text.n == 0 || text.n >= sizeof(c) || str_has(text, 0))
		return false;
	mem_copy(c, text.p, text.n);
	bool six = str_has(text, ':');
	if (inet_pton(six ? AF_INET6 : AF_INET, c, a.ip) != 1)
		return false;
	a.family = six ? 6 : 4;
	if (six && mem_eq(a.ip, mapped, MAPPED_AT)) {
		struct address v4 = { .family = 4 };
		mem_copy(v4.ip, a.ip + MAPPED_AT, 4);
		a = v4;
	}
	*ret_a = a;
	return true;
}

void address_print(struct wr *w, const struct address *a)
{
	char c[INET6_ADDRSTRLEN] = "-";
	if (a->family == 4 || a->family == 6)
		(void)inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, c, sizeof(c));
	wr_str(w, str_from_c(c));
}

struct address address_client(const struct address *a)
{
	struct address c = { .family = a->family };
	mem_copy(c.ip, a->ip, a->family == 4 ? 4 : a->family == 6 ? 8 : 0);
	return c;
}
