/*
 * test_resolver.c - the resolver thread: sharing, time-outs, many questions, its own end
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/dns_message.h"
#include "tests/unit/script_server.h"
#include "tests/unit/resolver_fixture.h"

struct fixture {
	struct script_server *server;
	struct tf_str address;
	struct tf_resolver_opts opts;
	struct tf_resolver *r;
};

static int
set_up(void **state)
{
	struct fixture *f = tf_xcalloc(1, sizeof(*f));

	f->server = script_server_start();
	f->address = script_server_address(f->server);
	f->opts = (struct tf_resolver_opts){ .servers = &f->address,
		.server_count = 1,
		.timeout_ms = 5000,
		.cache = true,
		.cache_bytes = (uint64_t)4 << 20 };
	f->r = resolver_or_fail(&f->opts);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	tf_resolver_release(f->r);
	script_server_stop(f->server);
	tf_xfree(f);
	return 0;
}

/* Ten messages ask the same at once: one question goes out, and one of ten may give up. */
static void
test_coalescing(void **state)
{
	struct fixture *f = *state;
	struct tf_dns *messages[10];
	struct tf_resolver_stats stats;
	struct tf_question *q;

	for (size_t i = 0; i < TF_ARRAY_LEN(messages); i++) {
		messages[i] = begin(f->r, 10);
		tf_dns_start(messages[i], TF_STR("delay-200.test"), TF_TYPE_TXT);
	}
	tf_dns_end(messages[3]);
	for (size_t i = 0; i < TF_ARRAY_LEN(messages); i++) {
		if (i == 3)
			continue;
		q = tf_dns_start(messages[i], TF_STR("delay-200.test"), TF_TYPE_TXT);
		assert_num("answer", tf_dns_wait(messages[i], q)->status, TF_DNS_NOERROR);
		tf_dns_end(messages[i]);
	}
	assert_num("on the wire", script_server_count(f->server, "delay-200"), 1);
	tf_resolver_get_stats(f->r, &stats);
	assert_num("of messages", stats.questions, 10);
	assert_num("of libunbound", stats.network, 1);
	assert_num("failures", stats.failures, 0);
}

static void
test_stats(void **state)
{
	struct fixture *f = *state;
	struct tf_dns *dns = begin(f->r, 10);
	struct tf_resolver_stats stats;

	tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_TXT);
	tf_dns_ask(dns, TF_STR("nxdomain.test"), TF_TYPE_TXT);
	tf_dns_ask(dns, TF_STR("servfail.test"), TF_TYPE_TXT);
	tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_TXT);
	tf_dns_end(dns);
	dns = begin(f->r, 10);
	tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_TXT);
	/* The thread counts a failure behind its answer, but before it gives the next one. */
	tf_dns_ask(dns, TF_STR("ok-1.test"), TF_TYPE_TXT);
	tf_dns_end(dns);
	tf_resolver_get_stats(f->r, &stats);
	assert_num("of messages", stats.questions, 5);
	assert_num("of libunbound: one was at hand", stats.network, 4);
	assert_num("failures", stats.failures, 1);
	assert_num("on the wire", script_server_count(f->server, "ok"), 1);
}

static void
ask_ok(struct fixture *f, int times)
{
	struct tf_dns *dns = begin(f->r, (uint32_t)times);

	for (int i = 0; i < times; i++) {
		char name[32];

		snprintf(name, sizeof(name), "ok-%d.test", i);
		assert_num("answer", tf_dns_ask(dns, tf_str_from(name), TF_TYPE_TXT)->status,
		    TF_DNS_NOERROR);
	}
	tf_dns_end(dns);
}

