/* The installed handler as `chancery coredump` sees it: STATE, the kernel's settings, and the
 * daemon. */
#pragma once
#include <sys/types.h>

#include "base/path.h"
#include "wire/dump_settings.h"

struct handler {
	struct path state;
	int dir; /* -1: there is no STATE */
	bool installed;
	struct dump_settings settings; /* when installed; texts in room */
	uint8_t room[DUMP_SETTINGS_MAX];
};
void handler_init(struct handler *h);
void handler_done(struct handler *h);
/* Opens STATE (NULL: the default) and reads its settings; fine when there are none. */
ch_err handler_open(const char *state_or_null, struct handler *h);
/* STATE/NAME as an absolute path. */
ch_err handler_path(const struct handler *h, str name, struct path *ret_path);
/* A small file of STATE, private to root, replaced whole. */
ch_err handler_write(const struct handler *h, const char *name, bytes content);

struct kernel_pattern {
	char pattern_room[CORE_PATTERN_MAX + 2];
	char limit_room[16];
	str pattern;
	uint32_t limit;
};
ch_err kernel_pattern_read(struct kernel_pattern *ret_k);
/* One number of the kernel's, like "fs/suid_dumpable" below /proc/sys; 0 when there is none. */
uint64_t kernel_number(const char *name);
/* Linux MAJOR.MINOR of the running kernel as MAJOR * 1000 + MINOR; 0: not known. */
unsigned kernel_version(void);

/* What handled crashes before, as STATE/former has it; its text is in room. */
enum { FORMER_ROOM = 256 };
ch_err handler_former(const struct handler *h, char room[static FORMER_ROOM],
		      struct dump_former *ret_f);
/* Does the policy leave any crash to it, and is it a program that could take one? */
bool leaves_to_former(const struct dump_settings *s);
bool takes_crashes(const struct dump_former *f);

/* The daemon that serves this STATE; 0: none. */
pid_t daemon_find(const struct handler *h);
/* Starts it, by systemd when it runs here and wanted, and waits until core_pattern is ours. */
ch_err daemon_start(const struct handler *h, bool systemd);
/* Asks it to end and waits; it puts core_pattern back. Fine when there is none. */
ch_err daemon_stop(const struct handler *h, bool systemd);
/* Does somebody accept at STATE/NAME? */
bool socket_answers(const struct handler *h, const char *name, int type);
/* Runs `coredump restore STATE`: E_MISMATCH when core_pattern is not ours. */
ch_err pattern_restore(const struct handler *h);
bool systemd_runs(const struct handler *h);
