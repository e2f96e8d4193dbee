/*
 * test_explain_words.c - a result in words
 */
#include <string.h>

#include "tests/unit/explain_fixture.h"
#include "tests/unit/test.h"

static const char *
explain(struct tf_arena *a, const struct tf_result *res, const struct tf_verdict *verdict,
    struct tf_str field, bool colour)
{
	const struct tf_written written = { .authres = field };
	struct tf_buf out;

	tf_buf_init_arena(&out, a, 1 << 20);
	tf_explain_words(res, verdict, &written, colour, &out);
	assert_false(out.overflow);
	return tf_buf_cstr(&out);
}

static void
assert_says(const char *what, const char *text, const char *words)
{
	if (strstr(text, words) == NULL)
		fail_msg("%s: \"%s\" is not in\n%s", what, words, text);
}

static void
test_whole(void **state)
{
	/* clang-format off */
	static const char want[] =
	    "Message\n"
	    "  client         192.0.2.9\n"
	    "  HELO           mail.attack.test\n"
	    "  MAIL FROM      <x@attack.test>\n"
	    "  From           news.example.net\n"
	    "\n"
	    "DNS - every question with its answer\n"
	    "  TXT  _dmarc.example.net noerror        1.2 ms\n"
	    "         v=DMARC1; p=reject; t=y\n"
	    "  A    news.example.net   nxdomain       0.0 ms\n"
	    "\n"
	    "SPF - may this client send for the domain of the envelope?\n"
	    "  MAIL FROM      pass        attack.test allows this client to send for it\n"
	    "                             decided by \"ip4:192.0.2.0/24\" in the record of attack.test\n"
	    "  HELO           none        mail.attack.test: no SPF record\n"
	    "\n"
	    "DKIM - which domains have signed this message, as it is now?\n"
	    "  signature 1    pass        attack.test, selector s1, rsa-sha256, 2048-bit key, the key is in test mode\n"
	    "  signature 2    fail        example.net\n"
	    "                             body hash did not verify\n"
	    "\n"
	    "ARC - what do forwarders say that they have seen?\n"
	    "  chain          pass        2 sets, the newest sealed by lists.test\n"
	    "                             unchanged since set 2 was made, not before\n"
	    "\n"
	    "DMARC - does one of these domains belong to the author's, and what if not?\n"
	    "  author         news.example.net\n"
	    "  tree walk      _dmarc.news.example.net  none\n"
	    "                 _dmarc.example.net       record\n"
	    "                 _dmarc.net               none\n"
	    "  record         v=DMARC1; p=reject; t=y\n"
	    "                 found at _dmarc.example.net\n"
	    "  organization   example.net\n"
	    "  SPF            not aligned attack.test is of another organization\n"
	    "  DKIM           not aligned attack.test is of another organization\n"
	    "  result         fail        nobody who belongs to news.example.net stands behind this message\n"
	    "  policy         reject      the domain asks for refusal when it fails; being tested (t=y), so it counts as quarantine\n"
	    "\n"
	    "Authentication-Results - what readers of the message are told\n"
	    "  mx.example.org; x\n"
	    "\n"
	    "Decision\n"
	    "  rule           dmarc-policy (the policy that the author domain has published)\n"
	    "  why            DMARC fails: nothing that passed belongs with news.example.net\n"
	    "                 SPF pass for attack.test, not aligned; DKIM pass for attack.test, not aligned; DKIM fail for example.net (body hash did not verify)\n"
	    "                 example.net asks for such mail to be refused (p=reject, which is for names below it such as news.example.net), but only as a test (t=y): it counts as quarantine\n"
	    "                 the setting dmarc.on_quarantine says what is done then\n"
	    "  ARC            set 2 of lists.test says dmarc=fail\n"
	    "  action         quarantine  held in the queue of the MTA\n"
	    "  reason         DMARC policy quarantine of news.example.net\n";
	/* clang-format on */
	struct tf_arena *a = tf_arena_new();

	(void)state;
	assert_string_equal(
	    explain(a, &forged, &forged_verdict, TF_STR("mx.example.org; x"), false), want);
	tf_arena_free(a);
}

static void
test_spf(void **state)
{
	static const struct row {
		struct tf_spf spf;
		const char *want;
	} rows[] = {
		{ { .code = TF_PASS, .domain = TF_LIT("a.test") },
		    "pass        a.test allows this client" },
		{ { .code = TF_FAIL, .domain = TF_LIT("a.test") },
		    "fail        a.test says that this client may not" },
		{ { .code = TF_SOFTFAIL, .domain = TF_LIT("a.test") },
		    "softfail    a.test thinks that this client may not" },
		{ { .code = TF_NEUTRAL, .domain = TF_LIT("a.test") },
		    "neutral     a.test makes no statement" },
		{ { .code = TF_NONE }, "none        not checked\n" },
		{ { .code = TF_NONE, .checked = true },
		    "none        there is no domain to check\n" },
		{ { .code = TF_NONE, .checked = true, .domain = TF_LIT("a.test") },
		    "none        a.test publishes no SPF record\n" },
		{ { .code = TF_PERMERROR, .domain = TF_LIT("a.test"), .reason = TF_LIT("loop") },
		    "permerror   a.test: loop\n" },
		{ { .code = TF_FAIL, .helo_identity = true, .domain = TF_LIT("a.test") },
		    "  null sender    fail" },
		{ { .code = TF_FAIL, .explanation = TF_LIT("go away") },
		    "the domain explains: go away\n" },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_result res = { .mailfrom = rows[i].spf };

		assert_says("7208 2.6", explain(a, &res, &exempt_verdict, TF_NONE_STR, false),
		    rows[i].want);
	}
	tf_arena_free(a);
}

