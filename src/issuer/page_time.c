/* Times for people, in UTC: the browser does not say where it is, and we do not ask. */
#include <time.h>

#include "pages.h"

static const char *const months[LANG_COUNT][12] = {
	[LANG_EN] = { "January", "February", "March", "April", "May", "June", "July", "August",
		      "September", "October", "November", "December" },
	[LANG_FR] = { "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août",
		      "septembre", "octobre", "novembre", "décembre" },
};

static void two(struct wr *w, int n)
{
	wr_char(w, (char)('0' + n / 10 % 10));
	wr_char(w, (char)('0' + n % 10));
}

void time_put(struct wr *w, enum lang lang, int64_t unix_s)
{
	time_t at = (time_t)unix_s;
	struct tm t = { 0 };
	if (!gmtime_r(&at, &t) || t.tm_year < 0)
		return;
	const uint64_t year = (uint64_t)t.tm_year + 1900;
	wr_lit(w, "<time datetime=\"");
	wr_dec(w, year);
	wr_char(w, '-');
	two(w, t.tm_mon + 1);
	wr_char(w, '-');
	two(w, t.tm_mday);
	wr_char(w, 'T');
	two(w, t.tm_hour);
	wr_char(w, ':');
	two(w, t.tm_min);
	wr_lit(w, "Z\">");
	wr_dec(w, (uint64_t)t.tm_mday);
	wr_char(w, ' ');
	wr_str(w, str_from_c(months[lang][t.tm_mon]));
	wr_char(w, ' ');
	wr_dec(w, year);
	wr_lit(w, ", ");
	two(w, t.tm_hour);
	wr_char(w, ':');
	two(w, t.tm_min);
	wr_lit(w, " UTC</time>");
}
