/*
 * resolver.c - the resolver thread: inbox, open questions, their time-outs
 *
 * The only user of libevent. Messages hand over their questions in an inbox (a list under a lock, a
 * pipe that wakes the loop); everything else here belongs to the one thread, but for the answers at
 * hand. Questions of the same name and type that are open at once share one look-up and its answer.
 * A question that is not answered within its time is answered here, since libunbound goes on trying
 * for much longer. Does not: know libunbound (dns_context.c), what it has at once (dns_lookups.c),
 * budgets and waits (dns_message.c), packets (dns_answer.c).
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "policy/dns_answer.h"
#include "policy/dns_cache.h"
#include "policy/dns_lookups.h"
#include "truefrom/banned.h"

#define SILENT_MAX 3 /* signs not taken, beyond which the thread is taken for stuck */
/* Of dns.cache_size so much is for answers at hand, the rest for libunbound. */
#define AT_HAND_PART 4

struct tf_resolver {
	/* never change */
	int64_t timeout_us;
	struct tf_dns_cache *cache; /* NULL: nothing is kept */
	_Atomic uint64_t questions, network, failures;
	_Atomic bool alive;
	_Atomic uint32_t signs_given, signs_taken;
	/* under the lock */
	pthread_mutex_t lock;
	size_t owners;
	struct tf_posts inbox;
	bool stopping, closed; /* the last owner has gone; nothing is taken any more */
	/* the thread's own */
	pthread_t thread;
	int wake_read, wake_write;
	struct event_base *base;
	struct event *wake, *timer;
	struct tf_dns_context *context;
	struct tf_arena *packet; /* what is read of the one at work */
	struct tf_lookups *lookups;
	struct tf_question_list open; /* in the order of their deadlines */
};

/* Look-ups: all in the resolver thread. */

static void
open_question(struct tf_resolver *r, struct tf_lookup *lookup, struct tf_question *q)
{
	q->lookup = lookup;
	TAILQ_INSERT_TAIL(&lookup->peers, q, peers);
	TAILQ_INSERT_TAIL(&r->open, q, open);
}

/* The look-up stays: libunbound goes on with it, whoever waits. */
static void
close_question(struct tf_resolver *r, struct tf_question *q)
{
	TAILQ_REMOVE(&q->lookup->peers, q, peers);
	TAILQ_REMOVE(&r->open, q, open);
	q->lookup = NULL;
}

/* After the loop: what is still under way, which nobody waits for. */
static void
cancel_lookups(struct tf_resolver *r)
{
	struct tf_lookup *lookup;

	for (lookup = tf_lookups_any(r->lookups); lookup != NULL;
	     lookup = tf_lookups_any(r->lookups)) {
		tf_dns_context_cancel(r->context, &lookup->request);
		tf_lookups_remove(r->lookups, lookup);
	}
}

static void
finish(struct tf_resolver *r, struct tf_question *q, enum tf_dns_status status,
    struct tf_dns_shared *answer)
{
	if (tf_dns_failed(tf_question_finish(q, status, answer)))
		atomic_fetch_add(&r->failures, 1);
}

/* Gives the answer, or the failure, to all who asked. */
static void
lookup_finish(struct tf_lookup *lookup, enum tf_dns_status status, struct tf_dns_shared *answer)
{
	struct tf_resolver *r = lookup->r;
	struct tf_question_list peers;
	struct tf_question *q;

	TAILQ_INIT(&peers);
	while (!TAILQ_EMPTY(&lookup->peers)) {
		q = TAILQ_FIRST(&lookup->peers);
		close_question(r, q);
		TAILQ_INSERT_TAIL(&peers, q, peers);
	}
	tf_lookups_remove(r->lookups, lookup);
	while (!TAILQ_EMPTY(&peers)) {
		q = TAILQ_FIRST(&peers);
		TAILQ_REMOVE(&peers, q, peers);
		finish(r, q, status, answer);
	}
}

