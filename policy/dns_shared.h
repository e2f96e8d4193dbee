/*
 * dns_shared.h - an answer that several messages and the cache hold at once
 */
#ifndef POLICY_DNS_SHARED_H
#define POLICY_DNS_SHARED_H

#include "truefrom/resolver.h"

struct tf_dns_shared;

/*
 * tf_dns_shared_new - copy an answer, and the question it belongs to, into one block of memory
 *
 * name    lower case, no trailing dot
 * answer  borrowed for the call
 *
 * Returns the copy with one reference, the caller's. Nothing of it changes any more; all functions
 * here are thread-safe.
 */
struct tf_dns_shared *tf_dns_shared_new(
    struct tf_str name, enum tf_dns_type type, const struct tf_dns_answer *answer);
struct tf_dns_shared *tf_dns_shared_retain(struct tf_dns_shared *s); /* returns s */
void tf_dns_shared_release(struct tf_dns_shared *s);                 /* NULL is fine */

/* Lives as long as the reference. */
const struct tf_dns_answer *tf_dns_shared_answer(const struct tf_dns_shared *s);
bool tf_dns_shared_is_for(const struct tf_dns_shared *s, struct tf_str name, enum tf_dns_type type);
size_t tf_dns_shared_bytes(const struct tf_dns_shared *s); /* all that it takes of memory */

#endif
