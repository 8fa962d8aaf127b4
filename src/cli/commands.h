/* Every command: its arguments with its own name as argv[0]; returns the exit status. */
#pragma once
#include <stdbool.h>

int cmd_audit(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_client(int argc, char **argv);
int cmd_coredump(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_gate(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_realm(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_sightings(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_verify(int argc, char **argv);

/* Prints usage: asked for, on standard output with status 0; else on standard error with 2. */
int command_usage(const char *usage, bool asked);
/* Says why the call is wrong, then prints usage; returns 2. */
int command_wrong(const char *usage, const char *why);
