/* This server speaks no TLS: that is the front's. libmicrohttpd starts GnuTLS all the same, whose
 * parsed ASN.1, ciphers and token modules would be 120 KiB of heap in each process that serves,
 * and code that nobody calls. So GnuTLS is told to leave it (gnutls.h, GNUTLS_SKIP_GLOBAL_INIT),
 * and the library's own call comes here. Nothing here may ever ask it for TLS. */
#include "http_internal.h"

/* of GnuTLS's headers, which the build does not need for it */
__attribute__((visibility("default"))) int _gnutls_global_init_skip(void);
__attribute__((visibility("default"))) int gnutls_global_init(void);

int _gnutls_global_init_skip(void)
{
	return 1;
}

int gnutls_global_init(void)
{
	return 0;
}
