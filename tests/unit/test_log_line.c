/*
 * test_log_line.c - a line of our own log, read again
 */
#include "milter/log.h"
#include "milter/log_line.h"
#include "tests/unit/test.h"

#define REST "client=192.0.2.1 from=a.example action=accept rule=none"
#define LINE "id=4bQ7tn " REST
#define JSON                                                                                       \
	"{\"id\":\"4bQ7tn\",\"client\":\"192.0.2.1\",\"from\":\"a.example\",\"action\":"           \
	"\"accept\",\"rule\":\"none\"}"

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str line;
	enum tf_log_line_kind want;
} rows[] = {
	{ "alone", TF_LIT(LINE), TF_LOG_LINE_MESSAGE },
	{ "JSON alone", TF_LIT(JSON), TF_LOG_LINE_MESSAGE },
	{ "on stderr", TF_LIT("truefromd: " LINE), TF_LOG_LINE_MESSAGE },
	{ "a warning on stderr", TF_LIT("truefromd: warning: " LINE), TF_LOG_LINE_MESSAGE },
	{ "JSON on stderr", TF_LIT("truefromd: " JSON), TF_LOG_LINE_MESSAGE },
	{ "syslog", TF_LIT("Nov 22 07:00:00 mx truefromd[12]: " LINE), TF_LOG_LINE_MESSAGE },
	{ "syslog, day of one digit", TF_LIT("Nov  2 07:00:00 mx truefromd[12]: " LINE), TF_LOG_LINE_MESSAGE },
	{ "syslog, ISO date", TF_LIT("2026-11-22T07:00:00.123456+00:00 mx.example.org truefromd[12]: " JSON), TF_LOG_LINE_MESSAGE },
	{ "stderr that somebody tags", TF_LIT("Nov 22 07:00:00 mx truefromd[12]: truefromd: " LINE), TF_LOG_LINE_MESSAGE },
	{ "the same, a warning", TF_LIT("Nov 22 07:00:00 mx truefromd[12]: truefromd: warning: " JSON), TF_LOG_LINE_MESSAGE },
	{ "another program that quotes our stderr", TF_LIT("Nov 22 07:00:00 mx mail[1]: truefromd: " LINE), TF_LOG_LINE_OTHER },
	{ "a container's log", TF_LIT("2026-11-22T07:00:00Z stderr F truefromd: " LINE), TF_LOG_LINE_MESSAGE },
	{ "another program that quotes ours", TF_LIT("Nov 22 07:00:00 mx postfix/smtpd[1]: warning: truefromd[12]: " LINE), TF_LOG_LINE_OTHER },
	{ "another program whose name begins alike", TF_LIT("Nov 22 07:00:00 mx truefromdx[1]: " LINE), TF_LOG_LINE_OTHER },
	{ "our tag without an end", TF_LIT("Nov 22 07:00:00 mx truefromd[1x]: " LINE), TF_LOG_LINE_OTHER },
	{ "our name far behind", TF_LIT("a b c d e f g h truefromd: " LINE), TF_LOG_LINE_OTHER },
	{ "another line of ours", TF_LIT("Nov 22 07:00:00 mx truefromd[12]: truefromd 0.1 ready"), TF_LOG_LINE_OTHER },
	{ "a note of ours", TF_LIT("Nov 22 07:00:00 mx truefromd[12]: 4bQ7tn: dmarc: id=1 client=2"), TF_LOG_LINE_OTHER },
	{ "empty", TF_LIT(""), TF_LOG_LINE_OTHER },
	{ "NUL", TF_LIT("\0"), TF_LOG_LINE_OTHER },
	{ "quoted values", TF_LIT("id=\"\" helo=\"a \\\"b\\\" = \\\\ \\u00e9\\ud83d\\ude00\" " REST), TF_LOG_LINE_MESSAGE },
	{ "cut off", TF_LIT("id=4bQ7tn client=192.0.2.1 from=a.exa"), TF_LOG_LINE_DAMAGED },
	{ "cut off in quotes", TF_LIT(LINE " reason=\"DNS fai"), TF_LOG_LINE_DAMAGED },
	{ "cut off in an escape", TF_LIT(LINE " reason=\"\\u00"), TF_LOG_LINE_DAMAGED },
	{ "cut off behind a key", TF_LIT(LINE " reason="), TF_LOG_LINE_DAMAGED },
	{ "cut off in a key", TF_LIT(LINE " rea"), TF_LOG_LINE_DAMAGED },
	{ "a blank at the end", TF_LIT(LINE " "), TF_LOG_LINE_DAMAGED },
	{ "two blanks", TF_LIT("id=4bQ7tn  " REST), TF_LOG_LINE_DAMAGED },
	{ "a key twice", TF_LIT(LINE " action=reject"), TF_LOG_LINE_DAMAGED },
	{ "a key in upper case", TF_LIT(LINE " X=1"), TF_LOG_LINE_DAMAGED },
	{ "text behind quotes", TF_LIT(LINE " helo=\"a\"b"), TF_LOG_LINE_DAMAGED },
	{ "an unknown escape", TF_LIT(LINE " helo=\"\\n\""), TF_LOG_LINE_DAMAGED },
	{ "half a character", TF_LIT(LINE " helo=\"\\ud83d\""), TF_LOG_LINE_DAMAGED },
	{ "the other half", TF_LIT(LINE " helo=\"\\ude00\""), TF_LOG_LINE_DAMAGED },
	{ "two first halves", TF_LIT(LINE " helo=\"\\ud83d\\ud83d\""), TF_LOG_LINE_DAMAGED },
	{ "a raw 8-bit byte", TF_LIT(LINE " helo=\"\xe9\""), TF_LOG_LINE_DAMAGED },
	{ "a raw control character", TF_LIT(LINE " helo=a\tb"), TF_LOG_LINE_DAMAGED },
	{ "no rule", TF_LIT("id=x client=192.0.2.1 from=a.example action=accept"), TF_LOG_LINE_DAMAGED },
	{ "41 fields", TF_LIT(LINE " a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1 n=1 o=1 p=1 q=1 r=1 s=1 t=1 u=1 v=1 w=1 x=1 y=1 z=1 aa=1 ab=1 ac=1 ad=1 ae=1 af=1 ag=1 ah=1 ai=1 aj=1"), TF_LOG_LINE_DAMAGED },
	{ "JSON cut off", TF_LIT("{\"id\":\"4bQ7tn\",\"client\":\"192."), TF_LOG_LINE_DAMAGED },
	{ "JSON with a key twice", TF_LIT("{\"id\":\"1\",\"id\":\"2\",\"client\":\"\",\"from\":\"\",\"action\":\"\",\"rule\":\"\"}"), TF_LOG_LINE_DAMAGED },
	{ "JSON with an object", TF_LIT("{\"id\":\"1\",\"client\":{},\"from\":\"\",\"action\":\"\",\"rule\":\"\"}"), TF_LOG_LINE_DAMAGED },
	{ "JSON with a negative number", TF_LIT("{\"id\":\"1\",\"client\":-1,\"from\":\"\",\"action\":\"\",\"rule\":\"\"}"), TF_LOG_LINE_DAMAGED },
	{ "text behind JSON", TF_LIT(JSON "x"), TF_LOG_LINE_DAMAGED },
};
/* clang-format on */

