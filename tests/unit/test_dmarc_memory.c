/*
 * test_dmarc_memory.c - what is remembered, for how long, and what gives way when there is no room
 */
#include "tests/unit/test.h"
#include "truefrom/dmarc_memory.h"

#define NOW 1800000000
#define HOUR TF_DMARC_MEMORY_REGULAR_S

struct bench {
	struct tf_dmarc_memory *m;
	struct tf_arena *a;
};

static struct bench
bench_new(void)
{
	return (struct bench){ tf_dmarc_memory_new(), tf_arena_new() };
}

static void
bench_free(struct bench *b)
{
	tf_dmarc_memory_free(b->m);
	tf_arena_free(b->a);
}

static void
keep_record(struct bench *b, struct tf_str domain, const char *record, int64_t now)
{
	const struct tf_dmarc_found found = {
		.domain = domain,
		.record_domain = domain,
		.org_domain = domain,
		.record = tf_str_from(record),
		.exists = TF_EXISTS_UNKNOWN,
	};

	tf_dmarc_memory_keep(b->m, &found, now);
}

static void
keep(struct bench *b, const char *domain, int64_t now)
{
	keep_record(b, tf_str_from(domain), "v=DMARC1; p=reject", now);
}

static bool
has(struct bench *b, const char *domain, int64_t now)
{
	struct tf_dmarc_found found;

	return tf_dmarc_memory_find(b->m, tf_str_from(domain), now, b->a, &found);
}

static void
test_finds_what_was_kept(void **state)
{
	const struct tf_dmarc_found found = { TF_LIT("a.b.example.com"), TF_LIT("example.com"),
		TF_LIT("b.example.com"), TF_LIT("v=DMARC1; p=none; np=reject; \0\xff"),
		TF_EXISTS_NO, 1, 2 };
	struct bench b = bench_new();
	struct tf_dmarc_found got;

	(void)state;
	assert_false(has(&b, "a.b.example.com", NOW));
	tf_dmarc_memory_keep(b.m, &found, NOW);
	assert_true(tf_dmarc_memory_find(b.m, found.domain, NOW, b.a, &got));
	assert_str("domain", got.domain, found.domain);
	assert_str("record domain", got.record_domain, found.record_domain);
	assert_str("organization", got.org_domain, found.org_domain);
	assert_str("record", got.record, found.record);
	assert_int_equal(got.exists, TF_EXISTS_NO);
	assert_int_equal(got.first, NOW);
	assert_int_equal(got.last, NOW);
	assert_false(has(&b, "b.example.com", NOW));
	assert_int_equal(tf_dmarc_memory_count(b.m), 1);
	tf_dmarc_memory_forget(b.m, found.domain);
	assert_false(has(&b, "a.b.example.com", NOW));
	assert_int_equal(tf_dmarc_memory_count(b.m), 0);
	bench_free(&b);
}

/* The newest finding counts; what it could not say about existence stays. */
static void
test_found_again(void **state)
{
	struct tf_dmarc_found found = { TF_LIT("x.example"), TF_LIT("x.example"),
		TF_LIT("x.example"), TF_LIT("v=DMARC1; p=none; np=reject"), TF_EXISTS_NO, 0, 0 };
	struct bench b = bench_new();
	struct tf_dmarc_found got;

	(void)state;
	tf_dmarc_memory_keep(b.m, &found, NOW);
	found.exists = TF_EXISTS_UNKNOWN;
	tf_dmarc_memory_keep(b.m, &found, NOW + 10);
	assert_true(tf_dmarc_memory_find(b.m, found.domain, NOW + 10, b.a, &got));
	assert_int_equal(got.exists, TF_EXISTS_NO);
	assert_int_equal(got.first, NOW);
	assert_int_equal(got.last, NOW + 10);
	found.record = TF_STR("v=DMARC1; p=none");
	tf_dmarc_memory_keep(b.m, &found, NOW + 20);
	assert_true(tf_dmarc_memory_find(b.m, found.domain, NOW + 20, b.a, &got));
	assert_str("another record", got.record, found.record);
	assert_int_equal(got.exists, TF_EXISTS_UNKNOWN);
	assert_int_equal(got.first, NOW);
	assert_int_equal(tf_dmarc_memory_count(b.m), 1);
	bench_free(&b);
}

