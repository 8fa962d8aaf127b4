/* `chancery coredump scan`: does a core hold secrets, and where? The core is read by a
 * redactor behind walls, never here. */
#include <stdio.h>

#include "codec/json.h"
#include "coredump.h"
#include "options.h"
#include "redaction.h"
#include "say.h"

#include "commands.h"

static const char usage[] =
	"usage: chancery coredump scan FILE… [--json] [--registry DIR|none]\n"
	"\n"
	"Looks for keys, tokens and passwords in cores of x86-64 Linux programs, as the kernel or\n"
	"gcore writes them, and says where they are; never what they are.\n"
	"\n"
	"  --json          an array of reports\n"
	"  --registry DIR  looks for the registered secrets of the handler in this folder too; "
	"root\n"
	"                  takes this host's unless it says none\n"
	"\n"
	"Exit status: 0 nothing was found, 1 secrets were found, 3 something could not be read.\n";

enum { FILES = 256 };

static int worse(int a, int b)
{
	return a > b ? a : b;
}

static void print_json(const char *file, const struct redaction_result *r, bool first)
{
	char room[1024];
	struct wr w = wr_of(room, sizeof(room));
	json_write_str(&w, str_from_c(file));
	str name = w.full ? LIT("\"\"") : wr_text(&w);
	(void)printf("%s{\"file\":%.*s,\"report\":%.*s}", first ? "" : ",\n", (int)name.n, name.p,
		     (int)r->report.n, (const char *)r->report.p);
}

static int scan_one(const char *file, const char *registry, bool json, bool *first)
{
	const struct redaction r = { .in = file,
				     .duty = REDACT_SCAN,
				     .wish = WISH_FULL,
				     .sysroot = "/",
				     .registry = registry,
				     .out = -1 };
	struct redaction_result result = { 0 };
	ch_err e = redaction_run(&r, &result);
	if (failed(e))
		return say_trouble("coredump scan: cannot scan", str_from_c(file), e);
	int status = result.secrets > 0 ? EXIT_NO : EXIT_YES;
	if (json) {
		print_json(file, &result, *first);
		*first = false;
	} else {
		status = worse(status, redaction_print(file, &result, true));
	}
	/* what was not seen may hold some */
	return result.whole ? status : worse(status, EXIT_TROUBLE);
}

int coredump_scan(int argc, char **argv)
{
	const char *files[FILES];
	struct word_list words = { files, FILES, 0 };
	bool json = false, first = true;
	const char *registry = NULL;
	const struct option_spec specs[] = { { "--json", .flag = &json },
					     { "--registry", .value = &registry } };
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_and_words(argc, argv, specs, COUNT_OF(specs), &words))
		return command_usage(usage, false);
	if (words.n == 0)
		return command_wrong(usage, "coredump scan: which file?");
	int status = EXIT_YES;
	if (json)
		(void)printf("[");
	for (size_t i = 0; i < words.n; i++)
		status = worse(status, scan_one(files[i], registry, json, &first));
	if (json)
		(void)printf("]\n");
	return status;
}
