/*
 * test_authres_payload.c - results out of an Authentication-Results payload
 */
#include <string.h>

#include "policy/authres_payload.h"
#include "tests/unit/test.h"

/* id, version, then method[/version]=result[ "reason"][ type.name=value]... of each result */
static const char *
read_all(struct tf_str value, struct tf_arena *a, struct tf_buf *out)
{
	struct tf_payload_result r;
	struct tf_payload p;

	tf_payload_begin(value, a, &p);
	tf_buf_printf(out, "%.*s %u", TF_PRI(p.id), p.version);
	while (tf_payload_next(&p, &r)) {
		tf_buf_printf(out, "; %.*s/%u=%.*s", TF_PRI(r.method), r.version, TF_PRI(r.result));
		if (r.reason.len != 0)
			tf_buf_printf(out, " \"%.*s\"", TF_PRI(r.reason));
		for (size_t i = 0; i < r.property_count; i++)
			tf_buf_printf(out, " %.*s.%.*s=%.*s", TF_PRI(r.properties[i].type),
			    TF_PRI(r.properties[i].name), TF_PRI(r.properties[i].value));
	}
	return tf_payload_error(&p);
}

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str in;
	const char *err; /* NULL: read */
	const char *out;
} rows[] = {
	{ "AUTHRES-23", TF_LIT(" foo.example.net (c1) 1 (c2); dkim (c3) / 1 (c4) = (c5) fail policy (c6) . (c7) expired (c8 (n)) = (c9) 1362471462"), NULL, "foo.example.net 1; dkim/1=fail policy.expired=1362471462" },
	{ "AUTHRES-24 none", TF_LIT(" example.org 1; none"), NULL, "example.org 1" },
	{ "none in a comment's company", TF_LIT("example.org;(x) NONE (y)\r\n "), NULL, "example.org 1" },
	{ "AUTHRES-24 reason", TF_LIT(" example.com; spf=pass smtp.mailfrom=example.net; dkim=fail reason=\"bad; signature\" header.i=@example.com"), NULL, "example.com 1; spf/1=pass smtp.mailfrom=example.net; dkim/1=fail \"bad; signature\" header.i=@example.com" },
	{ "Google", TF_LIT(" mx.google.com;\r\n       dkim=pass header.i=@example.com header.s=s1 header.b=AbCdEf12;\r\n       spf=pass (google.com: domain of a@example.com designates 192.0.2.1 as permitted sender) smtp.mailfrom=a@example.com;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=example.com"), NULL, "mx.google.com 1; dkim/1=pass header.i=@example.com header.s=s1 header.b=AbCdEf12; spf/1=pass smtp.mailfrom=a@example.com; dmarc/1=pass header.from=example.com" },
	{ "Microsoft: a word without a ptype", TF_LIT(" mx.microsoft.com 1; spf=pass (sender ip is 192.0.2.1) smtp.rcpttodomain=example.org smtp.mailfrom=example.com; dmarc=pass (p=none sp=none pct=100) action=none header.from=example.com; dkim=pass (signature was verified) header.d=example.com; arc=none (0)"), NULL, "mx.microsoft.com 1; spf/1=pass smtp.rcpttodomain=example.org smtp.mailfrom=example.com; dmarc/1=pass header.from=example.com; dkim/1=pass header.d=example.com; arc/1=none" },
	{ "Fastmail", TF_LIT(" mx.example.org; x-csa=none; dmarc=pass policy.published-domain-policy=none policy.applied_disposition=none (p=none,d=none) header.from=example.com; iprev=pass smtp.remote-ip=192.0.2.1 (mail.example.com)"), NULL, "mx.example.org 1; x-csa/1=none; dmarc/1=pass policy.published-domain-policy=none policy.applied_disposition=none header.from=example.com; iprev/1=pass smtp.remote-ip=192.0.2.1" },
	{ "quoted id", TF_LIT("\"mx.example.org\"; spf=pass"), NULL, "mx.example.org 1; spf/1=pass" },
	{ "quoted value", TF_LIT("x; dmarc=pass header.from=\"example.com\" smtp.remote-ip=\"2001:db8::1\""), NULL, "x 1; dmarc/1=pass header.from=example.com smtp.remote-ip=2001:db8::1" },
	{ "quoted pairs", TF_LIT("x; spf=fail reason=\"a \\\"b\\\" c\""), NULL, "x 1; spf/1=fail \"a \"b\" c\"" },
	{ "quoted local part", TF_LIT("x; spf=pass smtp.mailfrom=\"a; dmarc=pass\"@example.com"), NULL, "x 1; spf/1=pass smtp.mailfrom=\"a; dmarc=pass\"@example.com" },
	{ "BATV local part", TF_LIT("x; spf=pass smtp.mailfrom=prvs=123a=u/v@example.com"), NULL, "x 1; spf/1=pass smtp.mailfrom=prvs=123a=u/v@example.com" },
	{ "U-label", TF_LIT("x; dmarc=pass header.from=b\xc3\xbc" "cher.example"), NULL, "x 1; dmarc/1=pass header.from=b\xc3\xbc" "cher.example" },
	{ "a ; at the end", TF_LIT("x; spf=pass; \r\n "), NULL, "x 1; spf/1=pass" },
	{ "method version", TF_LIT("x; dmarc/2=pass"), NULL, "x 1; dmarc/2=pass" },
	{ "payload version", TF_LIT("x 2; dmarc=pass"), NULL, "x 2; dmarc/1=pass" },
	{ "no gap before a comment", TF_LIT("x;dmarc=pass(c)header.from=a.example(c)"), NULL, "x 1; dmarc/1=pass header.from=a.example" },
	{ "a reason that is not the first part is a word", TF_LIT("x; dmarc=pass header.from=a.example reason=b"), NULL, "x 1; dmarc/1=pass header.from=a.example" },

	{ "nothing", TF_LIT(""), "a token is missing", " 1" },
	{ "an id alone", TF_LIT("x"), "there are no results", "x 1" },
	{ "an id and ;", TF_LIT("x;"), "a keyword is missing", "x 1" },
	{ "no id", TF_LIT("; dmarc=pass"), "a token is missing", " 1" },
	{ "results without an id", TF_LIT("dmarc=pass; spf=pass"), "two parts without a gap", "dmarc 1" },
	{ "two ids", TF_LIT("x y; dmarc=pass"), "a version is no number", "x 0" },
	{ "something behind the version", TF_LIT("x 1 y; dmarc=pass"), "something stands behind the authserv-id", "x 1" },
	{ "none and more", TF_LIT("x; none; dmarc=pass"), "unexpected character", "x 1" },
	{ ";;", TF_LIT("x; spf=pass;; dmarc=pass"), "a keyword is missing", "x 1; spf/1=pass" },
	{ "comment not closed", TF_LIT("x; spf=pass (; dmarc=pass header.from=a.example"), "comment is not closed", "x 1" },
	{ "quote not closed", TF_LIT("x; spf=pass reason=\"; dmarc=pass"), "quoted string is not closed", "x 1" },
	{ "a value with a blank", TF_LIT("x; spf=pass smtp.mailfrom=a b; dmarc=pass"), "unexpected character", "x 1" },
	{ "an empty value", TF_LIT("x; spf=pass smtp.mailfrom=; dmarc=pass"), "a token is missing", "x 1" },
	{ "a value in < >", TF_LIT("x; spf=pass smtp.mailfrom=<a@b.example>"), "a token is missing", "x 1" },
	{ "two @", TF_LIT("x; spf=pass smtp.mailfrom=a@b@c.example"), "two parts without a gap", "x 1" },
	{ "IPv6 without quotes", TF_LIT("x; iprev=pass policy.iprev=2001:db8::1"), "two parts without a gap", "x 1" },
	{ "base64 without quotes", TF_LIT("x; dkim=pass header.b=Ab/c"), "two parts without a gap", "x 1" },
	{ "NUL", TF_LIT("x; dmarc=pass\0"), "two parts without a gap", "x 1" },
	{ "NUL in a comment", TF_LIT("x; dmarc=pass (\0)"), "NUL or stray line end", "x 1" },
	{ "a line end that folds nothing", TF_LIT("x; dmarc=pass\r\nheader.from=a.example"), "two parts without a gap", "x 1" },
	{ "-dmarc", TF_LIT("x; -dmarc=pass"), "a keyword is missing", "x 1" },
	{ "no result", TF_LIT("x; dmarc="), "a keyword is missing", "x 1" },
	{ "no =", TF_LIT("x; dmarc pass"), "unexpected character", "x 1" },
};
/* clang-format on */