/* What the packet says, for all who asked and who will ask; NULL when it says that it failed. */
static struct tf_dns_shared *
read_packet(
    const struct tf_lookup *lookup, const struct tf_dns_reply *reply, enum tf_dns_status *status)
{
	struct tf_resolver *r = lookup->r;
	struct tf_dns_shared *shared = NULL;
	struct tf_dns_answer answer;

	tf_dns_answer_parse(reply->packet, lookup->name, lookup->type, r->packet, &answer);
	*status = answer.status;
	if (!tf_dns_failed(answer.status)) {
		answer.secure = reply->secure;
		shared = tf_dns_shared_new(lookup->name, lookup->type, &answer);
		if (r->cache != NULL)
			tf_dns_cache_put(
			    r->cache, lookup->name, lookup->type, shared, tf_dns_now_us());
	}
	tf_arena_clear(r->packet);
	return shared;
}

static void
on_reply(void *arg, const struct tf_dns_reply *reply)
{
	struct tf_lookup *lookup = arg;
	struct tf_dns_shared *answer = NULL;
	enum tf_dns_status status = reply->status;

	if (reply->packet.len != 0)
		answer = read_packet(lookup, reply, &status);
	lookup_finish(lookup, status, answer);
	tf_dns_shared_release(answer);
}

static void
arm_timer(struct tf_resolver *r)
{
	struct tf_question *oldest = TAILQ_FIRST(&r->open);
	struct timeval tv = { 0, 0 };
	int64_t left_us;

	if (oldest == NULL || event_pending(r->timer, EV_TIMEOUT, NULL))
		return;
	left_us = oldest->deadline_us - tf_dns_now_us();
	if (left_us > 0) {
		tv.tv_sec = (time_t)(left_us / 1000000);
		tv.tv_usec = (suseconds_t)(left_us % 1000000);
	}
	event_add(r->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct tf_resolver *r = arg;
	int64_t now_us = tf_dns_now_us();
	struct tf_question *q;

	(void)fd;
	(void)what;
	for (q = TAILQ_FIRST(&r->open); q != NULL && q->deadline_us <= now_us;
	     q = TAILQ_FIRST(&r->open)) {
		close_question(r, q);
		finish(r, q, TF_DNS_TIMEOUT, NULL);
	}
	arm_timer(r);
}

/* Joins the look-up for that name and type, or makes one. */
static void
ask(struct tf_resolver *r, struct tf_question *q)
{
	struct tf_lookup *lookup = tf_lookups_find(r->lookups, q->name, q->type);

	if (lookup != NULL) {
		open_question(r, lookup, q);
		return;
	}
	lookup = tf_lookups_add(r->lookups, q->name, q->type);
	if (lookup == NULL) {
		finish(r, q, TF_DNS_SERVFAIL, NULL);
		return;
	}
	lookup->r = r;
	open_question(r, lookup, q);
	atomic_fetch_add(&r->network, 1);
	lookup->request.on_reply = on_reply;
	lookup->request.arg = lookup;
	tf_dns_context_ask(r->context, lookup->name, lookup->type, &lookup->request);
}

static void
cancel_all(struct tf_resolver *r, struct tf_dns *dns)
{
	struct tf_question *q = tf_dns_first_question(dns);

	while (q != NULL) {
		struct tf_question *next = STAILQ_NEXT(q, link);

		if (q->lookup != NULL) {
			close_question(r, q);
			tf_dns_unref(dns);
		}
		q = next;
	}
	tf_dns_unref(dns);
}

/* The inbox. */

/* Moves all posts to *posts_out. Returns whether the resolver goes on. */
static bool
take_inbox(struct tf_resolver *r, bool close, struct tf_posts *posts_out)
{
	bool goes_on;

	STAILQ_INIT(posts_out);
	pthread_mutex_lock(&r->lock);
	STAILQ_CONCAT(posts_out, &r->inbox);
	r->closed = r->closed || close;
	goes_on = !r->stopping;
	pthread_mutex_unlock(&r->lock);
	return goes_on;
}

static void
perform(struct tf_resolver *r, struct tf_post *post)
{
	switch (post->kind) {
	case TF_POST_ASK:
		if (tf_dns_has_ended(post->dns))
			tf_dns_unref(post->dns);
		else
			ask(r, post->question);
		return;
	case TF_POST_CANCEL:
		cancel_all(r, post->dns);
		return;
	}
}

static void
perform_all(struct tf_resolver *r, struct tf_posts *posts,
    void (*perform_one)(struct tf_resolver *, struct tf_post *))
{
	while (!STAILQ_EMPTY(posts)) {
		struct tf_post *post = STAILQ_FIRST(posts);

		STAILQ_REMOVE_HEAD(posts, link);
		perform_one(r, post);
	}
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct tf_resolver *r = arg;
	struct tf_posts posts;
	char bytes[64];

	(void)what;
	while (read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes))
		;
	atomic_store(&r->signs_taken, atomic_load(&r->signs_given));
	if (!take_inbox(r, false, &posts))
		event_base_loopbreak(r->base);
	perform_all(r, &posts, perform);
	arm_timer(r);
}

