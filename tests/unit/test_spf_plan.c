/*
 * test_spf_plan.c - what is asked ahead of an SPF evaluation, and what is not
 */
#include "tests/unit/spf_fixture.h"

/* clang-format off */
static const char plan_zone[] =
	"a.example. A 198.51.100.1\n" "b.example. A 198.51.100.1\n" "c.example. A 198.51.100.1\n"
	"a.example. AAAA 2001:db8:f::1\n" "b.example. AAAA 2001:db8:f::1\n"
	"me.example. A 192.0.2.3\n" "loop.example. CNAME loop.example.\n"
	"memx.example. MX 1 me.example.\n"
	"3.2.0.192.in-addr.arpa. PTR a.example.\n" "3.2.0.192.in-addr.arpa. PTR a.other.\n"
	"m.example. MX 1 a.example.\n" "m.example. MX 2 b.example.\n" "m.example. MX 3 .\n"
	"m11.example. MX 1 h1.example.\n" "m11.example. MX 2 h2.example.\n"
	"m11.example. MX 3 h3.example.\n" "m11.example. MX 4 h4.example.\n"
	"m11.example. MX 5 h5.example.\n" "m11.example. MX 6 h6.example.\n"
	"m11.example. MX 7 h7.example.\n" "m11.example. MX 8 h8.example.\n"
	"m11.example. MX 9 h9.example.\n" "m11.example. MX 10 h10.example.\n"
	"m11.example. MX 11 h11.example.\n"
	"one.example. TXT \"v=spf1 include:two.example ?all\"\n"
	"two.example. TXT \"v=spf1 a:a.example -all\"\n"
	"pass.example. TXT \"v=spf1 ip4:192.0.2.3 a:a.example -all\"\n"
	"deeppass.example. TXT \"v=spf1 include:pass.example include:two.example -all\"\n"
	"passes.example. TXT \"v=spf1 a:a.example ip4:192.0.2.3 a:b.example -all\"\n"
	"either.example. TXT \"v=spf1 -a:a.example ip4:192.0.2.3 a:b.example -all\"\n"
	"mine.example. TXT \"v=spf1 a:me.example -all\"\n"
	"notmine.example. TXT \"v=spf1 -a:me.example all\"\n"
	"not.example. TXT \"v=spf1 -ip4:192.0.2.3 a:a.example all\"\n"
	"bad.example. TXT \"v=spf1 a:a.example moo\"\n"
	"double.example. TXT \"v=spf1 a:a.example -all\"\n" "double.example. TXT \"v=spf1 -all\"\n"
	"eight.example. TXT \"v=spf1 a:e1.example a:e2.example a:e3.example a:e4.example "
		"a:e5.example a:e6.example a:e7.example a:e8.example ?all\"\n";
/* clang-format on */

