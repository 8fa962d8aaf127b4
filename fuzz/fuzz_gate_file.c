/* What parses as a gate's policy is written and parses again to the same file text. */
#include <assert.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t why_room[CONFIG_WHY_MAX], one[8 * CONFIG_WRITE_MAX],
		two[8 * CONFIG_WRITE_MAX];
	struct wr why = wr_of(why_room, sizeof(why_room));
	struct wr w = wr_of(one, sizeof(one)), again = wr_of(two, sizeof(two));
	struct gate_file g;
	struct config_text *t = NULL, *u = NULL;
	if (failed(gate_file_parse(LIT("f"), (bytes){ data, size }, &why, &g, &t))) {
		assert(str_starts(wr_text(&why), LIT("f:")) && str_has(wr_text(&why), ';'));
		return 0;
	}
	gate_file_write(&w, &g);
	config_text_free(t);
	assert(!w.full && !failed(gate_file_parse(LIT("f"), wr_bytes(&w), &why, &g, &u)));
	gate_file_write(&again, &g);
	assert(bytes_eq(wr_bytes(&w), wr_bytes(&again)));
	config_text_free(u);
	return 0;
}
