/* The certificate that a web server's client showed, as the web server hands it on. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { CERT_TEXT_MAX = 16 * 1024 };

/* One certificate in PEM (RFC 7468, strictly; blanks and line ends between its parts),
 * percent-escaped or not, becomes DER in the arena. E_SYNTAX: no PEM, more than one, a broken
 * escape, base64 that is not canonical; E_LIMIT: over CERT_TEXT_MAX or no room. What the
 * DER says is not looked at: whoever ended TLS has checked it. */
ch_err cert_read(str text, struct arena *a, bytes *ret_der);
