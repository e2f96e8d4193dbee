/*
 * test_log.c - the line about each message, and what reaches standard error
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "milter/log.h"
#include "tests/unit/test.h"

static struct tf_addr
addr(const char *text)
{
	struct tf_addr a;

	assert_true(tf_addr_parse(tf_str_from(text), &a));
	return a;
}

static const struct tf_dmarc_name walk[] = {
	{ TF_LIT("a.bank.example"), TF_LIT("none") },
	{ TF_LIT("bank.example"), TF_LIT("record psd=n") },
};

static const struct tf_dmarc fail_reject = {
	.code = TF_FAIL,
	.from = TF_LIT("a.bank.example"),
	.org_domain = TF_LIT("bank.example"),
	.policy = TF_POLICY_REJECT,
	.applied_policy = TF_POLICY_REJECT,
	.walk = walk,
	.walk_count = TF_ARRAY_LEN(walk),
};

static const struct tf_dkim signatures[] = {
	{ .code = TF_PASS, .domain = TF_LIT("lists.example") },
	{ .code = TF_FAIL, .domain = TF_LIT("bank.example") },
	{ .code = TF_NEUTRAL },
};

static const struct tf_str from_domain[] = { TF_LIT("a.bank.example") };

/* A message that everything is known about. */
static struct tf_result
full_result(void)
{
	return (struct tf_result){
		.identity = { .client = addr("2001:db8::25"),
		    .helo = TF_LIT("mail.example"),
		    .mail_from = TF_LIT("x@lists.example") },
		.author = { .domains = from_domain, .domain_count = 1 },
		.mailfrom = { .code = TF_PASS,
		    .checked = true,
		    .domain = TF_LIT("lists.example"),
		    .mechanism = TF_LIT("ip6:2001:db8::/32") },
		.dkim = signatures,
		.dkim_count = TF_ARRAY_LEN(signatures),
		.authors = &fail_reject,
		.author_count = 1,
		.dmarc = &fail_reject,
		.dns_asked = 7,
		.dns_ms = 31,
	};
}

static const struct tf_verdict rejected = {
	.action = TF_ACT_REJECT,
	.disposition = TF_POLICY_REJECT,
	.dmarc = &fail_reject,
	.policy = TF_POLICY_REJECT,
	.rule = TF_LIT("dmarc-policy"),
};

static struct tf_buf line;
static char line_storage[64 * 1024];

static struct tf_str
write_line(const struct tf_result *res, const struct tf_verdict *v, bool json)
{
	const struct tf_log_message m = {
		.queue_id = TF_STR("4bQ7tn1Yzz"), .result = res, .verdict = v, .ms = 32
	};

	tf_buf_init(&line, line_storage, sizeof(line_storage));
	tf_log_message_write(&m, json, &line);
	assert_false(line.overflow);
	return tf_buf_get(&line);
}

static void
test_full(void **state)
{
	const struct tf_result res = full_result();

	(void)state;
	assert_str("interface: all keys in their order", write_line(&res, &rejected, false),
	    TF_STR("id=4bQ7tn1Yzz client=2001:db8::25 helo=mail.example mailfrom=x@lists.example "
		   "from=a.bank.example spf=pass spf_domain=lists.example "
		   "dkim=pass:lists.example,fail:bank.example,neutral arc=none dmarc=fail "
		   "policy=reject disposition=reject action=reject rule=dmarc-policy "
		   "org=bank.example "
		   "walk=\"a.bank.example:none,bank.example:record psd=n\" dns=7 dns_ms=31 ms=32"));
}

static void
test_monitor(void **state)
{
	const struct tf_result res = full_result();
	struct tf_verdict v = rejected;

	(void)state;
	v.action = TF_ACT_ACCEPT;
	v.would = TF_ACT_REJECT;
	v.disposition = TF_POLICY_NONE;
	write_line(&res, &v, false);
	assert_non_null(strstr(
	    tf_buf_cstr(&line), " disposition=none action=accept would=reject rule=dmarc-policy "));
}

static void
test_exempt(void **state)
{
	const struct tf_result res = { .exempt = TF_EXEMPT_TRUSTED_NETWORK };
	const struct tf_verdict v = { .rule = TF_STR("trusted-network"),
		.policy = TF_POLICY_NONE,
		.disposition = TF_POLICY_NONE };

	(void)state;
	assert_str("nothing is known", write_line(&res, &v, false),
	    TF_STR("id=4bQ7tn1Yzz client=unknown helo=\"\" mailfrom=\"\" from=\"\" spf=none "
		   "spf_domain=\"\" dkim=none arc=none dmarc=none policy=none disposition=none "
		   "action=accept rule=trusted-network org=\"\" walk=\"\" dns=0 dns_ms=0 ms=32"));
}