static void
test_grammar(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_buf out;
		const char *err;

		tf_buf_init_arena(&out, a, 4096);
		err = read_all(rows[i].in, a, &out);
		assert_str(rows[i].what, tf_str_from(err), tf_str_from(rows[i].err));
		assert_str(rows[i].what, tf_buf_get(&out), tf_str_from(rows[i].out));
		tf_arena_free(a);
	}
}

static void
test_limits(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_buf in, out;

	(void)state;
	tf_buf_init_arena(&in, a, 1 << 20);
	tf_buf_init_arena(&out, a, 1 << 20);
	tf_buf_lit(&in, "x");
	for (int i = 0; i < TF_PAYLOAD_RESULTS_MAX; i++)
		tf_buf_lit(&in, "; spf=pass");
	assert_null(read_all(tf_buf_get(&in), a, &out));
	tf_buf_lit(&in, "; spf=pass");
	assert_string_equal(read_all(tf_buf_get(&in), a, &out), "too many results");

	tf_buf_clear(&in);
	tf_buf_lit(&in, "x; dkim=pass");
	for (int i = 0; i < TF_PAYLOAD_PROPERTIES_MAX; i++)
		tf_buf_lit(&in, " header.d=a");
	assert_null(read_all(tf_buf_get(&in), a, &out));
	tf_buf_lit(&in, " header.d=a");
	assert_string_equal(read_all(tf_buf_get(&in), a, &out), "too many properties");
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
