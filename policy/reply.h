/*
 * reply.h - what the SMTP client is told: one line of clean ASCII
 */
#ifndef POLICY_REPLY_H
#define POLICY_REPLY_H

#include "truefrom/verdict.h"

/* RFC 5321 section 4.5.3.1.5: 512 octets with code and CRLF. */
#define TF_REPLY_MAX 510

struct tf_reply_vars {
	struct tf_str domain, org_domain, policy, queue_id, rule;
};

/*
 * tf_reply_reject - "550 " and the expanded template
 *
 * Whatever does not fit one line, and a template that tf_verdict_reply_check would refuse, gives
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