/* Asked before anyone evaluates: names in the order asked, without ".example". */
static const struct plan_row {
	const char *what, *record, *ip, *asked;
} rows[] = {
	{ "a, mx, include, exists, redirect at once; hosts when they are known",
	    "v=spf1 a:a.example mx:m.example exists:c.example include:two.example "
	    "redirect=pass.example",
	    IP4, "TXT t A a MX m A c TXT two TXT pass A b" },
	{ "AAAA for IPv6 clients, A for exists", "v=spf1 a:a.example exists:x.example mx:m.example",
	    IP6, "TXT t AAAA a A x MX m AAAA b" },
	{ "included records in turn", "v=spf1 include:one.example -all", IP4,
	    "TXT t TXT one TXT two A a" },
	{ "nothing behind all", "v=spf1 a:a.example ~all a:b.example redirect=pass.example", IP4,
	    "TXT t A a" },
	{ "nothing behind ip4 that matches", "v=spf1 a:a.example ip4:192.0.2.0/24 a:b.example", IP4,
	    "TXT t A a" },
	{ "on behind ip4 that does not", "v=spf1 ip4:192.0.3.0/24 ip6:::/0 a:b.example", IP4,
	    "TXT t A b" },
	{ "nothing behind an include that must pass",
	    "v=spf1 include:pass.example include:one.example -all", IP4, "TXT t TXT pass TXT one" },
	{ "the same one level down", "v=spf1 include:deeppass.example include:one.example -all",
	    IP4, "TXT t TXT deeppass TXT one TXT pass TXT two" },
	{ "an include passes whichever of its terms matches",
	    "v=spf1 include:passes.example include:one.example -all", IP4,
	    "TXT t TXT passes TXT one A a" },
	{ "an include that may pass or not",
	    "v=spf1 include:either.example include:two.example -all", IP4,
	    "TXT t TXT either TXT two A a" },
	{ "an include that cannot match", "v=spf1 include:not.example include:one.example -all",
	    IP4, "TXT t TXT not TXT one TXT two A a" },
	{ "a record that is wrong", "v=spf1 a:a.example a:", IP4, "TXT t" },
	{ "nothing behind an include that is wrong",
	    "v=spf1 include:bad.example include:one.example -all", IP4, "TXT t TXT bad TXT one" },
	{ "nor of two records", "v=spf1 include:double.example include:one.example -all", IP4,
	    "TXT t TXT double TXT one" },
	{ "nor without a record", "v=spf1 include:c.example include:one.example -all", IP4,
	    "TXT t TXT c TXT one" },
	{ "nothing more behind a that matches", "v=spf1 a:me.example include:one.example -all", IP4,
	    "TXT t A me TXT one" },
	{ "nor behind exists", "v=spf1 exists:c.example include:one.example -all", IP4,
	    "TXT t A c TXT one" },
	{ "nor behind mx", "v=spf1 mx:memx.example include:one.example -all", IP4,
	    "TXT t MX memx TXT one A me TXT two" },
	{ "nor behind an include that passes",
	    "v=spf1 include:mine.example include:one.example -all", IP4,
	    "TXT t TXT mine TXT one A me TXT two" },
	{ "but behind one that does not", "v=spf1 include:notmine.example include:one.example -all",
	    IP4, "TXT t TXT notmine TXT one A me TXT two A a" },
	{ "a that matches with its prefix", "v=spf1 a:a.example/1 include:one.example -all", IP4,
	    "TXT t A a TXT one" },
	{ "nothing more behind a DNS failure", "v=spf1 a:loop.example include:one.example -all",
	    IP4, "TXT t A loop TXT one" },
	{ "nor behind a void look-up too many",
	    "v=spf1 a:n1.example exists:n2.example mx:n3.example include:one.example -all", IP4,
	    "TXT t A n1 A n2 MX n3 TXT one" },
	{ "ptr, and the names that are in its target", "v=spf1 ptr ptr:a.example a:b.example -all",
	    IP4, "TXT t PTR 3.2.0.192.in-addr.arpa A b A a" },
	{ "errors of ptr are no errors, void look-ups of ptr do not count",
	    "v=spf1 ptr:a.other a:n1.example a:n2.example include:one.example -all", IP4,
	    "TXT t PTR 3.2.0.192.in-addr.arpa A n1 A n2 TXT one A a.other TXT two A a" },
	{ "nothing with the name that is to be validated",
	    "v=spf1 a:%{p}.example include:%{p}.example a:a.example -all", IP4, "TXT t A a" },
	{ "hosts of mx behind an include that is not there yet",
	    "v=spf1 include:one.example mx:m.example -all", IP4,
	    "TXT t TXT one MX m TXT two A a A b" },
	{ "macros that are known", "v=spf1 exists:%{l}.%{ir}.x.example -all", IP4,
	    "TXT t A joe.3.2.0.192.x" },
	{ "no name that cannot be asked", "v=spf1 a:a..example include:b..example a:a.example -all",
	    IP4, "TXT t A a" },
	{ "nothing behind a redirect to nowhere", "v=spf1 a:a.example redirect=a..example", IP4,
	    "TXT t A a" },
	{ "nothing behind an include of one label", "v=spf1 include:%{d1} a:a.example -all", IP4,
	    "TXT t" },
	{ "no hosts of eleven", "v=spf1 mx:m11.example a:a.example -all", IP4, "TXT t MX m11 A a" },
	{ "no more than ten terms, in the order of evaluation",
	    "v=spf1 include:eight.example a:a.example a:b.example a:c.example -all", IP4,
	    "TXT t TXT eight A a A b A c A e1 A e2 A e3 A e4 A e5 A e6 A e7 A e8" },
	{ "one question for one name", "v=spf1 a:a.example a:A.example mx:m.example -all", IP4,
	    "TXT t A a MX m A b" },
};