static void
perform_closing(struct tf_resolver *r, struct tf_post *post)
{
	if (post->kind == TF_POST_ASK)
		finish(r, post->question, TF_DNS_SERVFAIL, NULL);
	else
		perform(r, post);
}

/* After the loop: answers everything that is still open, so that nobody waits for nothing. */
static void
close_inbox(struct tf_resolver *r)
{
	struct tf_question *q;
	struct tf_posts posts;

	if (take_inbox(r, true, &posts))
		atomic_store(&r->alive, false);
	perform_all(r, &posts, perform_closing);
	for (q = TAILQ_FIRST(&r->open); q != NULL; q = TAILQ_FIRST(&r->open)) {
		close_question(r, q);
		finish(r, q, TF_DNS_SERVFAIL, NULL);
	}
	cancel_lookups(r);
}

static void *
run(void *arg)
{
	struct tf_resolver *r = arg;

	event_base_dispatch(r->base);
	close_inbox(r);
	return NULL;
}

static void
wake(struct tf_resolver *r)
{
	/* A full pipe will wake the thread as well. */
	while (write(r->wake_write, "", 1) < 0 && errno == EINTR)
		;
}

bool
tf_resolver_post(struct tf_resolver *r, struct tf_post *post)
{
	bool taken, first;

	pthread_mutex_lock(&r->lock);
	taken = !r->closed;
	first = STAILQ_EMPTY(&r->inbox);
	if (taken)
		STAILQ_INSERT_TAIL(&r->inbox, post, link);
	pthread_mutex_unlock(&r->lock);
	if (taken && first)
		wake(r);
	return taken;
}

int64_t
tf_resolver_timeout_us(const struct tf_resolver *r)
{
	return r->timeout_us;
}

void
tf_resolver_count_question(struct tf_resolver *r)
{
	atomic_fetch_add(&r->questions, 1);
}

struct tf_dns_shared *
tf_resolver_recall(struct tf_resolver *r, struct tf_str name, enum tf_dns_type type)
{
	return r->cache != NULL ? tf_dns_cache_get(r->cache, name, type, tf_dns_now_us()) : NULL;
}

/* Making and ending. */

static bool
set_up_events(struct tf_resolver *r, struct tf_buf *why)
{
	int ends[2];

	r->wake_read = r->wake_write = -1;
	if (pipe(ends) != 0) {
		tf_buf_lit(why, "no pipe can be made: too many open files");
		return false;
	}
	r->wake_read = ends[0];
	r->wake_write = ends[1];
	for (size_t i = 0; i < 2; i++) {
		fcntl(ends[i], F_SETFD, FD_CLOEXEC);
		fcntl(ends[i], F_SETFL, O_NONBLOCK);
	}
	r->base = event_base_new();
	if (r->base == NULL) {
		tf_buf_lit(why, "libevent: no event base can be made");
		return false;
	}
	r->wake = event_new(r->base, r->wake_read, EV_READ | EV_PERSIST, on_wake, r);
	r->timer = evtimer_new(r->base, on_timer, r);
	if (r->wake == NULL || r->timer == NULL || event_add(r->wake, NULL) != 0) {
		tf_buf_lit(why, "libevent: no event can be made");
		return false;
	}
	return true;
}

/* Signals are for other threads, but for those that say what this one did. */
static bool
start_thread(struct tf_resolver *r, struct tf_buf *why)
{
	static const int own[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };
	sigset_t others, before;
	int err;

	sigfillset(&others);
	for (size_t i = 0; i < TF_ARRAY_LEN(own); i++)
		sigdelset(&others, own[i]);
	pthread_sigmask(SIG_SETMASK, &others, &before);
	err = pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0)
		tf_buf_lit(why, "no thread can be made");
	return err == 0;
}