static void
test_quoting(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str helo, want;
	} rows[] = {
		{ "plain", TF_LIT("mail.example"), TF_LIT("mail.example") },
		{ "signs that need none", TF_LIT("[192.0.2.1]<>@;:/'"),
		    TF_LIT("[192.0.2.1]<>@;:/'") },
		{ "blank", TF_LIT("a b"), TF_LIT("\"a b\"") },
		{ "a field of its own", TF_LIT("x action=accept"), TF_LIT("\"x action=accept\"") },
		{ "equals sign", TF_LIT("a=b"), TF_LIT("\"a=b\"") },
		{ "quote", TF_LIT("a\"b"), TF_LIT("\"a\\\"b\"") },
		{ "backslash", TF_LIT("a\\b"), TF_LIT("\"a\\\\b\"") },
		{ "a line of its own", TF_LIT("a\r\nid=1"), TF_LIT("\"a\\u000d\\u000aid=1\"") },
		{ "escape sequence", TF_LIT("\x1b[2J"), TF_LIT("\"\\u001b[2J\"") },
		{ "NUL", TF_LIT("a\0b"), TF_LIT("\"a\\u0000b\"") },
		{ "DEL", TF_LIT("\x7f"), TF_LIT("\"\\u007f\"") },
		{ "UTF-8", TF_LIT("b\xc3\xbc"), TF_LIT("\"b\\u00fc\"") },
		{ "beyond 16 bits", TF_LIT("\xf0\x9f\x98\x80."), TF_LIT("\"\\ud83d\\ude00.\"") },
		{ "not UTF-8", TF_LIT("b\xfc."), TF_LIT("\"b\\ufffd.\"") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct tf_result res = { .identity.helo = rows[i].helo };
		char want[200];
		struct tf_buf b;

		tf_buf_init(&b, want, sizeof(want));
		tf_buf_printf(&b, " helo=%.*s mailfrom=", TF_PRI(rows[i].want));
		write_line(&res, &(struct tf_verdict){ .rule = TF_STR("none") }, false);
		if (strstr(tf_buf_cstr(&line), tf_buf_cstr(&b)) == NULL)
			fail_msg("%s: %s", rows[i].what, tf_buf_cstr(&line));
	}
}

static void
test_also(void **state)
{
	static const struct tf_str two[] = { TF_LIT("a.example"), TF_LIT("xn--b-eha.example") };
	static const struct tf_dkim dkim[] = {
		{ .code = TF_PASS, .key_testing = true, .unsigned_octets = 3 },
		{ .code = TF_POLICY, .not_evaluated = true },
	};
	static const struct tf_dmarc dmarc = { .code = TF_PASS,
		.from = TF_LIT("mail.xn--b-eha.example"),
		.aligned_spf = true,
		.testing = true };
	struct tf_result res = {
		.author = { .domains = two, .domain_count = 2, .bidi = true },
		.mailfrom = { .code = TF_PASS, .mechanism = TF_LIT("+all") },
		.dkim = dkim,
		.dkim_count = 2,
		.dmarc = &dmarc,
	};
	const struct tf_verdict v = { .rule = TF_STR("none") };
	static const struct tf_dmarc temp = { .code = TF_TEMPERROR, .reason = TF_LIT("time-out") };

	(void)state;
	write_line(&res, &v, false);
	assert_non_null(strstr(tf_buf_cstr(&line),
	    " ms=32 authors=a.example,xn--b-eha.example "
	    "flags=spf-only,spf-all,idn,bidi,dmarc-testing,dkim-testing,dkim-partial,"
	    "dkim-too-many"));

	res = (struct tf_result){ .dmarc = &temp };
	write_line(&res, &v, false);
	assert_non_null(strstr(tf_buf_cstr(&line), " dmarc=temperror "));
	assert_non_null(strstr(tf_buf_cstr(&line), " ms=32 reason=time-out"));

	res = (struct tf_result){ .author = {
				      .state = TF_FROM_SYNTAX, .reason = TF_LIT("text after >") } };
	write_line(&res, &v, false);
	assert_non_null(strstr(tf_buf_cstr(&line), " ms=32 reason=\"text after >\""));
}

/* A chain names its sealers, and why it did not pass. */
static void
test_arc(void **state)
{
	static const struct tf_arc_set sets[] = {
		{ .domain = TF_LIT("a.example"), .selector = TF_LIT("s1") },
		{ .domain = TF_LIT("lists.example"), .selector = TF_LIT("s2") },
	};
	struct tf_result res = { .arc = { .code = TF_PASS, .sets = sets, .set_count = 2 } };
	const struct tf_verdict v = { .rule = TF_STR("none") };

	(void)state;
	write_line(&res, &v, false);
	assert_non_null(strstr(tf_buf_cstr(&line), " arc=pass dmarc="));
	assert_non_null(
	    strstr(tf_buf_cstr(&line), " ms=32 arc_sealers=a.example:s1,lists.example:s2"));
	res.arc.code = TF_TEMPERROR;
	res.arc.reason = TF_STR("ARC-Seal of set 2: key look-up timed out");
	write_line(&res, &v, false);
	assert_non_null(strstr(tf_buf_cstr(&line), " arc=temperror dmarc="));
	assert_non_null(
	    strstr(tf_buf_cstr(&line), " arc_sealers=a.example:s1,lists.example:s2 "
				       "arc_reason=\"ARC-Seal of set 2: key look-up timed out\""));
}

