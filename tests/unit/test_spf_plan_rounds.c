/*
 * test_spf_plan_rounds.c - how many round trips an SPF evaluation takes
 *
 * The server holds what is asked and answers a round at a time, so that what a row says of rounds
 * holds for any delay of the network.
 */
#include <stdio.h>

#include "tests/unit/round_server.h"
#include "tests/unit/spf_fixture.h"

#define NO " TXT \"v=spf1 ip4:203.0.113.0/24 ?all\"\n"
#define FAR " A 198.51.100.1\n"

/* u@t.example from a client that nothing matches. */
static const struct rounds_row {
	const char *what, *zone;
	unsigned int rounds;
	uint32_t questions; /* all of them; a serial evaluation asks one after the other */
} rows[] = {
	{ "three includes, each with one of its own",
	    "t.example. TXT \"v=spf1 include:a.example include:b.example include:c.example -all\"\n"
	    "a.example. TXT \"v=spf1 include:aa.example ?all\"\n"
	    "b.example. TXT \"v=spf1 include:bb.example ?all\"\n"
	    "c.example. TXT \"v=spf1 include:cc.example ?all\"\n"
	    "aa.example." NO "bb.example." NO "cc.example." NO,
	    3, 7 },
	{ "a, mx and three includes, one of them three deep",
	    "t.example. TXT \"v=spf1 a mx include:a.example include:b.example include:c.example "
	    "-all\"\n"
	    "t.example." FAR "t.example. MX 10 mail.example.\n"
	    "mail.example." FAR "a.example. TXT \"v=spf1 include:aa.example ?all\"\n"
	    "aa.example. TXT \"v=spf1 include:aaa.example ?all\"\n"
	    "aaa.example." NO "b.example." NO "c.example." NO,
	    4, 9 },
	{ "a, mx of three hosts and three includes",
	    "t.example. TXT \"v=spf1 a mx include:a.example include:b.example include:c.example "
	    "-all\"\n"
	    "t.example." FAR "t.example. MX 10 m1.example.\n"
	    "t.example. MX 20 m2.example.\n"
	    "t.example. MX 30 m3.example.\n"
	    "m1.example." FAR "m2.example." FAR "m3.example." FAR "a.example." NO "b.example." NO
	    "c.example." NO,
	    3, 9 },
	{ "mx of seven hosts behind includes that go deeper",
	    "t.example. TXT \"v=spf1 include:a.example mx -all\"\n"
	    "t.example. MX 1 m1.example.\n"
	    "t.example. MX 2 m2.example.\n"
	    "t.example. MX 3 m3.example.\n"
	    "t.example. MX 4 m4.example.\n"
	    "t.example. MX 5 m5.example.\n"
	    "t.example. MX 6 m6.example.\n"
	    "t.example. MX 7 m7.example.\n"
	    "m1.example." FAR "m2.example." FAR "m3.example." FAR "m4.example." FAR
	    "m5.example." FAR "m6.example." FAR "m7.example." FAR
	    "a.example. TXT \"v=spf1 include:aa.example ?all\"\n"
	    "aa.example. TXT \"v=spf1 a:m1.example ?all\"\n",
	    3, 11 },
	{ "a redirect after a redirect",
	    "t.example. TXT \"v=spf1 a redirect=a.example\"\n"
	    "t.example." FAR "a.example. TXT \"v=spf1 mx redirect=aa.example\"\n"
	    "a.example. MX 10 m1.example.\n"
	    "m1.example." FAR "aa.example." NO,
	    4, 6 },
	{ "macros of what is known",
	    "t.example. TXT \"v=spf1 exists:%{ir}.%{l}.x.example include:%{v}.a.example "
	    "a:%{h}.b.example -all\"\n"
	    "in-addr.a.example." NO "mail.example.org.b.example." FAR,
	    2, 4 },
	{ "ptr behind an include",
	    "t.example. TXT \"v=spf1 include:a.example ptr -all\"\n"
	    "a.example." NO "3.2.0.192.in-addr.arpa. PTR x.t.example.\n"
	    "3.2.0.192.in-addr.arpa. PTR other.example.\n"
	    "x.t.example." FAR,
	    3, 4 },
	{ "seven terms of an include, when six others were asked before",
	    "t.example. TXT \"v=spf1 include:a.example a:a1.example a:a2.example a:a3.example "
	    "a:a4.example a:a5.example a:a6.example -all\"\n"
	    "a.example. TXT \"v=spf1 a:b1.example a:b2.example a:b3.example ?all\"\n"
	    "a1.example." FAR "a2.example." FAR "a3.example." FAR "a4.example." FAR
	    "a5.example." FAR "a6.example." FAR "b1.example." FAR "b2.example." FAR
	    "b3.example." FAR,
	    3, 11 },
};

