/* `chancery log`: its verbs, each with its own name as argv[0]. */
#pragma once

int log_begin_run(int argc, char **argv);
int log_check(int argc, char **argv);
int log_consistency(int argc, char **argv);
int log_cosign(int argc, char **argv);
int log_monitor(int argc, char **argv);
int log_prove(int argc, char **argv);
int log_prune(int argc, char **argv);
int log_repair(int argc, char **argv);
int log_stat(int argc, char **argv);
int log_verify(int argc, char **argv);
int log_witness(int argc, char **argv);
