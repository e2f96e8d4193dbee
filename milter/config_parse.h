/*
 * config_parse.h - the statements of a configuration file (only user of libconfuse)
 */
#ifndef MILTER_CONFIG_PARSE_H
#define MILTER_CONFIG_PARSE_H

#include "milter/config_rows.h"
#include "milter/config_text.h"

#define TF_CONFIG_DOMAINS_MAX 4096 /* domain sections, and forwarder sections */

/* One value, one element of a list, or the end of a section. */
struct tf_config_event {
	const struct tf_opt *opt; /* NULL: the end of a section */
	uint32_t token;           /* the value; of an empty list {} its "{"; of a section its "}" */
	struct tf_str value;      /* empty for {} */
};

struct tf_config_events {
	struct tf_config_event *list; /* in the order of the file */
	size_t count;
};

/*
 * tf_config_parse - run libconfuse over a scanned text
 *
 * text        keys that are in no row are reported and dropped from it
 * a           owns the events
 * report      receives unknown keys and the first mistake in the grammar
 * events_out  what was read, up to that mistake
 *
 * Thread-safe: libconfuse's scanner is global and used under a lock.
 */
void tf_config_parse(struct tf_config_text *text, struct tf_arena *a, struct tf_report *report,
    struct tf_config_events *events_out);

/* Of libconfuse, for -V. Static text. */
const char *tf_config_library_version(void);

#endif
