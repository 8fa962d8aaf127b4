/* The parts of an absolute URI that we compare: scheme, host, port, path, query.
 * Slices into the input; nothing is decoded or normalised. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct url {
	str scheme;
	str host;  /* without the brackets of an IPv6 address */
	str port;  /* p == NULL: none given */
	str path;  /* from '/' on; empty if there is none */
	str query; /* behind '?'; p == NULL: none */
};

/* http and https only; E_SYNTAX (detail = offset) for a user part, a fragment, white
 * space, control or non-ASCII bytes, an empty host. */
ch_err url_parse(str s, struct url *ret_url);
/* Is the host 127.0.0.0/8, ::1 or localhost? */
bool url_is_loopback(const struct url *u);
/* RFC 8252 section 7.3: the same URI, but any port when both are http on the same
 * loopback IP literal (or localhost). */
bool url_redirect_matches(str registered, str asked);
