/* One request, waited for. The folder is the only one that includes curl. */
#include "fetch/fetch.h"

#include "base/cleanup.h"
#include "fetch_internal.h"

ch_err fetch_run(struct fetch *f, const struct fetch_request *q, struct arena *a,
		 struct fetch_answer *ret_answer)
{
	AUTO(sink_done) struct sink s = { 0 };
	/* forgets the last request; cookies stay, in memory, for as long as the handle lives */
	curl_easy_reset(f->curl);
	(void)curl_easy_setopt(f->curl, CURLOPT_COOKIEFILE, "");
	TRY(request_set(f->curl, q, a, &s));
	CURLcode code = curl_easy_perform(f->curl);
	TRY(request_end(f->curl, code, &s));
	*ret_answer = s.answer;
	return CH_DONE;
}
