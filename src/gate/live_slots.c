/* The memory of a live set's tables, apart from who keeps it, so that analyzers can follow both. */
#include <stdlib.h>

#include "live.h"

struct live_slot *live_slots_new(uint32_t room, size_t size)
{
	return calloc(room, size);
}

void live_slots_free(struct live_slot *slots)
{
	free(slots);
}
