/*
 * reply.h - what the SMTP client is told: a few lines of clean ASCII
 */
#ifndef POLICY_REPLY_H
#define POLICY_REPLY_H

#include "truefrom/verdict.h"

/* RFC 5321 section 4.5.3.1.5: 512 octets with code and CRLF. */
#define TF_REPLY_MAX 510

struct tf_reply_vars {
	struct tf_str domain, org_domain, policy, queue_id, rule, identifiers;
};

/*
 * tf_reply_reject - the expanded template with its code: "550 5.7.1 text", or several lines of
 * which all but the last have "550-" (RFC 5321 section 4.2.1), with LF between them
 *
 * Whatever does not fit its line, and a template that tf_verdict_reply_check would refuse, gives
 * the default text instead. Bytes that are not printable ASCII become '?'. Owned by a.
 */
struct tf_str tf_reply_reject(
    struct tf_arena *a, struct tf_str template, const struct tf_reply_vars *vars);

/*
 * tf_reply_line - prefix and text as one line
 *
 * prefix  code, enhanced code and fixed words; clean
 * text    any bytes; cleaned as above; left out altogether when it does not fit
 */
struct tf_str tf_reply_line(struct tf_arena *a, const char *prefix, struct tf_str text);

#endif
