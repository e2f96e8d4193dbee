/*
 * held_dns.h - a resolver whose thread is none, for fuzz targets that ask
 *
 * Takes the place of resolver.c, so that everything happens in one thread and an input always gives
 * the same: what a message posts is held, and when the message goes to sleep one of the things held
 * is done, which one the input says. All else is the real code (dns_message.c, dns_answer.c).
 */
#ifndef TESTS_FUZZ_HELD_DNS_H
#define TESTS_FUZZ_HELD_DNS_H

#include "policy/dns_message.h"

/*
 * held_dns_start - for what is asked from now on; no answer is at hand
 *
 * order   each byte says which of the things held is done next; behind its end, the oldest
 * answer  ends in held_dns_finish
 */
void held_dns_start(struct tf_str order, void (*answer)(struct tf_question *q));
/* The packet that came for a question; empty: nothing but a failure. */
void held_dns_finish(struct tf_question *q, struct tf_str packet, enum tf_dns_status failure);
struct tf_resolver *held_dns(void);
/* From now on, answers that came since held_dns_start are at hand, as in dns_cache.c. */
void held_dns_recall(void);
/* Does all that is held, and what comes of it. */
void held_dns_settle(void);
size_t held_dns_count(void);

#endif
