/* A dump at rest: zstd frames, each sealed, under a key of this dump alone that is itself
 * sealed to a public key (X25519, libsodium's sealed box). Whoever writes cannot read it
 * back; a file that was cut, mixed or changed does not open. FORMAT.md has the bytes. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "base/secret.h"

enum {
	DUMP_PUBLIC_SIZE = 32,
	DUMP_FRAME_MAX = 1024 * 1024,
	DUMP_REPORT_MAX = 1024 * 1024,
	DUMP_KEY_TEXT_MAX = 4096
};

struct dump_public_key {
	uint8_t p[DUMP_PUBLIC_SIZE];
};

/* A new pair. The private half is DUMP_PUBLIC_SIZE bytes. */
ch_err dump_key_new(struct dump_public_key *ret_public, struct secret **ret_private);
ch_err dump_public_key_of(const struct secret *private_key, struct dump_public_key *ret_public);
/* As files: a line of text each, "chancery-dump-public-key-1 BASE64URL" and "…-private-key-1 …",
 * and "#" comments. E_SYNTAX, E_MISMATCH (the private half where the public one is wanted). */
void dump_public_key_write(struct wr *w, const struct dump_public_key *key);
ch_err dump_private_key_write(const struct secret *private_key, struct secret **ret_text);
ch_err dump_public_key_read(bytes text, struct dump_public_key *ret_key);
ch_err dump_private_key_read(const struct secret *text, struct secret **ret_private);

/* Writing: all plain bytes and fills of the core, then its report, then the end. What was
 * written without sealed_end does not open. Levels are zstd's, 1 to 19. After an error the
 * writer writes nothing more. Memory: 2.1 MiB and zstd's; four times and twice as much with
 * help. */
struct sealed_writer;
struct beside;
ch_err sealed_writer_new(int fd, const struct dump_public_key *to, int zstd_level,
			 struct sealed_writer **ret_w);
void sealed_writer_done(struct sealed_writer **w);
/* The second thread compresses, too: called before anything is put. It has no other jobs until
 * sealed_writer_done, which waits for it, and it outlives the writer. */
ch_err sealed_writer_help(struct sealed_writer *w, struct beside *b);
ch_err sealed_put(struct sealed_writer *w, bytes b);
/* The same without a copy: room for up to n > 0 bytes, at least one, and then how many of them are
 * there now. No other call between the two. */
ch_err sealed_room(struct sealed_writer *w, size_t n, uint8_t **ret_p, size_t *ret_n);
ch_err sealed_filled(struct sealed_writer *w, size_t n);
ch_err sealed_fill(struct sealed_writer *w, uint8_t with, uint64_t n);
/* E_LIMIT when the report is longer than DUMP_REPORT_MAX. */
ch_err sealed_end(struct sealed_writer *w, bytes report);
/* Written to fd so far; what is gathered, and frames on their way, are not until sealed_end. */
uint64_t sealed_writer_bytes(const struct sealed_writer *w);

/* Reading: one piece after another; E_SEALED for another key or any change, E_TRUNCATED
 * when its end is missing. A piece is data, a fill, or the report, which is the last. */
struct sealed_piece {
	bytes data;
	uint8_t with;
	uint64_t n;
	bool is_fill, is_report;
};
struct sealed_reader;
ch_err sealed_reader_new(int fd, const struct secret *private_key, struct sealed_reader **ret_r);
void sealed_reader_done(struct sealed_reader **r);
/* Its data are valid until the next call. E_NOT_FOUND behind the last; E_LIMIT and E_SYNTAX
 * for an intact seal around what no writer of ours makes. */
ch_err sealed_next(struct sealed_reader *r, struct sealed_piece *ret_piece);
