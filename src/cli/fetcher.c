/* Starting a gate's fetcher: it is told every URL now, and hears none later. */
#include "fetcher.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "libexec.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/channel.h"

static struct fetcher_config config_of(const struct gate_file *g,
				       const struct fetcher_secrets *secrets)
{
	struct fetcher_config c = { .ca_file = g->ca_file, .timeout_s = g->gate.fetch.timeout_s };
	for (size_t i = 0; i < g->gate.n_issuers; i++)
		if (g->gate.issuers[i].jwks_uri.n > 0)
			c.urls[c.n_urls++] = g->gate.issuers[i].jwks_uri;
	for (size_t i = 0; i < g->gate.n_issuers; i++) {
		const struct gate_revocations *r = &g->gate.issuers[i].revocations;
		if (r->uri.n > 0)
			c.revocations[c.n_revocations++] =
				(struct fetcher_revocations){ r->uri, r->client,
							      secrets->revocations[i] };
	}
	for (size_t i = 0; i < g->gate.n_logs; i++) {
		const struct gate_log *l = &g->gate.logs[i];
		if (l->uri.n > 0)
			c.logs[c.n_logs++] =
				(struct fetcher_revocations){ l->uri, l->client, secrets->logs[i] };
	}
	return c;
}

static void channel_done(int (*ends)[2])
{
	fd_close(&(*ends)[0]);
	fd_close(&(*ends)[1]);
}

ch_err fetcher_start(const struct gate_file *g, const struct fetcher_secrets *secrets, uint32_t uid,
		     uint32_t gid, int *ret_fd)
{
	static uint8_t room[16 * 1024];
	struct wr w = wr_of(room, sizeof(room));
	struct fetcher_config config = config_of(g, secrets);
	struct path folder, name;
	AUTO(channel_done) int ends[2] = { -1, -1 };
	AUTO(fd_close) int boot = -1, program = -1;
	pid_t pid = -1;
	if (config.n_urls + config.n_revocations + config.n_logs == 0) {
		*ret_fd = -1;
		return CH_DONE;
	}
	fetcher_config_write(&w, &config);
	TRY(wr_done(&w));
	TRY(libexec_folder(&folder));
	TRY(path_join(&name, str_from_c(folder.p), LIT("fetcher"), (str){ 0 }));
	TRY(spawn_open(name.p, &program));
	TRY(channel_pair(ends));
	ch_err e = boot_make(LIT("fetcher"), wr_bytes(&w), &boot);
	mem_wipe(room, sizeof(room));
	TRY(e);
	TRY(spawn_role(&(struct spawn){ .program = program,
					.name = "chancery-fetch",
					.uid = uid,
					.gid = gid,
					.gate = -1,
					.n_fds = 3,
					.fds = { boot, -1, ends[1] } },
		       &pid));
	*ret_fd = TAKE_FD(ends[0]);
	return CH_DONE;
}
