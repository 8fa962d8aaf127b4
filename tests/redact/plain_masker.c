/* A masker without speed, and one that feeds the real one piece by piece. */
#include "plain_masker.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

#include "plain_needles.h"
#include "random.h"

/* Runs of digits of hex, letters among them, and long ones of decimal digits. */
static void plain_hex(bytes memory, uint8_t *covered)
{
	for (size_t from = 0, to = 0; from < memory.n; from = to + 1) {
		bool seen[256] = { false };
		size_t distinct = 0, letters = 0;
		for (to = from; to < memory.n && isxdigit(memory.p[to]); to++) {
			uint8_t c = (uint8_t)tolower(memory.p[to]);
			distinct += !seen[c];
			letters += c >= 'a';
			seen[c] = true;
		}
		size_t least = letters ? RANDOM_HEX_MIN : RANDOM_DECIMAL_MIN;
		if (to - from < least || distinct < 8 || letters == to - from)
			continue;
		for (size_t i = from; i < to; i++)
			covered[i] = 1;
	}
}

static bool is_constant(const struct core_map *map, uint64_t addr)
{
	const struct core_load *l = core_map_at(map, addr);
	return l && l->flags & CORE_PROGRAM && !(l->flags & CORE_WRITE);
}

static void plain_random(const struct core_map *map, bytes memory, uint8_t *looks_random)
{
	struct random_rule rule;
	uint16_t *owners = calloc(memory.n, sizeof(*owners));
	assert(owners);
	random_rule_init(&rule, map);
	random_find_plain(&rule, (struct random_block){ memory.p, memory.n, memory.n, owners, 1 });
	for (size_t i = 0; i < memory.n; i++)
		looks_random[i] = (uint8_t)owners[i];
	free(owners);
	plain_hex(memory, looks_random);
}

void plain_masker(const struct masker_setup *s, uint64_t addr, bytes memory, uint8_t *covered)
{
	plain_needles(s->values, memory, NEEDLE_PIECE, covered);
	for (uint64_t at = s->words_from; at < s->words_to; at++)
		if (at >= addr && at - addr < memory.n)
			covered[at - addr] = 1;
	if (s->level != LEVEL_STRICT)
		return;
	uint8_t *looks_random = calloc(memory.n, 1);
	assert(looks_random);
	plain_random(s->map, memory, looks_random);
	for (size_t i = 0; i < memory.n; i++)
		if (looks_random[i] && !is_constant(s->map, addr + i))
			covered[i] = 1;
	free(looks_random);
}

ch_err mask_in_pieces(struct masker *m, uint64_t addr, uint8_t *p, size_t n, size_t step)
{
	size_t done = 0, passed = 0;
	while (done < n) {
		size_t end = n - passed < step ? n : passed + step, final = 0;
		/* what is not there yet must not be touched */
		size_t size = end - done;
		uint8_t *piece = malloc(size);
		assert(piece);
		mem_copy(piece, p + done, size);
		struct masker_piece one = { addr + done, piece, size, passed - done, end == n };
		ch_err e = masker_run(m, one, &final);
		assert(failed(e) || final <= size);
		assert(failed(e) || end < n || final == size);
		assert(failed(e) || size - final < MASKER_HOLD + 4096 + 16);
		mem_copy(p + done, piece, size);
		free(piece);
		TRY(e);
		done += final;
		passed = end;
	}
	return CH_DONE;
}
