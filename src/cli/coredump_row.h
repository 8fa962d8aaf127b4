/* One line of the store of crash dumps, as the commands that read it see it. */
#pragma once
#include "codec/json.h"
#include "dumpstore/store.h"
#include "wire/dump_settings.h"

#define DUMPS_DEFAULT DUMP_STATE_DEFAULT "/dumps"

struct row {
	const struct dump_entry *entry;
	int64_t time_s, pid, uid, signal, secrets;
	str executable, build_id, level, why, cgroup;
	bool whole;
	const struct json_node *report; /* NULL: none */
};
/* Reads a sidecar; valid until the next one is read. E_SYNTAX and json_parse's errors. */
ch_err row_read(const struct dump_entry *e, struct row *ret_r);

/* Opens the folder; says why not. */
bool dumps_open(const char *folder_or_null, bool to_change, int *ret_dir);
/* Finds a dump by what the user typed; says why not, and the status for that. */
int dumps_find(int dir, const char *id, struct dump_id *ret_id);

/* "SIGSEGV", or a number; into room. */
str signal_text(int64_t number, char *room, size_t cap);
/* "1.2M" */
str size_text(uint64_t n, char *room, size_t cap);
/* "2026-11-22 18:34:40" */
str time_text(int64_t s, char *room, size_t cap);
/* Prints what a crashing program chose: anything but plain ASCII as "?". */
void print_shown(str s);
