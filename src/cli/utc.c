/* Times of day as people read them: always UTC. */
#include "utc.h"

#include <time.h>

str utc_text(int64_t unix_s, char room[static UTC_MAX])
{
	struct tm tm = { 0 };
	time_t t = unix_s;
	size_t n = 0;
	if (unix_s == 0)
		return LIT("never");
	if (gmtime_r(&t, &tm))
		n = strftime(room, UTC_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return n > 0 ? (str){ room, n } : LIT("a time that no calendar has");
}
