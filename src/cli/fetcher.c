/* Starting a gate's fetcher: it is told every URL now, and hears none later. */
#include "fetcher.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "libexec.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"
#include "wire/channel.h"

static char post_urls[FETCHER_POSTS_MAX][URL_MAX_BYTES];

/* In the order that a gate knows them by (reports.h of the gate). */
static void add_posts(const struct gate_collector *k, str secret, struct fetcher_config *c)
{
	static const str ends[FETCHER_POSTS_MAX] = { { "/sightings", 10 }, { "/alarms", 7 } };
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct wr w = wr_of(post_urls[i], sizeof(post_urls[i]));
		wr_str(&w, k->uri);
		wr_str(&w, ends[i]);
		c->posts[c->n_posts++] = (struct fetcher_post){
			.url = wr_text(&w),
			.type = LIT("application/octet-stream"),
			.client = k->client,
			.secret = secret,
		};
	}
}

bool fetcher_config_of(const struct gate_file *g, const struct fetcher_secrets *secrets,
		       struct fetcher_config *ret_c)
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
	if (g->gate.collector.uri.n > 0)
		add_posts(&g->gate.collector, secrets->collector, &c);
	*ret_c = c;
	return c.n_urls + c.n_revocations + c.n_logs + c.n_posts > 0;
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
	struct fetcher_config config;
	struct path folder, name;
	AUTO(channel_done) int ends[2] = { -1, -1 };
	AUTO(fd_close) int boot = -1, program = -1;
	pid_t pid = -1;
	if (!fetcher_config_of(g, secrets, &config)) {
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
