/*
 * test_addr.c - addresses and networks
 */
#include <string.h>

#include "truefrom/result.h"
#include "tests/unit/test.h"

static void
test_parse_and_write(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str in;
		const char *want; /* NULL: refused */
	} rows[] = {
		{ "IPv4", TF_LIT("192.0.2.1"), "192.0.2.1" },
		{ "IPv6", TF_LIT("2001:DB8:0:0::1"), "2001:db8::1" },
		{ "5321 4.1.3 prefix", TF_LIT("IPv6:2001:db8::1"), "2001:db8::1" },
		{ "prefix in any case", TF_LIT("ipv6:::1"), "::1" },
		{ "7208 5: v4-mapped is IPv4", TF_LIT("::ffff:192.0.2.1"), "192.0.2.1" },
		{ "v4-mapped in hex", TF_LIT("::FFFF:c000:201"), "192.0.2.1" },
		{ "v4-compatible stays", TF_LIT("::192.0.2.1"), "::192.0.2.1" },
		{ "all zero", TF_LIT("::"), "::" },
		{ "three parts", TF_LIT("192.0.2"), NULL },
		{ "leading zero", TF_LIT("192.0.02.1"), NULL },
		{ "256", TF_LIT("192.0.2.256"), NULL },
		{ "blank", TF_LIT("192.0.2.1 "), NULL },
		{ "scope", TF_LIT("fe80::1%eth0"), NULL },
		{ "brackets", TF_LIT("[192.0.2.1]"), NULL },
		{ "NUL", TF_LIT("192.0.2.1\0"), NULL },
		{ "over long", TF_LIT("2001:db8:2001:db8:2001:db8:2001:db8:2001:db8:2001:db8"),
		    NULL },
		{ "network", TF_LIT("192.0.2.0/24"), NULL },
		{ "empty", TF_LIT(""), NULL },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[64];
		struct tf_addr addr;
		struct tf_buf b;

		assert_num(rows[i].what, tf_addr_parse(rows[i].in, &addr), rows[i].want != NULL);
		tf_buf_init(&b, storage, sizeof(storage));
		tf_addr_write(&addr, &b); /* nothing after a refusal */
		assert_str(rows[i].what, tf_buf_get(&b), tf_str_from(rows[i].want));
	}
}

static void
test_from_bytes(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 };
	struct tf_addr want, got;

	(void)state;
	assert_true(tf_addr_parse(TF_STR("192.0.2.1"), &want));
	tf_addr_from_bytes(TF_FAMILY_V6, mapped, &got);
	assert_true(tf_addr_eq(&got, &want));
	tf_addr_from_bytes(TF_FAMILY_V4, mapped + 12, &got);
	assert_true(tf_addr_eq(&got, &want));
	tf_addr_from_bytes(TF_FAMILY_NONE, mapped, &got);
	assert_int_equal(got.family, TF_FAMILY_NONE);
}

static void
test_networks(void **state)
{
	static const struct row {
		const char *what, *net;
		bool ok;
		const char *inside, *outside;
	} rows[] = {
		{ "/24", "192.0.2.0/24", true, "192.0.2.255", "192.0.3.0" },
		{ "/25", "192.0.2.0/25", true, "192.0.2.127", "192.0.2.128" },
		{ "/0", "0.0.0.0/0", true, "203.0.113.9", "::1" },
		{ "an address", "192.0.2.1", true, "192.0.2.1", "192.0.2.2" },
		{ "/32", "192.0.2.1/32", true, "192.0.2.1", "192.0.2.0" },
		{ "host bits do not matter", "192.0.2.77/24", true, "192.0.2.1", "192.0.1.77" },
		{ "IPv6", "2001:db8::/33", true, "2001:db8:7fff::1", "2001:db8:8000::" },
		{ "IPv6 /0 has no IPv4", "::/0", true, "2001:db8::1", "192.0.2.1" },
		{ "IPv6 address", "::1", true, "::1", "::2" },
		{ "v4-mapped network", "::ffff:192.0.2.0/120", true, "192.0.2.9", "192.0.3.9" },
		{ "v4-mapped address", "::ffff:192.0.2.1", true, "::ffff:192.0.2.1", "192.0.2.2" },
		{ "/33", "192.0.2.0/33", false, NULL, NULL },
		{ "/129", "::/129", false, NULL, NULL },
		{ "/ alone", "192.0.2.0/", false, NULL, NULL },
		{ "sign", "192.0.2.0/+8", false, NULL, NULL },
		{ "two lengths", "192.0.2.0/8/8", false, NULL, NULL },
		{ "name", "example.com/8", false, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_addr addr;
		struct tf_net net;

		assert_num(rows[i].what, tf_net_parse(tf_str_from(rows[i].net), &net), rows[i].ok);
		if (!rows[i].ok)
			continue;
		assert_true(tf_addr_parse(tf_str_from(rows[i].inside), &addr));
		assert_num(rows[i].what, tf_net_list_has(&net, 1, &addr), true);
		assert_true(tf_addr_parse(tf_str_from(rows[i].outside), &addr));
		assert_num(rows[i].what, tf_net_list_has(&net, 1, &addr), false);
	}
}

static void
test_unknown(void **state)
{
	static const struct tf_addr unknown = { .family = TF_FAMILY_NONE };
	struct tf_net everything;

	(void)state;
	assert_true(tf_net_parse(TF_STR("0.0.0.0/0"), &everything));
	assert_false(tf_net_list_has(&everything, 1, &unknown));
	assert_false(tf_net_list_has(NULL, 0, &everything.addr));
	assert_false(tf_addr_eq(&unknown, &unknown)); /* two that nobody knows are not one */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_and_write),
		cmocka_unit_test(test_from_bytes),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
