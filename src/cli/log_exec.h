/* The program that a monitor runs for each alarm, by a process of its own that was made before the
 * monitor's walls: what reads strangers' logs can start nothing. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* Ends with the descriptor that it returns. */
ch_err log_exec_start(const char *program, int *ret_fd);
/* The program gets the text on its standard input; false: it did not succeed. */
bool log_exec_run(int fd, str text);
