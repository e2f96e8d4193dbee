/*
 * test_dns_message.c - the questions of one message: budget, deadline, follow-ups, end
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "policy/dns_message.h"
#include "tests/unit/script_server.h"
#include "tests/unit/resolver_fixture.h"

static const char zone[] = "a.test TXT a\n"
			   "b.test TXT b\n"
			   "n1.test TXT n2.test\n"
			   "n2.test TXT n3.test\n"
			   "n3.test TXT n4.test\n"
			   "n4.test TXT end\n"
			   "*.many.test TXT many\n";

static void
test_names(void **state)
{
	char longest[256], label[80];
	const struct {
		const char *what;
		struct tf_str name;
		enum tf_dns_status want;
	} rows[] = {
		{ "plain", TF_LIT("a.test"), TF_DNS_NOERROR },
		{ "final dot, capitals", TF_LIT("A.Test."), TF_DNS_NOERROR },
		{ "253 octets", { longest, 253 }, TF_DNS_NXDOMAIN },
		{ "253 octets and the final dot", { longest, 254 }, TF_DNS_NXDOMAIN },
		{ "254 octets", { longest, 255 }, TF_DNS_MALFORMED },
		{ "label of 63", { label, 63 }, TF_DNS_NXDOMAIN },
		{ "label of 64", { label, 64 }, TF_DNS_MALFORMED },
		{ "empty", TF_LIT(""), TF_DNS_MALFORMED },
		{ "the root", TF_LIT("."), TF_DNS_MALFORMED },
		{ "empty label", TF_LIT("a..test"), TF_DNS_MALFORMED },
		{ "empty first label", TF_LIT(".a.test"), TF_DNS_MALFORMED },
		{ "two final dots", TF_LIT("a.test.."), TF_DNS_MALFORMED },
		{ "NUL", TF_LIT("a\0.test"), TF_DNS_MALFORMED },
		{ "other bytes are a name like any other", TF_LIT("\\(\"\n\377.test"),
		    TF_DNS_NXDOMAIN },
	};
	struct tf_resolver_opts opts = zone_opts(zone);
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 100);
	uint32_t malformed = 0;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[63] = longest[127] = longest[191] = longest[253] = '.';
	memset(label, 'x', sizeof(label));
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		assert_num(
		    rows[i].what, tf_dns_ask(dns, rows[i].name, TF_TYPE_TXT)->status, rows[i].want);
		malformed += rows[i].want == TF_DNS_MALFORMED;
	}
	/* Two pairs of rows are the same name; what cannot be asked costs nothing. */
	assert_num("asked", tf_dns_asked(dns), TF_ARRAY_LEN(rows) - malformed - 2);
	assert_num("left", tf_dns_budget_left(dns), 100 - tf_dns_asked(dns));
	assert_false(tf_dns_over_budget(dns));
	tf_dns_end(dns);
	tf_resolver_release(r);
}

static void
test_same_question(void **state)
{
	struct tf_resolver_opts opts = zone_opts(zone);
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 100);
	struct tf_question *q = tf_dns_start(dns, TF_STR("a.test"), TF_TYPE_TXT);
	const struct tf_dns_answer *answer;

	(void)state;
	assert_ptr_equal(tf_dns_start(dns, TF_STR("A.TEST."), TF_TYPE_TXT), q);
	assert_ptr_not_equal(tf_dns_start(dns, TF_STR("a.test"), TF_TYPE_A), q);
	answer = tf_dns_wait(dns, q);
	assert_ptr_equal(tf_dns_wait(dns, q), answer);
	assert_ptr_equal(tf_dns_ask(dns, TF_STR("a.test"), TF_TYPE_TXT), answer);
	assert_str("as asked", q->name, TF_STR("a.test"));
	assert_num("asked", tf_dns_asked(dns), 2);
	tf_dns_end(dns);
	tf_resolver_release(r);
}