static bool
opts_are_sound(const struct tf_resolver_opts *opts, struct tf_buf *why)
{
	if (opts->timeout_ms == 0)
		tf_buf_lit(why, "the time-out of a question must be at least 1 ms");
	else if (opts->recursive && opts->server_count != 0)
		tf_buf_lit(why, "recursive and servers exclude each other");
	else if (opts->zone_file.len != 0 && opts->zone_text.len != 0)
		tf_buf_lit(why, "a zone comes from a file or from text, not from both");
	else
		return true;
	return false;
}

/* Everything but the thread, which has ended or never was. */
static void
resolver_free(struct tf_resolver *r)
{
	tf_dns_context_free(r->context);
	tf_lookups_free(r->lookups);
	if (r->wake != NULL)
		event_free(r->wake);
	if (r->timer != NULL)
		event_free(r->timer);
	if (r->base != NULL)
		event_base_free(r->base);
	if (r->wake_read >= 0)
		close(r->wake_read);
	if (r->wake_write >= 0)
		close(r->wake_write);
	tf_dns_cache_free(r->cache);
	tf_arena_free(r->packet);
	pthread_mutex_destroy(&r->lock);
	tf_xfree(r);
}

struct tf_resolver *
tf_resolver_new(const struct tf_resolver_opts *opts, struct tf_buf *why)
{
	unsigned char key[TF_HASH_KEY];
	struct tf_resolver *r;
	bool ok;

	if (!opts_are_sound(opts, why))
		return NULL;
	r = tf_xcalloc(1, sizeof(*r));
	r->timeout_us = (int64_t)opts->timeout_ms * 1000;
	r->owners = 1;
	r->alive = true;
	STAILQ_INIT(&r->inbox);
	TAILQ_INIT(&r->open);
	if (pthread_mutex_init(&r->lock, NULL) != 0)
		tf_panic("no mutex");
	r->packet = tf_arena_new();
	if (opts->cache)
		r->cache = tf_dns_cache_new(opts->cache_bytes / AT_HAND_PART, opts->prefetch);
	ok = set_up_events(r, why);
	if (ok) {
		r->context = tf_dns_context_new(r->base, opts, why);
		ok = r->context != NULL;
	}
	if (ok) {
		tf_random(key, sizeof(key));
		r->lookups = tf_lookups_new(tf_dns_context_places(r->context), key);
		ok = start_thread(r, why);
	}
	if (ok)
		return r;
	resolver_free(r);
	return NULL;
}

void
tf_resolver_retain(struct tf_resolver *r)
{
	pthread_mutex_lock(&r->lock);
	r->owners++;
	pthread_mutex_unlock(&r->lock);
}

static uint32_t
signs_open(const struct tf_resolver *r)
{
	/* In this order, since the one catches up with the other. */
	const uint32_t taken = atomic_load(&r->signs_taken);

	return atomic_load(&r->signs_given) - taken;
}

static bool
is_stuck(const struct tf_resolver *r)
{
	return signs_open(r) > SILENT_MAX;
}

void
tf_resolver_release(struct tf_resolver *r)
{
	bool last;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	last = --r->owners == 0;
	r->stopping = last;
	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	wake(r);
	if (is_stuck(r)) {
		/* Whoever waited for it would be stuck, too: it keeps what it has. */
		pthread_detach(r->thread);
		return;
	}
	pthread_join(r->thread, NULL);
	resolver_free(r);
}

bool
tf_resolver_alive(const struct tf_resolver *r)
{
	return r->alive && !is_stuck(r);
}

uint32_t
tf_resolver_beat(struct tf_resolver *r)
{
	const uint32_t silent = signs_open(r);

	atomic_fetch_add(&r->signs_given, 1);
	wake(r);
	return silent;
}

void
tf_resolver_get_stats(const struct tf_resolver *r, struct tf_resolver_stats *stats_out)
{
	stats_out->questions = r->questions;
	stats_out->network = r->network;
	stats_out->failures = r->failures;
}

static char versions[128];

static void
write_versions(void)
{
	struct tf_buf out;

	tf_buf_init(&out, versions, sizeof(versions));
	tf_buf_printf(&out, "libunbound %s, libevent %s, ldns %s", tf_dns_context_version(),
	    event_get_version(), tf_dns_library_version());
	(void)tf_buf_cstr(&out);
}

const char *
tf_resolver_versions(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, write_versions);
	return versions;
}
