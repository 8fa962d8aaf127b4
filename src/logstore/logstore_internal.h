/* Inside src/logstore: files by their tile, and numbers in file names. */
#pragma once
#include "base/file.h"
#include "base/path.h"
#include "logstore/logstore.h"

enum { LOGSTORE_FILE_MODE = 0644, LOGSTORE_FOLDER_MODE = 0755 };

/* The tile's path below the log's folder. */
void tile_file(struct path *ret_path, const struct tile_id *t);
/* Makes the folders that `path` lies in. */
ch_err folders_of(int dir_fd, const char *path);
/* E_NO_ROOM when the disk or a quota is full, else E_IO; of errno. */
ch_err no_room_or_io(ch_err e);
/* "12.index" */
void index_file(struct path *ret_path, uint64_t first);
/* The number of such a name. */
bool index_number(const char *name, uint64_t *ret_first);
