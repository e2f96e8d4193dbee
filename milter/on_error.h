/*
 * on_error.h - what truefrom itself could not decide about: causes, counted
 *
 * Counts since the start of the process. Thread-safe.
 */
#ifndef MILTER_ON_ERROR_H
#define MILTER_ON_ERROR_H

#include "truefrom/base.h"

enum tf_cause {
	TF_CAUSE_LIMIT,       /* a limit of one message */
	TF_CAUSE_CONNECTIONS, /* too many connections, or no descriptors for more */
	TF_CAUSE_RESOLVER,    /* its thread has ended or does not move */
	TF_CAUSE_RESULT,      /* a result that cannot be */
	TF_CAUSE_TURN         /* the end of a message that never began */
};

/* Zeroed: truefrom can decide. */
struct tf_cannot {
	enum tf_cause cause;
	const char *why; /* static text for the log and the reply; NULL: it can */
};

void tf_on_error_message(void); /* a message came to its end */
void tf_on_error_count(enum tf_cause cause);
/* Whether a line about this cause is due: at most one in a minute. */
bool tf_on_error_may_tell(enum tf_cause cause);
/* "7 messages since the start; 3 undecided: 2 limits, 1 resolver" */
void tf_on_error_write(struct tf_buf *out);

#endif
