/*
 * test_dmarc_record.c - DMARC policy records
 */
#include <string.h>

#include "policy/dmarc.h"
#include "tests/unit/test.h"

#define U TF_POLICY_UNKNOWN
#define N TF_POLICY_NONE
#define Q TF_POLICY_QUARANTINE
#define R TF_POLICY_REJECT

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str in;
	bool record;
	enum tf_dmarc_policy own, above, missing; /* what applies where */
	const char *bad;
} rows[] = {
	{ "4.7 plain", TF_LIT("v=DMARC1; p=reject"), true, R, R, R, "" },
	{ "4.7 quarantine", TF_LIT("v=DMARC1;p=quarantine;"), true, Q, Q, Q, "" },
	{ "4.7 none", TF_LIT("v=DMARC1; p=none"), true, N, N, N, "" },
	{ "4.7 sp and np", TF_LIT("v=DMARC1; p=reject; sp=quarantine; np=none"), true, R, Q, N, "" },
	{ "4.7 np defaults to sp", TF_LIT("v=DMARC1; p=reject; sp=none"), true, R, N, N, "" },
	{ "4.7 np without sp", TF_LIT("v=DMARC1; p=none; np=reject"), true, N, N, R, "" },
	{ "4.7 p last", TF_LIT("v=DMARC1; sp=none; p=reject"), true, R, N, N, "" },
	{ "DMARC-16 historic tags", TF_LIT("v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600"), true, R, R, R, "" },
	{ "DMARC-16 pct=50", TF_LIT("v=DMARC1; p=reject; pct=50"), true, R, R, R, "" },
	{ "DMARC-19 version in lower case", TF_LIT("v=dmarc1; p=reject"), false, U, U, U, "" },
	{ "DMARC-19 longer version", TF_LIT("v=DMARC1x; p=reject"), false, U, U, U, "" },
	{ "DMARC-19 version not first", TF_LIT("p=reject; v=DMARC1"), false, U, U, U, "" },
	{ "DMARC-19 no v", TF_LIT("DMARC1; p=reject"), false, U, U, U, "" },
	{ "shorter version", TF_LIT("v=DMARC; p=reject"), false, U, U, U, "" },
	{ "version without a separator", TF_LIT("v=DMARC1 p=reject"), false, U, U, U, "" },
	{ "a semicolon first", TF_LIT(";v=DMARC1; p=reject"), false, U, U, U, "" },
	{ "two equal signs", TF_LIT("v==DMARC1; p=reject"), false, U, U, U, "" },
	{ "NUL behind the version", TF_LIT("v=DMARC1\0; p=reject"), false, U, U, U, "" },
	{ "another record", TF_LIT("v=spf1 -all"), false, U, U, U, "" },
	{ "empty", TF_LIT(""), false, U, U, U, "" },
	{ "D14 version alone", TF_LIT("v=DMARC1"), true, U, U, U, "" },
	{ "DMARC-20 blanks and case", TF_LIT("v = DMARC1 ; p = Reject ; ADKIM=S"), true, R, R, R, "" },
	{ "DMARC-20 tabs", TF_LIT("\tV\t=\tDMARC1\t;\tP\t=\tREJECT\t"), true, R, R, R, "" },
	{ "empty elements", TF_LIT("v=DMARC1;; ;p=reject;;"), true, R, R, R, "" },
	{ "DMARC-21 p missing with rua", TF_LIT("v=DMARC1; rua=mailto:a@example.com"), true, N, N, N, "" },
	{ "DMARC-21 p missing without rua", TF_LIT("v=DMARC1; adkim=s"), true, U, U, U, "" },
	{ "DMARC-22 p wrong with rua", TF_LIT("v=DMARC1; p=foo; rua=mailto:a@example.com"), true, N, N, N, "p" },
	{ "DMARC-22 p wrong without rua", TF_LIT("v=DMARC1; p=foo"), true, U, U, U, "p" },
	{ "DMARC-22 p wrong, rua no URI", TF_LIT("v=DMARC1; p=foo; rua=garbage"), true, U, U, U, "p" },
	{ "DMARC-22 rua with another scheme is a URI", TF_LIT("v=DMARC1; p=foo; rua=https://example.com/r"), true, N, N, N, "p" },
	{ "DMARC-23 sp wrong with rua", TF_LIT("v=DMARC1; p=reject; sp=foo; rua=mailto:a@example.com"), true, N, N, N, "sp" },
	{ "4.10.1 sp wrong without rua", TF_LIT("v=DMARC1; p=reject; sp=foo"), true, U, U, U, "sp" },
	{ "4.10.1 np wrong with rua", TF_LIT("v=DMARC1; p=reject; np=; rua=mailto:a@example.com"), true, N, N, N, "np" },
	{ "4.10.1 np wrong without rua", TF_LIT("v=DMARC1; p=reject; np=never"), true, U, U, U, "np" },
	{ "D14 a prefix is no keyword", TF_LIT("v=DMARC1; p=r"), true, U, U, U, "p" },
	{ "a longer word is no keyword", TF_LIT("v=DMARC1; p=rejected"), true, U, U, U, "p" },
	{ "NUL in a value", TF_LIT("v=DMARC1; p=re\0ject"), true, U, U, U, "p" },
	{ "NUL behind a value", TF_LIT("v=DMARC1; p=reject\0"), true, U, U, U, "p" },
	{ "8-bit in a value", TF_LIT("v=DMARC1; p=reject; rua=mailto:\xff@example.com"), true, R, R, R, "rua" },
	{ "comma for a semicolon", TF_LIT("v=DMARC1; p=reject, sp=none"), true, U, U, U, "p" },
	{ "p without a value", TF_LIT("v=DMARC1; p; sp=none"), true, U, U, U, "p" },
	{ "D14 unknown tag", TF_LIT("v=DMARC1; foo=bar; p=reject"), true, R, R, R, "" },
	{ "an element that is no tag", TF_LIT("v=DMARC1; p=reject; !; x"), true, R, R, R, "syntax" },
	{ "a tag name that only begins as one", TF_LIT("v=DMARC1; pp=none; p=reject"), true, R, R, R, "" },
	{ "DMARC-44 the first p counts", TF_LIT("v=DMARC1; p=reject; p=none"), true, R, R, R, "p" },
	{ "the first p counts, be it wrong", TF_LIT("v=DMARC1; p=foo; P=reject"), true, U, U, U, "p" },
	{ "the version twice", TF_LIT("v=DMARC1; v=DMARC1; p=reject"), true, R, R, R, "" },
	{ "the first error is kept", TF_LIT("v=DMARC1; p=reject; t=x; fo=9"), true, R, R, R, "t" },
};
/* clang-format on */

