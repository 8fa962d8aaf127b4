/* chancery-fetcher: gets key sets from their issuers for one gate, so that the process that
 * judges tokens has no network. The parent reads its configuration and then nothing more:
 * it starts a worker, and another one when that ends. All that talks is in the worker. */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fetcher_internal.h"
#include "sandbox/sandbox.h"
#include "sandbox/spawn.h"
#include "wire/boot.h"

enum { GATE_FD = ROLE_FD, PAUSE_S = 1, EXIT_DONE = 0, EXIT_TROUBLE = 3, EXIT_LOST = 4 };

static uint8_t boot_storage[BOOT_MAX];
static struct fetcher_config config;

static ch_err work(void)
{
	AUTO(fetches_done) struct fetches *fetches = NULL;
	TRY(fetch_lookup_plainly());
	TRY(fetches_new(config.n_urls + config.n_revocations + config.n_logs + config.n_posts,
			FETCH_BODY_MAX, &fetches));
	const int keep[] = { GATE_FD, fetches_fd(fetches) };
	TRY(confine(&config, keep, COUNT_OF(keep)));
	return worker_serve(&config, fetches, GATE_FD);
}

_Noreturn static void be_worker(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		_exit(EXIT_TROUBLE);
	ch_err e = work();
	if (ch_code_of(e) == CH_E_GONE)
		_exit(EXIT_LOST);
	if (failed(e))
		LOG(LOG_ERROR, "a fetcher's worker ends", log_err(e));
	_exit(failed(e) ? EXIT_TROUBLE : EXIT_DONE);
}

/* One worker from its first to its last; *ret_done: the gate wants none any more. */
static ch_err run_worker(bool *ret_done)
{
	int status = 0;
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (pid == 0)
		be_worker(parent);
	while (waitpid(pid, &status, 0) != pid)
		if (errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait for the worker", errno);
	*ret_done = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
	if (WIFSIGNALED(status))
		LOG(LOG_ERROR, "a fetcher's worker was killed; another one is started",
		    log_u64("signal", (uint64_t)WTERMSIG(status)));
	return CH_DONE;
}

/* Reading anything at all stays possible here, for the workers to come; each shuts that. */
static ch_err keep_little(void)
{
	static const struct sandbox_path all[] = { { "/", ACCESS_READ } };
	int abi = 0;
	TRY(sandbox_undumpable());
	return sandbox_landlock(all, COUNT_OF(all), NET_ANY, &abi);
}

static ch_err serve(void)
{
	bytes text = { 0 };
	bool done = false;
	TRY(boot_read(LIT("fetcher"), boot_storage, sizeof(boot_storage), &text));
	TRY(fetcher_config_read(text, &config));
	TRY(keep_little());
	while (!done) {
		TRY(run_worker(&done));
		/* not in a storm, whatever ends them */
		if (!done)
			(void)nanosleep(&(struct timespec){ .tv_sec = PAUSE_S }, NULL);
	}
	return CH_DONE;
}

int main(void)
{
	log_open("chancery-fetcher");
	spawn_name("chancery-fetch");
	ch_err e = serve();
	if (!failed(e))
		return EXIT_DONE;
	LOG(LOG_ERROR, "the fetcher cannot serve", log_err(e));
	return EXIT_TROUBLE;
}
