/*
 * stats.h - a log, counted: whose mail was refused, or would be, and where it came from
 *
 * For a postmaster who watches in monitor mode before he lets truefrom refuse anything.
 */
#ifndef MILTER_STATS_H
#define MILTER_STATS_H

#include <stdio.h>

#include "truefrom/base.h"

struct tf_stats;

struct tf_stats *tf_stats_new(void);
void tf_stats_free(struct tf_stats *s); /* NULL is fine */

/* One line without its end: about a message, or of anything else. */
void tf_stats_line(struct tf_stats *s, struct tf_str line);
/* All lines of an open file. 0, or -1 with errno set when it cannot be read. */
int tf_stats_read(struct tf_stats *s, FILE *in);

/* What was counted, with the top author domains; as words, or as one JSON object. */
void tf_stats_write_words(struct tf_stats *s, size_t top, struct tf_buf *out);
void tf_stats_write_json(struct tf_stats *s, size_t top, struct tf_buf *out);

#endif
