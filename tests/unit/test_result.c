/*
 * test_result.c - names of the codes, notes
 */
#include <string.h>

#include "truefrom/result.h"
#include "tests/unit/test.h"

/* The words are a promise to everyone who reads logs, headers and JSON. */
static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(tf_code_name(TF_NONE), "none");
	assert_string_equal(tf_code_name(TF_PASS), "pass");
	assert_string_equal(tf_code_name(TF_FAIL), "fail");
	assert_string_equal(tf_code_name(TF_SOFTFAIL), "softfail");
	assert_string_equal(tf_code_name(TF_NEUTRAL), "neutral");
	assert_string_equal(tf_code_name(TF_POLICY), "policy");
	assert_string_equal(tf_code_name(TF_TEMPERROR), "temperror");
	assert_string_equal(tf_code_name(TF_PERMERROR), "permerror");
	assert_string_equal(tf_dmarc_policy_name(TF_POLICY_UNKNOWN), "none");
	assert_string_equal(tf_dmarc_policy_name(TF_POLICY_NONE), "none");
	assert_string_equal(tf_dmarc_policy_name(TF_POLICY_QUARANTINE), "quarantine");
	assert_string_equal(tf_dmarc_policy_name(TF_POLICY_REJECT), "reject");
	assert_string_equal(tf_dns_status_name(TF_DNS_NOERROR), "noerror");
	assert_string_equal(tf_dns_status_name(TF_DNS_NODATA), "nodata");
	assert_string_equal(tf_dns_status_name(TF_DNS_NXDOMAIN), "nxdomain");
	assert_string_equal(tf_dns_status_name(TF_DNS_SERVFAIL), "servfail");
	assert_string_equal(tf_dns_status_name(TF_DNS_REFUSED), "refused");
	assert_string_equal(tf_dns_status_name(TF_DNS_TIMEOUT), "timeout");
	assert_string_equal(tf_dns_status_name(TF_DNS_BOGUS), "bogus");
	assert_string_equal(tf_dns_status_name(TF_DNS_MALFORMED), "malformed");
	assert_string_equal(tf_from_state_name(TF_FROM_MISSING), "missing");
	assert_string_equal(tf_from_state_name(TF_FROM_MULTIPLE_FIELDS), "multiple-fields");
	assert_string_equal(tf_from_state_name(TF_FROM_SYNTAX), "syntax");
	assert_string_equal(tf_from_state_name(TF_FROM_NO_ADDRESS), "no-address");
	assert_string_equal(tf_from_state_name(TF_FROM_BAD_DOMAIN), "bad-domain");
	assert_string_equal(tf_from_state_name(TF_FROM_TOO_MANY_DOMAINS), "too-many-domains");
	assert_string_equal(tf_check_kind_name(TF_CHECK_HELO), "helo");
	assert_string_equal(tf_check_kind_name(TF_CHECK_FROM), "from");
}

/* RFC 8601 section 2.7: the words of other fields. */
static void
test_code_from(void **state)
{
	static const struct row {
		struct tf_str in;
		bool ok;
		enum tf_code want;
	} rows[] = {
		{ TF_LIT("none"), true, TF_NONE },
		{ TF_LIT("PASS"), true, TF_PASS },
		{ TF_LIT("permerror"), true, TF_PERMERROR },
		{ TF_LIT("hardfail"), false, TF_NONE }, /* RFC 6577: no longer a result */
		{ TF_LIT("passed"), false, TF_NONE },
		{ TF_LIT("pass\0"), false, TF_NONE },
		{ TF_LIT(""), false, TF_NONE },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		enum tf_code code = TF_NONE;

		assert_int_equal(tf_code_from(rows[i].in, &code), rows[i].ok);
		if (rows[i].ok)
			assert_int_equal(code, rows[i].want);
	}
}

static void
test_policy_from(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str in;
		bool ok;
		enum tf_dmarc_policy want;
	} rows[] = {
		{ "none", TF_LIT("none"), true, TF_POLICY_NONE },
		{ "any case", TF_LIT("QuaRantine"), true, TF_POLICY_QUARANTINE },
		{ "reject", TF_LIT("REJECT"), true, TF_POLICY_REJECT },
		{ "a prefix is none", TF_LIT("rej"), false, TF_POLICY_UNKNOWN },
		{ "nor a longer word", TF_LIT("rejected"), false, TF_POLICY_UNKNOWN },
		{ "NUL", TF_LIT("reject\0"), false, TF_POLICY_UNKNOWN },
		{ "empty", TF_LIT(""), false, TF_POLICY_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		enum tf_dmarc_policy got = TF_POLICY_UNKNOWN;

		assert_num(rows[i].what, tf_dmarc_policy_from(rows[i].in, &got), rows[i].ok);
		assert_num(rows[i].what, got, rows[i].want);
	}
}

