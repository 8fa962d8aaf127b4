/* A device's code as a person types it: what is read is eight letters of ours, and reads the same
 * when it is written again. */
#include <assert.h>

#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char code[USER_CODE_SIZE], again[USER_CODE_SIZE], shown[USER_CODE_SIZE + 1];
	struct wr w = wr_of(shown, sizeof(shown));
	if (failed(user_code_read((str){ (const char *)data, size }, code)))
		return 0;
	for (size_t i = 0; i < sizeof(code); i++)
		assert(str_has(LIT("BCDFGHJKLMNPQRSTVWXZ"), code[i]));
	user_code_write(&w, (str){ code, sizeof(code) });
	assert(!failed(wr_done(&w)) && !failed(user_code_read(wr_text(&w), again)));
	assert(mem_eq(code, again, sizeof(code)));
	return 0;
}
