/*
 * dns_cache.h - answers at hand, for all messages of a resolver
 *
 * libunbound's cache lies behind its thread; what stands in this one any thread can read on the
 * spot, and already parsed.
 */
#ifndef POLICY_DNS_CACHE_H
#define POLICY_DNS_CACHE_H

#include "policy/dns_shared.h"

struct tf_dns_cache;

/*
 * tf_dns_cache_new - an empty cache
 *
 * bytes     of memory, the table and all answers in it; at least 4096
 * prefetch  answers are given for nine tenths of their time only: whoever asks behind that asks
 *           libunbound, which still has them and takes the question as a sign to ask again
 *
 * All functions below are thread-safe.
 */
struct tf_dns_cache *tf_dns_cache_new(uint64_t bytes, bool prefetch);
void tf_dns_cache_free(struct tf_dns_cache *cache); /* NULL is fine */

/* The answer to that question with a reference for the caller, or NULL. name is in lower case. */
struct tf_dns_shared *tf_dns_cache_get(
    struct tf_dns_cache *cache, struct tf_str name, enum tf_dns_type type, int64_t now_us);
/* Keeps the answer for its time (none at all when its ttl_s is 0) with a reference of its own; the
 * least used of the cache make room. */
void tf_dns_cache_put(struct tf_dns_cache *cache, struct tf_str name, enum tf_dns_type type,
    struct tf_dns_shared *answer, int64_t now_us);

#endif
