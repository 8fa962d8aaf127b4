/* The walls of those verbs of `chancery log` that read what strangers wrote: heads, tiles, evidence,
 * answers of witnesses. Each opens what it was told to, and then this is all that it can reach. */
#pragma once
#include "base/err.h"
#include "log_watch.h"

struct log_walls {
	int logs[WATCH_LOGS_MAX]; /* folders of logs that are read */
	size_t n_logs;
	bool asks;           /* servers elsewhere */
	const char *ca_file; /* who may certify them; NULL: whom the system trusts */
	int folder;          /* the one that it writes; -1: none */
};
/* One more log that is read: its folder, or whoever serves it. It is open. */
void log_walls_add(struct log_walls *w, const struct log_source *s);

/* Undumpable, no process, no program, no file but the logs' and that folder; no network where
 * nobody is asked, and no port of its own. For good. E_UNSUPPORTED: the kernel has no landlock. */
ch_err log_walls_up(const struct log_walls *w);
