/*
 * test_stats.c - a log, counted
 */
#include <string.h>

#include <jansson.h>

#include "milter/stats.h"
#include "tests/unit/test.h"

#define OUTPUT_MAX ((size_t)4 * 1024 * 1024)

/* A log is a list of lines; the counts are looked at as JSON. */
struct bench {
	struct tf_arena *a;
	struct tf_stats *s;
	json_t *json;
};

static struct bench
bench_new(void)
{
	return (struct bench){ tf_arena_new(), tf_stats_new(), NULL };
}

static void
bench_free(struct bench *b)
{
	json_decref(b->json);
	tf_stats_free(b->s);
	tf_arena_free(b->a);
}

static void
message(struct bench *b, const char *from, const char *client, const char *outcome)
{
	tf_stats_line(b->s,
	    tf_arena_printf(b->a,
		"truefromd: id=x client=%s from=%s spf=fail spf_domain=s.example dkim=none %s",
		client, from, outcome));
}

static const json_t *
counted(struct bench *b, size_t top)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, b->a, OUTPUT_MAX);
	tf_stats_write_json(b->s, top, &out);
	assert_false(out.overflow);
	json_decref(b->json);
	b->json = json_loadb(out.ptr, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(b->json);
	return b->json;
}

static struct tf_str
in_words(struct bench *b, size_t top)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, b->a, OUTPUT_MAX);
	tf_stats_write_words(b->s, top, &out);
	assert_false(out.overflow);
	return tf_buf_get(&out);
}

static long long
number(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	if (!json_is_integer(value))
		fail_msg("no number %s", key);
	return json_integer_value(value);
}

static void
assert_text(const json_t *o, const char *key, const char *want)
{
	assert_string_equal(json_string_value(json_object_get(o, key)), want);
}

#define REJECT "action=reject rule=dmarc-policy"
#define WOULD_REJECT "action=accept would=reject rule=dmarc-policy"
#define ACCEPT "action=accept rule=none"

static void
test_nothing(void **state)
{
	struct bench b = bench_new();

	(void)state;
	tf_stats_line(b.s, TF_STR("Nov 22 07:00:00 mx postfix/smtpd[1]: connect from x"));
	assert_str("words", in_words(&b, 10),
	    TF_STR("0 messages in 1 lines of the log\n\n"
		   "                     done withheld by monitor mode\n"
		   "accept                  0\n"
		   "quarantine              0                        0\n"
		   "reject                  0                        0\n"
		   "tempfail                0                        0\n"
		   "\nnothing was refused, and nothing would be\n"));
	assert_num("lines", number(counted(&b, 10), "lines"), 1);
	assert_num("other", number(b.json, "other_lines"), 1);
	assert_num("authors", json_array_size(json_object_get(b.json, "authors")), 0);
	bench_free(&b);
}

