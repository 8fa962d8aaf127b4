/* The gate's walls: what it needs works behind them, what it does not need fails or
 * ends the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "gate_internal.h"
#include "walls.h"

static char folder[] = "/tmp/chancery-walls-XXXXXX";
static char file[64];
static struct gate_config config;

static int make_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/home.json", folder);
	assert_false(
		failed(file_replace(AT_FDCWD, file, bytes_of_str(LIT("{\"keys\":[]}")), 0644)));
	assert_false(failed(crypto_init(NULL)));
	config.n_issuers = 1;
	config.issuers[0] = (struct gate_issuer){ .issuer = LIT("https://a.test/home"),
						  .realm = LIT("home"),
						  .jwks = str_from_c(file),
						  .n_audiences = 1,
						  .audiences = { LIT("mail") },
						  .max_ttl_s = 3600 };
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)rmdir(folder);
	return 0;
}

static ch_err walls(const int *keep_fds, size_t n)
{
	return confine(&config, keep_fds, n);
}

static int read_keys(void)
{
	return open_code(file, O_RDONLY);
}

static int read_keys_again(void)
{
	struct keys *k = calloc(1, sizeof(*k));
	if (!k)
		return 98;
	if (failed(keys_open(k, &config, -1)))
		return 96;
	return k->policy ? 0 : 97;
}

static int write_keys(void)
{
	return open_code(file, O_WRONLY);
}

static int read_elsewhere(void)
{
	return open_code("/etc/passwd", O_RDONLY);
}

static int read_beside(void)
{
	return open_code("/tmp", O_RDONLY | O_DIRECTORY);
}

static int make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static void what_it_needs_works(void **state)
{
	(void)state;
	act_fn *const acts[] = { read_keys, read_keys_again };
	all_exit(walls, acts, COUNT_OF(acts), 0);
}

static void files_elsewhere_are_shut(void **state)
{
	(void)state;
	act_fn *const acts[] = { write_keys, read_elsewhere, read_beside };
	all_exit(walls, acts, COUNT_OF(acts), EACCES);
}

static void all_else_kills(void **state)
{
	(void)state;
	act_fn *const acts[] = { make_socket, start_process, start_program, be_dumpable,
				 signal_somebody };
	all_are_killed(walls, acts, COUNT_OF(acts));
}

static void a_folder_that_is_not_there(void **state)
{
	(void)state;
	config.issuers[0].jwks = LIT("/tmp/there/is/no/such/folder/home.json");
	assert_int_equal(WEXITSTATUS(behind_walls(walls, read_keys)), WALLS_FAILED);
	config.issuers[0].jwks = str_from_c(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_needs_works),
		cmocka_unit_test(files_elsewhere_are_shut),
		cmocka_unit_test(all_else_kills),
		cmocka_unit_test(a_folder_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
