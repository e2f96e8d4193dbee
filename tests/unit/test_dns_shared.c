/*
 * test_dns_shared.c - answers that are shared: the copy is whole and its own
 */
#include <string.h>

#include "policy/dns_shared.h"
#include "tests/unit/test.h"

static void
test_copy(void **state)
{
	char text[] = "v=spf1 -all", name[] = "a.test";
	struct tf_str txts[] = { { text, sizeof(text) - 1 }, TF_LIT(""), TF_LIT("x\0y") };
	const struct tf_dns_answer answer = { .status = TF_DNS_NOERROR,
		.txts = txts,
		.count = 3,
		.alias = true,
		.secure = true,
		.ttl_s = 7 };
	struct tf_dns_shared *s = tf_dns_shared_new(tf_str_from(name), TF_TYPE_TXT, &answer);
	const struct tf_dns_answer *copy = tf_dns_shared_answer(s);

	(void)state;
	memset(text, 'x', sizeof(text));
	memset(name, 'x', sizeof(name) - 1);
	memset(txts, 0, sizeof(txts));
	assert_num("records", copy->count, 3);
	assert_str("text", copy->txts[0], TF_STR("v=spf1 -all"));
	assert_str("no text", copy->txts[1], TF_STR(""));
	assert_str("NUL", copy->txts[2], TF_STR("x\0y"));
	assert_true(copy->alias && copy->secure && copy->ttl_s == 7);
	assert_true(copy->addrs == NULL && copy->names == NULL && copy->prefs == NULL);
	assert_true(tf_dns_shared_is_for(s, TF_STR("a.test"), TF_TYPE_TXT));
	assert_false(tf_dns_shared_is_for(s, TF_STR("a.test"), TF_TYPE_A));
	assert_false(tf_dns_shared_is_for(s, TF_STR("b.test"), TF_TYPE_TXT));
	assert_true(tf_dns_shared_bytes(s) > sizeof(text) + sizeof(name));
	tf_dns_shared_release(tf_dns_shared_retain(s));
	assert_str("still there", copy->txts[0], TF_STR("v=spf1 -all"));
	tf_dns_shared_release(s);
	tf_dns_shared_release(NULL);
}

static void
test_types(void **state)
{
	const struct tf_str names[] = { TF_LIT("mx1.test"), TF_LIT("") };
	const uint16_t prefs[] = { 5, 65535 };
	const struct tf_addr addrs[] = { { TF_FAMILY_V4, { 192, 0, 2, 1 } },
		{ TF_FAMILY_V6, { 0x20, 1 } } };
	const struct tf_dns_answer mx = { .names = names, .prefs = prefs, .count = 2 };
	const struct tf_dns_answer a = { .addrs = addrs, .count = 2 };
	struct tf_dns_shared *s = tf_dns_shared_new(TF_STR("m.test"), TF_TYPE_MX, &mx);
	const struct tf_dns_answer *copy = tf_dns_shared_answer(s);

	(void)state;
	assert_str("exchange", copy->names[0], TF_STR("mx1.test"));
	assert_str("the root", copy->names[1], TF_STR(""));
	assert_num("preference", copy->prefs[1], 65535);
	tf_dns_shared_release(s);
	s = tf_dns_shared_new(TF_STR("a.test"), TF_TYPE_A, &a);
	assert_memory_equal(tf_dns_shared_answer(s)->addrs, addrs, sizeof(addrs));
	tf_dns_shared_release(s);
}

static void
test_absence(void **state)
{
	const struct tf_dns_answer none = { .status = TF_DNS_NXDOMAIN, .ttl_s = 5 };
	struct tf_dns_shared *s = tf_dns_shared_new(TF_STR("x.test"), TF_TYPE_A, &none);

	(void)state;
	assert_num("status", tf_dns_shared_answer(s)->status, TF_DNS_NXDOMAIN);
	assert_num("records", tf_dns_shared_answer(s)->count, 0);
	tf_dns_shared_release(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_absence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
