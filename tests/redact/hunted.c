/* What the finders see in a core: a line for each value, with all of it in hex. Public keys
 * may be given as lines of kind (a number) and hex. For tests, whose keys are made for them
 * and worth nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "elfcore/core.h"
#include "redact/finder.h"

static finder_new_fn *const makers[] = { HUNTED_FINDERS };
enum { FINDERS = COUNT_OF(makers) };

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const struct value *v)
{
	printf("%s %s 0x%llx ", v->finder.p, value_kind_name(v->kind).p,
	       (unsigned long long)v->first_addr);
	for (size_t i = 0; i < v->is.n; i++)
		printf("%02x", v->is.p[i]);
	putchar('\n');
}

static ch_err learn(struct publics *p, FILE *file)
{
	unsigned kind = 0, byte = 0;
	static char hex[4096];
	static uint8_t is[2048];
	while (file && fscanf(file, "%u %4095s", &kind, hex) == 2 && kind < PUBLIC_KIND_COUNT) {
		size_t n = 0;
		while (n < sizeof(is) && sscanf(hex + 2 * n, "%2x", &byte) == 1)
			is[n++] = (uint8_t)byte;
		TRY(publics_add(p, (enum public_kind)kind, (bytes){ is, n }));
	}
	return CH_DONE;
}

static ch_err run(int fd, FILE *publics)
{
	struct core_input_fd in;
	struct core_head head = { 0 };
	struct memory_file memory;
	struct finder *finders[FINDERS];
	struct hunt h = { .map = &head.map, .memory = &memory.memory };
	uint64_t unread = 0;
	core_input_file(&in, fd);
	TRY(core_segments_read(&in.input, &head));
	TRY(memory_file_init(&memory, &head.map, fd));
	TRY(values_new(&h.values));
	TRY(publics_new(&h.publics));
	TRY(learn(h.publics, publics));
	for (size_t i = 0; i < FINDERS; i++)
		TRY(makers[i](&finders[i]));
	double start = seconds();
	TRY(hunt_run(&h, finders, FINDERS, &unread));
	fprintf(stderr, "%.3f s, %llu unread, %llu untried\n", seconds() - start,
		(unsigned long long)unread, (unsigned long long)h.untried);
	for (size_t i = 0; i < PUBLIC_KIND_COUNT; i++)
		fprintf(stderr, "publics %zu: %zu\n", i,
			publics_count(h.publics, (enum public_kind)i));
	for (size_t i = 0; i < values_count(h.values); i++)
		say(values_at(h.values, i));
	for (size_t i = 0; i < FINDERS; i++)
		finders[i]->free(finders[i]);
	values_done(&h.values);
	publics_done(&h.publics);
	core_head_done(&head);
	return CH_DONE;
}

int main(int argc, char **argv)
{
	AUTO(fd_close) int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	FILE *publics = argc > 2 ? fopen(argv[2], "re") : NULL;
	ch_err e = fd < 0 ? ch_fail(CH_E_USAGE, "hunted CORE [PUBLICS]", 0) : run(fd, publics);
	if (failed(e))
		fprintf(stderr, "%s\n", e.site->what);
	return failed(e);
}