static void
test_counts(void **state)
{
	struct bench b = bench_new();
	const json_t *author, *source;

	(void)state;
	message(&b, "bank.example", "198.51.100.66", WOULD_REJECT);
	message(&b, "bank.example", "198.51.100.66", REJECT);
	message(&b, "bank.example", "198.51.100.67", REJECT);
	message(&b, "bank.example", "192.0.2.1", ACCEPT);
	message(&b, "a.example", "192.0.2.1", "action=quarantine rule=override:a.example");
	message(&b, "a.example", "192.0.2.1", "action=accept would=quarantine rule=dmarc-policy");
	message(&b, "good.example", "192.0.2.1", ACCEPT);
	message(&b, "\"\"", "192.0.2.9", "action=tempfail rule=temperror");
	message(&b, "x.example", "192.0.2.9", "action=discard rule=none");
	message(&b, "x.example", "192.0.2.9", "action=accept would=discard rule=none");
	counted(&b, 10);
	assert_num("messages", number(b.json, "messages"), 8);
	assert_num("accept", number(b.json, "accept"), 4);
	assert_num("reject", number(b.json, "reject"), 2);
	assert_num("quarantine", number(b.json, "quarantine"), 1);
	assert_num("tempfail", number(b.json, "tempfail"), 1);
	assert_num("would reject", number(b.json, "would_reject"), 1);
	assert_num("would quarantine", number(b.json, "would_quarantine"), 1);
	assert_num("would tempfail", number(b.json, "would_tempfail"), 0);
	assert_num("unknown words", number(b.json, "damaged_lines"), 2);
	assert_num("authors", number(b.json, "author_count"), 3);
	assert_text(json_array_get(json_object_get(b.json, "rules"), 0), "rule", "dmarc-policy");
	author = json_array_get(json_object_get(b.json, "authors"), 0);
	assert_text(author, "domain", "bank.example");
	assert_num("of bank.example", number(author, "messages"), 4);
	assert_num("of bank.example", number(author, "reject"), 2);
	assert_num("of bank.example", number(author, "would_reject"), 1);
	assert_num("its sources", number(author, "source_count"), 2);
	source = json_array_get(json_object_get(author, "sources"), 0);
	assert_text(source, "client", "198.51.100.66");
	assert_text(source, "spf", "fail");
	assert_text(source, "spf_domain", "s.example");
	assert_text(source, "dkim", "none");
	assert_text(source, "rule", "dmarc-policy");
	assert_num("of that source", number(source, "messages"), 2);
	assert_text(json_array_get(json_object_get(b.json, "authors"), 1), "domain", "a.example");
	assert_text(json_array_get(json_object_get(b.json, "authors"), 2), "domain", "");
	bench_free(&b);
}

static void
test_words(void **state)
{
	struct bench b = bench_new();

	(void)state;
	message(&b, "bank.example", "198.51.100.66", WOULD_REJECT);
	message(&b, "bank.example", "198.51.100.66", REJECT);
	message(&b, "bank.example", "192.0.2.1", ACCEPT);
	message(&b, "\"\\u001b[31m\"", "192.0.2.1", "action=quarantine rule=invalid-from:syntax");
	message(&b, "\"\"", "192.0.2.1", "action=tempfail rule=\"\\u00e9\"");
	tf_stats_line(b.s, TF_STR("id=x client=1"));
	assert_str("words", in_words(&b, 2),
	    TF_STR("5 messages in 6 lines of the log\n\n"
		   "                     done withheld by monitor mode\n"
		   "accept                  2\n"
		   "quarantine              1                        0\n"
		   "reject                  1                        1\n"
		   "tempfail                1                        0\n"
		   "\n1 lines of truefromd are damaged and not counted\n"
		   "\nrules that decided about those not accepted:\n"
		   "       2  dmarc-policy\n"
		   "       1  invalid-from:syntax\n"
		   "\nauthor domains, 2 of 3, and who sent in their name:\n"
		   "\nbank.example: of 3 messages 1 rejected, 1 would be rejected\n"
		   "       2  198.51.100.66 spf=fail:s.example dkim=none rule=dmarc-policy\n"
		   "\n(no domain): of 1 message 1 put off\n"
		   "       1  192.0.2.1 spf=fail:s.example dkim=none rule=??\n"));
	bench_free(&b);
}

/* Names that strangers make up: bounded, said, and those that matter come first. */
static void
test_bounded(void **state)
{
	struct bench b = bench_new();
	const json_t *author;

	(void)state;
	message(&b, "bank.example", "198.51.100.66", REJECT);
	message(&b, "bank.example", "198.51.100.66", REJECT);
	for (size_t i = 0; i < 50010; i++) {
		char from[64];

		(void)snprintf(from, sizeof(from), "f%zu.example", i);
		message(&b, from, "192.0.2.1", REJECT);
		tf_arena_clear(b.a);
	}
	for (size_t i = 0; i < 1010; i++) {
		char client[64];

		(void)snprintf(client, sizeof(client), "2001:db8::%zx", i);
		message(&b, "bank.example", client, REJECT);
	}
	counted(&b, 1);
	assert_num("all are counted", number(b.json, "messages"), 51022);
	assert_num("not all by name", number(b.json, "unnamed"), 11);
	assert_num("so many names", number(b.json, "author_count"), 50000);
	author = json_array_get(json_object_get(b.json, "authors"), 0);
	assert_num("shown", json_array_size(json_object_get(b.json, "authors")), 1);
	assert_text(author, "domain", "bank.example");
	assert_num("of it", number(author, "reject"), 1012);
	assert_num("sources", number(author, "source_count"), 1000);
	assert_num("shown", json_array_size(json_object_get(author, "sources")), 5);
	bench_free(&b);
}

