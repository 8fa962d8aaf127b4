/* Secrets that are known by what stands before them: headers, queries, URLs, configuration,
 * commands. Anybody's text; a placeholder or a piece of program is none. */
#include "codec/json.h"
#include "text_internal.h"

static bytes part(const struct text_job *j, size_t from, size_t to)
{
	return (bytes){ j->v.p + from, to - from };
}

static uint8_t at_of(const struct text_job *j, size_t i)
{
	return i < j->v.n ? j->v.p[i] : 0;
}

/* --- runs of an alphabet --- */

static ch_err run(struct text_job *j, bool random)
{
	size_t from = j->at - j->row->back;
	size_t end = text_run(j, from, j->row->max ? j->row->max + 1u : 0);
	bytes is = part(j, from, end);
	if (is.n < j->row->min || (j->row->max && is.n > j->row->max))
		return CH_DONE;
	bytes head = { is.p, is.n < 128 ? is.n : 128 };
	if (text_distinct(head) < 8 || text_is_example(head) || (random && !text_looks_random(is)))
		return CH_DONE;
	return text_secret(j, from, end, TEXT_EVERYWHERE);
}

ch_err check_run(struct text_job *j)
{
	return run(j, false);
}

ch_err check_random(struct text_job *j)
{
	return run(j, true);
}

ch_err check_query(struct text_job *j)
{
	return run(j, true);
}

ch_err check_keylog(struct text_job *j)
{
	uint8_t key[128];
	size_t from = j->at - j->row->back, n = 0;
	size_t end = text_run(j, from, j->row->max);
	if (end - from < 64 || (end - from) % 2)
		return CH_DONE;
	TRY(text_secret(j, from, end, TEXT_EVERYWHERE));
	for (size_t i = from; i + 1 < end; i += 2) {
		unsigned high = j->v.p[i], low = j->v.p[i + 1];
		high = high <= '9' ? high - '0' : (high | 0x20) - 'a' + 10;
		low = low <= '9' ? low - '0' : (low | 0x20) - 'a' + 10;
		key[n++] = (uint8_t)(high << 4 | low);
	}
	ch_err e = text_value(j, VALUE_HMAC_KEY, false, (bytes){ key, n });
	mem_wipe(key, sizeof(key));
	return e;
}

/* --- HTTP --- */

static bool printable(bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 0x20 || b.p[i] == 0x7f)
			return false;
	return b.n && utf8_ok(str_of_bytes(b));
}

/* user:password, or user NUL user NUL password of SASL's PLAIN */
static ch_err say_login(struct text_job *j, size_t from, size_t end, bytes login)
{
	size_t colon = 0, password = 0;
	bool sasl = j->row->min == 8;
	for (size_t i = 0; i < login.n; i++) {
		if (!login.p[i])
			password = i + 1;
		colon = !colon && login.p[i] == ':' ? i + 1 : colon;
	}
	password = sasl ? password : colon;
	bytes is = { login.p + password, login.n - password };
	if (!printable(is) || (!password && !sasl) || (!sasl && !printable(login)))
		return CH_DONE;
	TRY(text_secret(j, from, end, TEXT_HERE));
	if (password && text_password_worth(is) == TEXT_EVERYWHERE)
		return text_value(j, VALUE_PASSWORD, false, is);
	return CH_DONE;
}

ch_err check_basic(struct text_job *j)
{
	uint8_t login[768];
	size_t from = j->at - j->row->back;
	size_t end = text_run(j, from, j->row->max);
	size_t n = text_unbase64(part(j, from, end), login, sizeof(login));
	ch_err e = n < 4 ? CH_DONE : say_login(j, from, end, (bytes){ login, n });
	mem_wipe(login, sizeof(login));
	return e;
}

static bool is_attribute(str name)
{
	static const str names[] = { LIT("path"),    LIT("domain"),   LIT("expires"),
				     LIT("max-age"), LIT("samesite"), LIT("priority"),
				     LIT("version") };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq_nocase(name, names[i]))
			return true;
	return false;
}

static ch_err say_cookie(struct text_job *j, str name, size_t from, size_t end)
{
	bytes is = part(j, from, end);
	if (is_attribute(name) || is.n < j->row->min || text_is_example(is))
		return CH_DONE;
	bool random = is.n >= 16 && text_looks_random(is);
	if (!random && text_password_worth(is) == TEXT_NOTHING)
		return CH_DONE;
	return text_secret(j, from, end, random ? TEXT_EVERYWHERE : TEXT_HERE);
}

