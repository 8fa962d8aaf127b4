/* One request, waited for. The folder is the only one that includes curl. */
#include "fetch/fetch.h"

#include "base/cleanup.h"
#include "fetch_internal.h"

/* The last request. Not by curl_easy_reset, which loses, and leaks, that cookies are wanted. */
static void forget(CURL *c)
{
	(void)curl_easy_setopt(c, CURLOPT_USERNAME, NULL);
	(void)curl_easy_setopt(c, CURLOPT_PASSWORD, NULL);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
	(void)curl_easy_setopt(c, CURLOPT_RESOLVE, NULL);
	(void)curl_easy_setopt(c, CURLOPT_PROXY, NULL);
	(void)curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 0L);
}

ch_err fetch_run(struct fetch *f, const struct fetch_request *q, struct arena *a,
		 struct fetch_answer *ret_answer)
{
	AUTO(sink_done) struct sink s = { 0 };
	forget(f->curl);
	TRY(request_set(f->curl, q, a, &s));
	CURLcode code = curl_easy_perform(f->curl);
	TRY(request_end(f->curl, code, &s));
	*ret_answer = s.answer;
	return CH_DONE;
}
