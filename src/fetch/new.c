/* Constructor and destructor of the HTTP client. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "fetch_internal.h"

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	if (f->curl)
		curl_easy_cleanup(f->curl);
	free(f);
}

void fetch_done(struct fetch **f)
{
	fetch_free(*f);
	*f = NULL;
}

ch_err fetch_new(struct fetch **ret_f)
{
	AUTO(fetch_done) struct fetch *f = calloc(1, sizeof(*f));
	if (!f)
		return ch_fail(CH_E_NOMEM, "no memory for an HTTP client", sizeof(*f));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ch_fail(CH_E_UNSUPPORTED, "libcurl does not start", 0);
	f->curl = curl_easy_init();
	if (!f->curl)
		return ch_fail(CH_E_NOMEM, "no memory for an HTTP client", 0);
	/* cookies are kept in memory, for as long as the handle lives */
	(void)curl_easy_setopt(f->curl, CURLOPT_COOKIEFILE, "");
	*ret_f = TAKE(f);
	return CH_DONE;
}