static void
test_budget(void **state)
{
	struct tf_resolver_opts opts = zone_opts(zone);
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 2);
	struct tf_resolver_stats stats;

	(void)state;
	assert_num("first", tf_dns_ask(dns, TF_STR("a.test"), TF_TYPE_TXT)->status, TF_DNS_NOERROR);
	assert_num("left", tf_dns_budget_left(dns), 1);
	assert_num("last", tf_dns_ask(dns, TF_STR("x.test"), TF_TYPE_TXT)->status, TF_DNS_NXDOMAIN);
	assert_num("left", tf_dns_budget_left(dns), 0);
	assert_false(tf_dns_over_budget(dns));
	assert_num(
	    "an old one", tf_dns_ask(dns, TF_STR("a.test"), TF_TYPE_TXT)->status, TF_DNS_NOERROR);
	assert_false(tf_dns_over_budget(dns));
	assert_num("one too many", tf_dns_ask(dns, TF_STR("b.test"), TF_TYPE_TXT)->status,
	    TF_DNS_SERVFAIL);
	assert_true(tf_dns_over_budget(dns));
	tf_resolver_get_stats(r, &stats);
	assert_num("asked of libunbound", stats.network, 2);
	assert_num("asked", tf_dns_asked(dns), 2);
	tf_dns_end(dns);
	tf_resolver_release(r);
}

static void
test_trace(void **state)
{
	struct script_server *server = script_server_start();
	struct tf_str address = script_server_address(server);
	struct tf_resolver_opts opts = {
		.servers = &address, .server_count = 1, .timeout_ms = 2000, .cache_bytes = 1 << 20
	};
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 4);
	struct tf_arena *a = tf_arena_new();
	const struct tf_dns_trace *trace;
	size_t count;
	uint32_t ms;

	(void)state;
	tf_dns_start(dns, TF_STR("silent.test"), TF_TYPE_MX);
	tf_dns_ask(dns, TF_STR("OK.test."), TF_TYPE_TXT);
	tf_dns_ask(dns, TF_STR("delay-30.test"), TF_TYPE_A);
	tf_dns_ask(dns, TF_STR("a..test"), TF_TYPE_A);
	tf_dns_ask(dns, TF_STR("nodata.test"), TF_TYPE_AAAA);
	tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_AAAA);
	tf_dns_trace(dns, a, &trace, &count, &ms);
	tf_dns_end(dns);
	assert_num("all, in order", count, 6);
	assert_str("open", trace[0].name, TF_STR("silent.test"));
	assert_num("open", trace[0].status, TF_DNS_TIMEOUT);
	assert_num("open", trace[0].type, TF_TYPE_MX);
	assert_num("open", trace[0].answer_count, 0);
	assert_str("name", trace[1].name, TF_STR("ok.test"));
	assert_str("text", trace[1].answers[0], TF_STR("ok"));
	assert_str("address", trace[2].answers[0], TF_STR("192.0.2.1"));
	assert_true(trace[2].ms >= 29 && trace[2].ms < 1000);
	assert_true(ms >= 29 && ms < 1000);
	assert_num("malformed", trace[3].status, TF_DNS_MALFORMED);
	assert_num("no such type", trace[4].status, TF_DNS_NODATA);
	assert_num("over budget", trace[5].status, TF_DNS_SERVFAIL);
	tf_arena_free(a);
	tf_resolver_release(r);
	script_server_stop(server);
}

/* Follow-ups. */

struct chain {
	struct tf_question *questions[8];
	_Atomic int calls;
	_Atomic bool ended;
};

/* Asks what the answer names; the fourth asks nothing, but an old question again. */
static void
follow(struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	struct chain *chain = arg;
	int call = chain->calls;

	(void)name;
	assert_int_equal(answer->status, TF_DNS_NOERROR);
	assert_true(tf_dns_budget_left(dns) <= 100);
	if (call < 3)
		chain->questions[call + 1] =
		    tf_dns_start_then(dns, answer->txts[0], TF_TYPE_TXT, follow, chain);
	else if (call == 3)
		tf_dns_start_then(dns, TF_STR("n1.test"), TF_TYPE_TXT, follow, chain);
	chain->calls = call + 1;
}

static void
sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static void
wait_for_calls(const struct chain *chain, int calls)
{
	for (int i = 0; i < 2000 && chain->calls < calls; i++)
		sleep_ms(1);
	assert_int_equal(chain->calls, calls);
}

static void
test_follow_ups(void **state)
{
	struct tf_resolver_opts opts = zone_opts(zone);
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 100);
	struct chain chain = { .calls = 0 };

	(void)state;
	chain.questions[0] = tf_dns_start_then(dns, TF_STR("n1.test"), TF_TYPE_TXT, follow, &chain);
	wait_for_calls(&chain, 5); /* the fifth: an answer that was there already */
	assert_num("asked", tf_dns_asked(dns), 4);
	assert_str(
	    "the last of the chain", tf_dns_wait(dns, chain.questions[3])->txts[0], TF_STR("end"));
	/* Two more on one question, and one on a name that cannot be asked. */
	tf_dns_start_then(dns, TF_STR("a.test"), TF_TYPE_TXT, follow, &chain);
	tf_dns_start_then(dns, TF_STR("a.test"), TF_TYPE_TXT, follow, &chain);
	wait_for_calls(&chain, 7);
	assert_num("asked", tf_dns_asked(dns), 5);
	tf_dns_end(dns);
	tf_resolver_release(r);
}

