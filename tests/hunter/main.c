/* hunter --key PEM [--raw FILE]... [--tokens FILE] [--pid PID]... [FILE|FOLDER|-]...
 *
 * Counts what it finds, by secret, form and place, as JSON on standard output. Exit 0:
 * nothing found, 1: found, 2: usage, 3: an input could not be read. PEM may be /dev/fd/N.
 * --raw names a file whose bytes are a secret too. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hunter.h"

enum { INPUTS_MAX = 4096, REFUSED_MAX = 256, RAW_MAX = 4096, RAWS_MAX = 8 };

static struct {
	struct input_eater eater;
	struct material *material;
	struct prey prey;
	struct index *index;
	struct finds finds;
	pid_t pids[INPUTS_MAX];
	size_t n_pids;
	char **paths;
	size_t n_paths;
	uint32_t signatures, skipped;
	bool note_refused, trouble;
	struct refused {
		pid_t pid;
		char region[80];
		size_t n;
		int error;
	} refused[REFUSED_MAX];
	size_t n_refused;
	double seconds;
} hunter;

static void take(struct input_eater *e, bytes hay, enum place place, const char *where)
{
	struct timespec a, b;
	(void)e;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	index_hunt(hunter.index, hay, place, where, &hunter.finds);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	hunter.seconds += (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

static void refused(struct input_eater *e, pid_t pid, const char *region, size_t n, int error)
{
	(void)e;
	if (!hunter.note_refused || hunter.n_refused == REFUSED_MAX)
		return;
	struct refused *r = &hunter.refused[hunter.n_refused++];
	*r = (struct refused){ .pid = pid, .n = n, .error = error };
	(void)snprintf(r->region, sizeof(r->region), "%s", region);
}

static void look_everywhere(void)
{
	hunter.index = index_new(&hunter.prey);
	for (size_t i = 0; i < hunter.n_pids; i++)
		if (!input_process(&hunter.eater, hunter.pids[i]))
			hunter.trouble = true;
	for (size_t i = 0; i < hunter.n_paths; i++)
		if (!input_path(&hunter.eater, hunter.paths[i]))
			hunter.trouble = true;
	hunter.note_refused = false;
	index_free(hunter.index);
	hunter.index = NULL;
}

static void see_owner(uint32_t owner)
{
	for (size_t i = 0; i < PLACE_COUNT; i++) {
		uint8_t *p = realloc(hunter.finds.owners[i], owner + 1);
		if (!p)
			abort();
		p[owner] = 0;
		hunter.finds.owners[i] = p;
	}
	hunter.finds.n_owners = owner + 1;
}

/* The key goes with the first lot of signatures only, so that it is counted once. */
static void hunt_lot(void)
{
	look_everywhere();
	prey_clear(&hunter.prey);
}

static bool hunt(const char *tokens)
{
	char *line = NULL;
	size_t cap = 0;
	uint32_t in_lot = 0;
	FILE *f = tokens ? fopen(tokens, "r") : NULL;
	if (tokens && !f)
		return false;
	see_owner(0);
	for (ssize_t n; f && (n = getline(&line, &cap, f)) > 0;) {
		str token = { line, strcspn(line, "\r\n") };
		see_owner(hunter.signatures + 1);
		if (!material_add_token(hunter.material, token, hunter.signatures + 1,
					&hunter.prey)) {
			hunter.skipped++;
			continue;
		}
		hunter.signatures++;
		if (++in_lot == SIGNATURES_A_HUNT) {
			hunt_lot();
			in_lot = 0;
		}
	}
	if (in_lot > 0 || hunter.signatures == 0)
		hunt_lot();
	free(line);
	if (f)
		(void)fclose(f);
	return true;
}

static void print_find(const char *name, size_t form, size_t place, const struct find *f,
		       bool *first)
{
	if (f->runs == 0)
		return;
	(void)printf("%s{\"secret\":\"%s\",\"form\":\"%s\",\"place\":\"%s\",\"runs\":%llu,"
		     "\"whole\":%llu,\"longest\":%llu,\"first\":\"%s\"}",
		     *first ? "" : ",", name, form_names[form], place_names[place],
		     (unsigned long long)f->runs, (unsigned long long)f->whole,
		     (unsigned long long)f->longest, f->first);
	*first = false;
}

static void print_finds(void)
{
	bool first = true;
	for (size_t i = 0; i < hunter.prey.n_names; i++)
		for (size_t form = 0; form < FORM_COUNT; form++)
			for (size_t place = 0; place < PLACE_COUNT; place++)
				print_find(hunter.prey.names[i], form, place,
					   &hunter.finds.at[i][form][place], &first);
}