static void
test_notes(void **state)
{
	static const char *const want[] = { "first 1", "line?break??", "" };
	struct tf_arena *a = tf_arena_new();
	struct tf_notes notes = { .count = 0 };
	const struct tf_note *n;
	size_t i = 0;

	(void)state;
	tf_note(&notes, a, TF_CHECK_SPF, "first %d", 1);
	tf_note(&notes, a, TF_CHECK_DKIM, "line\nbreak%s", "\x7f\xff");
	tf_note(&notes, a, TF_CHECK_ARC, "%s", "");
	tf_note(NULL, a, TF_CHECK_SPF, "for nobody");
	assert_int_equal(notes.count, 3);
	for (n = notes.first; n != NULL; n = n->next)
		assert_str("note", n->text, tf_str_from(want[i++]));
	assert_int_equal(i, 3);
	assert_int_equal(notes.first->check, TF_CHECK_SPF);
	assert_int_equal(notes.last->check, TF_CHECK_ARC);
	tf_arena_free(a);
}

/* What each result has to have, and what nothing may be decided by. */
static void
test_flaw(void **state)
{
	static const struct tf_str domain = TF_LIT("a.example");
	static const struct tf_arc_set set;
	static const struct row {
		const char *what, *want;
		enum tf_code spf, dkim, arc, dmarc;
		bool aligned_spf, aligned_dkim, no_domain, without, elsewhere, unlooked;
		size_t dkim_index;
		enum tf_from_state from;
	} rows[] = {
		{ .what = "nothing found" },
		{ .what = "all pass",
		    .spf = TF_PASS,
		    .dkim = TF_PASS,
		    .arc = TF_PASS,
		    .dmarc = TF_PASS,
		    .aligned_spf = true,
		    .aligned_dkim = true },
		{ .what = "a code beyond", .want = "SPF", .spf = TF_PERMERROR + 1 },
		{ .what = "SPF has no policy (RFC 7208 section 2.6)",
		    .want = "SPF",
		    .spf = TF_POLICY },
		{ .what = "a pass of nobody", .want = "SPF", .spf = TF_PASS, .no_domain = true },
		{ .what = "a signature of nobody",
		    .want = "DKIM",
		    .dkim = TF_PASS,
		    .no_domain = true },
		{ .what = "a pass that nobody looked for",
		    .want = "DKIM",
		    .dkim = TF_PASS,
		    .unlooked = true },
		{ .what = "ARC knows no softfail (RFC 8617 section 4.4)",
		    .want = "ARC",
		    .arc = TF_SOFTFAIL },
		{ .what = "DMARC passes by nothing",
		    .want = "DMARC",
		    .spf = TF_PASS,
		    .dmarc = TF_PASS },
		{ .what = "aligned without a pass",
		    .want = "DMARC",
		    .dkim = TF_FAIL,
		    .dmarc = TF_PASS,
		    .aligned_dkim = true },
		{ .what = "aligned with no signature",
		    .want = "DMARC",
		    .dkim = TF_PASS,
		    .dmarc = TF_PASS,
		    .aligned_dkim = true,
		    .dkim_index = 1 },
		{ .what = "no DMARC", .want = "DMARC", .without = true },
		{ .what = "decided by another's", .want = "DMARC", .elsewhere = true },
		{ .what = "an author beyond",
		    .want = "author",
		    .from = TF_FROM_TOO_MANY_DOMAINS + 1 },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		const struct tf_str whose = r->no_domain ? TF_NONE_STR : domain;
		const struct tf_dmarc other = { .code = TF_NONE }, dmarc = { .code = r->dmarc,
			.aligned_spf = r->aligned_spf,
			.aligned_dkim = r->aligned_dkim,
			.dkim_index = r->dkim_index };
		const struct tf_dkim dkim = {
			.code = r->dkim, .domain = whose, .not_evaluated = r->unlooked
		};
		const struct tf_result res = {
			.author = { .state = r->from, .domains = &domain, .domain_count = 1 },
			.mailfrom = { .code = r->spf, .domain = whose },
			.dkim = &dkim,
			.dkim_count = 1,
			.arc = { .code = r->arc, .sets = &set, .set_count = 1 },
			.authors = r->without ? NULL : &dmarc,
			.author_count = 1,
			.dmarc = r->elsewhere ? &other : &dmarc,
		};
		const char *flaw = tf_result_flaw(&res, true);

		if ((flaw == NULL) != (r->want == NULL) ||
		    (flaw != NULL && strstr(flaw, r->want) == NULL))
			fail_msg("%s: %s", r->what, flaw != NULL ? flaw : "no flaw");
		if (r->without)
			assert_null(tf_result_flaw(&res, false));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_code_from),
		cmocka_unit_test(test_policy_from),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_flaw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