/* What another message asked is at hand: its follow-ups run before the start returns, one after the
 * other, and it counts as asked. */
static void
test_at_hand(void **state)
{
	struct tf_resolver_opts opts = zone_opts(zone);
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_resolver_stats stats;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct tf_dns *dns = begin(r, 100);
		struct chain chain = { .calls = 0 };

		chain.questions[0] =
		    tf_dns_start_then(dns, TF_STR("N1.test."), TF_TYPE_TXT, follow, &chain);
		if (i == 1)
			assert_int_equal(chain.calls, 5);
		wait_for_calls(&chain, 5);
		assert_num("asked", tf_dns_asked(dns), 4);
		assert_num("waited", i == 1 ? tf_dns_waited_ms(dns) : 0, 0);
		assert_str("the last of the chain", tf_dns_peek(dns, chain.questions[3])->txts[0],
		    TF_STR("end"));
		tf_dns_end(dns);
	}
	tf_resolver_get_stats(r, &stats);
	assert_num("of messages", stats.questions, 8);
	assert_num("of libunbound", stats.network, 4);
	tf_resolver_release(r);
}

static void
count_malformed(
    struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	struct chain *chain = arg;

	(void)dns;
	(void)name;
	chain->calls += answer->status == TF_DNS_MALFORMED || answer->status == TF_DNS_SERVFAIL;
}

static void
test_follow_up_of_nothing(void **state)
{
	struct tf_resolver_opts opts = zone_opts(zone);
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 0);
	struct chain chain = { .calls = 0 };

	(void)state;
	tf_dns_start_then(dns, TF_STR("a..test"), TF_TYPE_TXT, count_malformed, &chain);
	tf_dns_start_then(dns, TF_STR("a.test"), TF_TYPE_TXT, count_malformed, &chain);
	wait_for_calls(&chain, 2);
	tf_dns_end(dns);
	tf_resolver_release(r);
}

/* Runs for a while; notes when the message was ended before it was through. */
static void
linger(struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	struct chain *chain = arg;

	(void)answer;
	chain->calls++;
	sleep_ms(100);
	tf_dns_start_then(dns, name, TF_TYPE_MX, linger, chain);
	assert_false(chain->ended);
}

static void
test_end_waits_for_a_follow_up(void **state)
{
	struct tf_resolver_opts opts = zone_opts(zone);
	struct tf_resolver *r = resolver_or_fail(&opts);
	struct tf_dns *dns = begin(r, 100);
	struct chain chain = { .calls = 0 };

	(void)state;
	tf_dns_start_then(dns, TF_STR("a.test"), TF_TYPE_TXT, linger, &chain);
	wait_for_calls(&chain, 1);
	tf_dns_end(dns);
	chain.ended = true;
	sleep_ms(20);
	assert_int_equal(chain.calls, 1); /* what it started is not followed up any more */
	tf_resolver_release(r);
}

/* Waiting. */

struct network {
	struct script_server *server;
	struct tf_resolver *r;
};

static int
set_up(void **state)
{
	struct network *n = tf_xcalloc(1, sizeof(*n));
	struct tf_str address;
	struct tf_resolver_opts opts = {
		.server_count = 1, .timeout_ms = 5000, .cache = true, .cache_bytes = 1 << 20
	};

	n->server = script_server_start();
	address = script_server_address(n->server);
	opts.servers = &address;
	n->r = resolver_or_fail(&opts);
	*state = n;
	return 0;
}

static int
tear_down(void **state)
{
	struct network *n = *state;

	tf_resolver_release(n->r);
	script_server_stop(n->server);
	tf_xfree(n);
	return 0;
}

/* Milliseconds since then, within bounds that a busy host keeps as well. */
static void
assert_took(const char *what, int64_t began_us, int64_t least_ms, int64_t most_ms)
{
	int64_t ms = (tf_dns_now_us() - began_us) / 1000;

	if (ms < least_ms || ms > most_ms)
		fail_msg("%s took %lld ms", what, (long long)ms);
}

