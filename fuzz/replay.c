/* Replays a corpus through a fuzz target, so that every test run covers the seeds
 * without a fuzzing engine. Reads each file of the folder in argv[1]. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

enum { INPUT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(int dir_fd, const char *name)
{
	uint8_t *p = NULL;
	size_t n = 0;
	if (failed(file_read_new(dir_fd, name, INPUT_MAX, &p, &n))) {
		fprintf(stderr, "%s: cannot be read or is over %d bytes\n", name, INPUT_MAX);
		return 1;
	}
	/* a copy without a byte to spare, so that a sanitizer sees a read past its end */
	uint8_t *exact = malloc(n ? n : 1);
	if (!exact)
		abort();
	mem_copy(exact, p, n);
	free(p);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	if (!dir) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	int bad = 0;
	size_t count = 0;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (e->d_name[0] != '.') {
			bad |= replay(dirfd(dir), e->d_name);
			count++;
		}
	closedir(dir);
	printf("%zu inputs\n", count);
	return bad || !count;
}