ch_err check_cookie(struct text_job *j)
{
	size_t at = j->at - j->row->back;
	for (unsigned i = 0; i < 64; i++) {
		size_t name = at;
		while (at < j->v.n && text_is(j->v.p[at], AL_TOKEN) && j->v.p[at] != '=')
			at++;
		if (at_of(j, at) != '=')
			break;
		str is = { (const char *)j->v.p + name, at - name };
		size_t value = ++at;
		while (at < j->v.n && text_is(j->v.p[at], AL_VISIBLE) && j->v.p[at] != ';')
			at++;
		TRY(say_cookie(j, is, value, at));
		while (at_of(j, at) == ';' || at_of(j, at) == ' ')
			at++;
	}
	j->open = j->open || at >= j->v.n;
	j->work += at - j->at;
	return CH_DONE;
}

/* Scheme and parameters of Authorization: what is drawn at random among them. */
ch_err check_header(struct text_job *j)
{
	size_t at = j->at - j->row->back;
	for (unsigned i = 0; i < 16; i++) {
		size_t from = at;
		at = text_run(j, from, j->row->max);
		bytes is = part(j, from, at);
		bool scheme = !i && is.n < 20 && at_of(j, at) == ' ';
		if (!scheme && is.n >= j->row->min && text_looks_random(is))
			TRY(text_secret(j, from, at, TEXT_EVERYWHERE));
		if (at_of(j, at) != ' ')
			break;
		while (at_of(j, at) == ' ')
			at++;
	}
	return CH_DONE;
}

ch_err check_userinfo(struct text_job *j)
{
	size_t end = j->at - 1, from = end;
	while (from && j->v.p[from - 1] != ':' && end - from < j->row->max)
		from--;
	return text_secret(j, from, end, text_password_worth(part(j, from, end)));
}

/* --- passwords --- */

/* Where a value ends that starts at `from`: at the quote that stands before it, or where a
 * list, a query or a line goes on. */
static size_t value_end(struct text_job *j, size_t from, bool *ret_quoted)
{
	uint8_t quote = from ? j->v.p[from - 1] : 0;
	size_t end = from, most = j->v.n - from < j->row->max ? j->v.n - from : j->row->max;
	*ret_quoted = quote == '"' || quote == '\'';
	for (; end - from < most; end++) {
		uint8_t c = j->v.p[end];
		if (*ret_quoted ? c == quote || c == '\\' || c < 0x20
				: !text_is(c, AL_VISIBLE) || c == ';' || c == '&' || c == ',' ||
					  c == '<')
			break;
	}
	j->work += end - from;
	if (end - from < most)
		return end;
	j->open = j->open || end == j->v.n;
	return end;
}

static bool has_blank(bytes b)
{
	size_t at = 0;
	return bytes_find(b, LIT(" "), &at);
}

/* Is it where configuration and environments have values: NAME=value, and nothing behind? */
static bool is_setting(const struct text_job *j, size_t from, size_t end)
{
	uint8_t c = at_of(j, end);
	return from && j->v.p[from - 1] == '=' && (!c || c == '\n' || c == '\r' || c == '&');
}

/* swallow-lantern-orbit: letters and dashes */
static bool is_dashed(bytes b)
{
	size_t dashes = 0;
	for (size_t i = 0; i < b.n; i++) {
		dashes += b.p[i] == '-';
		if (!text_is(b.p[i], AL_ALNUM) && b.p[i] != '-')
			return false;
	}
	return dashes;
}

ch_err check_password(struct text_job *j)
{
	bool quoted = false;
	size_t from = j->at - j->row->back, end = value_end(j, from, &quoted);
	bytes is = part(j, from, end);
	enum text_worth worth = is.n < j->row->min ? TEXT_NOTHING : text_password_worth(is);
	bool setting = is_setting(j, from, end);
	/* keys are drawn at random, passwords need not be */
	if (worth == TEXT_EVERYWHERE && j->row->kind == VALUE_TOKEN && !text_looks_random(is))
		worth = TEXT_HERE;
	if (worth == TEXT_HERE && !setting && (!quoted || j->row->kind == VALUE_TOKEN))
		return CH_DONE;
	if (worth == TEXT_HERE && is.n >= 16 && text_distinct(is) >= 10 && is_dashed(is))
		worth = TEXT_EVERYWHERE;
	/* prose in quotes is not looked for elsewhere */
	if (worth == TEXT_EVERYWHERE && has_blank(is))
		worth = TEXT_HERE;
	return text_secret(j, from, end, worth);
}

