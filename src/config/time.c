/* RFC 3339 dates, both ways, without the C library's idea of a time zone. Trusts nothing:
 * a day that its month does not have is no date. */
#include "time_internal.h"

#include "base/rw.h"

static const int64_t last_s = 253402300799; /* 9999-12-31T23:59:59Z */

/* n digits at *s, which moves on; -1: they are not there or over max */
static int digits(str *s, size_t n, int max)
{
	int v = 0;
	for (size_t i = 0; i < n; i++) {
		if (i >= s->n || s->p[i] < '0' || s->p[i] > '9')
			return -1;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = str_sub(*s, n, s->n);
	return v <= max ? v : -1;
}

static bool skip(str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_sub(*s, 1, s->n);
	return true;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Days from 1970-01-01 to the first of January. */
static int64_t days_before(int64_t year)
{
	int64_t y = year - 1;
	return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static bool date(str *s, int64_t *ret_days)
{
	int year = digits(s, 4, 9999);
	bool ok = skip(s, '-');
	int month = digits(s, 2, 12);
	ok = ok && skip(s, '-');
	int day = digits(s, 2, 31);
	if (!ok || year < 1970 || month < 1 || day < 1 || day > days_of(year, month))
		return false;
	int64_t days = days_before(year) + day - 1;
	for (int m = 1; m < month; m++)
		days += days_of(year, m);
	*ret_days = days;
	return true;
}

static bool clock_time(str *s, int64_t *ret_s)
{
	int hour = digits(s, 2, 23);
	bool ok = skip(s, ':');
	int minute = digits(s, 2, 59);
	ok = ok && skip(s, ':');
	int second = digits(s, 2, 59);
	*ret_s = (int64_t)hour * 3600 + minute * 60 + second;
	return ok && hour >= 0 && minute >= 0 && second >= 0;
}

static bool offset(str *s, int64_t *ret_s)
{
	*ret_s = 0;
	if (skip(s, 'Z'))
		return true;
	bool east = skip(s, '+');
	if (!east && !skip(s, '-'))
		return false;
	int hour = digits(s, 2, 23);
	bool ok = skip(s, ':');
	int minute = digits(s, 2, 59);
	*ret_s = ((int64_t)hour * 3600 + minute * 60) * (east ? 1 : -1);
	return ok && hour >= 0 && minute >= 0;
}

bool time_parse(str text, int64_t *ret_s)
{
	uint64_t number = 0;
	int64_t days = 0, second = 0, zone = 0;
	if (str_to_u64(text, (uint64_t)last_s, &number)) {
		*ret_s = (int64_t)number;
		return true;
	}
	if (!date(&text, &days))
		return false;
	if (text.n > 0 &&
	    (!skip(&text, 'T') || !clock_time(&text, &second) || !offset(&text, &zone)))
		return false;
	int64_t s = days * 86400 + second - zone;
	if (text.n > 0 || s < 0 || s > last_s)
		return false;
	*ret_s = s;
	return true;
}

static void two(struct wr *w, int64_t v, char after)
{
	wr_char(w, (char)('0' + v / 10));
	wr_char(w, (char)('0' + v % 10));
	if (after)
		wr_char(w, after);
}

void time_write(struct wr *w, int64_t s)
{
	int64_t year = 1970, days = s / 86400, left = s % 86400;
	int month = 1;
	while (days >= 365 + is_leap(year))
		days -= 365 + is_leap(year++);
	while (days >= days_of(year, month))
		days -= days_of(year, month++);
	two(w, year / 100, 0);
	two(w, year % 100, '-');
	two(w, month, '-');
	two(w, days + 1, 'T');
	two(w, left / 3600, ':');
	two(w, left / 60 % 60, ':');
	two(w, left % 60, 'Z');
}