/* truefrom check --second-opinion */
static void
test_second_opinion(void **state)
{
	static const struct row {
		struct tf_spf_opinion opinion;
		const char *first, *then;
	} rows[] = {
		{ { true, TF_FAIL, TF_LIT("mechanism"), TF_LIT("") },
		    "  libspf2        fail        mechanism\n", "the same result as ours\n" },
		{ { true, TF_PASS, TF_LIT("local\033host"), TF_LIT("it lets it") },
		    "  libspf2        pass        local\\x1bhost\n",
		    "differs from ours: it lets it\n" },
		{ { false, TF_NONE, TF_LIT("libspf2 crashed"), TF_LIT("unknown") },
		    "  libspf2        no result   libspf2 crashed\n",
		    "differs from ours: unknown\n" },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_result res = { .mailfrom = { .code = TF_FAIL } };
		const char *words;

		res.mailfrom.second = &rows[i].opinion;
		words = explain(a, &res, &exempt_verdict, TF_NONE_STR, false);
		assert_says("result", words, rows[i].first);
		assert_says("difference", words, rows[i].then);
	}
	tf_arena_free(a);
}

static void
test_dmarc(void **state)
{
	static const struct row {
		const char *what;
		struct tf_dmarc d;
		struct tf_str spf_domain, dkim_domain; /* that passed */
		const char *want[3];
	} rows[] = {
		{ "9989 4.4 aligned by itself",
		    { .code = TF_PASS,
			.from = TF_LIT("a.test"),
			.policy = TF_POLICY_REJECT,
			.aligned_spf = true },
		    TF_LIT("a.test"), TF_LIT(""),
		    { "aligned     a.test is the author domain itself",
			"not aligned no signature is valid",
			"a domain that belongs to a.test stands" } },
		{ "9989 4.4 relaxed",
		    { .code = TF_PASS,
			.from = TF_LIT("a.test"),
			.policy = TF_POLICY_QUARANTINE,
			.aligned_dkim = true },
		    TF_LIT("b.test"), TF_LIT("x.a.test"),
		    { "aligned     x.a.test is of the same organization",
			"not aligned b.test is of another organization", "asks for suspicion" } },
		{ "9989 4.4 strict",
		    { .code = TF_FAIL,
			.from = TF_LIT("a.test"),
			.policy = TF_POLICY_NONE,
			.strict_spf = true },
		    TF_LIT("x.a.test"), TF_LIT(""),
		    { "not aligned x.a.test is not the very author domain",
			"nobody who belongs to a.test stands", "asks for nothing to be done" } },
		{ "9989 4.10.1 no record",
		    { .code = TF_NONE, .from = TF_LIT("a.test"), .reason = TF_LIT("no record") },
		    TF_LIT("a.test"), TF_LIT(""),
		    { "none        no record\n", "author         a.test\n", "" } },
		{ "AUTHRES-19 no From", { .code = TF_PERMERROR, .reason = TF_LIT("no From field") },
		    TF_LIT(""), TF_LIT(""),
		    { "permerror   no From field\n", "author         unknown\n", "" } },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_dkim sig = { .domain = rows[i].dkim_domain };
		struct tf_result res = {
			.dkim = &sig, .dkim_count = 1, .authors = &rows[i].d, .author_count = 1
		};
		const char *text;

		sig.code = sig.domain.len != 0 ? TF_PASS : TF_FAIL;
		res.mailfrom.domain = rows[i].spf_domain;
		res.mailfrom.code = TF_PASS;
		text = explain(a, &res, &exempt_verdict, TF_NONE_STR, false);
		for (size_t w = 0; w < TF_ARRAY_LEN(rows[i].want); w++)
			assert_says(rows[i].what, text, rows[i].want[w]);
	}
	tf_arena_free(a);
}

