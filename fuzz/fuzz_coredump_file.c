/* A policy for crashes: whatever is refused is complained about with a place and a mend; what
 * parses has rules that say something. */
#include <assert.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t why_room[CONFIG_WHY_MAX];
	struct wr why = wr_of(why_room, sizeof(why_room));
	static struct coredump_file f;
	struct config_text *t = NULL;
	uint8_t id[BUILD_ID_MAX], n = 0;
	uint32_t from = 0, to = 0;
	if (failed(coredump_file_parse(LIT("f"), (bytes){ data, size }, &why, &f, &t))) {
		assert(str_starts(wr_text(&why), LIT("f:")) && str_has(wr_text(&why), ';'));
		return 0;
	}
	for (size_t i = 0; i < f.n_rules; i++) {
		const struct coredump_rule *r = &f.rules[i];
		assert(r->level < WISH_COUNT);
		assert(r->uid.n || r->executable.n || r->build_id.n);
		assert(!r->uid.n || coredump_uids(r->uid, &from, &to));
		assert(!r->build_id.n || coredump_build_id(r->build_id, id, &n));
	}
	config_text_free(t);
	return 0;
}
