/* A browser in two words, for the person who looks at his sessions: "Firefox, Linux". It is
 * what the browser says of itself, so it proves nothing; the field itself is not kept. */
#include "rules.h"

/* The first that occurs: later browsers say the names of earlier ones, too. */
static const str browsers[][2] = {
	{ { "Edg", 3 }, { "Edge", 4 } },
	{ { "OPR/", 4 }, { "Opera", 5 } },
	{ { "SamsungBrowser", 14 }, { "Samsung", 7 } },
	{ { "Firefox/", 8 }, { "Firefox", 7 } },
	{ { "FxiOS", 5 }, { "Firefox", 7 } },
	{ { "CriOS", 5 }, { "Chrome", 6 } },
	{ { "Chrome/", 7 }, { "Chrome", 6 } },
	{ { "Safari/", 7 }, { "Safari", 6 } },
	{ { "curl/", 5 }, { "curl", 4 } },
};
static const str systems[][2] = {
	{ { "Android", 7 }, { "Android", 7 } }, { { "iPhone", 6 }, { "iPhone", 6 } },
	{ { "iPad", 4 }, { "iPad", 4 } },       { { "Windows", 7 }, { "Windows", 7 } },
	{ { "Macintosh", 9 }, { "macOS", 5 } }, { { "CrOS", 4 }, { "ChromeOS", 8 } },
	{ { "FreeBSD", 7 }, { "FreeBSD", 7 } }, { { "OpenBSD", 7 }, { "OpenBSD", 7 } },
	{ { "Linux", 5 }, { "Linux", 5 } },
};

static bool occurs(str s, str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (str_starts(str_sub(s, i, s.n), part))
			return true;
	return false;
}

static str first_of(const str (*table)[2], size_t n, str field)
{
	for (size_t i = 0; i < n; i++)
		if (occurs(field, table[i][0]))
			return table[i][1];
	return (str){ 0 };
}

void agent_write(struct wr *w, str user_agent)
{
	str browser = first_of(browsers, COUNT_OF(browsers), user_agent);
	str system = first_of(systems, COUNT_OF(systems), user_agent);
	wr_str(w, browser);
	wr_str(w, browser.n > 0 && system.n > 0 ? LIT(", ") : LIT(""));
	wr_str(w, system);
}
