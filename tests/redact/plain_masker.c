/* A masker without speed, and one that feeds the real one piece by piece. */
#include "plain_masker.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "plain_needles.h"
#include "random_text.h"

static bool is_unit(bytes memory, size_t at, size_t width)
{
	if (at + width > memory.n || !(isalnum(memory.p[at]) || memchr("+/-_", memory.p[at], 4)))
		return false;
	for (size_t i = 1; i < width; i++)
		if (memory.p[at + i])
			return false;
	return true;
}

static void plain_run(bytes memory, size_t at, size_t n, size_t width, uint8_t *covered)
{
	struct letter_run r = { memory.p + at, n, width };
	bool (*const next[])(const struct letter_run *, size_t *,
			     struct letter_piece *) = { drawn_digits_next, drawn_letters_next };
	for (size_t k = 0; n >= RANDOM_TEXT_MIN && k < COUNT_OF(next); k++) {
		struct letter_piece piece;
		for (size_t from = 0; next[k](&r, &from, &piece);)
			for (size_t i = piece.from * width; i < piece.to * width; i++)
				covered[at + i] = 1;
	}
}

/* Each run of letters of each width, wherever it begins. */
static void plain_text(bytes memory, uint8_t *covered)
{
	for (size_t width = 1; width <= 4; width *= 2) {
		for (size_t at = 0; at < memory.n; at++) {
			if (!is_unit(memory, at, width) ||
			    (at >= width && is_unit(memory, at - width, width)))
				continue;
			size_t n = 0, from = at;
			for (size_t to = at; is_unit(memory, to, width);) {
				to += width;
				n++;
				if (is_unit(memory, to, width) && n < RANDOM_RUN_MAX)
					continue;
				plain_run(memory, from, n, width, covered);
				from = to;
				n = 0;
			}
		}
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
	plain_text(memory, looks_random);
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
