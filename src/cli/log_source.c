/* A log's files, from a folder or over HTTP. */
#include "log_source.h"

#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "options.h"

enum { TIMEOUT_S = 20, SECOND_NS = 1000 * 1000 * 1000, URL_MAX = 1024, ADDRESSES_MAX = 512 };

static ch_err status_judge(unsigned status)
{
	if (status == 200)
		return CH_DONE;
	if (status == 404 || status == 410)
		return ch_fail(CH_E_NOT_FOUND, "the log's server has no such file", status);
	if (status == 401 || status == 403)
		return ch_fail(CH_E_DENIED,
			       "the log's server does not let us read: look at client and secret",
			       status);
	return ch_fail(CH_E_BUSY, "the log's server does not serve now", status);
}

void log_source_bound(struct log_source *s, uint64_t bytes_max, uint64_t seconds)
{
	s->bytes = 0;
	s->bytes_max = bytes_max;
	s->until_ns = clock_mono_ns() + seconds * SECOND_NS;
}

/* The seconds that the next request may take. */
static ch_err time_left(const struct log_source *s, unsigned *ret_s)
{
	uint64_t now = clock_mono_ns();
	*ret_s = TIMEOUT_S;
	if (!s->until_ns)
		return CH_DONE;
	if (now >= s->until_ns)
		return ch_fail(CH_E_BUSY, "reading the log takes longer than --seconds", 0);
	uint64_t left = (s->until_ns - now) / SECOND_NS + 1;
	if (left < TIMEOUT_S)
		*ret_s = (unsigned)left;
	return CH_DONE;
}

static ch_err count(struct log_source *s, size_t n)
{
	s->bytes += n;
	if (s->bytes_max && s->bytes > s->bytes_max)
		return ch_fail(CH_E_FULL, "the log's server sends more than --megabytes", s->bytes);
	return CH_DONE;
}

static ch_err url_get(struct log_source *s, str name, struct wr *w)
{
	char text[URL_MAX], address_text[ADDRESSES_MAX];
	struct wr url = wr_of(text, sizeof(text));
	struct wr addresses = wr_of(address_text, sizeof(address_text));
	struct fetch_answer a = { 0 };
	unsigned timeout_s = 0;
	TRY(time_left(s, &timeout_s));
	str base = str_from_c(s->place->url);
	wr_str(&url, str_ends(base, LIT("/")) ? str_sub(base, 0, base.n - 1) : base);
	wr_char(&url, '/');
	wr_str(&url, name);
	TRY(wr_done(&url));
	/* here: libcurl would start a thread for it */
	TRY(fetch_lookup(wr_text(&url), &addresses));
	arena_reset(&s->arena);
	const struct fetch_request q = { .url = wr_text(&url),
					 .user = s->user,
					 .password = secret_bytes_of(bytes_of_str(s->secret)),
					 .timeout_s = timeout_s,
					 .max = w->cap - w->n,
					 .pinned = true,
					 .reuse = true,
					 .ca_file = str_from_c(s->place->ca_file),
					 .addresses = wr_text(&addresses) };
	TRY(fetch_run(s->client, &q, &s->arena, &a));
	TRY(count(s, a.body.n));
	TRY(status_judge(a.status));
	wr_put(w, a.body);
	return wr_done(w);
}

static ch_err tile_get(struct tile_source *tiles, const struct tile_id *t, struct wr *ret_tile)
{
	struct log_source *s = (struct log_source *)tiles;
	char text[TILE_PATH_MAX];
	struct wr path = wr_of(text, sizeof(text));
	if (!s->place->url)
		return s->store.tiles.get(&s->store.tiles, t, ret_tile);
	tile_path_write(&path, t);
	TRY(wr_done(&path));
	return url_get(s, wr_text(&path), ret_tile);
}

ch_err log_source_open(const struct log_place *p, struct log_source *ret_s)
{
	struct log_source *s = ret_s;
	s->tiles.get = tile_get;
	s->place = p;
	s->store.dir_fd = -1;
	s->client = NULL;
	s->bytes_max = s->until_ns = 0;
	s->user = (str){ 0 };
	s->secret = (str){ 0 };
	arena_init(&s->arena, s->memory, sizeof(s->memory));
	if (!p->url)
		return logstore_open(AT_FDCWD, p->folder, &s->store);
	if (p->client) {
		s->user = str_from_c(p->client);
		TRY(first_line_read(p->secret_file, s->secret_room, sizeof(s->secret_room),
				    &s->secret));
	}
	return fetch_new(&s->client);
}

void log_source_close(struct log_source *s)
{
	fetch_free(s->client);
	s->client = NULL;
	logstore_close(&s->store);
	mem_wipe(s->secret_room, sizeof(s->secret_room));
}

static ch_err folder_get(struct log_source *s, str name, struct wr *w)
{
	struct path path;
	size_t n = 0;
	bool cosigned = str_eq(name, LIT("cosigned/checkpoint"));
	TRY(path_of(&path, cosigned ? name : LIT(LOGSTORE_CHECKPOINT)));
	TRY(file_read(s->store.dir_fd, path.p, w->p + w->n, w->cap - w->n, &n));
	w->n += n;
	return CH_DONE;
}

ch_err log_source_note(struct log_source *s, str name, struct wr *w)
{
	return s->place->url ? url_get(s, name, w) : folder_get(s, name, w);
}
