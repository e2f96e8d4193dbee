/*
 * config_report.h - what is wrong with a configuration, in the order of its lines
 */
#ifndef MILTER_CONFIG_REPORT_H
#define MILTER_CONFIG_REPORT_H

#include "truefrom/base.h"

#define TF_REPORT_MAX 50 /* errors, and as many warnings; the rest is counted */

struct tf_finding {
	uint32_t line; /* 0: the file as a whole */
	bool warning;
	struct tf_str text; /* "KEY: what is wrong; what would be right" */
};

struct tf_report {
	struct tf_arena *arena; /* owns the texts */
	struct tf_str file;
	struct tf_finding findings[2 * TF_REPORT_MAX];
	size_t count, errors, warnings; /* errors and warnings include those beyond the cap */
};

void tf_report_init(struct tf_report *r, struct tf_arena *a, struct tf_str file);
/*
 * tf_report_error, tf_report_warning - one finding
 *
 * key  what it is about, e.g. "dns.timeout"; shown as it is, so text from the file goes through
 *      tf_report_quote first
 */
void tf_report_error(struct tf_report *r, uint32_t line, struct tf_str key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void tf_report_warning(struct tf_report *r, uint32_t line, struct tf_str key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Errors to why, warnings to warn, by line, each "FILE:LINE: KEY: ..." with a line end. */
void tf_report_write(const struct tf_report *r, struct tf_buf *why, struct tf_buf *warn);
/*
 * tf_report_quote - text of the file in double quotes, as a C string
 *
 * Bytes that are not printable ASCII appear as \xNN; over 60 bytes are clipped with "...".
 */
const char *tf_report_quote(struct tf_arena *a, struct tf_str s);

#endif
