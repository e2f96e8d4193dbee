/*
 * test_explain_why.c - the reasons for a verdict, as sentences
 */
#include "policy/explain_why.h"
#include "tests/unit/test.h"

#define RULE(r) .decided_by = TF_RULE_##r
#define FOR(name) .from = TF_LIT(name), .record_domain = TF_LIT(name)
#define ASKS(t, p) .policy_tag = (t), .policy = (p), .applied_policy = (p)

static const struct tf_dkim of_list = { .code = TF_PASS, .domain = TF_LIT("lists.test") };
static const struct tf_dkim of_author = { .code = TF_PASS, .domain = TF_LIT("mail.a.test") };

/* clang-format off */
static const struct row {
	const char *what;
	const struct tf_dkim *sig;
	struct tf_str spf; /* a pass */
	struct tf_dmarc d;
	struct tf_verdict v;
	const char *want;
} rows[] = {
	{ "9989 4.4 by SPF, the same name", NULL, TF_LIT("a.test"), { .code = TF_PASS, FOR("a.test"), .aligned_spf = true }, { RULE(NONE) },
	    "DMARC passes: the client may send for a.test, the author domain itself\n" },
	{ "9989 4.4 by DKIM, relaxed", &of_author, TF_LIT("a.test"), { .code = TF_PASS, FOR("a.test"), .aligned_dkim = true }, { RULE(NONE) },
	    "DMARC passes: the message bears a valid signature of mail.a.test, which belongs with a.test\n" },
	{ "9989 5.3.6 refused", &of_list, TF_LIT("lists.test"), { .code = TF_FAIL, FOR("a.test"), ASKS(TF_TAG_P, TF_POLICY_REJECT) },
	    { RULE(DMARC_POLICY), .policy = TF_POLICY_REJECT },
	    "DMARC fails: nothing that passed belongs with a.test\n"
	    "SPF pass for lists.test, not aligned; DKIM pass for lists.test, not aligned\n"
	    "a.test asks for such mail to be refused (p=reject)\n"
	    "the setting dmarc.on_reject says what is done then\n" },
	{ "9989 4.7 sp", NULL, TF_LIT(""), { .code = TF_FAIL, .from = TF_LIT("x.a.test"), .record_domain = TF_LIT("a.test"), ASKS(TF_TAG_SP, TF_POLICY_QUARANTINE) },
	    { RULE(DMARC_POLICY), .policy = TF_POLICY_QUARANTINE },
	    "DMARC fails: nothing that passed belongs with x.a.test\n"
	    "SPF none; no DKIM signature\n"
	    "a.test asks for such mail to be treated as suspicious (sp=quarantine, which is for names below it such as x.a.test)\n"
	    "the setting dmarc.on_quarantine says what is done then\n" },
	{ "9989 4.7 np", NULL, TF_LIT(""), { .code = TF_FAIL, .from = TF_LIT("x.a.test"), .record_domain = TF_LIT("a.test"), ASKS(TF_TAG_NP, TF_POLICY_REJECT) },
	    { RULE(OVERRIDE), .policy = TF_POLICY_REJECT },
	    "DMARC fails: nothing that passed belongs with x.a.test\n"
	    "SPF none; no DKIM signature\n"
	    "a.test asks for such mail to be refused (np=reject, as x.a.test does not exist)\n" },
	{ "9989 4.7 t=y", NULL, TF_LIT(""), { .code = TF_FAIL, FOR("a.test"), .policy_tag = TF_TAG_P, .policy = TF_POLICY_QUARANTINE, .applied_policy = TF_POLICY_NONE, .testing = true },
	    { RULE(NONE), .policy = TF_POLICY_NONE },
	    "DMARC fails: nothing that passed belongs with a.test\n"
	    "SPF none; no DKIM signature\n"
	    "a.test asks for such mail to be treated as suspicious (p=quarantine), but only as a test (t=y): it counts as none\n" },
	{ "9989 5.3.6 p=none", NULL, TF_LIT(""), { .code = TF_FAIL, FOR("a.test"), ASKS(TF_TAG_P, TF_POLICY_NONE) }, { RULE(NONE) },
	    "DMARC fails: nothing that passed belongs with a.test\n"
	    "SPF none; no DKIM signature\n"
	    "a.test asks for nothing to be done about it (p=none)\n" },
	{ "9989 4.10.1 no valid policy, with rua", NULL, TF_LIT(""), { .code = TF_FAIL, FOR("a.test"), ASKS(TF_TAG_NONE, TF_POLICY_NONE) }, { RULE(NONE) },
	    "DMARC fails: nothing that passed belongs with a.test\n"
	    "SPF none; no DKIM signature\n"
	    "the record of a.test has no valid policy and counts as p=none\n" },
	{ "9989 4.10.1 no record", NULL, TF_LIT(""), { .code = TF_NONE, .reason = TF_LIT("no DMARC record") }, { RULE(NONE) },
	    "DMARC does not apply: no DMARC record\n" },
	{ "9989 4.10.1 DNS failure", NULL, TF_LIT(""), { .code = TF_TEMPERROR, .reason = TF_LIT("DNS failure") }, { RULE(TEMPERROR) },
	    "DMARC has no result: DNS failure; it may be a pass\n"
	    "the setting dmarc.on_temperror says what is done then\n" },
	{ "9989 4.2 no author", NULL, TF_LIT(""), { .code = TF_PERMERROR, .reason = TF_LIT("no From field") }, { RULE(INVALID_FROM) },
	    "DMARC needs one certain author: no From field\n"
	    "the setting dmarc.on_invalid_from says what is done then\n" },
};
/* clang-format on */

static void
test_rows(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_result res = { .dkim = rows[i].sig, .dkim_count = rows[i].sig != NULL };
		struct tf_verdict v = rows[i].v;
		struct tf_why why;
		struct tf_buf all;

		if (rows[i].spf.len != 0)
			res.mailfrom = (struct tf_spf){ .code = TF_PASS, .domain = rows[i].spf };
		v.dmarc = &rows[i].d;
		tf_explain_why(&res, &v, &why);
		tf_buf_init_arena(&all, a, 4096);
		for (size_t n = 0; n < why.count; n++) {
			assert_false(why.lines[n].overflow);
			tf_buf_str(&all, tf_buf_get(&why.lines[n]));
			tf_buf_byte(&all, '\n');
		}
		assert_str(rows[i].what, tf_buf_get(&all), tf_str_from(rows[i].want));
	}
	tf_arena_free(a);
}

static void
test_exempt(void **state)
{
	const struct tf_result res = { .exempt = TF_EXEMPT_AUTHENTICATED };
	const struct tf_verdict v = { RULE(AUTHENTICATED) };
	struct tf_why why;

	(void)state;
	tf_explain_why(&res, &v, &why);
	assert_int_equal(why.count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_exempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
