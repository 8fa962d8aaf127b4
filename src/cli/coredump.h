/* The commands below `chancery coredump`, a file each: their arguments with the command's
 * name as argv[0]; they return the exit status. coredump.c has the table. */
#pragma once

int coredump_help(int argc, char **argv);
/* coredump_install.c, coredump_status.c, coredump_self_test.c */
int coredump_install(int argc, char **argv);
int coredump_uninstall(int argc, char **argv);
int coredump_status(int argc, char **argv);
int coredump_self_test(int argc, char **argv);
int coredump_keygen(int argc, char **argv);
int coredump_list(int argc, char **argv);
int coredump_open(int argc, char **argv);
int coredump_prune(int argc, char **argv);
int coredump_show(int argc, char **argv);
int coredump_redact(int argc, char **argv);
int coredump_scan(int argc, char **argv);
int coredump_register(int argc, char **argv);
