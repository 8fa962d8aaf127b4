/* `chancery log`: its verbs, each with its own name as argv[0]. */
#pragma once

int log_cosign(int argc, char **argv);
int log_monitor(int argc, char **argv);
int log_witness(int argc, char **argv);
