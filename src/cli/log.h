/* `chancery log`: its verbs, each with its own name as argv[0]. */
#pragma once

int log_witness(int argc, char **argv);
