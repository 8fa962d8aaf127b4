/* The patterns as Vectorscan has them. */
#pragma once
#include <hs.h>

#include "text_table.h"

/* Compiles them: 50 to 150 ms. A pattern's id is its row. */
ch_err text_compile(hs_database_t **ret_db);
/* Takes what was compiled when this was built, in under 1 ms; compiles it when the library
 * is another one now. */
ch_err text_load(hs_database_t **ret_db);
/* Made by text_gen.c. */
extern const bytes text_compiled;