static void
test_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct tf_dmarc_record rec;

		assert_num(r->what, tf_dmarc_record_parse(r->in, &rec), r->record);
		if (!r->record)
			continue;
		assert_num(r->what, tf_dmarc_record_policy(&rec, TF_APPLIES_OWN), r->own);
		assert_num(r->what, tf_dmarc_record_policy(&rec, TF_APPLIES_ABOVE), r->above);
		assert_num(
		    r->what, tf_dmarc_record_policy(&rec, TF_APPLIES_NOT_EXISTING), r->missing);
		assert_str(r->what, rec.bad, tf_str_from(r->bad));
		assert_str(r->what, rec.text, r->in);
	}
}

/* clang-format off */
static const struct tag_row {
	const char *what;
	struct tf_str in;
	bool testing, strict_dkim, strict_spf;
	enum tf_dmarc_psd psd;
	unsigned fo;
	const char *bad;
} tag_rows[] = {
	{ "defaults", TF_LIT("v=DMARC1; p=none"), false, false, false, TF_PSD_U, TF_FO_ALL, "" },
	{ "DMARC-15 t=y", TF_LIT("v=DMARC1; p=none; t=y"), true, false, false, TF_PSD_U, TF_FO_ALL, "" },
	{ "DMARC-15 t=Y", TF_LIT("v=DMARC1; p=none; T=Y"), true, false, false, TF_PSD_U, TF_FO_ALL, "" },
	{ "DMARC-15 t=n", TF_LIT("v=DMARC1; p=none; t=n"), false, false, false, TF_PSD_U, TF_FO_ALL, "" },
	{ "DMARC-15 t=x", TF_LIT("v=DMARC1; p=none; t=x"), false, false, false, TF_PSD_U, TF_FO_ALL, "t" },
	{ "t=yes", TF_LIT("v=DMARC1; p=none; t=yes"), false, false, false, TF_PSD_U, TF_FO_ALL, "t" },
	{ "4.7 adkim=s", TF_LIT("v=DMARC1; p=none; adkim=s"), false, true, false, TF_PSD_U, TF_FO_ALL, "" },
	{ "4.7 aspf=S adkim=r", TF_LIT("v=DMARC1; p=none; aspf=S; adkim=r"), false, false, true, TF_PSD_U, TF_FO_ALL, "" },
	{ "DMARC-24 adkim=x, fo=7, unknown tag", TF_LIT("v=DMARC1; p=reject; adkim=x; zzz=1; fo=7"), false, false, false, TF_PSD_U, TF_FO_ALL, "adkim" },
	{ "aspf=strict", TF_LIT("v=DMARC1; p=none; aspf=strict"), false, false, false, TF_PSD_U, TF_FO_ALL, "aspf" },
	{ "4.7 psd=y", TF_LIT("v=DMARC1; p=none; psd=y"), false, false, false, TF_PSD_Y, TF_FO_ALL, "" },
	{ "4.7 psd=N", TF_LIT("v=DMARC1; p=none; psd=N"), false, false, false, TF_PSD_N, TF_FO_ALL, "" },
	{ "4.7 psd=u", TF_LIT("v=DMARC1; p=none; psd=u"), false, false, false, TF_PSD_U, TF_FO_ALL, "" },
	{ "psd=1", TF_LIT("v=DMARC1; p=none; psd=1"), false, false, false, TF_PSD_U, TF_FO_ALL, "psd" },
	{ "4.7 fo", TF_LIT("v=DMARC1; p=none; fo=1:d:s"), false, false, false, TF_PSD_U, TF_FO_ANY | TF_FO_DKIM | TF_FO_SPF, "" },
	{ "4.7 fo with blanks and case", TF_LIT("v=DMARC1; p=none; fo=D : 0"), false, false, false, TF_PSD_U, TF_FO_DKIM | TF_FO_ALL, "" },
	{ "fo=0:1, the first counts", TF_LIT("v=DMARC1; p=none; fo=0:1"), false, false, false, TF_PSD_U, TF_FO_ALL, "fo" },
	{ "fo=1:0, the first counts", TF_LIT("v=DMARC1; p=none; fo=1:0"), false, false, false, TF_PSD_U, TF_FO_ANY, "fo" },
	{ "fo, the bad part is dropped", TF_LIT("v=DMARC1; p=none; fo=x:d"), false, false, false, TF_PSD_U, TF_FO_DKIM, "fo" },
	{ "fo twice the same", TF_LIT("v=DMARC1; p=none; fo=d:d"), false, false, false, TF_PSD_U, TF_FO_DKIM, "fo" },
	{ "fo empty", TF_LIT("v=DMARC1; p=none; fo="), false, false, false, TF_PSD_U, TF_FO_ALL, "fo" },
};
/* clang-format on */

