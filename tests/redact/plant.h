/* Memory of a made-up process in which tests plant keys, and what finders then say. */
#pragma once
#include "redact/finder.h"

enum { PLANT_BASE = 0x7f0000000000, PLANT_SIZE = 4 * 1024 * 1024 };

struct plant {
	struct core_memory memory;
	struct core_load load;
	struct core_map map;
	struct hunt hunt;
	uint8_t p[PLANT_SIZE];
	size_t used; /* by plant_put */
};

/* The only one, anew: values and publics empty, memory zeros. */
struct plant *plant_new(void);
void plant_done(struct plant *p);
/* Places of their own, 16-aligned and with zeros and a small number before, as malloc does; the
 * address. */
uint64_t plant_put(struct plant *p, bytes b);
/* At an offset. */
void plant_at(struct plant *p, size_t at, bytes b);
void plant_u64(struct plant *p, size_t at, uint64_t v);
/* The same bytes on every run, as random as any. */
void plant_noise(uint8_t *p, size_t n, uint64_t seed);
/* Runs one finder; it must not fail. */
void plant_run(struct plant *p, finder_new_fn *make);
bool plant_says(const struct plant *p, enum value_kind kind, bytes is);
/* Turned: big endian to little. */
bytes plant_turned(bytes b, uint8_t *room);
