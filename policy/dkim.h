/*
 * dkim.h - DKIM verification (RFC 6376, 8301, 8463, 8616): guard, keys, results
 *
 * One check is one message and belongs to one thread at a time.
 */
#ifndef POLICY_DKIM_H
#define POLICY_DKIM_H

#include "truefrom/check.h"
#include "policy/dkim_verifier.h"

struct tf_dkim_check;

/*
 * tf_dkim_start - at the end of the headers: read all signatures, ask for all keys
 *
 * opts     borrowed until eval
 * m        the message; borrowed until eval. Its body is the caller's to feed and finish
 * authors  author domains: signatures whose d= is one of them, above or below one come first under
 *          the cap; used during the call only
 * now      seconds since 1970, for t= and x=
 * kind     who verifies; opts->own_verifier is not looked at
 *
 * Returns the check, owned by a. Never waits.
 */
struct tf_dkim_check *tf_dkim_start(struct tf_arena *a, struct tf_dns *dns,
    const struct tf_dkim_opts *opts, struct tf_signed_message *m, const struct tf_author *authors,
    int64_t now, enum tf_verifier_kind kind);
/*
 * tf_dkim_eval - the body ended, its hashes are finished: wait for keys, verify, conclude
 *
 * notes      one is appended for each signature, and one for whatever a postmaster should know
 * dkim_out   one result per DKIM-Signature field in message order, owned by the arena
 */
void tf_dkim_eval(struct tf_dkim_check *c, struct tf_notes *notes, const struct tf_dkim **dkim_out,
    size_t *count_out);
/* d= of every signature that will be evaluated, for walks that start early: normalised, distinct.
 */
size_t tf_dkim_domains(const struct tf_dkim_check *c, const struct tf_str **domains_out);
const char *tf_dkim_versions(void); /* libopendkim and OpenSSL, for -V */

#endif