/* With a cache of 64 KB the first of 3,000 answers is gone at the end, and the last is there. */
static void
test_cache_size(void **state)
{
	struct fixture *f = *state;
	const struct tf_str first = TF_STR("ok-0.test"), last = TF_STR("ok-2999.test");
	struct tf_dns *dns;

	tf_resolver_release(f->r);
	f->opts.cache_bytes = (uint64_t)64 << 10;
	f->r = resolver_or_fail(&f->opts);
	ask_ok(f, 3000);
	assert_num("on the wire", script_server_count(f->server, "ok-0"), 1);
	dns = begin(f->r, 10);
	tf_dns_ask(dns, last, TF_TYPE_TXT);
	tf_dns_ask(dns, first, TF_TYPE_TXT);
	tf_dns_end(dns);
	assert_num("the last", script_server_count(f->server, "ok-2999"), 1);
	assert_num("the first", script_server_count(f->server, "ok-0"), 2);
}

/*
 * Names that nobody answers keep their places in libunbound, also when their message has gone: one
 * owner's cannot take them all, and the names of others are answered meanwhile.
 */
static void
test_places(void **state)
{
	struct fixture *f = *state;

	for (size_t round = 0; round < 3; round++) {
		struct tf_dns *dns = begin(f->r, 2000);
		struct tf_question *q = NULL;
		int64_t began_us = tf_dns_now_us();
		size_t answered = 0;
		char name[64];

		for (size_t i = 0; i < 1500; i++) {
			snprintf(name, sizeof(name), "silent-%zu-%zu.evil.test", round, i);
			q = tf_dns_start(dns, tf_str_from(name), TF_TYPE_TXT);
		}
		assert_num("too many", tf_dns_wait(dns, q)->status, TF_DNS_SERVFAIL);
		for (size_t i = 0; i < 3; i++) { /* one may be counted with evil.test */
			snprintf(name, sizeof(name), "ok-%zu.good-%zu.test", round, i);
			q = tf_dns_start(dns, tf_str_from(name), TF_TYPE_TXT);
			answered += tf_dns_wait(dns, q)->status == TF_DNS_NOERROR;
		}
		assert_true(answered >= 2);
		assert_true(tf_dns_now_us() - began_us < (int64_t)f->opts.timeout_ms * 1000);
		tf_dns_end(dns);
	}
}

/* 400 questions of 40 messages at 300 ms each take little more than 300 ms, even of a server that
 * was quick before: it is not asked again meanwhile. */
static void
test_many_at_once(void **state)
{
	struct fixture *f = *state;
	struct tf_dns *messages[40];
	struct tf_question *qs[40][10];
	int64_t began_us, ms;

	ask_ok(f, 20);
	began_us = tf_dns_now_us();
	for (size_t i = 0; i < 40; i++) {
		messages[i] = begin(f->r, 10);
		for (size_t n = 0; n < 10; n++) {
			char name[64];

			snprintf(name, sizeof(name), "delay-300.n%zu-%zu.test", i, n);
			qs[i][n] = tf_dns_start(messages[i], tf_str_from(name), TF_TYPE_TXT);
		}
	}
	for (size_t i = 0; i < 40; i++) {
		for (size_t n = 0; n < 10; n++)
			assert_num(
			    "answer", tf_dns_wait(messages[i], qs[i][n])->status, TF_DNS_NOERROR);
		tf_dns_end(messages[i]);
	}
	ms = (tf_dns_now_us() - began_us) / 1000;
	if (ms > 4000) /* one after the other they would take 120 s, 16 at a time 7.5 s */
		fail_msg("%lld ms", (long long)ms);
	assert_true(script_server_count(f->server, "delay-300") < 800);
}

/* A server that was silent is asked again at once when it speaks. */
static void
test_after_silence(void **state)
{
	struct fixture *f = *state;
	struct tf_dns *dns;

	f->opts.timeout_ms = 700;
	tf_resolver_release(f->r);
	f->r = resolver_or_fail(&f->opts);
	for (int i = 0; i < 3; i++) {
		char name[32];

		snprintf(name, sizeof(name), "silent-%d.test", i);
		dns = begin(f->r, 10);
		assert_true(tf_dns_failed(tf_dns_ask(dns, tf_str_from(name), TF_TYPE_TXT)->status));
		tf_dns_end(dns);
	}
	dns = begin(f->r, 10);
	assert_num(
	    "answer", tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_TXT)->status, TF_DNS_NOERROR);
	tf_dns_end(dns);
}

