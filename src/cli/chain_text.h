/* What the commands that show a chain's records have in common. */
#pragma once
#include "chain/cursor.h"

/* Says what is wrong and where, as segment file and byte; EXIT_NO. command: "sightings";
 * chain: the folder's name below folder, or NULL. */
int say_damage(const char *command, const char *folder, const char *chain_or_null,
	       const struct chain_place *at, ch_err e);
/* 2026-11-22T12:00:00.123Z */
void print_time(int64_t ms);
/* A field of a line, "-" when it is empty: nothing in it can end the field or the line, or
 * reach the terminal as a control character. */
void print_field(str s, char after);
/* The same with its blanks as they are: for fields between tabs. */
void print_words(str s, char after);
/* 64 digits, 0-9 and a-f. */
bool hex_read(str text, uint8_t ret[static 32]);
/* SEQ:HASH, as print_head writes it. */
bool head_read(str text, struct chain_head *ret_head);
void print_head(const struct chain_head *head);