/* Rules and reasons beyond what is kept are counted without their names. */
static void
test_many_rules(void **state)
{
	struct bench b = bench_new();
	const json_t *rule;

	(void)state;
	for (size_t i = 0; i < 1010; i++) {
		char outcome[96];

		(void)snprintf(outcome, sizeof(outcome), "action=reject rule=override:r%04zu", i);
		message(&b, "bank.example", "192.0.2.1", outcome);
		(void)snprintf(
		    outcome, sizeof(outcome), "action=tempfail rule=error reason=r%04zu", i);
		message(&b, "bank.example", "192.0.2.1", outcome);
	}
	counted(&b, 2000);
	assert_num("all are counted", number(b.json, "messages"), 2020);
	assert_num("rejected", number(b.json, "reject"), 1010);
	assert_num("rules", json_array_size(json_object_get(b.json, "rules")), 1000);
	rule = json_array_get(json_object_get(b.json, "rules"), 0);
	assert_text(rule, "rule", "error");
	assert_num("one that was there goes on", number(rule, "messages"), 1010);
	assert_num("undecided", number(b.json, "undecided"), 1010);
	assert_num("reasons", json_array_size(json_object_get(b.json, "reasons")), 100);
	bench_free(&b);
}

/* What on_error decided about, by the reason, accepted ones too. */
static void
test_undecided(void **state)
{
	static const char *const outcomes[] = {
		"action=tempfail rule=error reason=\"limits.headers reached\"",
		"action=accept rule=error reason=\"the resolver has failed\"",
		"action=accept rule=error reason=\"the resolver has failed\"",
		"action=accept rule=none reason=\"no record\"",
	};
	struct bench b = bench_new();
	const json_t *reason;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(outcomes); i++)
		message(&b, "a.example", "192.0.2.1", outcomes[i]);
	counted(&b, 1);
	assert_num("undecided", number(b.json, "undecided"), 3);
	assert_num("reasons", json_array_size(json_object_get(b.json, "reasons")), 2);
	reason = json_array_get(json_object_get(b.json, "reasons"), 1);
	assert_text(reason, "reason", "the resolver has failed");
	assert_num("accepted", number(reason, "accept"), 2);
	assert_non_null(strstr(tf_arena_cstr(b.a, in_words(&b, 1)),
	    "could not decide about 3 (on_error):\n       1  limits.headers reached\n"
	    "       2  the resolver has failed\n"));
	bench_free(&b);
}

/* Lines of a file: with CRLF, without an end, too long, none. */
static void
test_read(void **state)
{
	static const char good[] = "id=x client=1 from=a.example action=accept rule=none";
	struct bench b = bench_new();
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_true(fprintf(f, "%s\r\n\n%s\n", good, good) > 0);
	for (size_t i = 0; i < 300000; i++)
		(void)fputc('x', f);
	assert_true(fprintf(f, "\n%s", good) > 0);
	rewind(f);
	assert_int_equal(tf_stats_read(b.s, f), 0);
	counted(&b, 1);
	assert_num("messages", number(b.json, "messages"), 3);
	assert_num("lines", number(b.json, "lines"), 5);
	assert_num("too long", number(b.json, "damaged_lines"), 1);
	assert_num("other", number(b.json, "other_lines"), 1);
	(void)fclose(f);
	bench_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