/* Returns when the resolver thread has done all that it was given before: asks it for a name that
 * it has itself, a new one each time. */
static void
barrier(struct tf_resolver *r)
{
	static unsigned int number;
	struct tf_dns *dns = tf_dns_begin(r, &spf_dns_opts);
	char name[32];

	snprintf(name, sizeof(name), "n%u.barrier.test", number++);
	assert_num(name, tf_dns_ask(dns, tf_str_from(name), TF_TYPE_A)->status, TF_DNS_NOERROR);
	tf_dns_end(dns);
}

/* Lets the server answer what has been asked so far; waits for that, and for what is asked then. */
static void
run_round(struct round_server *s, struct tf_resolver *r, struct tf_dns *dns, struct tf_arena *a)
{
	const struct tf_dns_trace *trace;
	size_t count;
	uint32_t ms;

	tf_dns_trace(dns, a, &trace, &count, &ms);
	round_server_wait(s, count);
	round_server_release(s);
	for (size_t i = 0; i < count; i++)
		tf_dns_ask(dns, trace[i].name, (enum tf_dns_type)trace[i].type);
	barrier(r);
}

static unsigned int
count_rounds(struct round_server *s, struct tf_resolver *r, struct tf_dns *dns, struct tf_arena *a)
{
	unsigned int rounds = 0;
	uint32_t asked;

	do {
		asked = tf_dns_asked(dns);
		run_round(s, r, dns, a);
		rounds++;
	} while (tf_dns_asked(dns) > asked);
	return rounds;
}

static struct tf_resolver *
resolver_at(const struct round_server *s)
{
	struct tf_str server = round_server_address(s);
	struct tf_resolver_opts ropts = { .servers = &server,
		.server_count = 1,
		.timeout_ms = 20000,
		.cache = true,
		.cache_bytes = 1 << 20,
		.zone_text = TF_LIT("*.barrier.test. A 192.0.2.1\n") };
	char storage[256];
	struct tf_buf why;
	struct tf_resolver *r;

	tf_buf_init(&why, storage, sizeof(storage));
	r = tf_resolver_new(&ropts, &why);
	if (r == NULL)
		fail_msg("resolver: %s", tf_buf_cstr(&why));
	return r;
}

/* Nothing but the rounds is waited for: the evaluation finds every answer there. */
static void
run_rounds(const struct rounds_row *row)
{
	struct tf_arena *a = tf_arena_new();
	struct round_server *s = round_server_start(row->zone);
	struct tf_resolver *r = resolver_at(s);
	struct tf_dns *dns = tf_dns_begin(r, &spf_dns_opts);
	struct tf_identity id = identity(IP4, HELO, "u@t.example");
	struct tf_notes notes = { NULL, NULL, 0 };
	struct tf_spf_check *c = tf_spf_start(a, dns, &spf_opts, &id, TF_SPF_MAILFROM);
	struct tf_spf spf;

	assert_num(row->what, count_rounds(s, r, dns, a), row->rounds);
	assert_num(row->what, tf_dns_asked(dns), row->questions);
	tf_spf_eval(c, &notes, &spf);
	assert_num(row->what, tf_dns_asked(dns), row->questions);
	assert_num(row->what, spf.code == TF_FAIL || spf.code == TF_NEUTRAL, true);
	tf_dns_end(dns);
	tf_resolver_release(r);
	round_server_stop(s);
	tf_arena_free(a);
}

static void
test_rounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		run_rounds(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
