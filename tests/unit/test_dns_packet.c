/*
 * test_dns_packet.c - the frame of a reply: what is whole, and how long it may be kept
 */
#include "policy/dns_packet.h"
#include "tests/unit/test.h"

/* clang-format off */
#define COUNTS(answer, authority) "\0\x01\0" answer "\0" authority "\0\0"
#define QUESTION "\x01" "a\x04test\0\0\x10\0\x01"
#define REPLY(answer, authority) "\0\0\x81\x80" COUNTS(answer, authority) QUESTION
#define TXT(ttl) "\xc0\x0c\0\x10\0\x01" ttl "\0\x02\x01x"
#define SOA(ttl, minimum) "\xc0\x0e\0\x06\0\x01" ttl "\0\x16\0\0" "1234567890123456" minimum

static const struct row {
	const char *what;
	struct tf_str packet;
	bool whole, absent;
	uint32_t ttl_s;
} rows[] = {
	{ "2181 5.2 the least of several", TF_LIT(REPLY("\x02", "\0") TXT("\0\0\x01\0") TXT("\0\0\0\x07")), true, false, 7 },
	{ "2181 8 the highest bit: not at all", TF_LIT(REPLY("\x01", "\0") TXT("\x80\0\0\0")), true, false, 0 },
	{ "2181 8 the largest", TF_LIT(REPLY("\x01", "\0") TXT("\x7f\xff\xff\xff")), true, false, INT32_MAX },
	{ "2308 5 absent: the minimum of the SOA", TF_LIT(REPLY("\0", "\x01") SOA("\0\0\0\x09", "\0\0\0\x05")), true, true, 5 },
	{ "2308 5 absent: the TTL of the SOA", TF_LIT(REPLY("\0", "\x01") SOA("\0\0\0\x04", "\0\0\0\x05")), true, true, 4 },
	{ "2308 5 absent without a SOA", TF_LIT(REPLY("\0", "\0")), true, true, 0 },
	{ "2308 2.1 absent behind an alias that lasts less", TF_LIT(REPLY("\x01", "\x01") TXT("\0\0\0\x03") SOA("\0\0\0\x04", "\0\0\0\x05")), true, true, 3 },
	{ "present: no matter what the authority is", TF_LIT(REPLY("\x01", "\x01") TXT("\0\0\0\x09") SOA("\0\0\0\x04", "\0\0\0\x05")), true, false, 9 },
	{ "1035 4.1.1 no header", TF_LIT("\0\0\x81\x80"), false, false, 0 },
	{ "1035 4.1.1 a question, no reply", TF_LIT("\0\0\x01\x80" COUNTS("\0", "\0") QUESTION), false, false, 0 },
	{ "1035 4.1.1 truncated", TF_LIT("\0\0\x83\x80" COUNTS("\0", "\0") QUESTION), false, false, 0 },
	{ "one record less than it says", TF_LIT(REPLY("\x02", "\0") TXT("\0\0\0\x01")), false, false, 0 },
	{ "an octet behind its end", TF_LIT(REPLY("\0", "\0") "x"), false, false, 0 },
	{ "data beyond its end", TF_LIT(REPLY("\x01", "\0") "\xc0\x0c\0\x10\0\x01\0\0\0\x01\0\x03\x01x"), false, false, 0 },
};
/* clang-format on */

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];

		assert_num(row->what, tf_dns_packet_is_whole(row->packet), row->whole);
		if (row->whole)
			assert_num(
			    row->what, tf_dns_packet_ttl(row->packet, row->absent), row->ttl_s);
	}
}

/* Question and records follow each other up to the end. */
static void
test_steps(void **state)
{
	const struct tf_str packet = rows[0].packet;
	size_t at = TF_DNS_HEADER;

	(void)state;
	assert_num("answers", tf_dns_packet_answers(packet), 2);
	tf_dns_packet_skip_question(packet, &at);
	assert_num("behind the question", at, TF_DNS_HEADER + sizeof(QUESTION) - 1);
	tf_dns_packet_skip_record(packet, &at);
	tf_dns_packet_skip_record(packet, &at);
	assert_num("the end", at, packet.len);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
