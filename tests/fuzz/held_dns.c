/*
 * held_dns.c - a resolver whose thread is none: all functions of resolver.h that have one
 */
#include <string.h>

#include "policy/dns_answer.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/held_dns.h"
#include "truefrom/domain.h"

#define HELD_MAX 4096
#define KEPT_MAX 256

struct tf_resolver {
	struct tf_str order;
	void (*answer)(struct tf_question *q);
	struct tf_post *held[HELD_MAX];
	size_t held_count;
	struct tf_dns_shared *kept[KEPT_MAX];
	size_t kept_count;
	bool recalls;
};

static struct tf_resolver resolver;

void
held_dns_start(struct tf_str order, void (*answer)(struct tf_question *q))
{
	resolver.order = order;
	resolver.answer = answer;
	resolver.recalls = false;
	while (resolver.kept_count != 0)
		tf_dns_shared_release(resolver.kept[--resolver.kept_count]);
}

void
held_dns_recall(void)
{
	resolver.recalls = true;
}

struct tf_resolver *
held_dns(void)
{
	return &resolver;
}

size_t
held_dns_count(void)
{
	return resolver.held_count;
}

void
held_dns_finish(struct tf_question *q, struct tf_str packet, enum tf_dns_status failure)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_dns_answer answer = { .status = failure };
	struct tf_dns_shared *shared = NULL;

	if (packet.len != 0)
		tf_dns_answer_parse(packet, q->name, q->type, a, &answer);
	if (!tf_dns_failed(answer.status))
		shared = tf_dns_shared_new(q->name, q->type, &answer);
	tf_arena_free(a);
	tf_question_finish(q, answer.status, shared);
	if (shared != NULL && resolver.kept_count < KEPT_MAX)
		resolver.kept[resolver.kept_count++] = shared;
	else
		tf_dns_shared_release(shared);
}

/* Does one of the things that are held. */
static void
work(struct tf_resolver *r)
{
	size_t at = 0;
	struct tf_post *post;

	if (r->order.len != 0) {
		at = (unsigned char)r->order.ptr[0] % r->held_count;
		r->order = tf_str_sub(r->order, 1, r->order.len);
	}
	post = r->held[at];
	r->held_count--;
	memmove(&r->held[at], &r->held[at + 1], (r->held_count - at) * sizeof(r->held[0]));
	r->answer(post->question);
}

void
held_dns_settle(void)
{
	while (resolver.held_count != 0)
		work(&resolver);
}

/* In place of libc's: here the message sleeps, and the resolver's thread would work. */
int
pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict lock,
    const struct timespec *restrict when)
{
	(void)cond;
	(void)when;
	FUZZ_ASSERT(resolver.held_count != 0); /* else nothing will ever come */
	pthread_mutex_unlock(lock);
	work(&resolver);
	pthread_mutex_lock(lock);
	return 0;
}

/* The message is gone: nothing that it posted is done any more. */
static void
forget(struct tf_dns *dns)
{
	size_t kept = 0;

	for (size_t i = 0; i < resolver.held_count; i++) {
		if (resolver.held[i]->dns == dns)
			tf_dns_unref(dns);
		else
			resolver.held[kept++] = resolver.held[i];
	}
	resolver.held_count = kept;
	tf_dns_unref(dns);
}

bool
tf_resolver_post(struct tf_resolver *r, struct tf_post *post)
{
	if (post->kind == TF_POST_CANCEL) {
		forget(post->dns);
		return true;
	}
	FUZZ_ASSERT(post->question->name.len <= TF_DOMAIN_MAX);
	FUZZ_ASSERT(tf_domain_can_ask(post->question->name));
	FUZZ_ASSERT(r->held_count < HELD_MAX);
	r->held[r->held_count++] = post;
	return true;
}

int64_t
tf_resolver_timeout_us(const struct tf_resolver *r)
{
	(void)r;
	return (int64_t)3600 * 1000000;
}

void
tf_resolver_count_question(struct tf_resolver *r)
{
	(void)r;
}

struct tf_dns_shared *
tf_resolver_recall(struct tf_resolver *r, struct tf_str name, enum tf_dns_type type)
{
	for (size_t i = 0; r->recalls && i < r->kept_count; i++) {
		if (tf_dns_shared_is_for(r->kept[i], name, type))
			return tf_dns_shared_retain(r->kept[i]);
	}
	return NULL;
}

struct tf_resolver *
tf_resolver_new(const struct tf_resolver_opts *opts, struct tf_buf *why)
{
	(void)opts;
	(void)why;
	return &resolver;
}

void
tf_resolver_retain(struct tf_resolver *r)
{
	(void)r;
}

void
tf_resolver_release(struct tf_resolver *r)
{
	(void)r;
}

bool
tf_resolver_alive(const struct tf_resolver *r)
{
	(void)r;
	return true;
}

uint32_t
tf_resolver_beat(struct tf_resolver *r)
{
	(void)r;
	return 0;
}

const char *
tf_resolver_versions(void)
{
	return "";
}
