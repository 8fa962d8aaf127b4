/* The log over HTTP: <base>/log/checkpoint, <base>/log/cosigned/checkpoint and
 * <base>/log/tile/…, as the files stand in DIR/log (https://c2sp.org/tlog-tiles). Only names that
 * a log has are looked for, and no link on the way is followed: who writes the folder must not be
 * able to have another file served. Whether what they hold is true is the reader's to check, who has
 * the log's key; so an old head is served as well as a new one. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "crypto/hash.h"
#include "issuer.h"
#include "merkle/tile.h"
#include "wire/ledger.h"

enum { FIELDS = 5, COSIGNED_MAX = 2 * LEDGER_NOTE_MAX };

ch_err log_open_folder(struct issuer *is)
{
	struct path folder;
	is->log.folder_fd = -1;
	if (is->config.log.n == 0)
		return CH_DONE;
	TRY(path_of(&folder, is->config.log));
	is->log.folder_fd = open(folder.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (is->log.folder_fd < 0)
		return ch_fail(CH_E_IO, "cannot open the folder of the log", errno);
	return CH_DONE;
}

/* --- who may read --- */

/* A client that has the scope, of any realm of the group: there is one log for all. */
static ch_err reader_authenticate(struct http_req *r, struct issuer *is)
{
	ch_err why = ch_fail(CH_E_INVALID_CLIENT, "the log is for clients with the scope log", 0);
	for (size_t i = 0; i < is->config.n_realms; i++) {
		struct token_request t = { .http = r, .realm = &is->realms[i] };
		ch_err e = client_authenticate(&t);
		if (!failed(e) && !client_is_public(t.client) &&
		    list_has(t.client->scopes, LIT("log")))
			return CH_DONE;
		if (!failed(e))
			why = ch_fail(CH_E_UNAUTHORIZED_CLIENT,
				      "the client may not read the log: it lacks the scope log", 0);
		else if (ch_code_of(e) != CH_E_INVALID_CLIENT)
			why = e;
	}
	return why;
}

void log_refuse(struct http_req *r, ch_err e)
{
	enum ch_code code = ch_code_of(e);
	unsigned status = (unsigned)ch_code_http(code);
	/* who may not read the log has made no wrong request */
	if (code == CH_E_UNAUTHORIZED_CLIENT)
		status = 403;
	struct http_out fields[3] = { { LIT("Cache-Control"), LIT("no-store") } };
	size_t n = 1;
	if (status == 401)
		fields[n++] = (struct http_out){ LIT("WWW-Authenticate"),
						 LIT("Basic realm=\"log\", charset=\"UTF-8\"") };
	if (status == 503 || status == 429)
		fields[n++] = (struct http_out){ LIT("Retry-After"), LIT("1") };
	struct wr w = reply_room(r, 256);
	wr_str(&w, ch_code_shown(code) && e.site ? str_from_c(e.site->what)
						 : str_from_c(ch_code_text(code)));
	wr_char(&w, '\n');
	http_answer(r, &(struct http_answer){ .status = status,
					      .type = LIT("text/plain; charset=utf-8"),
					      .body = wr_bytes(&w),
					      .fields = fields,
					      .n_fields = n });
}

bool log_reader_ok(struct http_req *r, struct issuer *is, bool *ret_known)
{
	bool shows = http_field(r, "Authorization").p != NULL;
	*ret_known = false;
	if (is->config.log_public && !shows)
		return true;
	ch_err e = reader_authenticate(r, is);
	*ret_known = !failed(e);
	if (failed(e))
		log_refuse(r, e);
	return !failed(e);
}

/* --- files --- */

/* A regular file below the folder, by no link. E_NOT_FOUND: there is none. */
static ch_err open_below(int folder, const char *name, int *ret_fd)
{
	const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
						 RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));
	if (fd >= 0) {
		*ret_fd = (int)fd;
		return CH_DONE;
	}
	if (errno == ENOENT || errno == ENOTDIR)
		return ch_fail(CH_E_NOT_FOUND, "the log has no such file", 0);
	return ch_fail(CH_E_IO, "a file of the log cannot be opened", errno);
}

