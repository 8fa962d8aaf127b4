/* Files and descriptors. Every descriptor is close-on-exec from birth. */
#pragma once
#include <dirent.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/err.h"

/* For AUTO(): closes *fd unless it is negative, keeps errno. */
void fd_close(int *fd);
ch_err fd_write_all(int fd, bytes b);
/* Reads to the end; E_FULL when it is longer than cap. */
ch_err fd_read_all(int fd, void *storage, size_t cap, size_t *ret_n);
/* n bytes, however many reads it takes; E_TRUNCATED when it ends before, detail = what is
 * missing. */
ch_err fd_read_exactly(int fd, void *storage, size_t n);

/* A whole file below dir_fd (AT_FDCWD works), into the caller's storage. */
ch_err file_read(int dir_fd, const char *path, void *storage, size_t cap, size_t *ret_n);
/* A whole file on the heap, NUL-terminated after ret->n bytes; free() it. */
ch_err file_read_new(int dir_fd, const char *path, size_t max, uint8_t **ret_p, size_t *ret_n);
/* Writes a new file beside it, syncs it, renames it over path and syncs the
 * folder: a reader sees the old or the new one, whole. */
ch_err file_replace(int dir_fd, const char *path, bytes content, mode_t mode);
/* The same, but E_EXISTS when path is there. */
ch_err file_create(int dir_fd, const char *path, bytes content, mode_t mode);
/* mkdir -p with this mode for each new folder; fine when it is there. */
ch_err dir_make(int dir_fd, const char *path, mode_t mode);

/* A folder, to be read with readdir; AUTO(dir_done) closes it. */
ch_err dir_open(int dir_fd, const char *path, DIR **ret_d);
void dir_done(DIR **d);
/* Removes a file or a folder with all that is in it; fine when there is none. Goes by
 * descriptors and follows no link, so that nobody who may write below it can lead it
 * elsewhere; E_LIMIT when folders nest deeper than 16. */
ch_err dir_remove(int dir_fd, const char *name);
