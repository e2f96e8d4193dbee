/*
 * session.h - events of one SMTP session become, for each message, a plan
 *
 * Knows nothing of libmilter: mfi.c feeds it from the MTA, truefrom.c from a file, the tests from
 * tables. A session belongs to one thread at a time. Order is a value: an event out of turn is
 * answered in one place (session.c).
 */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include "milter/current.h"
#include "truefrom/explain.h"

struct tf_session;

/* What the SMTP side knows at MAIL FROM. */
struct tf_mail {
	struct tf_str path;     /* as given, with or without < >; empty = null sender */
	struct tf_str mta_name; /* macro j; empty = not told */
	bool authenticated;
	bool smtputf8;
	int64_t now; /* seconds since 1970 */
};

/* One header field to delete: the index-th (from 1) of that name, in the order to perform. */
struct tf_deletion {
	const char *name;
	uint32_t index;
};

struct tf_insertion { /* at the top of the message, in the order to perform */
	const char *name;
	const char *value; /* leading blank, folds as LF TAB or LF SP */
};

struct tf_plan {
	const struct tf_deletion *deletions;
	size_t deletion_count;
	const struct tf_insertion *insertions;
	size_t insertion_count;
	const char *hold_reason;              /* NULL = do not hold */
	enum tf_action action;                /* what the MTA is told: accept, reject or tempfail */
	const char *reply_code, *reply_xcode; /* with reject and tempfail */
	const char *reply_lines[TF_REPLY_LINES]; /* NULL behind the last */
	/* For the command line: */
	const struct tf_result *result;
	const struct tf_verdict *verdict;
	struct tf_written written;
};

struct tf_session *tf_session_new(struct tf_current *current);
void tf_session_free(struct tf_session *s); /* NULL is fine */

/* client: family NONE when not known. local: submitted on this host without SMTP (sendmail(1)). */
void tf_session_connect(struct tf_session *s, const struct tf_addr *client, bool local);
void tf_session_helo(struct tf_session *s, struct tf_str helo); /* the latest one counts */
void tf_session_mail(struct tf_session *s, const struct tf_mail *mail);
void tf_session_rcpt(struct tf_session *s, struct tf_str rcpt); /* accepted recipients only */
void tf_session_header(struct tf_session *s, struct tf_str name, struct tf_str value);
void tf_session_eoh(struct tf_session *s);
void tf_session_body(struct tf_session *s, struct tf_str chunk);
/*
 * tf_session_end - end of the message: the only place that waits
 *
 * queue_id  of the MTA; may be empty
 * tick      NULL, or called every few seconds while waiting
 *
 * Returns the plan, valid until the next MAIL FROM, abort or free; logs the message's line.
 */
const struct tf_plan *tf_session_end(
    struct tf_session *s, struct tf_str queue_id, void (*tick)(void *), void *tick_arg);
/* The message in work, if there is one, is gone; the connection stays. */
void tf_session_abort(struct tf_session *s);
/*
 * tf_session_refuse - a limit of the process is reached: no message of this session is evaluated
 *
 * on_error decides about them, but for exempt ones. why: static text.
 */
void tf_session_refuse(struct tf_session *s, const char *why);
/* The command line: keep every DNS answer for the result, and log nothing. */
void tf_session_explain(struct tf_session *s);

#endif
