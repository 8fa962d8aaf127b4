/* Times and sizes as people write them. */
#include "when.h"

#include <time.h>

#include "base/ck.h"
#include "base/clock.h"

static bool age_of(str text, int64_t *ret_ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	uint64_t n = 0;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		str number = str_sub(text, 0, text.n - 1);
		if (text.p[text.n - 1] == units[i].unit && str_to_u64(number, 1000000000, &n)) {
			*ret_ms = clock_unix_ms() - (int64_t)n * units[i].ms;
			return true;
		}
	}
	return false;
}

static bool date_of(const char *text, int64_t *ret_ms)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d" };
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		if (end && *end == 0) {
			*ret_ms = (int64_t)timegm(&tm) * 1000;
			return true;
		}
	}
	return false;
}

bool when_read(str text, int64_t *ret_ms)
{
	uint64_t s = 0;
	if (text.n > 0 && str_to_u64(text, UINT64_C(1) << 40, &s)) {
		*ret_ms = (int64_t)s * 1000;
		return true;
	}
	return text.n > 1 && (age_of(text, ret_ms) || date_of(text.p, ret_ms));
}

bool size_read(str text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	uint64_t n = 0, unit = 1;
	for (size_t i = 0; text.n > 1 && i < sizeof(units) - 1; i++)
		if (text.p[text.n - 1] == units[i]) {
			unit = UINT64_C(1) << 10 * (i + 1);
			text.n--;
			break;
		}
	return text.n > 0 && str_to_u64(text, UINT64_MAX, &n) && ck_mul(n, unit, ret_bytes);
}
