/* The patterns as Vectorscan has them. */
#pragma once
#include <hs.h>

#include "text_table.h"

/* Two databases, since most memory is no text: BINARY is small and fast and sees all, TEXT
 * has the many rows that are words and sees what may be text. */
enum text_side { TEXT_SIDE_BINARY, TEXT_SIDE_TEXT, TEXT_SIDE_COUNT };

/* Compiles it: 50 to 150 ms. A pattern's id is its row. */
ch_err text_compile(enum text_side side, hs_database_t **ret_db);
/* Takes what was compiled when this was built, in under 1 ms; compiles it when the library
 * is another one now. */
ch_err text_load(enum text_side side, hs_database_t **ret_db);
/* Made by text_gen.c. */
extern const bytes text_compiled[TEXT_SIDE_COUNT];
