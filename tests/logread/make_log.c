/* Writes a log with src/merkle alone: make_log DIR SIZE…, a head at each size. DIR/vkey, DIR/witness
 * and DIR/checkpoint.SIZE beside what a log serves. `plant HASH INDEX` before the sizes puts that
 * hash (hexadecimal) into the entry there. The keys are new each time. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/path.h"
#include "merkle/entry.h"
#include "merkle/tile.h"
#include "signed.h"

enum { MAX = 80000, LEVELS = 3 };

struct log {
	int dir_fd;
	struct merkle_edge edge;
	size_t n[LEVELS];
	struct merkle_hash *h[LEVELS]; /* hashes at the levels of tiles */
	struct test_signer signer, witness;
};

static struct {
	bool is_set;
	uint64_t index;
	uint8_t hash[MERKLE_HASH_SIZE];
} plant;

/* Entry i of the log: none like another. */
static bytes entry_of(uint64_t i, uint8_t room[static LOG_ENTRY_MAX])
{
	struct log_entry e = { .typ = i % 3 ? LOG_TYP_AT_JWT : LOG_TYP_JWT,
			       .iat_s = 1795396127 + (int64_t)i / 100,
			       .exp_s = 1795399727 + (int64_t)i / 100,
			       .realm = i % 2 ? LIT("home") : LIT("staff"),
			       .kid = LIT("2026-11-es256") };
	struct wr w = wr_of(room, LOG_ENTRY_MAX), h = wr_of(e.hash, sizeof(e.hash));
	wr_u64(&h, i);
	if (plant.is_set && i == plant.index) {
		mem_copy(e.hash, plant.hash, sizeof(e.hash));
		e.typ = LOG_TYP_AT_JWT; /* as make_evidence's token says */
		e.iat_s = 1795396200;
		e.exp_s = 1795399800;
	}
	assert(!failed(log_entry_write(&w, &e)));
	return wr_bytes(&w);
}

static void put(struct log *l, const char *name, bytes content)
{
	struct path folder;
	if (failed(path_of(&folder, path_folder(str_from_c(name)))) ||
	    failed(dir_make(l->dir_fd, folder.p, 0755)) ||
	    failed(file_replace(l->dir_fd, name, content, 0644))) {
		fprintf(stderr, "make_log: cannot write %s\n", name);
		exit(3);
	}
}

static void add(struct log *l, uint64_t i)
{
	uint8_t room[LOG_ENTRY_MAX];
	struct merkle_hash h;
	merkle_leaf(entry_of(i, room), &h);
	merkle_edge_add(&l->edge, &h);
	for (size_t level = 0; level < LEVELS; level++) {
		l->h[level][l->n[level]++] = h;
		if (l->n[level] % TILE_WIDTH != 0)
			return;
		const struct merkle_hash *first = &l->h[level][l->n[level] - TILE_WIDTH];
		assert(!failed(tile_root((bytes){ first->b, TILE_SIZE_MAX }, &h)));
	}
}

static void write_tile(struct log *l, const struct tile_id *t)
{
	static uint8_t tile[TILE_ROOM_MAX];
	uint8_t room[LOG_ENTRY_MAX], path[TILE_PATH_MAX + 1];
	struct wr w = wr_of(tile, sizeof(tile)), p = wr_of(path, sizeof(path));
	for (uint64_t i = t->n * TILE_WIDTH; i < t->n * TILE_WIDTH + t->width; i++) {
		if (t->entries)
			bundle_put(&w, entry_of(i, room));
		else
			wr_put(&w, BYTES_OF(l->h[t->level][i].b));
	}
	tile_path_write(&p, t);
	wr_u8(&p, 0);
	assert(!w.full && !p.full);
	put(l, (const char *)path, wr_bytes(&w));
}

static void write_signed(struct log *l, const struct checkpoint *c, const char *name)
{
	uint8_t room[CHECKPOINT_MAX + NOTE_LINE_MAX], body_room[CHECKPOINT_BODY_MAX];
	struct wr w = wr_of(room, sizeof(room)), b = wr_of(body_room, sizeof(body_room));
	checkpoint_write(&b, c);
	test_head(&w, &l->signer, c, 1795396127 + (int64_t)c->size);
	test_cosign(&w, &l->witness, wr_text(&b), 1795396128 + (int64_t)c->size);
	assert(!w.full);
	put(l, name, wr_bytes(&w));
}

static void write_head(struct log *l)
{
	char name[64];
	struct checkpoint c = { .origin = l->signer.note.name, .size = l->edge.size };
	merkle_edge_root(&l->edge, &c.root);
	(void)snprintf(name, sizeof(name), "checkpoint.%llu", (unsigned long long)c.size);
	write_signed(l, &c, name);
	write_signed(l, &c, "checkpoint");
	c.root.b[0] ^= 1; /* what a log that forked would have signed */
	write_signed(l, &c, "checkpoint.fork");
}

static void write_key(struct log *l, const char *name, const struct note_key *k)
{
	uint8_t room[NOTE_VKEY_MAX + 1];
	struct wr w = wr_of(room, sizeof(room));
	vkey_write(&w, k);
	wr_char(&w, '\n');
	put(l, name, wr_bytes(&w));
}

static void grow(struct log *l, uint64_t size)
{
	struct tile_walk walk = tile_walk_of(l->edge.size, size);
	struct tile_id t;
	while (l->edge.size < size)
		add(l, l->edge.size);
	while (tile_walk_next(&walk, &t))
		write_tile(l, &t);
	write_head(l);
}

static bool plant_read(const char *hex, const char *index)
{
	for (size_t i = 0; i < 2 * sizeof(plant.hash); i++) {
		const char c = hex[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		const int v = c <= '9' ? c - '0' : c - 'a' + 10;
		plant.hash[i / 2] = (uint8_t)(plant.hash[i / 2] << 4 | v);
	}
	plant.is_set = true;
	return str_to_u64(str_from_c(index), MAX, &plant.index);
}

int main(int argc, char **argv)
{
	static struct log l;
	uint64_t size = 0;
	bool plants = argc > 5 && str_eq(str_from_c(argv[2]), LIT("plant"));
	if (plants && !plant_read(argv[3], argv[4]))
		return 2;
	if (argc < 3 || failed(dir_make(AT_FDCWD, argv[1], 0755))) {
		fprintf(stderr, "usage: make_log DIR SIZE...\n");
		return 2;
	}
	l.dir_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < LEVELS; i++)
		assert((l.h[i] = calloc(MAX, sizeof(struct merkle_hash))));
	test_signer_new(LIT("login.example.com/log"), &l.signer);
	test_signer_new(LIT("witness.example/w1"), &l.witness);
	write_key(&l, "vkey", &l.signer.note);
	write_key(&l, "witness", &l.witness.cosigner);
	for (int i = plants ? 5 : 2; i < argc; i++) {
		if (!str_to_u64(str_from_c(argv[i]), MAX, &size) || size < l.edge.size)
			return 2;
		grow(&l, size);
	}
	for (size_t i = 0; i < LEVELS; i++)
		free(l.h[i]);
	test_signer_done(&l.signer);
	test_signer_done(&l.witness);
	return 0;
}
