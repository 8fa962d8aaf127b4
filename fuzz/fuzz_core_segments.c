/* Headers of a core: what is read holds what users of a map rely on, and written and read
 * again it is the same. */
#include <assert.h>
#include <stdlib.h>

#include "make.h"
#include "unwritten.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct core_map *m)
{
	uint64_t next = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct core_load *l = &m->loads[i];
		assert(l->mem_size && l->addr >= next && l->file_size <= l->mem_size);
		assert(l->mem_size <= UINT64_MAX - l->addr);
		next = l->addr + l->mem_size;
		assert(core_map_at(m, l->addr) == l && core_map_at(m, next - 1) == l);
		assert(!l->file_size || (l->offset >= m->headers_size && l->offset <= m->size &&
					 l->file_size <= m->size - l->offset));
	}
	assert(m->size <= INT64_MAX && m->n <= CORE_LOADS_MAX);
}

static void again(struct core_head *h)
{
	struct make_input in;
	struct make_sink s;
	struct core_head second;
	make_sink(&s);
	core_map_lay_out(&h->map, h->map.notes_size & 0xffff);
	assert(!failed(core_segments_write(&h->map, &s.sink)));
	assert(s.to.n == h->map.headers_size);
	make_input(&in, made_bytes(&s.to));
	if (h->map.size <= INT64_MAX && h->map.n) {
		assert(!failed(core_segments_read(&in.input, &second)));
		assert(second.map.n == h->map.n && second.map.in_order && !second.map.left_out);
		core_head_done(&second);
	}
	made_done(&s.to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct make_input in;
	struct core_head h;
	unwritten(&h, sizeof(h));
	make_input(&in, (bytes){ data, size });
	if (failed(core_segments_read(&in.input, &h)))
		return 0;
	check(&h.map);
	again(&h);
	core_head_done(&h);
	return 0;
}
