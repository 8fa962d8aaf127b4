/* The parts of the packer: its walls, and its one duty. */
#pragma once
#include "wire/boot.h"
#include "wire/coredump.h"

enum { RECORDS_FD = ROLE_FD, FILE_FD, REPORT_FD };

struct beside;
/* Irrevocable. Keeps the n descriptors, what was opened before, and memory; makes a second thread
 * on the way, or NULL where there is none to be had. */
ch_err confine(const int *keep_fds, size_t n, struct beside **ret_beside);

struct packer;
/* Takes all its memory and writes the file's head. */
ch_err packer_new(const struct packer_config *c, struct packer **ret_p);
void packer_done(struct packer **p);
/* Before it runs: a second thread, which compresses, too. */
ch_err packer_help(struct packer *p, struct beside *b);
/* From the first record to the last; then says the report and END on REPORT_FD. When END says
 * that the core is not whole, the file is empty and that is said. E_TRUNCATED: records
 * without END. E_LIMIT: the file would be larger than allowed. */
ch_err packer_run(struct packer *p);
/* What the process ends with. */
enum packer_status packer_status_of(ch_err e);
