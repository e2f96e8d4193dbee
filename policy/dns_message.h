/*
 * dns_message.h - what the questions of a message and the resolver thread share
 *
 * Who owns what. A tf_dns and all its questions lie in the tf_dns's own arena. It is counted: one
 * reference for the message (until tf_dns_end), one for each post on its way to the resolver thread
 * and one for each question that the thread has open. Whoever drops the last one frees it; what
 * remains after tf_dns_end is memory that only the resolver thread still knows. Answers are
 * counted, too (dns_shared.h): those of a message are shared with other messages and with the
 * cache.
 *
 * Locks. `lock` of tf_dns guards everything in it and in its questions but the fields marked as the
 * resolver thread's own, and those that never change. Nothing is called with it held but the arena
 * and the cache of answers, whose lock is the leaf. The resolver's inbox has a lock of its own,
 * never taken with the other held.
 */
#ifndef POLICY_DNS_MESSAGE_H
#define POLICY_DNS_MESSAGE_H

#include <pthread.h>
#include <sys/queue.h>

#include "policy/dns_shared.h"

/* What a message asks of the resolver thread. */
enum tf_post_kind {
	TF_POST_ASK,   /* question */
	TF_POST_CANCEL /* everything that the message has open */
};

struct tf_post {
	enum tf_post_kind kind;
	struct tf_dns *dns; /* counted */
	struct tf_question *question;
	STAILQ_ENTRY(tf_post) link;
};

STAILQ_HEAD(tf_posts, tf_post);

struct tf_follow_up {
	tf_dns_then then;
	void *arg;
	struct tf_question *question;
	STAILQ_ENTRY(tf_follow_up) link;
};

STAILQ_HEAD(tf_follow_ups, tf_follow_up);

struct tf_lookup; /* of resolver.c */

struct tf_question {
	/* never change */
	struct tf_dns *dns;
	struct tf_str name; /* lower case, no trailing dot */
	enum tf_dns_type type;
	int64_t started_us, deadline_us; /* monotonic clock */
	bool sent;                       /* posted to the resolver thread */
	/* under the lock of dns; `answer` never changes once `done` is set */
	bool done;
	int64_t done_us;
	struct tf_dns_answer answer;
	struct tf_dns_shared *shared; /* owns what answer points to; NULL: it is a status alone */
	struct tf_follow_ups follow_ups; /* to be called when it is done */
	struct tf_post post;
	STAILQ_ENTRY(tf_question) link; /* in the order started */
	struct tf_question *next_in_bucket;
	/* the resolver thread's own */
	struct tf_lookup *lookup; /* NULL: not open */
	TAILQ_ENTRY(tf_question) peers;
	TAILQ_ENTRY(tf_question) open;
};

STAILQ_HEAD(tf_questions, tf_question);
TAILQ_HEAD(tf_question_list, tf_question);

int64_t tf_dns_now_us(void); /* CLOCK_MONOTONIC */

/* All below are called by the resolver thread, without locks. */

/*
 * tf_question_finish - store the answer, wake who waits, run the follow-ups
 *
 * shared  the answer; NULL: a failure, and status says which
 *
 * Keeps the answer that a waiter already gave up with. Drops the question's reference to its
 * message: q is gone. Returns the status that the question ended with.
 */
enum tf_dns_status tf_question_finish(
    struct tf_question *q, enum tf_dns_status status, struct tf_dns_shared *shared);
bool tf_dns_has_ended(struct tf_dns *dns);
struct tf_question *tf_dns_first_question(struct tf_dns *dns); /* of an ended message */
void tf_dns_unref(struct tf_dns *dns);

/* Of resolver.c, for the questions of messages. */

/* False: the thread has failed and took nothing. */
bool tf_resolver_post(struct tf_resolver *r, struct tf_post *post);
int64_t tf_resolver_timeout_us(const struct tf_resolver *r);
void tf_resolver_count_question(struct tf_resolver *r);
/* The answer if it is at hand, with a reference for the caller; else NULL. */
struct tf_dns_shared *tf_resolver_recall(
    struct tf_resolver *r, struct tf_str name, enum tf_dns_type type);

#endif
