/* The parts of a URL, put together, are the URL; and it matches itself. */
#include <assert.h>

#include "codec/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str s = str_of_bytes((bytes){ data, size });
	struct url u;
	if (failed(url_parse(s, &u)))
		return 0;
	bool literal = str_has(u.host, ':') || s.p[u.scheme.n + 3] == '[';
	size_t total = u.scheme.n + 3 + u.host.n + (literal ? 2 : 0) +
		       (u.port.p ? u.port.n + 1 : 0) + u.path.n + (u.query.p ? u.query.n + 1 : 0);
	assert(total == size && u.host.n);
	assert(!str_has(s, '#') && !str_has(s, '\\') && !str_has(u.host, '@'));
	assert(url_redirect_matches(s, s));
	(void)url_is_loopback(&u);
	return 0;
}