/* What is older than a day says nothing about what is found now, not even of the same record. */
static void
test_found_again_later(void **state)
{
	struct tf_dmarc_found found = { TF_LIT("x.example"), TF_LIT("example"), TF_LIT("example"),
		TF_LIT("v=DMARC1; p=none; np=reject"), TF_EXISTS_NO, 0, 0 };
	const int64_t later = NOW + TF_DMARC_MEMORY_AGE_S + 1;
	struct bench b = bench_new();
	struct tf_dmarc_found got;

	(void)state;
	tf_dmarc_memory_keep(b.m, &found, NOW);
	found.exists = TF_EXISTS_UNKNOWN;
	tf_dmarc_memory_keep(b.m, &found, later);
	assert_true(tf_dmarc_memory_find(b.m, found.domain, later, b.a, &got));
	assert_int_equal(got.exists, TF_EXISTS_UNKNOWN);
	assert_int_equal(got.first, later);
	assert_int_equal(tf_dmarc_memory_count(b.m), 1);
	bench_free(&b);
}

static void
test_a_day(void **state)
{
	struct bench b = bench_new();

	(void)state;
	keep(&b, "example.com", NOW);
	assert_true(has(&b, "example.com", NOW + TF_DMARC_MEMORY_AGE_S));
	assert_false(has(&b, "example.com", NOW + TF_DMARC_MEMORY_AGE_S + 1));
	/* The clock was put back: by a little, and by much. */
	assert_true(has(&b, "example.com", NOW - 60));
	assert_false(has(&b, "example.com", NOW - 3600));
	/* What is too old goes when something comes. */
	keep(&b, "example.net", NOW + TF_DMARC_MEMORY_AGE_S + 1);
	assert_int_equal(tf_dmarc_memory_count(b.m), 1);
	bench_free(&b);
}

/* A finding that cannot be stored puts an end to the one before. */
static void
test_long_record(void **state)
{
	static char record[TF_DMARC_MEMORY_RECORD_MAX + 2];
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(record) - 1; i++)
		record[i] = 'x';
	keep_record(&b, TF_STR("long.example"), record, NOW);
	assert_false(has(&b, "long.example", NOW));
	keep_record(&b, TF_STR("long.example"), record + 1, NOW);
	assert_true(has(&b, "long.example", NOW));
	keep_record(&b, TF_STR("long.example"), record, NOW);
	assert_false(has(&b, "long.example", NOW));
	bench_free(&b);
}

/* Domains of n zones: "FLOOD<i>.zone<i % zones>.example". */
static void
flood(struct bench *b, const char *name, size_t count, size_t zones, int64_t now)
{
	for (size_t i = 0; i < count; i++) {
		tf_arena_clear(b->a);
		keep_record(b, tf_arena_printf(b->a, "%s%zu.zone%zu.example", name, i, i % zones),
		    "v=DMARC1; p=reject", now);
	}
}

static void
test_flood_in_one_go(void **state)
{
	struct bench b = bench_new();

	(void)state;
	keep(&b, "regular.example", NOW);
	keep(&b, "regular.example", NOW + HOUR);
	keep(&b, "once.example", NOW + HOUR);
	flood(&b, "f", TF_DMARC_MEMORY_MAX, 1000, NOW + HOUR + 1);
	assert_int_equal(tf_dmarc_memory_count(b.m), TF_DMARC_MEMORY_MAX);
	assert_true(has(&b, "regular.example", NOW + HOUR + 1));
	assert_false(has(&b, "once.example", NOW + HOUR + 1));
	bench_free(&b);
}

/* Not even the second time: four fifths of the store are for what comes regularly, and of these the
 * one that was found last stays. */
static void
test_flood_twice(void **state)
{
	struct bench b = bench_new();

	(void)state;
	keep(&b, "regular.example", NOW);
	flood(&b, "f", TF_DMARC_MEMORY_MAX - 1, 1000, NOW);
	keep(&b, "regular.example", NOW + HOUR);
	flood(&b, "f", TF_DMARC_MEMORY_MAX / 5 * 4 - 1, 1000, NOW + HOUR + 1);
	flood(&b, "g", TF_DMARC_MEMORY_MAX, 1000, NOW + HOUR + 2);
	assert_int_equal(tf_dmarc_memory_count(b.m), TF_DMARC_MEMORY_MAX);
	assert_true(has(&b, "regular.example", NOW + HOUR + 2));
	bench_free(&b);
}