/* The author domain that decided is the verdict's, when an override made another one stricter. */
static void
test_deciding_author(void **state)
{
	static const struct tf_dmarc pass = { .code = TF_PASS, .from = TF_LIT("pass.example") };
	struct tf_result res = full_result();

	(void)state;
	res.dmarc = &pass;
	write_line(&res, &rejected, false);
	assert_non_null(strstr(tf_buf_cstr(&line), " from=a.bank.example "));
	assert_non_null(strstr(tf_buf_cstr(&line), " dmarc=fail policy=reject "));
}

/* Whatever comes in, the line keeps its size and its fields. */
static void
test_limits(void **state)
{
	static char long_text[100000];
	static struct tf_dkim many[300];
	static struct tf_dmarc_name names[300];
	struct tf_str text = { long_text, sizeof(long_text) };
	struct tf_dmarc dmarc = {
		.from = text, .org_domain = text, .reason = text, .walk = names, .walk_count = 300
	};
	static struct tf_arc_set sets[50];
	struct tf_str domains[2] = { text, text };
	const struct tf_result res = {
		.arc = { .reason = text, .sets = sets, .set_count = 50 },
		.identity = { .helo = text, .mail_from = text },
		.author = { .domains = domains, .domain_count = 2 },
		.mailfrom.domain = text,
		.dkim = many,
		.dkim_count = 300,
		.dmarc = &dmarc,
	};
	const struct tf_verdict v = { .rule = text };

	(void)state;
	memset(long_text, 1, sizeof(long_text));
	for (size_t i = 0; i < 300; i++) {
		many[i].domain = text;
		names[i] = (struct tf_dmarc_name){ text, text };
	}
	for (size_t i = 0; i < 50; i++)
		sets[i].domain = tf_str_sub(text, 0, 253);
	write_line(&res, &v, false);
	assert_in_range(line.len, 1000, 41 * 1024);
	assert_non_null(strstr(tf_buf_cstr(&line), "...\" mailfrom=\"\\u0001"));
	assert_non_null(strstr(tf_buf_cstr(&line), ",...\" arc=none "));
	assert_non_null(strstr(tf_buf_cstr(&line), ",...\" dns=0 "));
	write_line(&res, &v, true);
	assert_in_range(line.len, 1000, 61 * 1024);
}

static void
test_json(void **state)
{
	struct tf_result res = full_result();
	json_t *o;

	(void)state;
	res.identity.helo = TF_STR("a \"b\"\n\xff");
	write_line(&res, &rejected, true);
	assert_null(strchr(tf_buf_cstr(&line), '\n'));
	o = json_loadb(line.ptr, line.len, 0, NULL);
	assert_non_null(o);
	assert_string_equal(json_string_value(json_object_get(o, "id")), "4bQ7tn1Yzz");
	assert_string_equal(json_string_value(json_object_get(o, "mailfrom")), "x@lists.example");
	assert_string_equal(json_string_value(json_object_get(o, "dkim")),
	    "pass:lists.example,fail:bank.example,neutral");
	assert_int_equal(json_integer_value(json_object_get(o, "dns_ms")), 31);
	assert_int_equal(json_integer_value(json_object_get(o, "ms")), 32);
	assert_int_equal(json_object_size(o), 19);
	json_decref(o);
}

/* Runs fn with standard error in a file and returns what it wrote. */
static struct tf_str
capture(void (*fn)(void))
{
	static char text[256 * 1024];
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(f);
	assert_true(saved >= 0);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	fn();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(f);
	n = fread(text, 1, sizeof(text), f);
	assert_int_equal(fclose(f), 0);
	return (struct tf_str){ text, n };
}

static void
log_levels(void)
{
	tf_log(TF_LOG_ERROR, "one %d", 1);
	tf_log(TF_LOG_WARNING, "two\nlines\x80");
	tf_log(TF_LOG_NOTICE, "three");
	tf_log(TF_LOG_INFO, "four");
	tf_log(TF_LOG_DEBUG, "five");
}

static void
log_long(void)
{
	static char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	tf_log(TF_LOG_ERROR, "%s", text);
}