static ch_err file_get(struct http_req *r, int folder, str name, size_t max, bytes *ret_body)
{
	struct stat st = { 0 };
	struct path path;
	AUTO(fd_close) int fd = -1;
	size_t n = 0;
	TRY(path_of(&path, name));
	TRY(open_below(folder, path.p, &fd));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return ch_fail(CH_E_NOT_FOUND, "the log has no such file", 0);
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return ch_fail(CH_E_FULL, "a file of the log is too long", st.st_size);
	uint8_t *p = arena_alloc(&r->arena, (size_t)st.st_size + 1);
	if (!p)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have",
			       r->arena.cap);
	/* files of a log are replaced, never written to */
	TRY(fd_read_all(fd, p, (size_t)st.st_size + 1, &n));
	*ret_body = (bytes){ p, n };
	return CH_DONE;
}

static str etag_of(struct http_req *r, bytes body)
{
	uint8_t hash[SHA256_SIZE];
	struct wr w = reply_room(r, 40);
	sha256(body, hash);
	wr_char(&w, '"');
	wr_hex(&w, (bytes){ hash, 16 });
	wr_char(&w, '"');
	return wr_text(&w);
}

void log_reply(struct http_req *r, bytes body, str type, str cache)
{
	str etag = etag_of(r, body);
	bool same = etag_matches(http_field(r, "If-None-Match"), etag);
	const struct http_out fields[FIELDS] = {
		{ LIT("Cache-Control"), cache },
		{ LIT("ETag"), etag },
		{ LIT("X-Content-Type-Options"), LIT("nosniff") },
		{ LIT("Access-Control-Allow-Origin"), LIT("*") },
	};
	http_answer(r, &(struct http_answer){ .status = same ? 304 : 200,
					      .type = same ? (str){ 0 } : type,
					      .body = same ? (bytes){ 0 } : body,
					      .fields = fields,
					      .n_fields = FIELDS - 1 });
}

static void serve_note(struct http_req *r, struct issuer *is, str name, size_t max)
{
	bytes body = { 0 };
	bool known = false;
	if (!log_reader_ok(r, is, &known))
		return;
	ch_err e = file_get(r, is->log.folder_fd, name, max, &body);
	if (failed(e))
		log_refuse(r, e);
	else
		log_reply(r, body, LIT(LOG_NOTE_TYPE), LIT("no-cache"));
}

void serve_log_checkpoint(struct http_req *r, void *ctx)
{
	serve_note(r, ctx, LIT("checkpoint"), LEDGER_NOTE_MAX);
}

void serve_log_cosigned(struct http_req *r, void *ctx)
{
	serve_note(r, ctx, LIT("cosigned/checkpoint"), COSIGNED_MAX);
}

/* What stands behind /log/ is a name in the folder, but only if it is exactly what its number would
 * be written as. A full tile never changes; a partial one makes way for it. */
static str cache_of(const struct issuer *is, const struct tile_id *t)
{
	/* what was given to who showed a secret is not for caches that others share */
	if (t->width < TILE_WIDTH)
		return is->config.log_public ? LIT("public, max-age=60")
					     : LIT("private, max-age=60");
	return is->config.log_public ? LIT("public, max-age=31536000, immutable")
				     : LIT("private, max-age=31536000, immutable");
}

void serve_log_tile(struct http_req *r, void *ctx)
{
	struct issuer *is = ctx;
	struct tile_id t = { 0 };
	bytes body = { 0 };
	bool known = false;
	str name = str_sub(r->path, LIT("/log/").n, r->path.n);
	if (!log_reader_ok(r, is, &known))
		return;
	ch_err e = CH_DONE;
	if (r->query.p || failed(tile_path_read(name, &t)))
		e = ch_fail(CH_E_NOT_FOUND, "this is no name of a tile", 0);
	if (!failed(e))
		e = file_get(r, is->log.folder_fd, name, TILE_ROOM_MAX, &body);
	if (failed(e))
		log_refuse(r, e);
	else
		log_reply(r, body, LIT("application/octet-stream"), cache_of(is, &t));
}
