/* How fast the log's tree grows: entries a second into an edge, leaf and nodes together, on one core;
 * beside libcrypto's own hash of as many bytes, one call an entry. tree_rate [ENTRIES] prints
 * "entries/s N", "bare N" (the same hashes without a tree), "proofs/s N" (inclusion checked, of a
 * log of 10^9). By the CPU's time. */
#include <stdio.h>
#include <time.h>

#include "crypto/hash.h"
#include "merkle/entry.h"
#include "merkle/tree.h"

enum { ENTRIES = 2000000, PROOFS = 20000, DEPTH = 30 };

/* What other programs do meanwhile does not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double rate(uint64_t n, uint64_t from_ns)
{
	return (double)n * 1e9 / (double)(cpu_ns() - from_ns);
}

static bytes entry_of(uint64_t i, uint8_t room[static LOG_ENTRY_MAX])
{
	struct wr w = wr_of(room, LOG_ENTRY_MAX);
	struct log_entry e = { .typ = LOG_TYP_AT_JWT,
			       .iat_s = 1795396127,
			       .exp_s = 1795399727,
			       .realm = LIT("home"),
			       .kid = LIT("2026-11-23-es256") };
	mem_copy(e.hash, &i, sizeof(i));
	return failed(log_entry_write(&w, &e)) ? (bytes){ NULL, 0 } : wr_bytes(&w);
}

static double tree(bytes entry, uint8_t *p, uint64_t n)
{
	struct merkle_edge e = { 0 };
	struct merkle_hash h;
	uint64_t from = cpu_ns();
	for (uint64_t i = 0; i < n; i++) {
		mem_copy(p + LOG_ENTRY_HASH_AT, &i, sizeof(i));
		merkle_leaf(entry, &h);
		merkle_edge_add(&e, &h);
	}
	return rate(n, from);
}

static double bare(bytes entry, uint8_t *p, uint64_t n)
{
	uint8_t hash[SHA256_SIZE], pair[1 + 2 * SHA256_SIZE] = { 1 };
	uint64_t from = cpu_ns();
	for (uint64_t i = 0; i < n; i++) {
		mem_copy(p + LOG_ENTRY_HASH_AT, &i, sizeof(i));
		sha256(entry, hash);
		mem_copy(pair + 1, hash, sizeof(hash));
		sha256(BYTES_OF(pair), hash);
	}
	return rate(n, from);
}

static double proofs(void)
{
	struct merkle_proof p = { .n = DEPTH };
	const struct merkle_hash leaf = { { 1 } }, root = { { 2 } };
	uint64_t from = cpu_ns(), bad = 0;
	for (uint64_t i = 0; i < PROOFS; i++)
		bad += failed(merkle_check_inclusion(&leaf, i * 7, 1000000000, &p, &root));
	return bad == PROOFS ? rate(PROOFS, from) : 0;
}

int main(int argc, char **argv)
{
	uint8_t room[LOG_ENTRY_MAX];
	uint64_t n = ENTRIES;
	bytes entry = entry_of(0, room);
	if ((argc > 1 && !str_to_u64(str_from_c(argv[1]), 1000000000, &n)) || entry.n == 0)
		return 2;
	double grown = tree(entry, room, n), plain = bare(entry, room, n);
	printf("entries/s %.0f\nbare %.0f\nproofs/s %.0f\n", grown, plain, proofs());
	return 0;
}