static void
test_one_zone(void **state)
{
	struct bench b = bench_new();

	(void)state;
	flood(&b, "f", TF_DMARC_MEMORY_MAX, 1, NOW);
	assert_int_equal(tf_dmarc_memory_count(b.m), TF_DMARC_MEMORY_MAX / 8);
	assert_true(has(&b, "f0.zone0.example", NOW));
	keep(&b, "example.com", NOW);
	assert_true(has(&b, "example.com", NOW));
	bench_free(&b);
}

/* The longest records do not make it larger than it may be. */
static void
test_bytes(void **state)
{
	static char record[TF_DMARC_MEMORY_RECORD_MAX + 1];
	struct bench b = bench_new();

	(void)state;
	for (size_t i = 0; i < sizeof(record) - 1; i++)
		record[i] = 'x';
	for (size_t i = 0; i < TF_DMARC_MEMORY_MAX; i++) {
		tf_arena_clear(b.a);
		keep_record(&b, tf_arena_printf(b.a, "d%zu.example", i), record, NOW);
	}
	assert_in_range(
	    tf_dmarc_memory_count(b.m), 1, TF_DMARC_MEMORY_BYTES / TF_DMARC_MEMORY_RECORD_MAX);
	bench_free(&b);
}

static void
test_reads_all(void **state)
{
	struct bench b = bench_new(), copy = bench_new();
	const struct tf_dmarc_found *list;
	size_t at = 0, count, sum = 0;

	(void)state;
	flood(&b, "f", 1000, 100, NOW);
	keep(&b, "regular.example", NOW - HOUR);
	keep(&b, "regular.example", NOW);
	while (tf_dmarc_memory_next(b.m, &at, b.a, &list, &count)) {
		for (size_t i = 0; i < count; i++)
			tf_dmarc_memory_restore(copy.m, &list[i], NOW);
		sum += count;
	}
	assert_int_equal(sum, 1001);
	assert_int_equal(tf_dmarc_memory_count(copy.m), 1001);
	assert_true(has(&copy, "f999.zone99.example", NOW));
	/* It is as regular as it was. */
	flood(&copy, "g", TF_DMARC_MEMORY_MAX, 1000, NOW);
	assert_true(has(&copy, "regular.example", NOW));
	assert_false(has(&copy, "f999.zone99.example", NOW));
	bench_free(&b);
	bench_free(&copy);
}

static void
test_restore_leaves_out_what_is_old(void **state)
{
	struct tf_dmarc_found found = { TF_LIT("x.example"), TF_LIT("x.example"),
		TF_LIT("x.example"), TF_LIT("v=DMARC1; p=none"), TF_EXISTS_UNKNOWN, NOW, NOW };
	struct bench b = bench_new();

	(void)state;
	tf_dmarc_memory_restore(b.m, &found, NOW + TF_DMARC_MEMORY_AGE_S + 1);
	assert_int_equal(tf_dmarc_memory_count(b.m), 0);
	found.org_domain = TF_STR("other.example");
	tf_dmarc_memory_restore(b.m, &found, NOW);
	assert_int_equal(tf_dmarc_memory_count(b.m), 0);
	found.org_domain = found.domain;
	tf_dmarc_memory_restore(b.m, &found, NOW + TF_DMARC_MEMORY_AGE_S);
	assert_int_equal(tf_dmarc_memory_count(b.m), 1);
	bench_free(&b);
}

static void
test_changes(void **state)
{
	struct bench b = bench_new();
	const uint64_t none = tf_dmarc_memory_changes(b.m);
	uint64_t one;

	(void)state;
	tf_dmarc_memory_forget(b.m, TF_STR("x.example"));
	assert_int_equal(tf_dmarc_memory_changes(b.m), none);
	keep(&b, "x.example", NOW);
	one = tf_dmarc_memory_changes(b.m);
	assert_int_not_equal(one, none);
	tf_dmarc_memory_forget(b.m, TF_STR("x.example"));
	assert_int_not_equal(tf_dmarc_memory_changes(b.m), one);
	bench_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_was_kept),
		cmocka_unit_test(test_found_again),
		cmocka_unit_test(test_found_again_later),
		cmocka_unit_test(test_a_day),
		cmocka_unit_test(test_long_record),
		cmocka_unit_test(test_flood_in_one_go),
		cmocka_unit_test(test_flood_twice),
		cmocka_unit_test(test_one_zone),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_reads_all),
		cmocka_unit_test(test_restore_leaves_out_what_is_old),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