/* "TYPE name TYPE name ...", names without ".example" */
static const char *
questions_of(struct tf_arena *a, struct tf_dns *dns)
{
	const struct tf_dns_trace *trace;
	size_t count;
	uint32_t ms;
	struct tf_buf out;

	tf_dns_trace(dns, a, &trace, &count, &ms);
	tf_buf_init_arena(&out, a, 64 * 1024);
	for (size_t i = 0; i < count; i++) {
		struct tf_str name = trace[i].name;

		if (tf_str_ends_nocase(name, TF_STR(".example")))
			name.len -= 8;
		if (name.ptr[0] == 't' && tf_is_digit(name.ptr[1]))
			name.len = 1;
		tf_buf_printf(&out, "%s%s %.*s", i != 0 ? " " : "", tf_dns_type_name(trace[i].type),
		    TF_PRI(name));
	}
	return tf_buf_cstr(&out);
}

static struct tf_resolver *
plan_resolver(struct tf_arena *a)
{
	struct tf_buf text;

	tf_buf_init_arena(&text, a, ZONE_MAX);
	tf_buf_lit(&text, plan_zone);
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		write_record(i, rows[i].record, &text);
	return resolver_of(tf_buf_get(&text));
}

static void
test_asked(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = plan_resolver(a);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_identity id = identity(rows[i].ip, HELO, numbered(a, JOE, i));
		struct tf_dns *dns = tf_dns_begin(r, &spf_dns_opts);

		tf_spf_start(a, dns, &spf_opts, &id, TF_SPF_MAILFROM);
		settle(r);
		assert_str(
		    rows[i].what, tf_str_from(questions_of(a, dns)), tf_str_from(rows[i].asked));
		tf_dns_end(dns);
	}
	tf_resolver_release(r);
	tf_arena_free(a);
}

static struct tf_spf
evaluate_settled(struct tf_arena *a, struct tf_resolver *r, const struct tf_identity *id)
{
	struct tf_dns *dns = tf_dns_begin(r, &spf_dns_opts);
	struct tf_notes notes = { NULL, NULL, 0 };
	struct tf_spf_check *c = tf_spf_start(a, dns, &spf_opts, id, TF_SPF_MAILFROM);
	struct tf_spf spf;

	settle(r);
	tf_spf_eval(c, &notes, &spf);
	tf_dns_end(dns);
	return spf;
}

