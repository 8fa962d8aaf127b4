/* `chancery coredump install`: what shall be installed, checked before anything is changed. */
#pragma once
#include "base/path.h"
#include "config/config.h"
#include "coredump_state.h"

struct install_wish {
	const char *file, *seal_to, *mode, *state; /* NULL: not given */
	bool no_systemd;
};

struct install_plan {
	struct config_text *text;
	struct coredump_file file;
	struct dump_settings settings; /* but mode, pattern and pipe_limit */
	struct path libexec, store, seal_to, pattern;
	char pattern_room[PATH_CAP];
};
void install_plan_done(struct install_plan *p);
/* Reads policy and key, looks up files of rules. Says what is wrong; the exit status. */
int install_plan_make(const struct install_wish *w, struct install_plan *p);
/* Would something leave raw dumps, or let the machine read what is sealed? Says what; the
 * exit status. The store's folder is made. */
int install_plan_check(const struct install_wish *w, struct install_plan *p);
/* mode, pattern and pipe_limit. E_FULL: core_pattern does not hold so long a line. */
ch_err install_plan_mode(struct install_plan *p, enum dump_mode mode, const char *state);
/* What this kernel might do, best first; *ret_n of them. Says why there is none. */
int install_plan_modes(const struct install_wish *w, enum dump_mode modes[static DUMP_MODE_COUNT],
		       size_t *ret_n);
str install_mode_name(enum dump_mode mode);