static uint64_t runs_at(size_t place)
{
	uint64_t n = 0;
	for (size_t i = 0; i < hunter.prey.n_names; i++)
		for (size_t form = 0; form < FORM_COUNT; form++)
			n += hunter.finds.at[i][form][place].runs;
	return n;
}

static uint64_t owners_at(size_t place, size_t from, size_t to)
{
	uint64_t n = 0;
	for (size_t i = from; i < to; i++)
		n += hunter.finds.owners[place][i];
	return n;
}

static void print_places(const char *name, uint64_t (*count)(size_t))
{
	(void)printf(",\"%s\":{", name);
	for (size_t i = 0; i < PLACE_COUNT; i++)
		(void)printf("%s\"%s\":%llu", i ? "," : "", place_names[i],
			     (unsigned long long)count(i));
	(void)printf("}");
}

static uint64_t keys_at(size_t place)
{
	return owners_at(place, 0, 1);
}

static uint64_t signatures_at(size_t place)
{
	return owners_at(place, 1, hunter.finds.n_owners);
}

static bool print_all(void)
{
	uint64_t runs = 0;
	for (size_t i = 0; i < PLACE_COUNT; i++)
		runs += runs_at(i);
	(void)printf("{\"alg\":\"%s\",\"signatures\":%u,\"skipped\":%u,\"bytes\":%llu,"
		     "\"mb_per_s\":%.0f,\"total\":%llu",
		     material_alg(hunter.material), hunter.signatures, hunter.skipped,
		     (unsigned long long)hunter.finds.bytes,
		     hunter.seconds > 0 ? (double)hunter.finds.bytes / 1e6 / hunter.seconds : 0.0,
		     (unsigned long long)runs);
	print_places("runs", runs_at);
	print_places("key_found", keys_at);
	print_places("signatures_found", signatures_at);
	(void)printf(",\"found\":[");
	print_finds();
	(void)printf("],\"refused\":[");
	for (size_t i = 0; i < hunter.n_refused; i++)
		(void)printf("%s{\"pid\":%d,\"region\":\"%s\",\"bytes\":%zu,\"error\":%d}",
			     i ? "," : "", (int)hunter.refused[i].pid, hunter.refused[i].region,
			     hunter.refused[i].n, hunter.refused[i].error);
	(void)printf("]}\n");
	return runs > 0;
}

static bool add_raw(const char *path)
{
	uint8_t room[RAW_MAX];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(room, 1, sizeof(room), f) : 0;
	if (f)
		(void)fclose(f);
	if (n < WINDOW)
		return false;
	prey_add(&hunter.prey, "raw", 0, (bytes){ room, n }, true);
	return true;
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: hunter --key PEM [--raw FILE]... [--tokens FILE] "
			      "[--pid PID]... [FILE|FOLDER|-]...\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "raw", required_argument, NULL, 'r' },
		{ "tokens", required_argument, NULL, 't' },
		{ "pid", required_argument, NULL, 'p' },
		{ 0 },
	};
	const char *key = NULL, *tokens = NULL, *raws[RAWS_MAX];
	size_t n_raws = 0;
	uint64_t pid = 0;
	for (int o = 0; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'k')
			key = optarg;
		else if (o == 't')
			tokens = optarg;
		else if (o == 'r' && n_raws < RAWS_MAX)
			raws[n_raws++] = optarg;
		else if (o == 'p' && hunter.n_pids < INPUTS_MAX &&
			 str_to_u64(str_from_c(optarg), 1 << 30, &pid))
			hunter.pids[hunter.n_pids++] = (pid_t)pid;
		else
			return usage();
	}
	hunter.eater = (struct input_eater){ take, refused };
	hunter.note_refused = true;
	hunter.paths = argv + optind;
	hunter.n_paths = (size_t)(argc - optind);
	if (!key || hunter.n_pids + hunter.n_paths == 0)
		return usage();
	hunter.material = material_read(key, &hunter.prey);
	bool ok = hunter.material != NULL;
	for (size_t i = 0; i < n_raws; i++)
		ok = ok && add_raw(raws[i]);
	if (!ok || !hunt(tokens)) {
		(void)fprintf(stderr, "hunter: cannot read the key, a secret or the tokens\n");
		return 3;
	}
	bool found = print_all();
	return hunter.trouble ? 3 : found ? 1 : 0;
}
