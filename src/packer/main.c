/* chancery-packer: compresses and seals one dump. It knows a public key alone, so that it
 * cannot read back what it wrote; it trusts neither the records nor their number. Whatever
 * goes wrong, its file is empty when it ends, and its exit status says why. */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "crypto/small.h"
#include "packer_internal.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"

static ch_err start(struct packer **ret_p)
{
	static const int keep[] = { RECORDS_FD, FILE_FD, REPORT_FD };
	uint8_t room[1024];
	bytes text = { 0 };
	struct packer_config config;
	struct beside *beside = NULL; /* until the process ends */
	AUTO(packer_done) struct packer *p = NULL;
	TRY(boot_read(LIT("packer"), room, sizeof(room), &text));
	TRY(packer_config_read(text, &config));
	TRY(crypto_small_init());
	TRY(packer_new(&config, &p));
	TRY(confine(keep, COUNT_OF(keep), &beside));
	if (beside)
		TRY(packer_help(p, beside));
	*ret_p = TAKE(p);
	return CH_DONE;
}

/* It would not open, but nothing is less than that. */
static void empty_the_file(void)
{
	if (ftruncate(FILE_FD, 0) != 0)
		LOG(LOG_ERROR, "cannot empty the file of a dump", log_i64("errno", errno));
}

int main(void)
{
	struct packer *p = NULL;
	log_open("chancery-packer");
	spawn_name("chancery-packer");
	ch_err e = start(&p);
	if (!failed(e))
		e = packer_run(p);
	if (failed(e)) {
		empty_the_file();
		LOG(LOG_ERROR, "a dump is not kept", log_err(e));
	}
	_exit(packer_status_of(e));
}