/* A resolver of one's own, for a time-out that is waited for. */
static struct tf_resolver *
with_time_out(const struct network *n, uint32_t timeout_ms)
{
	struct tf_str address = script_server_address(n->server);
	struct tf_resolver_opts opts = { .servers = &address,
		.server_count = 1,
		.timeout_ms = timeout_ms,
		.cache_bytes = 1 << 20 };

	return resolver_or_fail(&opts);
}

static void
test_time_out(void **state)
{
	struct network *n = *state;
	struct tf_resolver *r = with_time_out(n, 300);
	struct tf_dns *dns = begin(r, 10);
	int64_t began_us = tf_dns_now_us();
	struct tf_question *first = tf_dns_start(dns, TF_STR("silent-1.test"), TF_TYPE_TXT);
	struct tf_question *late = tf_dns_start(dns, TF_STR("delay-800.test"), TF_TYPE_TXT);

	assert_null(tf_dns_peek(dns, first));
	assert_num("silence", tf_dns_wait(dns, first)->status, TF_DNS_TIMEOUT);
	assert_ptr_equal(tf_dns_peek(dns, first), tf_dns_wait(dns, first));
	assert_num("too late", tf_dns_wait(dns, late)->status, TF_DNS_TIMEOUT);
	assert_took("both", began_us, 299, 3000);
	sleep_ms(700);
	assert_num("an answer never changes", tf_dns_wait(dns, late)->status, TF_DNS_TIMEOUT);
	tf_dns_end(dns);
	tf_resolver_release(r);
}

static void
test_deadline(void **state)
{
	struct network *n = *state;
	struct tf_dns *dns = begin(n->r, 10);
	int64_t began_us = tf_dns_now_us();
	struct tf_question *quick = tf_dns_start(dns, TF_STR("delay-20.test"), TF_TYPE_TXT);
	struct tf_question *slow = tf_dns_start(dns, TF_STR("silent-1.test"), TF_TYPE_TXT);

	tf_dns_set_deadline(dns, 1000);
	assert_num("in time", tf_dns_wait(dns, quick)->status, TF_DNS_NOERROR);
	assert_num("over it", tf_dns_wait(dns, slow)->status, TF_DNS_TIMEOUT);
	assert_took("the deadline", began_us, 999, 3000);
	assert_num("after it: no wait",
	    tf_dns_ask(dns, TF_STR("silent-2.test"), TF_TYPE_TXT)->status, TF_DNS_TIMEOUT);
	assert_true(tf_dns_waited_ms(dns) >= 900 && tf_dns_waited_ms(dns) < 3000);
	tf_dns_end(dns);
}

static void
count_tick(void *arg)
{
	++*(int *)arg;
}

static void
test_tick(void **state)
{
	struct network *n = *state;
	struct tf_dns *dns = begin(n->r, 10);
	int ticks = 0;

	tf_dns_set_tick(dns, count_tick, &ticks, 20);
	assert_num("an answer", tf_dns_ask(dns, TF_STR("delay-400.test"), TF_TYPE_TXT)->status,
	    TF_DNS_NOERROR);
	assert_true(ticks >= 2 && ticks <= 60);
	ticks = 0;
	assert_num("from the cache", tf_dns_ask(dns, TF_STR("delay-400.test"), TF_TYPE_TXT)->status,
	    TF_DNS_NOERROR);
	assert_num("no wait, no tick", ticks, 0);
	tf_dns_end(dns);
}

/* What a waiter gave up is followed up as a time-out, once. */
static void
note_status(struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	struct chain *chain = arg;

	(void)dns;
	(void)name;
	assert_int_equal(answer->status, TF_DNS_TIMEOUT);
	chain->calls++;
}

static void
test_follow_up_after_deadline(void **state)
{
	struct network *n = *state;
	struct tf_resolver *r = with_time_out(n, 300);
	struct tf_dns *dns = begin(r, 10);
	struct chain chain = { .calls = 0 };
	struct tf_question *q =
	    tf_dns_start_then(dns, TF_STR("silent.test"), TF_TYPE_TXT, note_status, &chain);

	tf_dns_set_deadline(dns, 30);
	assert_num("gave up", tf_dns_wait(dns, q)->status, TF_DNS_TIMEOUT);
	wait_for_calls(&chain, 1);
	tf_dns_end(dns);
	tf_resolver_release(r);
}

