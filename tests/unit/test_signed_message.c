/*
 * test_signed_message.c - the header text that a signature is made over
 */
#include <time.h>

#include "policy/signed_message.h"
#include "tests/unit/test.h"

static const struct tf_header_limits no_limits = { .max_fields = 100000,
	.max_bytes = (uint64_t)64 << 20 };

static void
add(struct tf_header_block *hb, const char *name, const char *value)
{
	assert_true(tf_header_block_add(hb, tf_str_from(name), tf_str_from(value)));
}

/* Three signatures, one of them not the one to verify, between other fields. */
static void
fill(struct tf_header_block *hb, struct tf_arena *a)
{
	tf_header_block_init(hb, a, &no_limits);
	add(hb, "DKIM-Signature", " v=1; n=top; b=AA");
	add(hb, "Received", " 1");
	add(hb, "DKIM-Signature", " v=1; n=own; b=BB");
	add(hb, "Received", " 2");
	add(hb, "From", " Alice\r\n\t<a@example.com>");
	add(hb, "rECEIVED", " 3");
	add(hb, "dkim-signature", " v=1; n=low; b=CC");
	add(hb, "Subject", " x ");
}

#define OWN "DKIM-Signature: v=1; n=own; b="
#define FROM "From: Alice\r\n\t<a@example.com>\r\n"

/* clang-format off */
static const struct row {
	const char *what, *names, *text;
} rows[] = {
	{ "6376 5.4.2 once each", "From:Subject", FROM "Subject: x \r\n" OWN },
	{ "order of h=", "Subject : FROM", "Subject: x \r\n" FROM OWN },
	{ "DKIM-7 the lowest", "Received", "rECEIVED: 3\r\n" OWN },
	{ "DKIM-7 from the bottom up", "received:Received:received", "rECEIVED: 3\r\nReceived: 2\r\nReceived: 1\r\n" OWN },
	{ "6376 5.4.2 others between", "Received:From:Received", "rECEIVED: 3\r\n" FROM "Received: 2\r\n" OWN },
	{ "DKIM-8 more often than there are", "From:From:From:Received:Received:Received:Received", FROM "rECEIVED: 3\r\nReceived: 2\r\nReceived: 1\r\n" OWN },
	{ "DKIM-8 one that is not there", "Cc:From:Bcc", FROM OWN },
	{ "a prefix of a name", "Fro:From-:From", FROM OWN },
	{ "DKIM-23 signatures keep their b=", "DKIM-Signature", "dkim-signature: v=1; n=low; b=CC\r\n" OWN },
	{ "DKIM-23 but never the own field", "DKIM-Signature:DKIM-Signature:DKIM-Signature", "dkim-signature: v=1; n=low; b=CC\r\nDKIM-Signature: v=1; n=top; b=AA\r\n" OWN },
	{ "folds in h=", "From\r\n\t:\r\n Subject", FROM "Subject: x \r\n" OWN },
};
/* clang-format on */

static void
test_text(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;
	struct tf_signed_message *m;

	(void)state;
	fill(&hb, a);
	m = tf_signed_message_new(a, &hb, NULL);
	assert_ptr_equal(tf_signed_message_header(m), &hb);
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		for (size_t again = 0; again < 2; again++)
			assert_str(rows[i].what,
			    tf_signed_message_text(m, false, tf_str_from(rows[i].names), 2),
			    tf_str_from(rows[i].text));
	}
	assert_str("relaxed", tf_signed_message_text(m, true, TF_STR("FROM:x:received"), 2),
	    TF_STR("from:Alice <a@example.com>\r\nreceived:3\r\n"
		   "dkim-signature:v=1; n=own; b="));
	assert_str("6376 3.7 the lowest as the own",
	    tf_signed_message_text(m, false, TF_STR("DKIM-Signature:DKIM-Signature"), 6),
	    TF_STR("DKIM-Signature: v=1; n=own; b=BB\r\nDKIM-Signature: v=1; n=top; b=AA\r\n"
		   "dkim-signature: v=1; n=low; b="));
	assert_null(tf_signed_message_text(m, false, TF_STR("From"), 7).ptr);
	tf_arena_free(a);
}

/* 2000 fields, each other of a name of its own, against 500 names, as for 60 signatures. */
static void
test_large(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;
	struct tf_signed_message *m;
	struct tf_buf names;
	clock_t start;

	(void)state;
	tf_header_block_init(&hb, a, &no_limits);
	add(&hb, "DKIM-Signature", "b=");
	for (size_t i = 0; i < 1999; i++)
		add(&hb, i % 2 == 0 ? "X" : tf_arena_printf(a, "X-%zu", i).ptr, "y");
	tf_buf_init_arena(&names, a, 1 << 20);
	tf_buf_lit(&names, "from");
	for (size_t i = 0; i < 499; i++)
		tf_buf_printf(&names, i % 2 == 0 ? ":x" : ":x-%zu", i * 3);
	m = tf_signed_message_new(a, &hb, NULL);
	start = clock();
	for (size_t i = 0; i < 60; i++)
		assert_int_equal(tf_signed_message_text(m, true, tf_buf_get(&names), 0).len, 3571);
	assert_true(clock() - start < CLOCKS_PER_SEC);
	tf_arena_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
