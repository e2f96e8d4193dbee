/*
 * log_out.h - where lines of the log go: to stderr or to syslog, without standing there
 */
#ifndef MILTER_LOG_OUT_H
#define MILTER_LOG_OUT_H

#include "milter/log.h"

/* As tf_log_open. */
void tf_log_out_open(const char *program, bool to_stderr);
/*
 * tf_log_out - one line
 *
 * text is printable ASCII. Where nobody takes it within a tenth of a second it is lost, and so is
 * every further line that is not taken at once; how many were lost the first says that gets
 * through. Thread-safe; lines of threads stay whole.
 */
void tf_log_out(enum tf_log_level level, enum tf_log_facility facility, struct tf_str text);

#endif
