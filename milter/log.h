/*
 * log.h - the log: one line a message, and what an operator should know
 *
 * Outside bytes are escaped and clipped here, once. Thread-safe; waits for no reader
 * (log_out.h).
 */
#ifndef MILTER_LOG_H
#define MILTER_LOG_H

#include "truefrom/verdict.h"

enum tf_log_level { TF_LOG_ERROR, TF_LOG_WARNING, TF_LOG_NOTICE, TF_LOG_INFO, TF_LOG_DEBUG };

enum tf_log_facility {
	TF_FACILITY_MAIL,
	TF_FACILITY_DAEMON,
	TF_FACILITY_USER,
	TF_FACILITY_LOCAL0,
	TF_FACILITY_LOCAL1,
	TF_FACILITY_LOCAL2,
	TF_FACILITY_LOCAL3,
	TF_FACILITY_LOCAL4,
	TF_FACILITY_LOCAL5,
	TF_FACILITY_LOCAL6,
	TF_FACILITY_LOCAL7
};

struct tf_log_opts {
	enum tf_log_facility facility;
	enum tf_log_level level;
	bool json;
};

/* program: static text. to_stderr: the foreground; lines go to stderr instead of syslog. They begin
 * with the program there, or, where that is systemd's journal, which names it, with the priority.
 */
void tf_log_open(const char *program, bool to_stderr);
void tf_log_configure(const struct tf_log_opts *opts); /* also on a reload */
bool tf_log_wants(enum tf_log_level level);
/* Control and 8-bit bytes in the formatted text are escaped; over 2 KiB is clipped with "...". */
void tf_log(enum tf_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Each line of the text as a line of its own. */
void tf_log_lines(enum tf_log_level level, const struct tf_buf *text);
/* Each line of the text to stderr as "WHO: line": before there is a log, and for the command line.
 */
void tf_log_complain(const char *who, const struct tf_buf *text);

/* What the line about one message says beside the result (interface.md). */
struct tf_log_message {
	struct tf_str queue_id;
	const struct tf_result *result;
	const struct tf_verdict *verdict;
	uint32_t ms;       /* spent at the end of the message */
	struct tf_str why; /* truefrom itself could not decide: the cause; else empty */
};

/* The line as logfmt or JSON, without a line end; for tf_log_message and its tests. */
void tf_log_message_write(const struct tf_log_message *m, bool json, struct tf_buf *out);
void tf_log_message(const struct tf_log_message *m);

#endif
