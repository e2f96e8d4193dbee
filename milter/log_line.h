/*
 * log_line.h - a line of our own log, read again
 *
 * What log.c writes about a message, as logfmt or JSON, with or without what syslog puts before it.
 */
#ifndef MILTER_LOG_LINE_H
#define MILTER_LOG_LINE_H

#include "truefrom/explain.h"

#define TF_LOG_FIELDS_MAX 40

enum tf_log_line_kind {
	TF_LOG_LINE_OTHER,   /* of another program, or not about a message */
	TF_LOG_LINE_DAMAGED, /* begins as ours and is cut off or not well-formed */
	TF_LOG_LINE_MESSAGE
};

struct tf_log_line {
	struct tf_field fields[TF_LOG_FIELDS_MAX]; /* in their order, no key twice */
	size_t count;
};

/*
 * tf_log_line_parse - one line, without its end
 *
 * line      any bytes. Before the fields may stand what syslog and journalctl write there; its tag
 *           has to be truefromd, so that no other program's line that quotes ours counts
 * line_out  complete only for a message; keys and values live in a, escapes taken back to UTF-8
 *
 * A message has at least the fields id, client, from, action and rule. Never blocks or logs.
 */
enum tf_log_line_kind tf_log_line_parse(
    struct tf_str line, struct tf_arena *a, struct tf_log_line *line_out);

/* The value of a field; empty when it is not there. */
struct tf_str tf_log_line_get(const struct tf_log_line *line, const char *key);

#endif
