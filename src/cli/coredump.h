/* The commands below `chancery coredump`, a file each: their arguments with the command's
 * name as argv[0]; they return the exit status. coredump.c has the table. */
#pragma once

int coredump_help(int argc, char **argv);
