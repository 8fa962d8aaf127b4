/* What parses as chancery.yaml is written and parses again to the same file text. */
#include <assert.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t why_room[CONFIG_WHY_MAX], one[8 * CONFIG_WRITE_MAX],
		two[8 * CONFIG_WRITE_MAX];
	struct wr why = wr_of(why_room, sizeof(why_room));
	struct wr w = wr_of(one, sizeof(one)), again = wr_of(two, sizeof(two));
	struct config c;
	struct config_text *t = NULL, *u = NULL;
	if (failed(config_parse(LIT("f"), (bytes){ data, size }, &why, &c, &t))) {
		assert(str_starts(wr_text(&why), LIT("f:")) && str_has(wr_text(&why), ';'));
		return 0;
	}
	config_write(&w, &c);
	config_text_free(t);
	assert(!w.full && !failed(config_parse(LIT("f"), wr_bytes(&w), &why, &c, &u)));
	config_write(&again, &c);
	assert(bytes_eq(wr_bytes(&w), wr_bytes(&again)));
	config_text_free(u);
	return 0;
}
