/* The file of a refresh token: read, exchanged, written anew, by one at a time. The file is
 * trusted only when it is ours and nobody else's. The new token is on the disk before the
 * access token is shown; if this process dies in between, the issuer gives the same successor
 * again to who asks within its window. Must never show a refresh token. */
#include "token_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "codec/form.h"
#include "say.h"

enum { NODES = 16, FORM_ROOM = 8192, TRIES = 4 };

ch_err kept_check(int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the file", errno);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
		return ch_fail(CH_E_DENIED,
			       "the file must be yours, and nobody else's to read: chmod 600",
			       st.st_mode);
	return CH_DONE;
}

/* The file that the name means now: who waited for the lock may hold an old one. */
static ch_err open_locked(const char *path, int *ret_fd)
{
	for (;;) {
		struct stat held, named;
		AUTO(fd_close)
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0 && errno == ENOENT)
			return ch_fail(CH_E_NOT_FOUND, "there is no such file", 0);
		if (fd < 0)
			return ch_fail(CH_E_IO, "cannot open the file", errno);
		while (flock(fd, LOCK_EX) != 0)
			if (errno != EINTR)
				return ch_fail(CH_E_IO, "cannot lock the file", errno);
		if (fstat(fd, &held) != 0)
			return ch_fail(CH_E_IO, "cannot look at the file", errno);
		TRY(kept_check(fd));
		if (lstat(path, &named) != 0 || named.st_ino != held.st_ino ||
		    named.st_dev != held.st_dev)
			continue;
		*ret_fd = TAKE_FD(fd);
		return CH_DONE;
	}
}

static ch_err kept_read(struct kept *k, uint8_t *storage, struct arena *a)
{
	struct json_node nodes[NODES + 1];
	const struct {
		str name;
		str *value;
	} members[] = { { LIT("issuer"), &k->issuer },
			{ LIT("client_id"), &k->client },
			{ LIT("refresh_token"), &k->refresh_token } };
	size_t n = 0;
	TRY(fd_read_all(k->fd, storage, KEPT_MAX, &n));
	TRY(json_parse((bytes){ storage, n }, (struct json_limits){ 2, NODES }, nodes,
		       COUNT_OF(nodes), &n));
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		const struct json_node *m = json_member(nodes, members[i].name);
		if (!m)
			return ch_fail(CH_E_MISSING, "the file is none that a login wrote", i);
		TRY(json_to_str(m, a, members[i].value));
	}
	return CH_DONE;
}

int kept_open(struct kept *k, const char *path, bool fresh, uint8_t *storage, struct arena *a)
{
	*k = (struct kept){ .path = path, .fd = -1 };
	ch_err e = open_locked(path, &k->fd);
	if (ch_code_of(e) == CH_E_NOT_FOUND && fresh)
		return EXIT_YES;
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		say("there is no such file yet: log in once with --login or --device",
		    str_from_c(path));
		return EXIT_NO;
	}
	if (!failed(e) && !fresh)
		e = kept_read(k, storage, a);
	return failed(e) ? say_trouble("cannot use", str_from_c(path), e) : EXIT_YES;
}

void kept_done(struct kept *k)
{
	fd_close(&k->fd);
}

int kept_replace(struct kept *k, struct flow *f, str body)
{
	SECRET_BUF(room, KEPT_MAX);
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	str token = flow_json(f, bytes_of_str(body)) ? flow_member(f, LIT("refresh_token"))
						     : (str){ 0 };
	/* an issuer may leave the old one good (RFC 6749 section 6) */
	if (!token.p)
		token = k->refresh_token;
	if (!token.p) {
		say("the issuer gave no refresh token: does the client have the grant"
		    " refresh_token and the scope offline_access?",
		    f->client);
		return EXIT_NO;
	}
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("issuer"), f->issuer);
	json_put_str(&o, LIT("client_id"), f->client);
	json_put_str(&o, LIT("refresh_token"), token);
	json_finish(&o, '}');
	wr_char(&w, '\n');
	ch_err e = wr_done(&w);
	if (!failed(e))
		e = file_replace(AT_FDCWD, k->path, wr_bytes(&w), 0600);
	return failed(e) ? say_trouble("cannot keep the refresh token in", str_from_c(k->path), e)
			 : EXIT_YES;
}

static void wait_a_little(int n)
{
	struct timespec t = { .tv_sec = n };
	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* An answer that was lost is asked for again at once: a while later it would look as if two
 * had the token. */
int flow_refresh(struct flow *f, const struct kept *k, str *ret_body)
{
	struct fetch_answer a = { 0 };
	ch_err e = CH_DONE;
	for (int i = 0; i < TRIES; i++) {
		void *p = arena_alloc(&f->arena, FORM_ROOM);
		struct wr form = wr_of(p, p ? FORM_ROOM : 0);
		wait_a_little(i);
		form_write(&form, LIT("grant_type"), LIT("refresh_token"));
		form_write(&form, LIT("refresh_token"), k->refresh_token);
		if (f->scope.p)
			form_write(&form, LIT("scope"), f->scope);
		e = flow_post(f, f->token_endpoint, &form, &a);
		if (failed(e) && ch_code_of(e) != CH_E_GONE && ch_code_of(e) != CH_E_BUSY)
			break;
		if (!failed(e) && a.status < 500 && a.status != 429)
			break;
	}
	if (failed(e))
		return say_trouble("cannot ask", f->token_endpoint, e);
	if (a.status == 200) {
		*ret_body = str_of_bytes(a.body);
		return EXIT_YES;
	}
	int r = flow_refused(f, &a);
	if (r == EXIT_NO)
		say("if this goes on, log in again with --login or --device", str_from_c(k->path));
	return r;
}
