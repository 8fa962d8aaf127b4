/* Names to addresses, in the thread that asks. By the old reentrant calls: getaddrinfo
 * opens a netlink socket to sort what it found, which a sandboxed process may not, and
 * libcurl tries the addresses in turn anyhow. */
#include <arpa/inet.h>
#include <netdb.h>
#include <nss.h>

#include "base/path.h"
#include "codec/url.h"
#include "fetch_internal.h"

enum { ROOM = 8192, ADDRESSES_MAX = 8 };

static void put_all(struct wr *w, const struct hostent *h)
{
	for (size_t i = 0; i < ADDRESSES_MAX && h->h_addr_list[i]; i++) {
		char text[INET6_ADDRSTRLEN] = { 0 };
		if (!inet_ntop(h->h_addrtype, h->h_addr_list[i], text, sizeof(text)))
			continue;
		if (w->n > 0)
			wr_char(w, ',');
		wr_str(w, str_from_c(text));
	}
}

static bool is_literal(const char *host)
{
	struct in6_addr room;
	return inet_pton(AF_INET, host, &room) == 1 || inet_pton(AF_INET6, host, &room) == 1;
}

ch_err fetch_lookup(str url, struct wr *w)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct url u;
	struct path host;
	TRY(url_parse(url, &u));
	TRY(path_of(&host, u.host));
	if (is_literal(host.p) || str_eq_nocase(u.host, LIT("localhost")))
		return CH_DONE;
	for (size_t i = 0; i < COUNT_OF(families); i++) {
		char room[ROOM];
		struct hostent entry, *found = NULL;
		int why = 0;
		if (gethostbyname2_r(host.p, families[i], &entry, room, sizeof(room), &found,
				     &why) == 0 &&
		    found)
			put_all(w, found);
	}
	return w->n > 0 ? wr_done(w) : ch_fail(CH_E_GONE, "there is no server of that name", 0);
}

ch_err fetch_lookup_plainly(void)
{
	if (__nss_configure_lookup("hosts", "files dns") != 0)
		return ch_fail(CH_E_UNSUPPORTED, "cannot choose how names are looked up", 0);
	return CH_DONE;
}
