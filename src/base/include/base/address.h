/* A client's address as a small value: what limits are counted by and what sightings keep. */
#pragma once
#include "base/bytes.h"
#include "base/rw.h"

struct address {
	uint8_t family; /* 4, 6, or 0: not known */
	uint8_t ip[16]; /* of IPv4 the first four */
};

/* "192.0.2.7" or "2001:db8::1"; IPv4 in IPv6 (::ffff:…) becomes IPv4. False, and family 0,
 * for anything else: a name, a zone, blanks. */
bool address_of(str text, struct address *ret_a);
/* The same as text (RFC 5952); "-" for family 0. */
void address_print(struct wr *w, const struct address *a);
/* Who counts as one client: IPv4 whole, IPv6 by its /64. All unknown ones count as one. */
struct address address_client(const struct address *a);
