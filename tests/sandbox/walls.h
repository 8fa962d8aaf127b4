/* What programs behind their walls try in the tests of these walls. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* Puts up the walls of the program under test, but leaves stderr. */
typedef ch_err walls_fn(const int *keep_fds, size_t n);
/* What to do behind them: 0, or what the process then exits with. */
typedef int act_fn(void);

enum { WALLS_FAILED = 99 };

/* How a child behind the walls ends that does `act`: its wait status, of an exit with
 * WALLS_FAILED if they cannot be put up. */
int behind_walls(walls_fn *walls, act_fn *act);
/* Each of the acts ends in an exit with this code … */
void all_exit(walls_fn *walls, act_fn *const *acts, size_t n, int code);
/* … or is killed for its system call. */
void all_are_killed(walls_fn *walls, act_fn *const *acts, size_t n);

/* 0 or the error number of the call */
int open_code(const char *path, int flags);

/* What no confined program may do. */
int start_process(void);
int start_program(void);
int be_dumpable(void);
int signal_somebody(void);
int read_users(void);
int read_itself(void);
int trace_somebody(void);
int run_new_code(void);
int ask_the_kernel(void); /* by netlink */

/* What some of them need, and the others may not do. */
int take_a_port(void);
int talk_to_the_host(void); /* makes a unix socket */