static void
test_kinds(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_log_line line;

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_num(rows[i].what, tf_log_line_parse(rows[i].line, a, &line), rows[i].want);
	tf_arena_free(a);
}

/* What log.c writes of any value comes back, in both forms. */
static void
test_round_trip(void **state)
{
	static const struct tf_str values[] = {
		TF_LIT("plain.example"),
		TF_LIT(""),
		TF_LIT("a b=\"c\" \\ \\u0041 {}"),
		TF_LIT("line\r\nbreak\tand \x7f"),
		TF_LIT("b\xc3\xbc"
		       "cher \xe2\x82\xac \xf0\x9f\x98\x80"),
		TF_LIT("\0 NUL"),
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < 2 * TF_ARRAY_LEN(values); i++) {
		const struct tf_str value = values[i / 2];
		const struct tf_result res = { .identity = { .helo = value } };
		const struct tf_verdict verdict = { .rule = TF_LIT("none") };
		const struct tf_log_message m = {
			.queue_id = TF_LIT("4bQ7tn"), .result = &res, .verdict = &verdict
		};
		struct tf_log_line line;
		struct tf_buf out;

		tf_buf_init_arena(&out, a, 100000);
		tf_log_message_write(&m, i % 2 != 0, &out);
		assert_int_equal(
		    tf_log_line_parse(tf_buf_get(&out), a, &line), TF_LOG_LINE_MESSAGE);
		assert_str("helo", tf_log_line_get(&line, "helo"), value);
		assert_str("id", tf_log_line_get(&line, "id"), TF_STR("4bQ7tn"));
		assert_str("dns", tf_log_line_get(&line, "dns"), TF_STR("0"));
		assert_str("nothing", tf_log_line_get(&line, "would"), TF_STR(""));
	}
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
