/*
 * dns_message.c - the questions of one message: start, wait, follow up, end
 *
 * A question is known by its name and type and asked once a message; its answer is settled once,
 * from the answers at hand, by the resolver thread, or by a waiter whose time is up, and never
 * changes after that.
 * Does not: know libunbound or sockets (resolver.c), read packets (dns_answer.c).
 * Limits: tf_dns_opts.max_questions go out; further ones are answered with TF_DNS_SERVFAIL.
 */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "policy/dns_answer.h"
#include "policy/dns_message.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define BUCKETS 64

struct tf_dns {
	/* never change */
	struct tf_resolver *resolver;
	uint32_t max_questions;
	/* the message's own */
	void (*tick)(void *arg);
	void *tick_arg;
	int64_t tick_us; /* 0: none */
	int64_t waited_us;
	int64_t deadline_us; /* of all waits; 0: none */
	struct tf_post cancel;
	_Atomic size_t refs;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* `waiting_for` is done, or no follow-up runs any more */
	struct tf_arena *arena;
	bool ended, follow_up_runs, over_budget;
	struct tf_follow_ups due; /* their answers are there */
	uint32_t asked;
	struct tf_question *waiting_for;
	struct tf_questions questions;
	struct tf_question *buckets[BUCKETS];
};

int64_t
tf_dns_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
init_changed(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	/* A wall clock that is set back would make waits longer. */
	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(cond, &attr) != 0)
		tf_panic("no condition variable");
	pthread_condattr_destroy(&attr);
}

struct tf_dns *
tf_dns_begin(struct tf_resolver *r, const struct tf_dns_opts *opts)
{
	struct tf_dns *dns = tf_xcalloc(1, sizeof(*dns));

	tf_resolver_retain(r);
	dns->resolver = r;
	dns->max_questions = opts->max_questions;
	dns->arena = tf_arena_new();
	dns->refs = 1;
	STAILQ_INIT(&dns->due);
	STAILQ_INIT(&dns->questions);
	if (pthread_mutex_init(&dns->lock, NULL) != 0)
		tf_panic("no mutex");
	init_changed(&dns->changed);
	return dns;
}

void
tf_dns_unref(struct tf_dns *dns)
{
	struct tf_question *q;

	if (atomic_fetch_sub(&dns->refs, 1) != 1)
		return;
	STAILQ_FOREACH(q, &dns->questions, link)
	{
		tf_dns_shared_release(q->shared);
	}
	pthread_cond_destroy(&dns->changed);
	pthread_mutex_destroy(&dns->lock);
	tf_arena_free(dns->arena);
	tf_xfree(dns);
}

bool
tf_dns_has_ended(struct tf_dns *dns)
{
	bool ended;

	pthread_mutex_lock(&dns->lock);
	ended = dns->ended;
	pthread_mutex_unlock(&dns->lock);
	return ended;
}

struct tf_question *
tf_dns_first_question(struct tf_dns *dns)
{
	return STAILQ_FIRST(&dns->questions);
}

void
tf_dns_end(struct tf_dns *dns)
{
	struct tf_resolver *r;
	bool open;

	if (dns == NULL)
		return;
	r = dns->resolver;
	pthread_mutex_lock(&dns->lock);
	dns->ended = true;
	while (dns->follow_up_runs)
		pthread_cond_wait(&dns->changed, &dns->lock);
	open = dns->refs > 1;
	if (open) {
		dns->cancel = (struct tf_post){ .kind = TF_POST_CANCEL, .dns = dns };
		dns->refs++;
	}
	pthread_mutex_unlock(&dns->lock);
	if (open && !tf_resolver_post(r, &dns->cancel))
		tf_dns_unref(dns);
	tf_dns_unref(dns);
	tf_resolver_release(r);
}

/* Sets the answer, once and for all. Under the lock. */
static void
settle(struct tf_question *q, const struct tf_dns_answer *answer)
{
	q->answer = *answer;
	q->done_us = tf_dns_now_us();
	q->done = true;
}

static void
settle_failed(struct tf_question *q, enum tf_dns_status status)
{
	settle(q, &(struct tf_dns_answer){ .status = status });
}

