/* A backup as one file: a tar archive (POSIX ustar) that any tar lists and extracts, whose first
 * member, MANIFEST, has size and SHA-256 of each other one. It has one form alone: every byte of
 * it follows from the manifest and the members, so that no changed bit goes unseen. There is no
 * secret in it: who can write the file can make another one. Pure. */
#pragma once
#include "base/err.h"
#include "base/rw.h"
#include "crypto/hash.h"

enum {
	ARCHIVE_BLOCK = 512,
	ARCHIVE_FILES_MAX = 4096,
	ARCHIVE_NAME_MAX = 84, /* with ARCHIVE_TOP before it, what ustar's name field takes */
	ARCHIVE_MANIFEST_MAX = 1024 * 1024,
};

/* In front of each name in the archive. */
#define ARCHIVE_TOP "chancery-backup/"

struct archive_file {
	char name[ARCHIVE_NAME_MAX]; /* parts of [A-Za-z0-9._-], '/' between them */
	size_t name_n;
	uint64_t size;
	uint8_t hash[SHA256_SIZE];
	bytes content; /* of a read archive: in it */
};

struct archive {
	int64_t created_s; /* since 1970 */
	str build;
	struct archive_file *files; /* the caller's, ARCHIVE_FILES_MAX of them */
	size_t n;
};

/* "store/main/chancery.db": no empty part, none that begins with a dot. */
bool archive_name_ok(str name);
/* All of it is checked: E_SYNTAX (not of this form), E_UNSUPPORTED (another version),
 * E_TRUNCATED, E_MISMATCH (changed), E_TRAILING, E_LIMIT; detail = offset. files of *a is the
 * caller's room. Slices of `all`. */
ch_err archive_read(bytes all, struct archive *a);

/* Writing: MANIFEST with its header, then for each file its header, its content and
 * archive_padding, then archive_end. */
void archive_manifest(struct wr *w, const struct archive *a);
void archive_header(struct wr *w, const struct archive *a, const struct archive_file *f);
size_t archive_padding(uint64_t size);
#define ARCHIVE_END ((size_t)2 * ARCHIVE_BLOCK)