static void
test_decision(void **state)
{
	static const struct row {
		struct tf_verdict v;
		const char *want[3];
	} rows[] = {
		{ { .rule = TF_LIT("none") },
		    { "none (nothing asks for more", "accept      delivered\n", "" } },
		{ { .decided_by = TF_RULE_OVERRIDE,
		      .rule = TF_LIT("override:*.a.test"),
		      .action = TF_ACT_REJECT,
		      .policy = TF_POLICY_REJECT,
		      .reply = TF_LIT("550 5.7.1 no") },
		    { "override:*.a.test (a domain section", "policy         reject\n",
			"reply          550 5.7.1 no\n" } },
		{ { .decided_by = TF_RULE_DMARC_POLICY,
		      .rule = TF_LIT("dmarc-policy"),
		      .would = TF_ACT_TEMPFAIL },
		    { "accept      monitor mode: in enforcing mode it would be tempfail\n", "",
			"" } },
		{ { .decided_by = TF_RULE_TEMPERROR,
		      .rule = TF_LIT("temperror"),
		      .action = TF_ACT_TEMPFAIL },
		    { "temperror (DNS gave no answer", "tempfail    deferred", "" } },
		{ { .decided_by = TF_RULE_DMARC_POLICY,
		      .rule = TF_LIT("dmarc-policy"),
		      .action = TF_ACT_QUARANTINE },
		    { "quarantine  delivered with X-Truefrom-Quarantine", "", "" } },
		{ { .decided_by = TF_RULE_INVALID_FROM,
		      .rule = TF_LIT("invalid-from:missing"),
		      .action = TF_ACT_REJECT },
		    { "invalid-from:missing (the From header", "reject      refused\n", "" } },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct tf_result res = { .dkim_count = 0 };
		const char *text = explain(a, &res, &rows[i].v, TF_NONE_STR, false);

		for (size_t w = 0; w < TF_ARRAY_LEN(rows[i].want); w++)
			assert_says("decision", text, rows[i].want[w]);
	}
	tf_arena_free(a);
}

static void
test_several_authors(void **state)
{
	struct tf_dmarc authors[2] = { { .code = TF_PASS, .from = TF_STR("a.test") },
		{ .code = TF_FAIL, .from = TF_STR("b.test") } };
	struct tf_result res = { .authors = authors, .author_count = 2, .dmarc = &authors[1] };
	struct tf_verdict v = { .rule = TF_STR("dmarc-policy"), .dmarc = &authors[1] };
	struct tf_arena *a = tf_arena_new();
	const char *text = explain(a, &res, &v, TF_NONE_STR, false);

	(void)state;
	assert_says("each is shown", text, "author         a.test\n");
	assert_says("each is shown", text, "author         b.test\n");
	assert_says("the one that decided", text, "about          b.test\n");
	tf_arena_free(a);
}

/* RFC 9989 section 4.10: an answer ends a walk, or there is no name left to ask for. */
static void
test_walk(void **state)
{
	static const struct tf_dmarc_name whole[] = { { TF_LIT("a.test"), TF_LIT("none") },
		{ TF_LIT("test"), TF_LIT("record psd=y") } };
	static const struct tf_dmarc_name ended[] = { { TF_LIT("x.a.test"), TF_LIT("none") },
		{ TF_LIT("a.test"), TF_LIT("record psd=n") } };
	struct tf_dmarc d = { .code = TF_NONE, .walk = whole, .walk_count = 2 };
	struct tf_result res = { .authors = &d, .author_count = 1, .dmarc = &d };
	struct tf_arena *a = tf_arena_new();

	(void)state;
	assert_says("to the top", explain(a, &res, &exempt_verdict, TF_NONE_STR, false),
	    "_dmarc.test    record psd=y\n");
	d.walk = ended;
	assert_says("ended before", explain(a, &res, &exempt_verdict, TF_NONE_STR, false),
	    "_dmarc.a.test    record psd=n: the walk ends here\n");
	tf_arena_free(a);
}

/* E10, F21: no byte from outside drives a terminal; our colours are the only control sequences. */
static void
test_bytes(void **state)
{
	struct tf_arena *a = tf_arena_new();
	const char *plain = explain(a, &hostile, &hostile_verdict, TF_STR(HOSTILE), false);
	const char *coloured = explain(a, &hostile, &hostile_verdict, TF_STR(HOSTILE), true);
	size_t escapes = 0;

	(void)state;
	for (const char *c = plain; *c != '\0'; c++)
		assert_true(*c == '\n' || (*c >= 32 && *c < 127));
	assert_says("shown", plain, "a\\x0d\\x0a\\x1b[2J\\x7f\\xff\\xc3\\xbc\\x00z");
	for (const char *c = coloured; *c != '\0'; c++) {
		assert_true(*c == '\n' || *c == '\033' || (*c >= 32 && *c < 127));
		escapes += *c == '\033';
	}
	assert_true(escapes >= 10);
	assert_says("a pass is green", coloured, "\033[32mpass\033[0m        a");
	assert_says("a refusal is red", coloured, "\033[31mreject\033[0m      refused");
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_spf),
		cmocka_unit_test(test_second_opinion),
		cmocka_unit_test(test_dmarc),
		cmocka_unit_test(test_decision),
		cmocka_unit_test(test_several_authors),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