/* The owner lets go while a message is at work: it goes on to the end. */
static void
test_release_while_in_use(void **state)
{
	struct fixture *f = *state;
	struct tf_dns *dns = begin(f->r, 10);
	struct tf_question *q = tf_dns_start(dns, TF_STR("delay-100.test"), TF_TYPE_TXT);

	tf_resolver_release(f->r);
	f->r = NULL;
	assert_num("answer", tf_dns_wait(dns, q)->status, TF_DNS_NOERROR);
	assert_num("new ones as well", tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_TXT)->status,
	    TF_DNS_NOERROR);
	tf_dns_start(dns, TF_STR("silent.test"), TF_TYPE_TXT);
	tf_dns_end(dns);
}

/* Messages on many threads that wait for some of their answers and end whenever they like. */

struct worker {
	pthread_t thread;
	struct tf_resolver *r;
	uint32_t seed;
	int wrong;
};

static void
ask_more(struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	if (answer->txts != NULL && tf_dns_budget_left(dns) > 0)
		tf_dns_start_then(dns, name, TF_TYPE_A, ask_more, arg);
}

static void
one_message(struct worker *w)
{
	static const char *const kinds[] = { "ok", "delay", "silent", "nxdomain" };
	struct tf_dns *dns = begin(w->r, 12);
	struct tf_question *qs[10];
	char name[32];

	for (size_t i = 0; i < TF_ARRAY_LEN(qs); i++) {
		snprintf(name, sizeof(name), "%s-%u.test", kinds[i % 4],
		    (unsigned int)(next_random(&w->seed) % 30));
		qs[i] = i % 3 == 0
			    ? tf_dns_start_then(dns, tf_str_from(name), TF_TYPE_TXT, ask_more, w)
			    : tf_dns_start(dns, tf_str_from(name), TF_TYPE_TXT);
	}
	tf_dns_set_deadline(dns, 20 + next_random(&w->seed) % 60);
	for (size_t i = 0; i < TF_ARRAY_LEN(qs); i++) {
		const struct tf_dns_answer *answer;

		if (next_random(&w->seed) % 2 == 0)
			continue;
		answer = tf_dns_wait(dns, qs[i]);
		/* What a kind may say in time, or that its time was up. */
		w->wrong += answer->status == TF_DNS_MALFORMED || answer->status == TF_DNS_BOGUS ||
			    (answer->status == TF_DNS_NXDOMAIN) !=
				(i % 4 == 3 && !tf_dns_failed(answer->status));
	}
	tf_dns_end(dns);
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 20; i++)
		one_message(w);
	tf_resolver_release(w->r);
	return NULL;
}

static void
test_threads(void **state)
{
	struct fixture *f = *state;
	struct worker workers[8];

	for (uint32_t i = 0; i < TF_ARRAY_LEN(workers); i++) {
		workers[i] = (struct worker){ .r = f->r, .seed = i };
		tf_resolver_retain(f->r);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	tf_resolver_release(f->r); /* whichever thread is last stops it */
	f->r = NULL;
	for (size_t i = 0; i < TF_ARRAY_LEN(workers); i++) {
		pthread_join(workers[i].thread, NULL);
		assert_num("wrong answers", workers[i].wrong, 0);
	}
}

static size_t
open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* As a configuration that is reloaded over and over does. */
static void
test_one_after_the_other(void **state)
{
	struct fixture *f = *state;
	size_t before = open_files();

	for (int i = 0; i < 20; i++) {
		struct tf_resolver *r = resolver_or_fail(&f->opts);
		struct tf_dns *dns = begin(r, 10);

		tf_dns_start(dns, TF_STR("silent.test"), TF_TYPE_TXT);
		assert_num("answer", tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_TXT)->status,
		    TF_DNS_NOERROR);
		tf_resolver_release(r);
		tf_dns_end(dns);
	}
	assert_num("open files", open_files(), before);
}

