/* Memory in which tests plant keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plant.h"

enum { PAGE = 4096 };

static struct plant plant;

static ch_err plant_read(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	struct plant *p = (struct plant *)m;
	*ret_n = 0;
	if (addr < PLANT_BASE || addr >= PLANT_BASE + PLANT_SIZE)
		return CH_DONE;
	size_t at = (size_t)(addr - PLANT_BASE);
	n = n < PLANT_SIZE - at ? n : PLANT_SIZE - at;
	mem_copy(to, p->p + at, n);
	*ret_n = n;
	return CH_DONE;
}

static ch_err plant_next(struct core_memory *m, uint64_t addr, uint64_t end, uint64_t *ret_from,
			 uint64_t *ret_to)
{
	(void)m;
	*ret_from = addr;
	*ret_to = end;
	return CH_DONE;
}

struct plant *plant_new(void)
{
	mem_zero(&plant, sizeof(plant));
	plant.memory = (struct core_memory){ plant_read, plant_next };
	plant.load = (struct core_load){ .addr = PLANT_BASE,
					 .mem_size = PLANT_SIZE,
					 .file_size = PLANT_SIZE,
					 .flags = CORE_READ | CORE_WRITE };
	plant.map = (struct core_map){ .loads = &plant.load, .n = 1 };
	plant.hunt = (struct hunt){ .map = &plant.map, .memory = &plant.memory };
	assert_false(failed(values_new(&plant.hunt.values)));
	assert_false(failed(publics_new(&plant.hunt.publics)));
	plant.used = 64;
	return &plant;
}

void plant_done(struct plant *p)
{
	values_done(&p->hunt.values);
	publics_done(&p->hunt.publics);
}

void plant_at(struct plant *p, size_t at, bytes b)
{
	assert_true(at <= PLANT_SIZE && b.n <= PLANT_SIZE - at);
	mem_copy(p->p + at, b.p, b.n);
}

void plant_u64(struct plant *p, size_t at, uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		p->p[at + i] = (uint8_t)(v >> 8 * i);
}

uint64_t plant_put(struct plant *p, bytes b)
{
	size_t at = p->used + 16, size = (b.n + 8 + 16 + 15) / 16 * 16;
	plant_u64(p, at - 8, size | 1);
	plant_at(p, at, b);
	p->used += size;
	return PLANT_BASE + at;
}

void plant_noise(uint8_t *p, size_t n, uint64_t seed)
{
	uint64_t x = seed * 2 + 1;
	for (size_t i = 0; i < n; i++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		p[i] = (uint8_t)(x >> 56);
	}
}

void plant_run(struct plant *p, finder_new_fn *make)
{
	struct finder *f = NULL;
	uint64_t unread = 0;
	assert_false(failed(make(&f)));
	assert_false(failed(hunt_run(&p->hunt, &f, 1, &unread)));
	assert_int_equal(unread, 0);
	f->free(f);
}

bool plant_says(const struct plant *p, enum value_kind kind, bytes is)
{
	for (size_t i = 0; i < values_count(p->hunt.values); i++) {
		const struct value *v = values_at(p->hunt.values, i);
		if (v->kind == kind && bytes_eq(v->is, is))
			return true;
	}
	return false;
}

bytes plant_turned(bytes b, uint8_t *room)
{
	for (size_t i = 0; i < b.n; i++)
		room[i] = b.p[b.n - 1 - i];
	return (bytes){ room, b.n };
}