/* With a reference of the question's own. */
static void
settle_shared(struct tf_question *q, struct tf_dns_shared *shared)
{
	q->shared = shared;
	settle(q, tf_dns_shared_answer(shared));
}

/*
 * Runs the follow-ups that are due, one after the other, those that become due meanwhile as well.
 * While one thread does, others leave theirs to it. Under the lock, without which they are called.
 */
static void
run_due(struct tf_dns *dns)
{
	if (dns->follow_up_runs)
		return;
	dns->follow_up_runs = true;
	while (!dns->ended && !STAILQ_EMPTY(&dns->due)) {
		const struct tf_follow_up *f = STAILQ_FIRST(&dns->due);

		STAILQ_REMOVE_HEAD(&dns->due, link);
		pthread_mutex_unlock(&dns->lock);
		f->then(dns, f->question->name, &f->question->answer, f->arg);
		pthread_mutex_lock(&dns->lock);
	}
	dns->follow_up_runs = false;
	if (dns->ended)
		pthread_cond_signal(&dns->changed);
}

enum tf_dns_status
tf_question_finish(struct tf_question *q, enum tf_dns_status status, struct tf_dns_shared *shared)
{
	struct tf_dns *dns = q->dns;
	bool awaited, followed;

	pthread_mutex_lock(&dns->lock);
	if (!dns->ended && !q->done && shared != NULL)
		settle_shared(q, tf_dns_shared_retain(shared));
	else if (!dns->ended && !q->done)
		settle_failed(q, status);
	if (q->done)
		status = q->answer.status;
	awaited = dns->waiting_for == q;
	STAILQ_CONCAT(&dns->due, &q->follow_ups);
	followed = !STAILQ_EMPTY(&dns->due);
	pthread_mutex_unlock(&dns->lock);

	if (awaited) /* not under the lock, which is the first thing that the waiter takes */
		pthread_cond_signal(&dns->changed);
	if (followed) {
		pthread_mutex_lock(&dns->lock);
		run_due(dns);
		pthread_mutex_unlock(&dns->lock);
	}
	tf_dns_unref(dns);
	return status;
}

