/* Cache-Control as a server sends it: whatever stands there, an age between -1 and the
 * largest comes out, and no field raises what another has said. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "fetch_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	str field = { (const char *)data, size };
	int64_t age = max_age_read(field, -1);
	assert(age >= -1 && age <= FETCH_AGE_MAX);
	int64_t after = max_age_read(field, 10);
	assert(after >= 0 && after <= 10 && (age < 0 || after <= age));
	return 0;
}