/* Takes the event loop's descriptor away: all that the kernel can do to it. */
static int
break_loop(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int broken = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[64], target[64];
		uint32_t fd;
		ssize_t len;

		if (!tf_str_to_u32(tf_str_from(entry->d_name), 100000, &fd))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%u", (unsigned int)fd);
		len = readlink(path, target, sizeof(target));
		if (len > 0 && tf_str_eq((struct tf_str){ target, (size_t)len },
				   TF_STR("anon_inode:[eventpoll]"))) {
			int null = open("/dev/null", O_RDWR);

			dup2(null, (int)fd);
			close(null);
			broken++;
		}
	}
	if (dir != NULL)
		closedir(dir);
	return broken;
}

static void
note_call(struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	(void)name;
	*(_Atomic int *)arg += answer->status == TF_DNS_SERVFAIL;
	tf_dns_start_then(dns, TF_STR("fresh.test"), TF_TYPE_TXT, note_call, arg);
}

/* When the thread fails, whoever waits is told, and whoever asks later as well. */
static void
test_death_of_the_thread(void **state)
{
	struct fixture *f = *state;
	struct tf_dns *dns = begin(f->r, 10);
	struct tf_question *q;
	int64_t began_us = tf_dns_now_us();
	_Atomic int calls = 0;

	if (open_files() == 0)
		skip(); /* no /proc: no way to break the loop from outside */
	q = tf_dns_start_then(dns, TF_STR("silent.test"), TF_TYPE_TXT, note_call, &calls);
	tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_TXT);
	assert_true(tf_resolver_alive(f->r));
	assert_int_equal(break_loop(), 1);
	tf_dns_start(dns, TF_STR("wake-up.test"), TF_TYPE_TXT);
	assert_num("who waits", tf_dns_wait(dns, q)->status, TF_DNS_SERVFAIL);
	assert_true(tf_dns_now_us() - began_us < 2000000);
	assert_false(tf_resolver_alive(f->r));
	for (int i = 0; i < 2000 && calls == 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	assert_num("who asks later", tf_dns_ask(dns, TF_STR("later.test"), TF_TYPE_TXT)->status,
	    TF_DNS_SERVFAIL);
	assert_num("what a follow-up asked",
	    tf_dns_ask(dns, TF_STR("fresh.test"), TF_TYPE_TXT)->status, TF_DNS_SERVFAIL);
	tf_dns_start_then(dns, TF_STR("later.test"), TF_TYPE_TXT, note_call, &calls);
	tf_dns_end(dns);
	assert_int_equal(calls, 1);
}

static bool
takes_signs(struct tf_resolver *r)
{
	for (int i = 0; i < 5000; i++) {
		if (tf_resolver_beat(r) == 0)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return false;
}

static void
stand(struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	(void)dns;
	(void)name;
	(void)answer;
	pthread_mutex_lock(arg);
	pthread_mutex_unlock(arg);
}

/* A thread that stands takes no signs and is not alive; when it goes on, it is. */
static void
test_stuck_thread(void **state)
{
	struct fixture *f = *state;
	struct tf_dns *dns = begin(f->r, 10);
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

	assert_true(takes_signs(f->r));
	pthread_mutex_lock(&gate);
	tf_dns_start_then(dns, TF_STR("ok.test"), TF_TYPE_TXT, stand, &gate);
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	(void)tf_resolver_beat(f->r);
	for (uint32_t i = 1; i < 3; i++)
		assert_num("signs given", tf_resolver_beat(f->r), i);
	assert_true(tf_resolver_alive(f->r));
	assert_num("one more", tf_resolver_beat(f->r), 3);
	assert_false(tf_resolver_alive(f->r));
	pthread_mutex_unlock(&gate);
	assert_true(takes_signs(f->r));
	assert_true(tf_resolver_alive(f->r));
	tf_dns_end(dns);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_coalescing),
		ROW(test_stats),
		ROW(test_cache_size),
		ROW(test_many_at_once),
		ROW(test_places),
		ROW(test_after_silence),
		ROW(test_release_while_in_use),
		ROW(test_threads),
		ROW(test_one_after_the_other),
		ROW(test_death_of_the_thread),
		ROW(test_stuck_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