static void
test_tags(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(tag_rows); i++) {
		const struct tag_row *r = &tag_rows[i];
		struct tf_dmarc_record rec;

		assert_num(r->what, tf_dmarc_record_parse(r->in, &rec), true);
		assert_num(r->what, rec.testing, r->testing);
		assert_num(r->what, rec.strict_dkim, r->strict_dkim);
		assert_num(r->what, rec.strict_spf, r->strict_spf);
		assert_num(r->what, rec.psd, r->psd);
		assert_num(r->what, rec.fo, r->fo);
		assert_str(r->what, rec.bad, tf_str_from(r->bad));
	}
}

static void
test_absent_or_bad(void **state)
{
	struct tf_dmarc_record rec;

	(void)state;
	assert_true(tf_dmarc_record_parse(TF_STR("v=DMARC1; sp=x; np=reject"), &rec));
	assert_false(rec.bad_p);
	assert_true(rec.bad_sp);
	assert_false(rec.bad_np);
	assert_int_equal(rec.p, U);
	assert_int_equal(rec.np, R);
	assert_true(tf_dmarc_record_parse(TF_STR("v=DMARC1; p=x; np=y"), &rec));
	assert_true(rec.bad_p);
	assert_false(rec.bad_sp);
	assert_true(rec.bad_np);
}

