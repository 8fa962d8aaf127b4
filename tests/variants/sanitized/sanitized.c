/* Test variant: any program, so that a sanitizer can live in it and be heard. A system call
 * that is not in a role's list is logged and not deadly, and a role may read every file
 * (its own map, to name functions) and write into the folder of reports. The first report
 * ends the process. Roles get no environment, so the sanitizers' options stand here. */
#include <dlfcn.h>
#include <seccomp.h>
#include <stdlib.h>

#include "sandbox/sandbox.h"
#include "variant.h"

VARIANT("sanitized");

/* No search for leaks at the end: it stops the process by ptrace, and a signer is held. */
#define OPTIONS "log_path=" REPORTS "/report:log_exe_name=1:detect_leaks=0:halt_on_error=1"

__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return OPTIONS ":detect_stack_use_after_return=1:strict_string_checks=1";
}

const char *__ubsan_default_options(void)
{
	return OPTIONS ":print_stacktrace=1";
}

/* Beside ASan, gcc's UBSan takes no log_path of its options: it is told by the function that
 * its library has, which ASan's hides. */
static __attribute__((constructor)) void report_undefined(void)
{
	void *library = dlopen("libubsan.so.1", RTLD_NOW | RTLD_NOLOAD);
	void (*set_path)(const char *) =
		library ? (void (*)(const char *))dlsym(library, "__sanitizer_set_report_path")
			: NULL;
	if (!set_path)
		abort();
	set_path(REPORTS "/undefined");
}

scmp_filter_ctx __real_seccomp_init(uint32_t action);
scmp_filter_ctx __wrap_seccomp_init(uint32_t action);

scmp_filter_ctx __wrap_seccomp_init(uint32_t action)
{
	return __real_seccomp_init(action == SCMP_ACT_KILL_PROCESS ? SCMP_ACT_LOG : action);
}

ch_err __real_sandbox_landlock(const struct sandbox_path *paths, size_t n, enum sandbox_net net,
			       int *ret_abi);
ch_err __wrap_sandbox_landlock(const struct sandbox_path *paths, size_t n, enum sandbox_net net,
			       int *ret_abi);

ch_err __wrap_sandbox_landlock(const struct sandbox_path *paths, size_t n, enum sandbox_net net,
			       int *ret_abi)
{
	struct sandbox_path all[256] = {
		{ "/", ACCESS_READ },
		{ REPORTS, ACCESS_WRITE },
	};
	if (n > COUNT_OF(all) - 2)
		return ch_fail(CH_E_LIMIT, "too many paths for the test variant", n);
	for (size_t i = 0; i < n; i++)
		all[2 + i] = paths[i];
	return __real_sandbox_landlock(all, 2 + n, net, ret_abi);
}
