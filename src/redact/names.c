/* Names of levels and of kinds of values, as commands, reports and marks spell them. */
#include "base/bytes.h"
#include "redact/level.h"
#include "redact/value.h"

static const str levels[LEVEL_COUNT] = {
	[LEVEL_TRIAGE] = { "triage", 6 },
	[LEVEL_STRICT] = { "strict", 6 },
	[LEVEL_FULL] = { "full", 4 },
};

static const struct {
	str name;
	unsigned bits;
} kinds[VALUE_KIND_COUNT] = {
#define VALUE_ROW(id, name, bits) [id] = { { "" name, sizeof(name) - 1 }, (bits) },
	VALUE_KINDS(VALUE_ROW)
#undef VALUE_ROW
};

str level_name(enum level l)
{
	return levels[l];
}

bool level_of(str name, enum level *ret_l)
{
	for (unsigned i = 0; i < LEVEL_COUNT; i++) {
		if (!str_eq(levels[i], name))
			continue;
		*ret_l = (enum level)i;
		return true;
	}
	return false;
}

str value_kind_name(enum value_kind k)
{
	return kinds[k].name;
}

unsigned value_kind_bits(enum value_kind k)
{
	return kinds[k].bits;
}