static void
log_message(void)
{
	struct tf_result res = full_result();
	struct tf_note note = { TF_CHECK_SPF, TF_LIT("asked lists.example"), NULL };
	struct tf_log_message m = {
		.queue_id = TF_STR("Q1"), .result = &res, .verdict = &rejected, .ms = 1
	};
	const struct tf_verdict undecided = { .action = TF_ACT_TEMPFAIL, .rule = TF_STR("error") };

	res.notes = (struct tf_notes){ &note, &note, 1 };
	tf_log_message(&m);
	m.verdict = &undecided;
	m.why = TF_STR("limits.headers reached");
	tf_log_message(&m);
}

static void
test_stderr(void **state)
{
	struct tf_log_opts opts = { .level = TF_LOG_NOTICE };
	struct tf_str out;

	(void)state;
	tf_log_open("truefromd", true);
	tf_log_configure(&opts);
	assert_true(tf_log_wants(TF_LOG_NOTICE));
	assert_false(tf_log_wants(TF_LOG_INFO));
	assert_str("levels", capture(log_levels),
	    TF_STR("truefromd: error: one 1\n"
		   "truefromd: warning: two\\u000alines\\ufffd\n"
		   "truefromd: three\n"));
	out = capture(log_long);
	assert_int_equal(out.len, strlen("truefromd: error: ") + 2047 + strlen("...\n"));
	assert_true(tf_str_ends_nocase(out, TF_STR("xxx...\n")));

	/* A message that truefrom could not decide about is a warning, others are info. */
	out = capture(log_message);
	assert_true(tf_str_starts_nocase(out, TF_STR("truefromd: warning: id=Q1 ")));
	assert_int_equal(tf_str_find(out, '\n') + 1, out.len);
	assert_true(tf_str_ends_nocase(out, TF_STR(" ms=1 reason=\"limits.headers reached\"\n")));

	opts.level = TF_LOG_DEBUG;
	tf_log_configure(&opts);
	out = capture(log_message);
	assert_true(tf_str_starts_nocase(out, TF_STR("truefromd: id=Q1 ")));
	out = tf_str_sub(out, tf_str_find(out, '\n') + 1, out.len);
	assert_true(tf_str_starts_nocase(out, TF_STR("truefromd: Q1: spf: asked lists.example\n")));

	opts.json = true;
	tf_log_configure(&opts);
	out = capture(log_message);
	assert_true(tf_str_starts_nocase(out, TF_STR("truefromd: {\"id\":\"Q1\",")));
}

static void
log_to_journal(void)
{
	struct stat st;
	char stream[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(
	    stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	tf_log_open("truefromd", true);
	log_levels();
}

static void
log_elsewhere(void)
{
	assert_int_equal(setenv("JOURNAL_STREAM", "8:1", 1), 0);
	tf_log_open("truefromd", true);
	log_levels();
}

/* The journal names the program by itself, and takes the priority from the line. */
static void
test_journal(void **state)
{
	const struct tf_log_opts opts = { .level = TF_LOG_DEBUG };

	(void)state;
	tf_log_configure(&opts);
	assert_str("journal", capture(log_to_journal),
	    TF_STR("<3>one 1\n<4>two\\u000alines\\ufffd\n<5>three\n<6>four\n<7>five\n"));
	/* A stream that is not the one that systemd made: somebody has redirected it. */
	assert_str("elsewhere", capture(log_elsewhere),
	    TF_STR("truefromd: error: one 1\n"
		   "truefromd: warning: two\\u000alines\\ufffd\n"
		   "truefromd: three\ntruefromd: four\ntruefromd: five\n"));
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

/* truefromd(8) tells of every field. */
static void
test_manual(void **state)
{
	static const char *const fields[] = { "id", "client", "helo", "mailfrom", "from", "spf",
		"spf_domain", "dkim", "arc", "dmarc", "policy", "disposition", "action", "would",
		"rule", "org", "walk", "dns", "dns_ms", "ms", "authors", "reason", "arc_sealers",
		"arc_reason", "flags" };
	static char manual[64 * 1024];
	const char *top = getenv("top_srcdir");
	char path[1024];
	FILE *f;

	(void)state;
	assert_non_null(top);
	(void)snprintf(path, sizeof(path), "%s/milter/truefromd.8", top);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_true(fread(manual, 1, sizeof(manual) - 1, f) > 1000);
	assert_int_equal(fclose(f), 0);
	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++) {
		char first[64], second[64];

		(void)snprintf(first, sizeof(first), "\n.It Li %s", fields[i]);
		(void)snprintf(second, sizeof(second), " , %s\n", fields[i]);
		if (strstr(manual, first) == NULL && strstr(manual, second) == NULL)
			fail_msg("truefromd.8 lacks the field %s", fields[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_exempt),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_also),
		cmocka_unit_test(test_arc),
		cmocka_unit_test(test_deciding_author),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_stderr),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
