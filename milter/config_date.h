/*
 * config_date.h - a calendar day in UTC
 */
#ifndef MILTER_CONFIG_DATE_H
#define MILTER_CONFIG_DATE_H

#include "truefrom/base.h"

/* "YYYY-MM-DD", from 1970 to 9999, to the last second of that day. False: no such day. */
bool tf_date_parse(struct tf_str s, int64_t *last_second_out);
/* The day that a second, 0 or later, lies in. */
void tf_date_write(int64_t second, struct tf_buf *out);

#endif
