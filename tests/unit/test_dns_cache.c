/*
 * test_dns_cache.c - answers at hand: how long, how many, how much memory
 */
#include <stdio.h>
#include <string.h>

#include "policy/dns_cache.h"
#include "tests/unit/test.h"

#define SECOND ((int64_t)1000000)
#define START ((int64_t)1000 * SECOND)

/* Puts a TXT answer of one record. */
static void
put(struct tf_dns_cache *cache, const char *name, struct tf_str text, uint32_t ttl_s,
    int64_t now_us)
{
	const struct tf_dns_answer answer = { .txts = &text, .count = 1, .ttl_s = ttl_s };
	struct tf_dns_shared *s = tf_dns_shared_new(tf_str_from(name), TF_TYPE_TXT, &answer);

	tf_dns_cache_put(cache, tf_str_from(name), TF_TYPE_TXT, s, now_us);
	tf_dns_shared_release(s);
}

static bool
has(struct tf_dns_cache *cache, const char *name, enum tf_dns_type type, int64_t now_us)
{
	struct tf_dns_shared *s = tf_dns_cache_get(cache, tf_str_from(name), type, now_us);

	tf_dns_shared_release(s);
	return s != NULL;
}

static void
test_times(void **state)
{
	static const struct {
		const char *what;
		bool prefetch;
		uint32_t ttl_s;
		int64_t age_us;
		bool want;
	} rows[] = {
		{ "at once", false, 10, 0, true },
		{ "shortly before its end", false, 10, 10 * SECOND - 1, true },
		{ "at its end", false, 10, 10 * SECOND, false },
		{ "no time at all", false, 0, 0, false },
		{ "a second", false, 1, SECOND / 2, true },
		{ "before the last tenth", true, 10, 9 * SECOND - 1, true },
		{ "the last tenth is libunbound's, which asks ahead", true, 10, 9 * SECOND, false },
		{ "the longest that there is (RFC 2181 section 8)", false, INT32_MAX,
		    INT32_MAX * SECOND - 1, true },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_dns_cache *cache = tf_dns_cache_new(65536, rows[i].prefetch);

		put(cache, "a.test", TF_STR("a"), rows[i].ttl_s, START);
		assert_num(rows[i].what, has(cache, "a.test", TF_TYPE_TXT, START + rows[i].age_us),
		    rows[i].want);
		tf_dns_cache_free(cache);
	}
}

static void
test_names_and_types(void **state)
{
	struct tf_dns_cache *cache = tf_dns_cache_new(65536, false);
	struct tf_dns_shared *s;

	(void)state;
	put(cache, "a.test", TF_STR("old"), 10, START);
	put(cache, "a.test", TF_STR("new"), 10, START);
	assert_false(has(cache, "a.test", TF_TYPE_A, START));
	assert_false(has(cache, "b.test", TF_TYPE_TXT, START));
	assert_false(has(cache, "", TF_TYPE_TXT, START));
	s = tf_dns_cache_get(cache, TF_STR("a.test"), TF_TYPE_TXT, START);
	assert_non_null(s);
	tf_dns_cache_free(cache); /* whoever holds an answer keeps it */
	assert_str("the newest", tf_dns_shared_answer(s)->txts[0], TF_STR("new"));
	tf_dns_shared_release(s);
	tf_dns_cache_free(NULL);
}

/* Far more than the cache holds: what is used again and again stays. */
static void
test_many(void **state)
{
	struct tf_dns_cache *cache = tf_dns_cache_new(16384, false);
	char name[32];
	int kept = 0;

	(void)state;
	put(cache, "used.test", TF_STR("a"), 10, START);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		put(cache, name, TF_STR("x"), 10, START);
		assert_true(has(cache, name, TF_TYPE_TXT, START));
		assert_true(has(cache, "used.test", TF_TYPE_TXT, START));
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		kept += has(cache, name, TF_TYPE_TXT, START);
	}
	assert_true(kept > 8 && kept < 4 * 8);
	tf_dns_cache_free(cache);
}

/* Large answers: the memory is the limit, not the places; one that is too large is not taken. */
static void
test_bytes(void **state)
{
	enum { BYTES = 1 << 20, SIZE = 8192 };
	struct tf_dns_cache *cache = tf_dns_cache_new(BYTES, false);
	static char text[BYTES / 32];
	char name[32];
	int kept = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		put(cache, name, (struct tf_str){ text, SIZE }, 10, START);
		assert_true(has(cache, name, TF_TYPE_TXT, START));
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		kept += has(cache, name, TF_TYPE_TXT, START);
	}
	assert_true(kept > BYTES / SIZE / 2 && kept < BYTES / SIZE);
	put(cache, "large.test", (struct tf_str){ text, sizeof(text) }, 10, START);
	assert_false(has(cache, "large.test", TF_TYPE_TXT, START));
	tf_dns_cache_free(cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_names_and_types),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
