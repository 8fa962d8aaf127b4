/* Names of what the collector keeps, as backup writes and restore takes them. Pure. */
#include "backup.h"

#include "base/path.h"
#include "wire/roles.h"
#include "wire/sighting.h"

const str alarm_files[ALARM_FILES] = { LIT("alarm.json"), LIT("signing-input"), LIT("signature"),
				       LIT("jwks.json"),  LIT("checkpoint"),    LIT("told") };

bool alarm_id_ok(str id)
{
	bool ok = id.n == 32;
	for (size_t i = 0; i < id.n; i++)
		ok = ok &&
		     ((id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f'));
	return ok;
}

static bool is_chain(str kind, str file)
{
	bool known = false;
	for (size_t i = 0; i < SIGHTINGS_CHAINS; i++)
		known = known || str_eq(kind, str_from_c(sighting_folder[i]));
	return known && str_ends(file, LIT(".chain"));
}

bool reported_name_ok(str name)
{
	str left = name, top = str_cut(&left, '/'), second = str_cut(&left, '/');
	str third = str_cut(&left, '/'), fourth = left;
	if (str_eq(top, LIT("collector")))
		return name_ok(second, NAME_MAX_BYTES) && is_chain(third, fourth) &&
		       !str_has(fourth, '/');
	if (!str_eq(top, LIT("alarms")) || !alarm_id_ok(second) || fourth.n > 0)
		return false;
	for (size_t i = 0; i < ALARM_FILES; i++)
		if (str_eq(third, alarm_files[i]))
			return true;
	return false;
}
