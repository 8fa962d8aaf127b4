/* Which language a person reads, from what the application and the browser say. Both are
 * hints: what cannot be read is as if it was not there. */
#include "pages.h"

enum { Q_MAX = 1000 };

static const str tags[LANG_COUNT] = {
#define X(id, tag) [LANG_##id] = { tag, sizeof(tag) - 1 },
	LANGS(X)
#undef X
};

str lang_tag(enum lang lang)
{
	return tags[lang];
}

/* By its primary subtag: fr-CA is French (RFC 4647 section 3.4). LANG_COUNT: none of ours. */
static enum lang lang_of(str range)
{
	str primary = str_cut(&range, '-');
	for (size_t i = 0; i < LANG_COUNT; i++)
		if (str_eq_nocase(primary, tags[i]))
			return (enum lang)i;
	return LANG_COUNT;
}

/* "0.8" as 800: RFC 9110 section 12.4.2; -1 for anything else. */
static int weight_of(str q)
{
	int weight = 0, unit = Q_MAX;
	if (q.n == 0 || q.n > 5 || (q.p[0] != '0' && q.p[0] != '1') || (q.n > 1 && q.p[1] != '.'))
		return -1;
	for (size_t i = 0; i < q.n; i++) {
		if (i == 1)
			continue;
		if (q.p[i] < '0' || q.p[i] > '9')
			return -1;
		weight += (q.p[i] - '0') * unit;
		unit /= 10;
	}
	return weight <= Q_MAX ? weight : -1;
}

static int item_weight(str parameters)
{
	int weight = Q_MAX;
	while (parameters.n > 0) {
		str value = str_trim(str_cut(&parameters, ';'), LIT(" \t"));
		str name = str_trim(str_cut(&value, '='), LIT(" \t"));
		if (str_eq_nocase(name, LIT("q")))
			weight = weight_of(str_trim(value, LIT(" \t")));
	}
	return weight;
}

static enum lang accepted(str field)
{
	enum lang best = LANG_EN;
	int best_weight = 0;
	while (field.n > 0) {
		str rest = str_cut(&field, ',');
		enum lang lang = lang_of(str_trim(str_cut(&rest, ';'), LIT(" \t")));
		int weight = item_weight(rest);
		if (lang < LANG_COUNT && weight > best_weight) {
			best = lang;
			best_weight = weight;
		}
	}
	return best;
}

enum lang lang_pick(str ui_locales, str accept_language)
{
	while (ui_locales.n > 0) {
		enum lang lang = lang_of(str_cut(&ui_locales, ' '));
		if (lang < LANG_COUNT)
			return lang;
	}
	return accepted(accept_language);
}
