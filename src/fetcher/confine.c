/* The walls of a fetcher's worker. It talks to strangers with libcurl and libcrypto, so it
 * keeps only: connecting to the internet, reading who is trusted and how names are found,
 * and the one socket to its gate. */
#include "base/path.h"
#include "fetcher_internal.h"
#include "sandbox/sandbox.h"

static ch_err only_names_and_certificates(const struct fetcher_config *config)
{
	struct sandbox_path allowed[SANDBOX_WEB_PATHS + 1];
	struct path certificates;
	size_t n = sandbox_web_paths(allowed);
	int abi = 0;
	if (config->ca_file.n > 0) {
		TRY(path_of(&certificates, path_folder(config->ca_file)));
		allowed[n++] = (struct sandbox_path){ certificates.p, ACCESS_READ };
	}
	return sandbox_landlock(allowed, n, NET_ANY, &abi);
}

ch_err confine(const struct fetcher_config *config, const int *keep_fds, size_t n)
{
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ sandbox_server, sandbox_server_n },
		{ sandbox_web, sandbox_web_n },
	};
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 128, .processes = 0 }));
	TRY(sandbox_close_from(3, keep_fds, n));
	TRY(only_names_and_certificates(config));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