/* clang-format off */
static const struct uri_row {
	const char *what;
	struct tf_str in;
	const char *uris; /* joined by blanks */
} uri_rows[] = {
	{ "4.8 one", TF_LIT("mailto:a@example.com"), "mailto:a@example.com" },
	{ "4.8 two and blanks", TF_LIT("mailto:a@example.com , mailto:b@example.net"), "mailto:a@example.com mailto:b@example.net" },
	{ "DMARC-42 obsolete size", TF_LIT("mailto:a@example.com!10m"), "mailto:a@example.com" },
	{ "4.8 obsolete size without a unit", TF_LIT("mailto:a@example.com!5,mailto:b@example.net!50G"), "mailto:a@example.com mailto:b@example.net" },
	{ "a size that is none", TF_LIT("mailto:a@example.com!x"), "" },
	{ "a size of nothing", TF_LIT("mailto:a@example.com!"), "" },
	{ "two units", TF_LIT("mailto:a@example.com!10mk"), "" },
	{ "4.8 an encoded ! stays", TF_LIT("mailto:a%21b@example.com"), "mailto:a%21b@example.com" },
	{ "other schemes are URIs", TF_LIT("https://example.com/r"), "https://example.com/r" },
	{ "case is kept", TF_LIT("MAILTO:Reports@Example.com"), "MAILTO:Reports@Example.com" },
	{ "broken ones are skipped", TF_LIT("garbage,,mailto:a@example.com,:x,1x:y"), "mailto:a@example.com" },
	{ "3986 3.1 scheme", TF_LIT("a+b-c.1:x"), "a+b-c.1:x" },
	{ "3986 2.1 broken encoding", TF_LIT("mailto:a%2@example.com, mailto:a%2g@example.com"), "" },
	{ "blank inside", TF_LIT("mailto:a b@example.com"), "" },
	{ "mailto without an address", TF_LIT("mailto:, mailto:a, mailto:@a, mailto:a@, mailto:a@?x=@b"), "" },
	{ "mailto with a question", TF_LIT("mailto:a@example.com?subject=x"), "mailto:a@example.com?subject=x" },
	{ "a bare address is no URI", TF_LIT("a@example.com"), "" },
	{ "empty", TF_LIT(""), "" },
};
/* clang-format on */

static void
test_uris(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(uri_rows); i++) {
		struct tf_str rest = uri_rows[i].in, uri;
		struct tf_buf b;

		tf_buf_init_arena(&b, a, 1000);
		while (tf_dmarc_uri_next(&rest, &uri)) {
			if (b.len != 0)
				tf_buf_byte(&b, ' ');
			tf_buf_str(&b, uri);
		}
		assert_str(uri_rows[i].what, tf_buf_get(&b), tf_str_from(uri_rows[i].uris));
	}
	tf_arena_free(a);
}

static void
test_report_addresses(void **state)
{
	struct tf_dmarc_record rec;

	(void)state;
	assert_true(tf_dmarc_record_parse(
	    TF_STR("v=DMARC1; rua=mailto:A@x.example!1k,junk; ruf=mailto:b@x.example"), &rec));
	assert_str("as published", rec.rua, TF_STR("mailto:A@x.example!1k,junk"));
	assert_str("as published", rec.ruf, TF_STR("mailto:b@x.example"));
	assert_true(tf_dmarc_record_parse(TF_STR("v=DMARC1; p=none; rua=mailto:a@b.c,\xff"), &rec));
	assert_str("a byte that no value has", rec.rua, TF_STR(""));
	assert_true(tf_dmarc_record_parse(TF_STR("v=DMARC1; p=none; rua=x; ruf=y"), &rec));
	assert_str("broken", rec.rua, TF_STR(""));
	assert_str("broken", rec.ruf, TF_STR(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_absent_or_bad),
		cmocka_unit_test(test_uris),
		cmocka_unit_test(test_report_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
