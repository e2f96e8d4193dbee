/*
 * config_date.c - a calendar day in UTC
 *
 * Counted by hand: mktime knows the local time zone alone, and timegm is in no standard.
 */
#include "milter/config_date.h"
#include "truefrom/banned.h"

#define DAY ((int64_t)86400)

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
days_in_month(int64_t year, int64_t month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

static int64_t
days_in_year(int64_t year)
{
	return is_leap(year) ? 366 : 365;
}

bool
tf_date_parse(struct tf_str s, int64_t *last_second_out)
{
	uint32_t year, month, day;
	int64_t days = 0;

	if (s.len != 10 || s.ptr[4] != '-' || s.ptr[7] != '-' ||
	    !tf_str_to_u32(tf_str_sub(s, 0, 4), 9999, &year) || year < 1970 ||
	    !tf_str_to_u32(tf_str_sub(s, 5, 2), 12, &month) || month < 1 ||
	    !tf_str_to_u32(tf_str_sub(s, 8, 2), 31, &day) || day < 1 ||
	    day > days_in_month(year, month))
		return false;
	for (int64_t y = 1970; y < year; y++)
		days += days_in_year(y);
	for (int64_t m = 1; m < month; m++)
		days += days_in_month(year, m);
	*last_second_out = (days + day) * DAY - 1;
	return true;
}

void
tf_date_write(int64_t second, struct tf_buf *out)
{
	int64_t days = second / DAY, year = 1970, month = 1;

	while (days >= days_in_year(year))
		days -= days_in_year(year++);
	while (days >= days_in_month(year, month))
		days -= days_in_month(year, month++);
	tf_buf_printf(out, "%04d-%02d-%02d", (int)year, (int)month, (int)days + 1);
}
