/* Secrets as types of their own, so that no log field, no = and no sizeof takes them.
 *
 * struct secret: key material. Opaque; own mapping between guard pages, out of
 * dumps and swap, wiped when freed. Only crypto/ may call secret_peek (the linter
 * counts the callers).
 * struct secret_bytes: bearer text (client secrets, codes, passwords): a slice of
 * another type than bytes; secret_eq is the one comparison. */
#pragma once
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/secretmem.h"

struct secret;

struct secret_bytes {
	bytes hidden;
};

/* Drops and wipes it; NULL is fine. */
void secret_free(struct secret *s);
/* For AUTO(). */
void secret_done(struct secret **s);
/* n bytes (1 to 64 KiB), zeroed. */
ch_err secret_new(size_t n, struct secret **ret_s);
/* Takes over a region that holds a secret of n bytes. */
ch_err secret_adopt(struct secretmem m, size_t n, struct secret **ret_s);
size_t secret_size(const struct secret *s);
/* All of a descriptor, 1 to max bytes (E_MISSING for none, E_FULL for more), read
 * straight into secret memory; trim leaves out line ends behind it. */
ch_err secret_read(int fd, size_t max, bool trim, struct secret **ret_s);
/* Writes all of it: to a file that only its owner can read. */
ch_err secret_write(const struct secret *s, int fd);
/* The same bytes in secret memory; the caller wipes his. */
ch_err secret_copy(struct secret_bytes b, struct secret **ret_s);
/* To be written into a message to whoever shall know it, as long as s lives. */
struct secret_bytes secret_said(const struct secret *s);
/* A copy in shared secret memory for another process, see secretmem_share. */
ch_err secret_share(const struct secret *s, enum secretmem_kind kind, int *ret_fd);
/* crypto/ only. */
bytes secret_peek(const struct secret *s);
uint8_t *secret_poke(struct secret *s);
/* What secret_new uses from now on; MEMFD in keeper, warden and signer. */
void secret_use_kind(enum secretmem_kind kind);

/* The same bytes, marked: b must stay as long as they are used. */
struct secret_bytes secret_bytes_of(bytes b);
/* In time that depends on the lengths alone. */
bool secret_eq(struct secret_bytes a, struct secret_bytes b);

/* A buffer on the stack that is wiped when the scope ends. */
struct secret_buf {
	uint8_t *p;
	size_t n;
};
void secret_buf_done(struct secret_buf *b);
#define SECRET_BUF(name, size)      \
	uint8_t name[size] = { 0 }; \
	AUTO(secret_buf_done) __attribute__((unused)) struct secret_buf name##_wipe = { name, size }
