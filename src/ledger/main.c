/* chancery-ledger: no token is signed before its entry is in this program's journal. It has no
 * key; it trusts a signer for the entry, the signer of heads for nothing that it can check. It must
 * never say that an entry is durable when it is not, and there is one of it for a log. */
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "ledger_internal.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "wire/control.h"

enum { EXIT_TROUBLE = 3 };

static uint8_t config_room[4096];

static ch_err start(struct ledger *l)
{
	static const int keep[] = { CONTROL_FD, LISTEN_FD, FOLDER_FD };
	bytes config = { 0 };
	TRY(sandbox_undumpable());
	TRY(boot_read(LIT("ledger"), config_room, sizeof(config_room), &config));
	TRY(ledger_config_read(config, &l->config));
	TRY(sandbox_close_from(3, keep, COUNT_OF(keep)));
	(void)umask(022);
	/* a kernel that does not say it costs time at a start, no more */
	(void)failed(boot_id_read(&l->boot));
	TRY(ledger_confine_files());
	TRY(ledger_recover(l));
	return ledger_serve(l);
}

int main(void)
{
	static struct ledger l = { .folder = FOLDER_FD,
				   .lock = -1,
				   .listen_fd = LISTEN_FD,
				   .control_fd = CONTROL_FD,
				   .confine = ledger_confine };
	log_open("chancery-ledger");
	spawn_name("chancery-ledger");
	ch_err e = start(&l);
	if (!failed(e)) {
		LOG(LOG_INFO, "the ledger has stopped");
		_exit(0);
	}
	LOG(LOG_ERROR, "the ledger cannot serve", log_err(e));
	control_failed(e);
	_exit(EXIT_TROUBLE);
}