/* The result is the same whether all answers came ahead or the evaluation runs beside them. */
static void
test_same_result(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = plan_resolver(a);

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_identity id = identity(rows[i].ip, HELO, numbered(a, JOE, i));
		struct tf_spf beside = evaluate(a, r, &spf_opts, &id, TF_SPF_MAILFROM);
		struct tf_spf ahead = evaluate_settled(a, r, &id);

		assert_num(rows[i].what, ahead.code, beside.code);
		assert_num(rows[i].what, ahead.terms, beside.terms);
		assert_num(rows[i].what, ahead.voids, beside.voids);
		assert_str(rows[i].what, ahead.mechanism, beside.mechanism);
		assert_str(rows[i].what, ahead.reason, beside.reason);
	}
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* Two thirds of a message's questions are left to others, by HELO more. */
static void
test_reserve(void **state)
{
	static const struct tf_dns_opts few = { 24 };
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = resolver_with(plan_zone);
	struct tf_identity id = identity(IP4, HELO, "u@eight.example");
	struct tf_dns *dns = tf_dns_begin(r, &few);

	(void)state;
	id.helo = TF_STR("eight.example");
	tf_spf_start(a, dns, &spf_opts, &id, TF_SPF_HELO);
	settle(r);
	assert_int_equal(tf_dns_asked(dns), 2);
	tf_spf_start(a, dns, &spf_opts, &id, TF_SPF_MAILFROM);
	settle(r);
	assert_int_equal(tf_dns_asked(dns), 8);
	tf_dns_end(dns);
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* Ten mx terms of ten hosts each at NA0.example to NA9.example, and a record NA.example of them. */
static void
write_mx_terms(char letter, struct tf_buf *text)
{
	tf_buf_printf(text, "%c.example. TXT \"v=spf1", letter);
	for (int i = 0; i < 10; i++)
		tf_buf_printf(text, " mx:%c%d.example", letter, i);
	tf_buf_lit(text, "\"\n");
	for (int i = 0; i < 100; i++) {
		tf_buf_printf(text, "%c%d.example. MX %d h%d.%c%d.example.\n", letter, i / 10, i,
		    i % 10, letter, i / 10);
		tf_buf_printf(text, "h%d.%c%d.example. A 198.51.100.1\n", i % 10, letter, i / 10);
	}
}

static struct tf_resolver *
worst_resolver(struct tf_arena *a, const char *const *records, size_t count)
{
	struct tf_buf text;

	tf_buf_init_arena(&text, a, ZONE_MAX);
	for (size_t i = 0; i < count; i++)
		write_record(i, tf_arena_printf(a, "v=spf1 %s", records[i]).ptr, &text);
	write_mx_terms('x', &text);
	write_mx_terms('y', &text);
	for (int i = 0; i < 10; i++) {
		tf_buf_printf(&text,
		    "i%d.example. TXT \"v=spf1 include:i%d.example mx:x%d.example\"\n", i,
		    (i + 1) % 10, i);
		tf_buf_printf(&text, "k%d.example. TXT \"v=spf1 mx:x%d.example ?all\"\n", i, i);
	}
	return resolver_of(tf_buf_get(&text));
}

static uint32_t
questions_of_check(struct tf_arena *a, struct tf_resolver *r, size_t n, bool ahead)
{
	static const struct tf_dns_opts many = { 1000 };
	struct tf_identity id = identity(IP4, HELO, numbered(a, JOE, n));
	struct tf_notes notes = { NULL, NULL, 0 };
	struct tf_dns *dns = tf_dns_begin(r, &many);
	struct tf_spf_check *c;
	struct tf_spf spf;
	uint32_t asked;

	if (!ahead)
		use_up_share(a, dns, TF_SPF_MAILFROM);
	asked = tf_dns_asked(dns);
	c = tf_spf_start(a, dns, &spf_opts, &id, TF_SPF_MAILFROM);
	settle(r);
	tf_spf_eval(c, &notes, &spf);
	settle(r);
	asked = tf_dns_asked(dns) - asked;
	tf_dns_end(dns);
	return asked;
}

/*
 * The worst trees: what a serial evaluation asks, and no more ahead than 1 + 10 x 11 questions,
 * which ten mx terms of ten hosts cost a serial evaluation (RFC 7208 section 4.6.4).
 */
static void
test_worst(void **state)
{
	static const char *const records[] = {
		"mx:x0.example mx:x1.example mx:x2.example mx:x3.example mx:x4.example "
		"mx:x5.example mx:x6.example mx:x7.example mx:x8.example mx:x9.example",
		"mx:x0.example mx:x1.example mx:x2.example mx:x3.example mx:x4.example "
		"mx:x5.example mx:x6.example mx:x7.example mx:x8.example mx:x9.example "
		"mx:y0.example",
		"include:x.example mx:y1.example mx:y2.example mx:y3.example mx:y4.example "
		"mx:y5.example mx:y6.example mx:y7.example mx:y8.example mx:y9.example",
		"mx:y1.example include:x.example include:y.example",
		"include:k0.example include:k1.example include:k2.example include:k3.example "
		"include:k4.example include:k5.example include:k6.example include:k7.example "
		"include:k8.example include:k9.example",
		"include:i0.example include:i1.example include:i2.example include:i3.example "
		"include:i4.example include:i5.example include:i6.example include:i7.example "
		"include:i8.example include:i9.example",
		"include:x.example redirect=y.example",
	};
	/* The record; for each term one question, and for mx ten more. */
	static const uint32_t serial[] = { 1 + 10 * 11, 1 + 10 * 11, 1 + 1 + 9 * 11,
		1 + 11 + 1 + 8 * 11, 1 + 5 * (1 + 11), 1 + 10, 1 + 1 + 9 * 11 };
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = worst_resolver(a, records, TF_ARRAY_LEN(records));

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(records); i++) {
		uint32_t ahead = questions_of_check(a, r, i, true);

		assert_num(records[i], questions_of_check(a, r, i, false), serial[i]);
		if (ahead > 1 + 10 * 11)
			fail_msg("%s: %u questions", records[i], ahead);
	}
	tf_resolver_release(r);
	tf_arena_free(a);
}

/* A message may end at any moment, also while answers arrive. */
static void
test_ends_early(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_resolver *r = plan_resolver(a);

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		struct tf_arena *message = tf_arena_new();
		struct tf_identity id =
		    identity(IP4, HELO, numbered(message, JOE, i % TF_ARRAY_LEN(rows)));
		struct tf_dns *dns = tf_dns_begin(r, &spf_dns_opts);

		tf_spf_start(message, dns, &spf_opts, &id, TF_SPF_HELO);
		tf_spf_start(message, dns, &spf_opts, &id, TF_SPF_MAILFROM);
		tf_dns_end(dns);
		tf_arena_free(message);
	}
	tf_resolver_release(r);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_same_result),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
