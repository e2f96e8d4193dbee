/*
 * test_dns_lookups.c - questions under way: found again, and each owner's part of the places
 */
#include "policy/dns_lookups.h"
#include "tests/unit/test.h"

#define PLACES 1024

/* With another one, two of the names below might be counted together. */
static const unsigned char key[TF_HASH_KEY] = { 1 };

static struct tf_lookup *
add(struct tf_lookups *l, const char *label, unsigned int number, const char *parent)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%u.%s", label, number, parent);
	return tf_lookups_add(l, tf_str_from(name), TF_TYPE_TXT);
}

/* Adds names until there is no place any more. Returns how many there were. */
static unsigned int
fill(struct tf_lookups *l, const char *label, const char *parent)
{
	unsigned int count = 0;

	while (count < 2 * PLACES && add(l, label, count, parent) != NULL)
		count++;
	return count;
}

static void
empty(struct tf_lookups *l)
{
	for (struct tf_lookup *any = tf_lookups_any(l); any != NULL; any = tf_lookups_any(l))
		tf_lookups_remove(l, any);
}

static void
test_find(void **state)
{
	struct tf_lookups *l = tf_lookups_new(PLACES, key);
	char name[] = "a.example";
	struct tf_lookup *txt = tf_lookups_add(l, tf_str_from(name), TF_TYPE_TXT);
	struct tf_lookup *mx = tf_lookups_add(l, TF_STR("a.example"), TF_TYPE_MX);

	(void)state;
	name[0] = 'b'; /* it has a copy */
	assert_ptr_equal(tf_lookups_find(l, TF_STR("a.example"), TF_TYPE_TXT), txt);
	assert_ptr_equal(tf_lookups_find(l, TF_STR("a.example"), TF_TYPE_MX), mx);
	assert_null(tf_lookups_find(l, TF_STR("a.example"), TF_TYPE_A));
	assert_null(tf_lookups_find(l, TF_STR("b.example"), TF_TYPE_TXT));
	assert_true(TAILQ_EMPTY(&txt->peers));
	tf_lookups_remove(l, txt);
	assert_null(tf_lookups_find(l, TF_STR("a.example"), TF_TYPE_TXT));
	assert_ptr_equal(tf_lookups_any(l), mx);
	tf_lookups_remove(l, mx);
	assert_null(tf_lookups_any(l));
	tf_lookups_free(l);
}

/* When there are n names, 1024 - n places are left, and n must be less than a part of that. */
static void
test_parts(void **state)
{
	static const struct {
		const char *what, *label, *parent;
		unsigned int want;
	} rows[] = {
		{ "each its own three labels", "a", "evil.test", 205 },
		{ "below three labels", "a", "b.evil.test", 60 },
		{ "far below three labels", "a", "d.c.b.evil.test", 60 },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_lookups *l = tf_lookups_new(PLACES, key);

		assert_in_range(
		    fill(l, rows[i].label, rows[i].parent), rows[i].want, rows[i].want + 1);
		assert_non_null(add(l, "a", 0, "good.test"));
		empty(l);
		assert_in_range(
		    fill(l, rows[i].label, rows[i].parent), rows[i].want, rows[i].want + 1);
		empty(l);
		tf_lookups_free(l);
	}
}

/* When nothing is left, names below any two, or three, labels still have sixteen. */
static void
test_least(void **state)
{
	struct tf_lookups *l = tf_lookups_new(0, key);

	(void)state;
	assert_num("evil.test", fill(l, "a", "evil.test"), 16);
	assert_num("b.good.test", fill(l, "a", "b.good.test"), 16);
	assert_num("all of good.test", fill(l, "b", "good.test"), 0);
	tf_lookups_remove(l, tf_lookups_find(l, TF_STR("a0.evil.test"), TF_TYPE_TXT));
	assert_num("one has gone", fill(l, "b", "evil.test"), 1);
	empty(l);
	tf_lookups_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
