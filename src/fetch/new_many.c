/* Constructor and destructor of several requests at once. */
#include <stdlib.h>
#include <sys/epoll.h>

#include <errno.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "many_internal.h"

void fetches_free(struct fetches *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		if (f->slots[i].busy)
			(void)curl_multi_remove_handle(f->multi, f->slots[i].curl);
		if (f->slots[i].curl)
			curl_easy_cleanup(f->slots[i].curl);
		sink_done(&f->slots[i].sink);
	}
	if (f->multi)
		(void)curl_multi_cleanup(f->multi);
	fd_close(&f->epoll);
	free(f->room);
	free(f);
}

void fetches_done(struct fetches **f)
{
	fetches_free(*f);
	*f = NULL;
}

static ch_err open_multi(struct fetches *f)
{
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->epoll < 0)
		return ch_fail(CH_E_IO, "cannot make an epoll", errno);
	f->multi = curl_multi_init();
	if (!f->multi)
		return ch_fail(CH_E_NOMEM, "no memory for an HTTP client", 0);
	(void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	(void)curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	return CH_DONE;
}

ch_err fetches_new(size_t slots, size_t body_max, struct fetches **ret_f)
{
	if (slots == 0 || slots > FETCHES_MAX)
		return ch_fail(CH_E_RANGE, "as many requests at once cannot be", slots);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ch_fail(CH_E_UNSUPPORTED, "libcurl does not start", 0);
	AUTO(fetches_done) struct fetches *f = calloc(1, sizeof(*f));
	if (!f)
		return ch_fail(CH_E_NOMEM, "no memory for an HTTP client", sizeof(*f));
	f->epoll = -1;
	f->body_max = body_max;
	size_t size = (body_max + FETCH_TEXTS_MAX + 63) / 64 * 64;
	f->room = calloc(slots, size);
	if (!f->room)
		return ch_fail(CH_E_NOMEM, "no memory for an HTTP client", size);
	TRY(open_multi(f));
	for (size_t i = 0; i < slots; i++) {
		arena_init(&f->slots[i].arena, f->room + i * size, size);
		f->slots[i].curl = curl_easy_init();
		if (!f->slots[i].curl)
			return ch_fail(CH_E_NOMEM, "no memory for an HTTP client", i);
		f->n = i + 1;
	}
	*ret_f = TAKE(f);
	return CH_DONE;
}
