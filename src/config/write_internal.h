/* Pieces of the files that we write: texts are quoted wherever YAML could read them as
 * something else. A line's key comes with its indent. */
#pragma once
#include "base/rw.h"

void put_text(struct wr *w, str s);
/* "[one, two]" and a line end */
void put_list(struct wr *w, const str *texts, size_t n);
void put_text_line(struct wr *w, const char *key, str value);
void put_number_line(struct wr *w, const char *key, uint64_t value);
void put_list_line(struct wr *w, const char *key, const str *texts, size_t n);
void put_listen_line(struct wr *w, const char *key, str host, uint32_t port);