/* It is certainly a password: one of letters alone is, too, when it is not short. */
static ch_err say_password(struct text_job *j, size_t from, size_t end)
{
	bytes is = part(j, from, end);
	enum text_worth worth = is.n < j->row->min ? TEXT_NOTHING : text_password_worth(is);
	if (worth == TEXT_HERE && is.n >= 10 && text_distinct(is) >= 6 && !has_blank(is))
		worth = TEXT_EVERYWHERE;
	return text_secret(j, from, end, worth);
}

ch_err check_command(struct text_job *j)
{
	bool quoted = false;
	size_t from = j->at - j->row->back;
	return say_password(j, from, value_end(j, from, &quoted));
}

/* {PLAIN}password, and in a passwd file what follows behind a colon */
ch_err check_scheme(struct text_job *j)
{
	bool quoted = false;
	size_t from = j->at - j->row->back, end = value_end(j, from, &quoted), colon = from;
	while (colon < end && j->v.p[colon] != ':')
		colon++;
	return say_password(j, from, colon);
}

ch_err check_line(struct text_job *j)
{
	size_t from = j->at - j->row->back, end = text_run(j, from, j->row->max);
	return at_of(j, end) == '\r' || j->open ? say_password(j, from, end) : CH_DONE;
}

ch_err check_quoted(struct text_job *j)
{
	size_t from = j->at - j->row->back, end = from;
	while (end < j->v.n && end - from < j->row->max && j->v.p[end] >= 0x20 &&
	       j->v.p[end] != '\'')
		end++;
	if (end == j->v.n)
		j->open = true;
	j->work += end - from;
	return at_of(j, end) == '\'' || j->open ? say_password(j, from, end) : CH_DONE;
}

/* $7\r\n at the end of what is before `at`: 7 */
static size_t count_before(const struct text_job *j, size_t at)
{
	size_t n = 0, unit = 1;
	if (at < 3)
		return 0;
	for (size_t i = at - 3; i && unit <= 1000; i--, unit *= 10) {
		uint8_t c = j->v.p[i];
		if (c < '0' || c > '9')
			break;
		n += unit * (size_t)(c - '0');
	}
	return n;
}

ch_err check_array(struct text_job *j)
{
	size_t from = j->at, n = count_before(j, from);
	size_t end = from + n;
	j->open = end + 8 > j->v.n;
	/* AUTH user password: the next one */
	if (at_of(j, end) == '\r' && at_of(j, end + 2) == '$') {
		size_t next = end + 3;
		while (at_of(j, next) >= '0' && at_of(j, next) <= '9')
			next++;
		bool three = at_of(j, next) == '\r';
		from = three ? next + 2 : from;
		end = three ? from + count_before(j, from) : end;
	}
	if (end + 2 > j->v.n) {
		j->open = true;
		return CH_DONE;
	}
	if (at_of(j, end) != '\r' || end - from > j->row->max)
		return CH_DONE;
	return say_password(j, from, end);
}

/* a LOGIN user password, each may be quoted */
ch_err check_login(struct text_job *j)
{
	size_t user = text_run(j, j->at - 1, j->row->max);
	if (at_of(j, j->at - 1) == '"')
		for (user = j->at; user < j->v.n && text_is(j->v.p[user], AL_VISIBLE);)
			user++;
	j->work += user - j->at;
	user += at_of(j, user) == '"';
	j->open = j->open || user + 2 > j->v.n;
	if (at_of(j, user) != ' ')
		return CH_DONE;
	size_t from = user + 1;
	from += at_of(j, from) == '"';
	size_t end = text_run(j, from, j->row->max);
	uint8_t c = at_of(j, end + (at_of(j, end) == '"'));
	j->open = j->open || end + 1 >= j->v.n;
	return c == '\r' || j->open ? say_password(j, from, end) : CH_DONE;
}