static struct tf_str
without_final_dot(struct tf_str name)
{
	if (name.len != 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	return name;
}

static struct tf_str
lower_copy(struct tf_str name, struct tf_arena *a)
{
	char *copy = tf_arena_alloc(a, name.len);

	for (size_t i = 0; i < name.len; i++)
		copy[i] = tf_lower(name.ptr[i]);
	return (struct tf_str){ copy, name.len };
}

/* Decides whether the question goes out; settles it if not. Under the lock. */
static void
admit(struct tf_dns *dns, struct tf_question *q, bool can_ask)
{
	struct tf_dns_shared *at_hand;

	if (!can_ask) {
		settle_failed(q, TF_DNS_MALFORMED);
		return;
	}
	if (dns->asked >= dns->max_questions) {
		dns->over_budget = true;
		settle_failed(q, TF_DNS_SERVFAIL);
		return;
	}
	dns->asked++;
	at_hand = tf_resolver_recall(dns->resolver, q->name, q->type);
	if (at_hand != NULL) {
		settle_shared(q, at_hand);
		return;
	}
	dns->refs++;
	q->sent = true;
	q->post = (struct tf_post){ .kind = TF_POST_ASK, .dns = dns, .question = q };
}

/* The question of that name and type; a new one, ready to be posted, if *fresh_out. Under the
 * lock. */
static struct tf_question *
find_or_add(struct tf_dns *dns, struct tf_str name, enum tf_dns_type type, bool *fresh_out)
{
	bool can_ask = tf_domain_can_ask(name);
	struct tf_question **bucket, *q;

	name = without_final_dot(name);
	bucket = &dns->buckets[tf_str_hash(name, (uint32_t)type) % BUCKETS];
	for (q = *bucket; q != NULL; q = q->next_in_bucket) {
		if (q->type == type && tf_str_eq_nocase(q->name, name)) {
			*fresh_out = false;
			return q;
		}
	}
	q = tf_arena_alloc(dns->arena, sizeof(*q));
	q->dns = dns;
	q->name = lower_copy(name, dns->arena);
	q->type = type;
	q->started_us = tf_dns_now_us();
	q->deadline_us = q->started_us + tf_resolver_timeout_us(dns->resolver);
	STAILQ_INIT(&q->follow_ups);
	STAILQ_INSERT_TAIL(&dns->questions, q, link);
	q->next_in_bucket = *bucket;
	*bucket = q;
	admit(dns, q, can_ask);
	tf_resolver_count_question(dns->resolver);
	*fresh_out = q->sent;
	return q;
}

/* Hangs the follow-up on the question, or puts it with those that are due. Under the lock. */
static void
add_follow_up(struct tf_dns *dns, struct tf_question *q, tf_dns_then then, void *arg)
{
	struct tf_follow_up *f = tf_arena_alloc(dns->arena, sizeof(*f));

	*f = (struct tf_follow_up){ .then = then, .arg = arg, .question = q };
	if (q->done)
		STAILQ_INSERT_TAIL(&dns->due, f, link);
	else
		STAILQ_INSERT_TAIL(&q->follow_ups, f, link);
}

struct tf_question *
tf_dns_start_then(
    struct tf_dns *dns, struct tf_str name, enum tf_dns_type type, tf_dns_then then, void *arg)
{
	struct tf_question *q;
	bool fresh;

	pthread_mutex_lock(&dns->lock);
	q = find_or_add(dns, name, type, &fresh);
	if (then != NULL && tf_resolver_alive(dns->resolver))
		add_follow_up(dns, q, then, arg);
	if (!fresh)
		run_due(dns);
	pthread_mutex_unlock(&dns->lock);

	if (fresh && !tf_resolver_post(dns->resolver, &q->post)) {
		pthread_mutex_lock(&dns->lock);
		if (!q->done) /* the time of who waits for it may be up */
			settle_failed(q, TF_DNS_SERVFAIL);
		pthread_mutex_unlock(&dns->lock);
		pthread_cond_signal(&dns->changed); /* a follow-up asked what the message awaits */
		tf_dns_unref(dns);
	}
	return q;
}

struct tf_question *
tf_dns_start(struct tf_dns *dns, struct tf_str name, enum tf_dns_type type)
{
	return tf_dns_start_then(dns, name, type, NULL, NULL);
}

uint32_t
tf_dns_budget(const struct tf_dns *dns)
{
	return dns->max_questions;
}

uint32_t
tf_dns_budget_left(struct tf_dns *dns)
{
	return dns->max_questions - tf_dns_asked(dns);
}

bool
tf_dns_over_budget(struct tf_dns *dns)
{
	bool over;

	pthread_mutex_lock(&dns->lock);
	over = dns->over_budget;
	pthread_mutex_unlock(&dns->lock);
	return over;
}

uint32_t
tf_dns_asked(struct tf_dns *dns)
{
	uint32_t asked;

	pthread_mutex_lock(&dns->lock);
	asked = dns->asked;
	pthread_mutex_unlock(&dns->lock);
	return asked;
}

void
tf_dns_set_deadline(struct tf_dns *dns, uint32_t ms)
{
	dns->deadline_us = tf_dns_now_us() + (int64_t)ms * 1000;
}

void
tf_dns_set_tick(struct tf_dns *dns, void (*tick)(void *arg), void *arg, uint32_t every_ms)
{
	dns->tick = tick;
	dns->tick_arg = arg;
	dns->tick_us = tick != NULL ? (int64_t)(every_ms != 0 ? every_ms : 1) * 1000 : 0;
}

/* Sleeps until something changes or the time is there. Under the lock. */
static void
sleep_until(struct tf_dns *dns, int64_t when_us)
{
	struct timespec ts = { .tv_sec = (time_t)(when_us / 1000000),
		.tv_nsec = (long)(when_us % 1000000) * 1000 };

	pthread_cond_timedwait(&dns->changed, &dns->lock, &ts);
}

/* Until the question is settled; ticks on the way. Under the lock, which a tick is called without.
 */
static void
wait_until_done(struct tf_dns *dns, struct tf_question *q)
{
	int64_t limit_us = q->deadline_us, now_us = tf_dns_now_us();
	int64_t tick_us = dns->tick_us != 0 ? now_us + dns->tick_us : INT64_MAX;

	if (dns->deadline_us != 0 && dns->deadline_us < limit_us)
		limit_us = dns->deadline_us;
	dns->waiting_for = q;
	while (!q->done && now_us < limit_us) {
		sleep_until(dns, tick_us < limit_us ? tick_us : limit_us);
		now_us = tf_dns_now_us();
		if (q->done || now_us < tick_us)
			continue;
		pthread_mutex_unlock(&dns->lock);
		dns->tick(dns->tick_arg);
		pthread_mutex_lock(&dns->lock);
		now_us = tf_dns_now_us();
		tick_us = now_us + dns->tick_us;
	}
	dns->waiting_for = NULL;
	if (!q->done)
		settle_failed(q, TF_DNS_TIMEOUT);
}

const struct tf_dns_answer *
tf_dns_wait(struct tf_dns *dns, struct tf_question *q)
{
	int64_t began_us;

	pthread_mutex_lock(&dns->lock);
	if (!q->done) {
		began_us = tf_dns_now_us();
		wait_until_done(dns, q);
		dns->waited_us += tf_dns_now_us() - began_us;
	}
	pthread_mutex_unlock(&dns->lock);
	return &q->answer;
}

const struct tf_dns_answer *
tf_dns_peek(struct tf_dns *dns, struct tf_question *q)
{
	bool done;

	pthread_mutex_lock(&dns->lock);
	done = q->done;
	pthread_mutex_unlock(&dns->lock);
	return done ? &q->answer : NULL;
}

const struct tf_dns_answer *
tf_dns_ask(struct tf_dns *dns, struct tf_str name, enum tf_dns_type type)
{
	return tf_dns_wait(dns, tf_dns_start(dns, name, type));
}

bool
tf_dns_failed(enum tf_dns_status status)
{
	switch (status) {
	case TF_DNS_NOERROR:
	case TF_DNS_NODATA:
	case TF_DNS_NXDOMAIN:
		return false;
	case TF_DNS_SERVFAIL:
	case TF_DNS_REFUSED:
	case TF_DNS_TIMEOUT:
	case TF_DNS_BOGUS:
	case TF_DNS_MALFORMED:
		return true;
	}
	return true;
}

uint32_t
tf_dns_waited_ms(struct tf_dns *dns)
{
	return (uint32_t)(dns->waited_us / 1000);
}

void
tf_dns_trace(struct tf_dns *dns, struct tf_arena *a, const struct tf_dns_trace **trace_out,
    size_t *count_out, uint32_t *ms_out)
{
	struct tf_dns_trace *trace;
	struct tf_question *q;
	size_t count = 0, n = 0;
	int64_t now_us = tf_dns_now_us();

	pthread_mutex_lock(&dns->lock);
	STAILQ_FOREACH(q, &dns->questions, link)
	{
		count++;
	}
	trace = tf_arena_array(a, count, sizeof(*trace));
	STAILQ_FOREACH(q, &dns->questions, link)
	{
		trace[n].name = tf_arena_dup(a, q->name);
		trace[n].type = (uint16_t)q->type;
		trace[n].status = q->done ? q->answer.status : TF_DNS_TIMEOUT;
		trace[n].ms = (double)((q->done ? q->done_us : now_us) - q->started_us) / 1000;
		if (q->done) {
			trace[n].answers = tf_dns_answer_write(&q->answer, q->type, a);
			trace[n].answer_count = q->answer.count;
		}
		n++;
	}
	pthread_mutex_unlock(&dns->lock);
	*trace_out = trace;
	*count_out = count;
	*ms_out = tf_dns_waited_ms(dns);
}

const char *
tf_dns_type_name(uint16_t type)
{
	switch (type) {
	case TF_TYPE_A:
		return "A";
	case TF_TYPE_PTR:
		return "PTR";
	case TF_TYPE_MX:
		return "MX";
	case TF_TYPE_TXT:
		return "TXT";
	case TF_TYPE_AAAA:
		return "AAAA";
	}
	return "?";
}
