/*
 * test_identifiers.c - the identifiers of a message in words
 */
#include <string.h>

#include "policy/identifiers.h"
#include "tests/unit/test.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"
#define LONG L63 "." L63 "." L63

#define SIGS(...)                                                                                  \
	.dkim = (const struct tf_dkim[]){ __VA_ARGS__ },                                           \
	.dkim_count = sizeof((const struct tf_dkim[]){ __VA_ARGS__ }) / sizeof(struct tf_dkim)
#define SIG(result, name, why)                                                                     \
	{                                                                                          \
		.code = (result), .domain = TF_LIT(name), .reason = TF_LIT(why)                    \
	}

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_result res;
	struct tf_dmarc d;
	const char *want;
} rows[] = {
	{ "nothing was there", { .dkim_count = 0 }, { .code = TF_FAIL },
	    "SPF none; no DKIM signature" },
	{ "9989 4.4 passes of others", { .mailfrom = { .code = TF_PASS, .domain = TF_LIT("a.test") }, SIGS(SIG(TF_PASS, "b.test", "")) },
	    { .code = TF_FAIL }, "SPF pass for a.test, not aligned; DKIM pass for b.test, not aligned" },
	{ "9989 4.4 aligned ones", { .mailfrom = { .code = TF_PASS, .domain = TF_LIT("a.test") },
	      SIGS(SIG(TF_PASS, "b.test", ""), SIG(TF_PASS, "a.test", "")) },
	    { .code = TF_PASS, .aligned_spf = true, .aligned_dkim = true, .dkim_index = 1 },
	    "SPF pass for a.test, aligned; DKIM pass for b.test, not aligned; DKIM pass for a.test, aligned" },
	{ "the fault that the sender can mend", { .mailfrom = { .code = TF_FAIL, .domain = TF_LIT("a.test"), .reason = TF_LIT("matched -all") },
	      SIGS(SIG(TF_FAIL, "a.test", "body hash did not verify")) },
	    { .code = TF_FAIL }, "SPF fail for a.test; DKIM fail for a.test (body hash did not verify)" },
	{ "a broken record", { .mailfrom = { .code = TF_PERMERROR, .domain = TF_LIT("a.test"), .reason = TF_LIT("too many DNS look-ups") } },
	    { .code = TF_FAIL }, "SPF permerror for a.test (too many DNS look-ups); no DKIM signature" },
	{ "7208 2.4 null sender", { .mailfrom = { .code = TF_PASS, .helo_identity = true, .domain = TF_LIT("mail.test") } },
	    { .code = TF_FAIL }, "SPF of HELO pass for mail.test, not aligned; no DKIM signature" },
	{ "an unreadable signature", { SIGS(SIG(TF_NEUTRAL, "", "syntax error")) },
	    { .code = TF_FAIL }, "SPF none; DKIM neutral (syntax error)" },
	{ "what does not fit is counted", { SIGS(SIG(TF_PASS, "a.test", ""), SIG(TF_PASS, LONG, ""), SIG(TF_FAIL, LONG, "x"), SIG(TF_FAIL, "b.test", "y")) },
	    { .code = TF_FAIL }, "SPF none; DKIM pass for a.test, not aligned; DKIM pass for " LONG ", not aligned; DKIM signatures not shown: 2" },
	{ "names that fill the line", { .mailfrom = { .code = TF_PASS, .domain = TF_LIT(LONG ".com") }, SIGS(SIG(TF_PASS, LONG, "")) },
	    { .code = TF_FAIL }, "SPF pass for " LONG ".com, not aligned; DKIM signatures not shown: 1" },
};
/* clang-format on */

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[TF_IDENTIFIERS_MAX];
		struct tf_buf out;

		tf_buf_init(&out, storage, sizeof(storage));
		tf_identifiers_write(&rows[i].res, &rows[i].d, &out);
		assert_false(out.overflow);
		assert_str(rows[i].what, tf_buf_get(&out), tf_str_from(rows[i].want));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
