/* Opaque secrets. The struct itself is ordinary memory; the bytes are in their own
 * guarded, locked region. */
#include "base/secret.h"

#include <stdlib.h>

#include "base/file.h"

enum { SECRET_MAX = 64 * 1024 };

struct secret {
	struct secretmem mem;
	size_t n;
};

static enum secretmem_kind new_kind = SECRETMEM_MLOCK;

void secret_use_kind(enum secretmem_kind kind)
{
	new_kind = kind;
}

void secret_free(struct secret *s)
{
	if (!s)
		return;
	secretmem_done(&s->mem);
	free(s);
}

void secret_done(struct secret **s)
{
	secret_free(*s);
	*s = NULL;
}

ch_err secret_adopt(struct secretmem m, size_t n, struct secret **ret_s)
{
	if (n == 0 || n > m.n)
		return ch_fail(CH_E_RANGE, "a secret of impossible size", n);
	struct secret *s = malloc(sizeof(*s));
	if (!s)
		return ch_fail(CH_E_NOMEM, "no memory for a secret", sizeof(*s));
	*s = (struct secret){ m, n };
	*ret_s = s;
	return CH_DONE;
}

ch_err secret_new(size_t n, struct secret **ret_s)
{
	struct secretmem m = { 0 };
	if (n == 0 || n > SECRET_MAX)
		return ch_fail(CH_E_RANGE, "a secret of impossible size", n);
	TRY(secretmem_map(new_kind, n, &m));
	ch_err e = secret_adopt(m, n, ret_s);
	if (failed(e))
		secretmem_done(&m);
	return e;
}

size_t secret_size(const struct secret *s)
{
	return s->n;
}

bytes secret_peek(const struct secret *s)
{
	return (bytes){ s->mem.p, s->n };
}

uint8_t *secret_poke(struct secret *s)
{
	return s->mem.p;
}

ch_err secret_read(int fd, size_t max, bool trim, struct secret **ret_s)
{
	AUTO(secret_done) struct secret *s = NULL;
	size_t n = 0;
	TRY(secret_new(max, &s));
	TRY(fd_read_all(fd, s->mem.p, max, &n));
	while (trim && n > 0 && (s->mem.p[n - 1] == '\n' || s->mem.p[n - 1] == '\r'))
		n--;
	if (n == 0)
		return ch_fail(CH_E_MISSING, "nothing was given where a secret is read", 0);
	s->n = n;
	*ret_s = TAKE(s);
	return CH_DONE;
}

ch_err secret_write(const struct secret *s, int fd)
{
	return fd_write_all(fd, secret_peek(s));
}

ch_err secret_share(const struct secret *s, enum secretmem_kind kind, int *ret_fd)
{
	return secretmem_share(kind, secret_peek(s), ret_fd);
}

ch_err secret_copy(struct secret_bytes b, struct secret **ret_s)
{
	AUTO(secret_done) struct secret *s = NULL;
	TRY(secret_new(b.hidden.n, &s));
	mem_copy(s->mem.p, b.hidden.p, b.hidden.n);
	*ret_s = TAKE(s);
	return CH_DONE;
}

struct secret_bytes secret_said(const struct secret *s)
{
	return secret_bytes_of(secret_peek(s));
}

struct secret_bytes secret_bytes_of(bytes b)
{
	return (struct secret_bytes){ b };
}

bool secret_eq(struct secret_bytes a, struct secret_bytes b)
{
	return a.hidden.n == b.hidden.n && mem_eq_ct(a.hidden.p, b.hidden.p, a.hidden.n);
}

void secret_buf_done(struct secret_buf *b)
{
	mem_wipe(b->p, b->n);
}
