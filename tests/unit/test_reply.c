/*
 * test_reply.c - dmarc.reply templates and one-line replies
 */
#include <string.h>

#include "policy/reply.h"
#include "tests/unit/test.h"

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void
test_check(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str template;
		bool ok;
		const char *says; /* part of the message */
	} rows[] = {
		{ "the default", TF_LIT("5.7.1 rejected by DMARC policy for %{domain}"), true, "" },
		{ "all variables",
		    TF_LIT("5.7.26 %{domain} %{org_domain} %{identifiers} %{policy} %{queue_id} "
			   "%{rule}"),
		    true, "" },
		{ "per cent sign in a URL", TF_LIT("5.7.1 see https://x.example/?a=%20"), true,
		    "" },
		{ "RFC 3463: three digits", TF_LIT("5.123.456 x"), true, "" },
		{ "RFC 3463: four digits", TF_LIT("5.7.1234 x"), false, "5.X.X" },
		{ "RFC 3463: no subject", TF_LIT("5..1 x"), false, "5.X.X" },
		{ "RFC 3463: class 4 belongs to 4xx", TF_LIT("4.7.1 x"), false, "5.X.X" },
		{ "no enhanced code", TF_LIT("rejected"), false, "5.X.X" },
		{ "a basic code before it", TF_LIT("550 5.7.1 x"), false, "5.X.X" },
		{ "no space behind the code", TF_LIT("5.7.1"), false, "5.X.X" },
		{ "no text", TF_LIT("5.7.1  "), false, "no text" },
		{ "empty", TF_LIT(""), false, "5.X.X" },
		{ "unknown variable", TF_LIT("5.7.1 %{sender}"), false, "unknown variable" },
		{ "prefix of a variable", TF_LIT("5.7.1 %{dom}"), false, "unknown variable" },
		{ "variable never closed", TF_LIT("5.7.1 %{domain"), false, "never closed" },
		{ "per cent sign at the end", TF_LIT("5.7.1 x%"), true, "" },
		{ "line end", TF_LIT("5.7.1 a\r\nb"), false, "printable" },
		{ "RFC 5321 4.2.1: four lines", TF_LIT("5.7.1 a%{newline}b%{newline}c%{newline}d"),
		    true, "" },
		{ "a line of a variable alone", TF_LIT("5.7.1 a%{newline}%{rule}%{newline}b"), true,
		    "" },
		{ "five lines", TF_LIT("5.7.1 a%{newline}b%{newline}c%{newline}d%{newline}e"),
		    false, "4 lines" },
		{ "an empty line", TF_LIT("5.7.1 a%{newline}%{newline}b"), false, "empty line" },
		{ "a line end at the end", TF_LIT("5.7.1 a%{newline}"), false, "empty line" },
		{ "NUL", TF_LIT("5.7.1 a\0b"), false, "printable" },
		{ "8-bit", TF_LIT("5.7.1 gr\303\274n"), false, "printable" },
		{ "control character in a variable", TF_LIT("5.7.1 %{dom\nain}"), false,
		    "never closed" },
		{ "too long", TF_LIT("5.7.1 " HUNDRED HUNDRED HUNDRED HUNDRED), false, "400" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[300];
		struct tf_buf why;

		tf_buf_init(&why, storage, sizeof(storage));
		assert_num(
		    rows[i].what, tf_verdict_reply_check(rows[i].template, &why), rows[i].ok);
		if (strstr(tf_buf_cstr(&why), rows[i].says) == NULL)
			fail_msg("%s: \"%s\"", rows[i].what, tf_buf_cstr(&why));
		assert_num(rows[i].what, why.len == 0, rows[i].ok);
	}
}

static void
test_reject(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str template, queue_id, want;
	} rows[] = {
		{ "the default", TF_LIT("5.7.1 rejected by DMARC policy for %{domain}"), TF_LIT(""),
		    TF_LIT("550 5.7.1 rejected by DMARC policy for news.example.com") },
		{ "all variables",
		    TF_LIT("5.7.26 %{domain}/%{org_domain}/%{policy}/%{queue_id}/%{rule} 5%% 6% "
			   "%%{x}"),
		    TF_LIT("4F2Xz"),
		    TF_LIT("550 5.7.26 news.example.com/example.com/reject/4F2Xz/dmarc-policy 5% "
			   "6% %{x}") },
		{ "what the sender can mend", TF_LIT("5.7.1 no: %{identifiers}"), TF_LIT(""),
		    TF_LIT("550 5.7.1 no: SPF fail for example.com; no DKIM signature") },
		{ "RFC 5321 4.2.1: several lines",
		    TF_LIT(
			"5.7.1 no "
			"%{domain}%{newline}%{identifiers}%{newline}https://x.example/%{queue_id}"),
		    TF_LIT("4F2Xz"),
		    TF_LIT("550-5.7.1 no news.example.com\n"
			   "550-5.7.1 SPF fail for example.com; no DKIM signature\n"
			   "550 5.7.1 https://x.example/4F2Xz") },
		{ "RFC 5321 4.2: a value cannot end the line", TF_LIT("5.7.1 %{queue_id}"),
		    TF_LIT("a\r\n250 ok\0\377"), TF_LIT("550 5.7.1 a??250 ok??") },
		{ "unusable template: the default", TF_LIT("5.7.1 %{x}"), TF_LIT(""),
		    TF_LIT("550 5.7.1 rejected by DMARC policy for news.example.com") },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_reply_vars vars = {
			.domain = TF_STR("news.example.com"),
			.org_domain = TF_STR("example.com"),
			.policy = TF_STR("reject"),
			.rule = TF_STR("dmarc-policy"),
			.identifiers = TF_STR("SPF fail for example.com; no DKIM signature"),
			.queue_id = rows[i].queue_id,
		};

		assert_str(rows[i].what, tf_reply_reject(a, rows[i].template, &vars), rows[i].want);
	}
	tf_arena_free(a);
}

static void
test_limits(void **state)
{
	char id[TF_REPLY_MAX];
	struct tf_arena *a = tf_arena_new();
	struct tf_reply_vars vars = { .domain = TF_STR("example.com") };
	struct tf_str line;

	(void)state;
	memset(id, 'q', sizeof(id));
	vars.queue_id = (struct tf_str){ id, TF_REPLY_MAX - strlen("550 5.7.1 ") };
	line = tf_reply_reject(a, TF_STR("5.7.1 %{queue_id}"), &vars);
	assert_num("510 octets are written", line.len, 510);
	assert_num("the last is the value's", line.ptr[509], 'q');
	vars.queue_id.len++;
	assert_str("511 are not", tf_reply_reject(a, TF_STR("5.7.1 %{queue_id}"), &vars),
	    TF_STR("550 5.7.1 rejected by DMARC policy for example.com"));
	vars.domain = (struct tf_str){ id, sizeof(id) };
	assert_str("no domain is cut", tf_reply_reject(a, TF_STR("5.7.1 %{domain}"), &vars),
	    TF_STR("550 5.7.1 rejected by DMARC policy"));
	tf_arena_free(a);
}

static void
test_line(void **state)
{
	char text[TF_REPLY_MAX];
	struct tf_arena *a = tf_arena_new();

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_str("cleaned", tf_reply_line(a, "550 5.7.1 ", TF_STR("a\tb\177c")),
	    TF_STR("550 5.7.1 a?b?c"));
	assert_str("text that does not fit is left out",
	    tf_reply_line(a, "550 5.7.1 no", (struct tf_str){ text, sizeof(text) }),
	    TF_STR("550 5.7.1 no"));
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
