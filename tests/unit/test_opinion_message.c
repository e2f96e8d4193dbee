/*
 * test_opinion_message.c - packets between truefrom and the process of libspf2
 */
#include "milter/opinion_message.h"
#include "tests/unit/test.h"

static const struct tf_addr v6 = { TF_FAMILY_V6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
static const struct tf_str txts[] = { TF_LIT("v=spf1\0 -all"), TF_LIT(""), TF_LIT("\377") };
static const struct tf_str names[] = { TF_LIT("mx.example"), TF_LIT("") };

static const struct tf_opinion_message messages[] = {
	{ .kind = TF_OPINION_CASE,
	    .client = { TF_FAMILY_V6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } },
	    .helo = TF_LIT("mail.example"),
	    .mail_from = TF_LIT(""),
	    .receiver = TF_LIT("mx") },
	{ .kind = TF_OPINION_QUESTION, .type = TF_TYPE_TXT, .text = TF_LIT("a\0b.example") },
	{ .kind = TF_OPINION_ANSWER,
	    .type = TF_TYPE_TXT,
	    .answer = { .status = TF_DNS_NOERROR, .txts = txts, .count = 3 } },
	{ .kind = TF_OPINION_ANSWER,
	    .type = TF_TYPE_MX,
	    .answer = { .status = TF_DNS_NOERROR, .names = names, .count = 2 } },
	{ .kind = TF_OPINION_ANSWER,
	    .type = TF_TYPE_AAAA,
	    .answer = { .status = TF_DNS_NOERROR, .addrs = &v6, .count = 1 } },
	{ .kind = TF_OPINION_ANSWER, .type = TF_TYPE_A, .answer = { .status = TF_DNS_TIMEOUT } },
	{ .kind = TF_OPINION_RESULT, .code = TF_PERMERROR, .text = TF_LIT("why") },
	{ .kind = TF_OPINION_NONE, .text = TF_LIT("crash") },
};

static struct tf_str
packet_of(const struct tf_opinion_message *m, struct tf_arena *a)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, TF_OPINION_PACKET_MAX);
	tf_opinion_write(m, &out);
	assert_false(out.overflow);
	return tf_buf_get(&out);
}

/* What is read from what was written is written the same. */
static void
test_round_trip(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(messages); i++) {
		const struct tf_str packet = packet_of(&messages[i], a);
		struct tf_opinion_message m;

		assert_true(tf_opinion_read(packet, a, &m));
		assert_num("kind", m.kind, messages[i].kind);
		assert_str("again", packet_of(&m, a), packet);
	}
	tf_arena_free(a);
}

/* Cut off anywhere, longer by an octet, of another kind: none of them is a message. */
static void
test_damaged(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(messages); i++) {
		const struct tf_str packet = packet_of(&messages[i], a);
		char *bytes = tf_arena_alloc(a, packet.len + 1);
		struct tf_opinion_message m;

		for (size_t len = 0; len < packet.len; len++)
			assert_false(tf_opinion_read(tf_str_sub(packet, 0, len), a, &m));
		for (size_t j = 0; j < packet.len; j++)
			bytes[j] = packet.ptr[j];
		assert_false(tf_opinion_read((struct tf_str){ bytes, packet.len + 1 }, a, &m));
		bytes[0] = 'X';
		assert_false(tf_opinion_read((struct tf_str){ bytes, packet.len }, a, &m));
	}
	tf_arena_free(a);
}

static void
test_values(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str packet;
		bool ok;
	} rows[] = {
		{ "type A", TF_LIT("Q\001\000\001x"), true },
		{ "type NS", TF_LIT("Q\002\000\001x"), false },
		{ "type SPF", TF_LIT("Q\143\000\001x"), false },
		{ "highest code", TF_LIT("R\007\000\001x"), true },
		{ "no such code", TF_LIT("R\010\000\001x"), false },
		{ "code 255", TF_LIT("R\377\000\001x"), false },
		{ "length beyond the end", TF_LIT("N\377\377x"), false },
		{ "no such status", TF_LIT("A\020\010\000\000"), false },
		{ "no record", TF_LIT("A\020\001\000\000"), true },
		{ "65535 records", TF_LIT("A\020\000\377\377"), false },
		{ "no such family", TF_LIT("A\001\000\000\001\003abcdabcdabcdabcd"), false },
		{ "a family", TF_LIT("A\001\000\000\001\001abcdabcdabcdabcd"), true },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_opinion_message m;

		assert_num(rows[i].what, tf_opinion_read(rows[i].packet, a, &m), rows[i].ok);
	}
	tf_arena_free(a);
}

/* What has no room is not sent. */
static void
test_too_long(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_opinion_message m = { .kind = TF_OPINION_NONE };
	struct tf_buf out;

	(void)state;
	m.text = (struct tf_str){ tf_arena_alloc(a, UINT16_MAX + 1), UINT16_MAX + 1 };
	tf_buf_init_arena(&out, a, TF_OPINION_PACKET_MAX);
	tf_opinion_write(&m, &out);
	assert_true(out.overflow);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