/* Messages that end with everything open; then one that lives, to see that nothing broke. */
static void
test_end_with_open_questions(void **state)
{
	struct network *n = *state;
	struct tf_dns *dns;
	int64_t began_us = tf_dns_now_us();

	for (int i = 0; i < 50; i++) {
		struct chain chain = { .calls = 0 };

		dns = begin(n->r, 10);
		tf_dns_start(dns, TF_STR("silent-2.test"), TF_TYPE_TXT);
		tf_dns_start(dns, TF_STR("delay-50.test"), TF_TYPE_TXT);
		tf_dns_start_then(dns, TF_STR("delay-51.test"), TF_TYPE_TXT, note_status, &chain);
		tf_dns_end(dns);
	}
	assert_took("ending", began_us, 0, 3000);
	tf_dns_end(NULL);
	dns = begin(n->r, 10);
	assert_num(
	    "alive", tf_dns_ask(dns, TF_STR("ok.test"), TF_TYPE_TXT)->status, TF_DNS_NOERROR);
	tf_dns_end(dns);
}

/* Many messages on many threads. */

struct worker {
	pthread_t thread;
	struct tf_resolver *r;
	uint32_t seed;
	int wrong;
};

static void
count_follow_up(
    struct tf_dns *dns, struct tf_str name, const struct tf_dns_answer *answer, void *arg)
{
	(void)name;
	*(_Atomic int *)arg += 1;
	if (answer->count != 0)
		tf_dns_start_then(dns, answer->txts[0], TF_TYPE_A, count_follow_up, arg);
}

static void
one_message(struct worker *w)
{
	struct tf_dns *dns = begin(w->r, 20);
	struct tf_question *qs[12];
	_Atomic int calls = 0;
	char name[40];

	for (size_t i = 0; i < TF_ARRAY_LEN(qs); i++) {
		snprintf(
		    name, sizeof(name), "%u.many.test", (unsigned int)(next_random(&w->seed) % 50));
		qs[i] = i % 3 != 0 ? tf_dns_start(dns, tf_str_from(name), TF_TYPE_TXT)
				   : tf_dns_start_then(dns, tf_str_from(name), TF_TYPE_TXT,
					 count_follow_up, &calls);
	}
	for (size_t i = next_random(&w->seed) % TF_ARRAY_LEN(qs); i > 0; i--) {
		const struct tf_dns_answer *answer = tf_dns_wait(dns, qs[i]);

		w->wrong += answer->status != TF_DNS_NOERROR || answer->count != 1 ||
			    !tf_str_eq(answer->txts[0], TF_STR("many"));
	}
	tf_dns_end(dns);
}

static void *
work(void *arg)
{
	for (int i = 0; i < 200; i++)
		one_message(arg);
	return NULL;
}

static void
test_threads(void **state)
{
	struct tf_resolver_opts opts = zone_opts(zone);
	struct worker workers[8];
	struct tf_resolver *r;

	(void)state;
	opts.timeout_ms = 20000; /* a busy host is no error */
	r = resolver_or_fail(&opts);
	for (uint32_t i = 0; i < TF_ARRAY_LEN(workers); i++) {
		workers[i] = (struct worker){ .r = r, .seed = i };
		tf_resolver_retain(r);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < TF_ARRAY_LEN(workers); i++) {
		pthread_join(workers[i].thread, NULL);
		tf_resolver_release(r);
		assert_num("wrong answers", workers[i].wrong, 0);
	}
	tf_resolver_release(r);
}

static void
test_words(void **state)
{
	(void)state;
	assert_string_equal(tf_dns_type_name(TF_TYPE_TXT), "TXT");
	assert_string_equal(tf_dns_type_name(TF_TYPE_AAAA), "AAAA");
	assert_string_equal(tf_dns_type_name(99), "?");
	for (int status = TF_DNS_NOERROR; status <= TF_DNS_MALFORMED; status++)
		assert_num("only records and their absence are no failure",
		    tf_dns_failed((enum tf_dns_status)status), status > TF_DNS_NXDOMAIN);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_same_question),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_follow_ups),
		cmocka_unit_test(test_at_hand),
		cmocka_unit_test(test_follow_up_of_nothing),
		cmocka_unit_test(test_end_waits_for_a_follow_up),
		ROW(test_time_out),
		ROW(test_deadline),
		ROW(test_tick),
		ROW(test_follow_up_after_deadline),
		ROW(test_end_with_open_questions),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
