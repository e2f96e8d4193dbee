/*
 * test_body_hash.c - the hashes of one body for all signatures
 */
#include <string.h>

#include "policy/body_hash.h"
#include "tests/unit/test.h"

static struct tf_str
base64(struct tf_arena *a, const struct tf_body_hash *h)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, 100);
	tf_base64_encode((struct tf_str){ (const char *)h->digest, TF_SHA256_BYTES }, &out);
	return tf_buf_get(&out);
}

/* DKIM-3: the hashes of nothing. */
static void
test_empty(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_body_hashes *set = tf_body_hashes_new(a);
	const struct tf_body_hash *simple = tf_body_hashes_add(set, false, false, 0);
	const struct tf_body_hash *relaxed = tf_body_hashes_add(set, true, false, 0);

	(void)state;
	tf_body_hashes_finish(set);
	assert_str("6376 3.4.3", base64(a, simple),
	    TF_STR("frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="));
	assert_int_equal(simple->octets, 2);
	assert_str("6376 3.4.4", base64(a, relaxed),
	    TF_STR("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
	assert_int_equal(relaxed->octets, 0);
	tf_arena_free(a);
}

/* Each l= from 0 to past the end, of both forms, is the hash of that part; in chunks. */
static void
test_limits(void **state)
{
	static const struct tf_str body = TF_LIT(" C \r\nD \t E\r\n\r\n\r\n");
	static const struct tf_str canonical[] = { TF_LIT(" C \r\nD \t E\r\n"),
		TF_LIT(" C\r\nD E\r\n") };
	const struct tf_body_hash *hashes[2][20];

	(void)state;
	for (size_t chunk = 1; chunk <= body.len; chunk++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_body_hashes *set = tf_body_hashes_new(a);

		for (size_t i = 0; i < 40; i++)
			hashes[i / 20][i % 20] = tf_body_hashes_add(set, i >= 20, true, i % 20);
		for (size_t at = 0; at < body.len; at += chunk)
			tf_body_hashes_feed(set, tf_str_sub(body, at, chunk));
		tf_body_hashes_finish(set);
		tf_body_hashes_finish(set);
		for (size_t i = 0; i < 40; i++) {
			const struct tf_body_hash *h = hashes[i / 20][i % 20];
			const struct tf_str all = canonical[i / 20];
			unsigned char want[TF_SHA256_BYTES];

			tf_sha256(tf_str_sub(all, 0, i % 20), want);
			assert_memory_equal(h->digest, want, sizeof(want));
			assert_int_equal(h->octets, all.len);
			assert_int_equal(tf_body_hash_is_short(h), i % 20 > all.len);
			assert_int_equal(
			    tf_body_hash_unsigned(h), i % 20 < all.len ? all.len - i % 20 : 0);
		}
		tf_arena_free(a);
	}
}

static void
test_shared(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_body_hashes *set = tf_body_hashes_new(a);
	const struct tf_body_hash *all = tf_body_hashes_add(set, true, false, 0), *h;
	unsigned char want[TF_SHA256_BYTES];

	(void)state;
	assert_ptr_equal(tf_body_hashes_add(set, true, false, 7), all);
	assert_ptr_not_equal(tf_body_hashes_add(set, false, false, 0), all);
	h = tf_body_hashes_add(set, true, true, 7);
	assert_ptr_not_equal(h, all);
	assert_ptr_equal(tf_body_hashes_add(set, true, true, 7), h);
	assert_ptr_not_equal(tf_body_hashes_add(set, true, true, 0), h);
	tf_body_hashes_feed(set, TF_STR("0123456789"));
	tf_body_hashes_finish(set);
	tf_sha256(TF_STR("0123456789\r\n"), want);
	assert_memory_equal(all->digest, want, sizeof(want));
	assert_int_equal(tf_body_hash_unsigned(all), 0);
	assert_false(tf_body_hash_is_short(all));
	tf_sha256(TF_STR("0123456"), want);
	assert_memory_equal(h->digest, want, sizeof(want));
	assert_int_equal(tf_body_hash_unsigned(h), 5);
	tf_arena_free(a);
}

static void
test_cap(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_body_hashes *set = tf_body_hashes_new(a);

	(void)state;
	for (uint64_t i = 0; i < TF_BODY_HASHES_MAX; i++)
		assert_non_null(tf_body_hashes_add(set, true, true, i));
	assert_null(tf_body_hashes_add(set, true, true, TF_BODY_HASHES_MAX));
	assert_null(tf_body_hashes_add(set, true, false, 0));
	assert_non_null(tf_body_hashes_add(set, true, true, 5));
	tf_arena_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
