/*
 * test_dkim_sig.c - one DKIM-Signature field
 */
#include <string.h>

#include "policy/dkim_sig.h"
#include "policy/taglist.h"
#include "tests/unit/test.h"

#define NOW 1700000000
#define SKEW 300

#define VERSION "v=1; "
#define ALGORITHM "a=rsa-sha256; "
#define PLACE "d=example.com; s=s1; "
#define NAMES "h=From:To; "
#define HASHES "bh=AAAA; b=BBBB"
#define BASE VERSION ALGORITHM PLACE NAMES HASHES
#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"
#define D200 L63 "." L63 "." L63 ".example"
#define Z76 "0000000000000000000000000000000000000000000000000000000000000000000000000000"

/* clang-format off */
static const struct row {
	const char *what;
	struct tf_str in;
	enum tf_code code;
	const char *reason;
} rows[] = {
	{ "6376 3.5 the required tags", TF_LIT(BASE), TF_NONE, "" },
	{ "6376 3.5 a last semicolon", TF_LIT(BASE ";"), TF_NONE, "" },
	{ "6376 3.5 folds", TF_LIT(" v=1;\r\n\ta=rsa-sha256; d=example.com; s=s1;\r\n h=From : To :\r\n Date; bh=AA\r\n AA; b=\r\n BB\r\n BB"), TF_NONE, "" },
	{ "DKIM-25 unknown tag", TF_LIT(BASE "; foo=bar"), TF_NONE, "" },
	{ "6376 3.5 z= is not looked at", TF_LIT(BASE "; z=From:x=20|To:;q=dns/txt"), TF_NONE, "" },

	{ "DKIM-12 syntax", TF_LIT(BASE ";; x"), TF_NEUTRAL, "a tag name is missing" },
	{ "DKIM-12 duplicate tag", TF_LIT(BASE "; d=example.org"), TF_NEUTRAL, "a tag stands twice" },
	{ "DKIM-12 name with -", TF_LIT(BASE "; a-b=1"), TF_NEUTRAL, "a tag has no =" },
	{ "empty field", TF_LIT(""), TF_NEUTRAL, "no tags" },

	{ "DKIM-12 v=2", TF_LIT("v=2; " ALGORITHM PLACE NAMES HASHES), TF_NEUTRAL, "version is unknown" },
	{ "v=01", TF_LIT("v=01; " ALGORITHM PLACE NAMES HASHES), TF_NEUTRAL, "version is unknown" },
	{ "v=DKIM1", TF_LIT("v=DKIM1; " ALGORITHM PLACE NAMES HASHES), TF_NEUTRAL, "version is unknown" },
	{ "DKIM-12 no v=", TF_LIT(ALGORITHM PLACE NAMES HASHES), TF_PERMERROR, "v= is missing" },
	{ "no a=", TF_LIT(VERSION PLACE NAMES HASHES), TF_PERMERROR, "a= is missing" },
	{ "DKIM-12 no d=", TF_LIT(VERSION ALGORITHM "s=s1; " NAMES HASHES), TF_PERMERROR, "d= is missing" },
	{ "DKIM-12 no s=", TF_LIT(VERSION ALGORITHM "d=example.com; " NAMES HASHES), TF_PERMERROR, "s= is missing" },
	{ "DKIM-12 no h=", TF_LIT(VERSION ALGORITHM PLACE HASHES), TF_PERMERROR, "h= is missing" },
	{ "DKIM-12 no bh=", TF_LIT(VERSION ALGORITHM PLACE NAMES "b=BBBB"), TF_PERMERROR, "bh= is missing" },
	{ "no b=", TF_LIT(VERSION ALGORITHM PLACE NAMES "bh=AAAA"), TF_PERMERROR, "b= is missing" },

	{ "8463 3 ed25519", TF_LIT(VERSION "a=ed25519-sha256; " PLACE NAMES HASHES), TF_NONE, "" },
	{ "8301 3.1 rsa-sha1", TF_LIT(VERSION "a=rsa-sha1; " PLACE NAMES HASHES), TF_PERMERROR, "rsa-sha1 is not accepted" },
	{ "DKIM-32 rsa-sha512", TF_LIT(VERSION "a=rsa-sha512; " PLACE NAMES HASHES), TF_NEUTRAL, "algorithm is unknown" },
	{ "6376 3.2 values are case-sensitive", TF_LIT(VERSION "a=RSA-SHA256; " PLACE NAMES HASHES), TF_NEUTRAL, "algorithm is unknown" },
	{ "empty a=", TF_LIT(VERSION "a=; " PLACE NAMES HASHES), TF_NEUTRAL, "algorithm is unknown" },

	{ "6376 3.5 upper case", TF_LIT(VERSION ALGORITHM "d=Example.COM; s=S1; " NAMES HASHES), TF_NONE, "" },
	{ "E12 underscores", TF_LIT(VERSION ALGORITHM "d=_x.example.com; s=a_b; " NAMES HASHES), TF_NONE, "" },
	{ "6376 3.1 dots in a selector", TF_LIT(VERSION ALGORITHM "d=example.com; s=a.b.c; " NAMES HASHES), TF_NONE, "" },
	{ "8616 3 U-labels", TF_LIT(VERSION ALGORITHM "d=b\xc3\xbc" "cher.example; s=schl\xc3\xbcssel; " NAMES HASHES), TF_NONE, "" },
	{ "DKIM-13 d=com", TF_LIT(VERSION ALGORITHM "d=com; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "empty d=", TF_LIT(VERSION ALGORITHM "d=; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E6 quote in d=", TF_LIT(VERSION ALGORITHM "d=legit.com'a.attack.com; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E6 parenthesis in d=", TF_LIT(VERSION ALGORITHM "d=legit.com(.attack.com; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E6 quote and = in d=", TF_LIT(VERSION ALGORITHM "d=legit.com\"=(.attack.com; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E11 blank in d=", TF_LIT(VERSION ALGORITHM "d=example.com x.com; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E11 fold in d=", TF_LIT(VERSION ALGORITHM "d=example\r\n .com; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E11 trailing dot of d=", TF_LIT(VERSION ALGORITHM "d=example.com.; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E11 empty label in d=", TF_LIT(VERSION ALGORITHM "d=example..com; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E11 Latin-1 in d=", TF_LIT(VERSION ALGORITHM "d=ex\xe4mple.com; s=s1; " NAMES HASHES), TF_NEUTRAL, "a value is not UTF-8" },
	{ "E11 d= over 253", TF_LIT(VERSION ALGORITHM "d=" D200 "." L63 "; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "6376 3.5 address literal", TF_LIT(VERSION ALGORITHM "d=[192.0.2.1]; s=s1; " NAMES HASHES), TF_NEUTRAL, "d= is not a domain name" },
	{ "E5 NUL in s=", TF_LIT(VERSION ALGORITHM "d=legit.com; s=selector._domainkey.attack.com.\0.any; " NAMES HASHES), TF_NEUTRAL, "a value has a forbidden character" },
	{ "E11 ) in s=", TF_LIT(VERSION ALGORITHM "d=example.com; s=s1); " NAMES HASHES), TF_NEUTRAL, "s= is not a selector" },
	{ "E11 empty label in s=", TF_LIT(VERSION ALGORITHM "d=example.com; s=a..b; " NAMES HASHES), TF_NEUTRAL, "s= is not a selector" },
	{ "E11 trailing dot of s=", TF_LIT(VERSION ALGORITHM "d=example.com; s=s1.; " NAMES HASHES), TF_NEUTRAL, "s= is not a selector" },
	{ "empty s=", TF_LIT(VERSION ALGORITHM "d=example.com; s=; " NAMES HASHES), TF_NEUTRAL, "s= is not a selector" },
	{ "key name over 253", TF_LIT(VERSION ALGORITHM "d=" D200 "; s=" L63 "; " NAMES HASHES), TF_NEUTRAL, "name of the key is too long" },
	{ "E11 CR LF in s=", TF_LIT(VERSION ALGORITHM "d=example.com; s=s1\r\nX: y; " NAMES HASHES), TF_NEUTRAL, "a value has a forbidden character" },

	{ "DKIM-14 i= below d=", TF_LIT(BASE "; i=user@sub.example.com"), TF_NONE, "" },
	{ "DKIM-14 i= elsewhere", TF_LIT(BASE "; i=user@example.org"), TF_PERMERROR, "i= is not within d=" },
	{ "i= above d=", TF_LIT(BASE "; i=@com"), TF_PERMERROR, "i= is not within d=" },
	{ "i= ends like d=", TF_LIT(BASE "; i=@badexample.com"), TF_PERMERROR, "i= is not within d=" },
	{ "6376 3.5 quoted-printable", TF_LIT(BASE "; i=user=2Bx=40example.com"), TF_NONE, "" },
	{ "6376 3.5 quoted local part", TF_LIT(BASE "; i=\"a@b\"@example.com"), TF_NONE, "" },
	{ "6532 8-bit local part", TF_LIT(BASE "; i=\xc3\xbc@example.com"), TF_NONE, "" },
	{ "no @ in i=", TF_LIT(BASE "; i=example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "empty i=", TF_LIT(BASE "; i="), TF_NEUTRAL, "i= is not an identity" },
	{ "i= ends in =", TF_LIT(BASE "; i=@example.com="), TF_NEUTRAL, "i= is not an identity" },
	{ "i= ends in =4", TF_LIT(BASE "; i=@example.com=4"), TF_NEUTRAL, "i= is not an identity" },
	{ "6376 2.11 lower case hex", TF_LIT(BASE "; i=a=2bb@example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "E11 ) in i=", TF_LIT(BASE "; i=a)@example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "E11 coded CR LF in i=", TF_LIT(BASE "; i=a=0D=0AX@example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "E11 coded NUL in i=", TF_LIT(BASE "; i=a=00@example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "E11 coded Latin-1 in i=", TF_LIT(BASE "; i=a=E4@example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "E11 ; in i= begins a tag", TF_LIT(BASE "; i=a;b@example.com"), TF_NEUTRAL, "a tag has no =" },
	{ "E11 empty label in i=", TF_LIT(BASE "; i=@a..example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "E11 trailing dot of i=", TF_LIT(BASE "; i=@example.com."), TF_NEUTRAL, "i= is not an identity" },
	{ "E11 i= of 256", TF_LIT(BASE "; i=" L63 L63 L63 "0123456789012345678901234567890123456789012345678901234@example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "i= of 255", TF_LIT(BASE "; i=" L63 L63 L63 "012345678901234567890123456789012345678901234567890123@example.com"), TF_NONE, "" },
	{ "dots of a local part", TF_LIT(BASE "; i=a..b@example.com"), TF_NEUTRAL, "i= is not an identity" },
	{ "two local parts", TF_LIT(BASE "; i=a@b@example.com"), TF_NEUTRAL, "i= is not an identity" },

	{ "DKIM-6 c=relaxed", TF_LIT(BASE "; c=relaxed"), TF_NONE, "" },
	{ "DKIM-32 c=relaxed/foo", TF_LIT(BASE "; c=relaxed/foo"), TF_NEUTRAL, "canonicalization is unknown" },
	{ "c=relaxed/", TF_LIT(BASE "; c=relaxed/"), TF_NEUTRAL, "canonicalization is unknown" },
	{ "c=Relaxed", TF_LIT(BASE "; c=Relaxed"), TF_NEUTRAL, "canonicalization is unknown" },
	{ "c=simple/simple/simple", TF_LIT(BASE "; c=simple/simple/simple"), TF_NEUTRAL, "canonicalization is unknown" },
	{ "empty c=", TF_LIT(BASE "; c="), TF_NEUTRAL, "canonicalization is unknown" },

	{ "DKIM-32 q=dns/mx", TF_LIT(BASE "; q=dns/mx"), TF_NEUTRAL, "query method is unknown" },
	{ "6376 3.5 one known method is enough", TF_LIT(BASE "; q=http/x : dns/txt"), TF_NONE, "" },
	{ "q=dns", TF_LIT(BASE "; q=dns"), TF_NEUTRAL, "query method is unknown" },
	{ "empty q=", TF_LIT(BASE "; q="), TF_NEUTRAL, "query method is unknown" },

	{ "DKIM-13 h= without From", TF_LIT(VERSION ALGORITHM PLACE "h=To:Subject; " HASHES), TF_PERMERROR, "From is not signed" },
	{ "h= with From-x", TF_LIT(VERSION ALGORITHM PLACE "h=From-x; " HASHES), TF_PERMERROR, "From is not signed" },
	{ "6376 5.4 From in any case", TF_LIT(VERSION ALGORITHM PLACE "h=fROM; " HASHES), TF_NONE, "" },
	{ "empty h=", TF_LIT(VERSION ALGORITHM PLACE "h=; " HASHES), TF_NEUTRAL, "h= is not a list of field names" },
	{ "empty name in h=", TF_LIT(VERSION ALGORITHM PLACE "h=From::To; " HASHES), TF_NEUTRAL, "h= is not a list of field names" },
	{ "colon at the end of h=", TF_LIT(VERSION ALGORITHM PLACE "h=From:; " HASHES), TF_NEUTRAL, "h= is not a list of field names" },
	{ "blank in a name of h=", TF_LIT(VERSION ALGORITHM PLACE "h=From:x guard; " HASHES), TF_NEUTRAL, "h= is not a list of field names" },
	{ "8-bit name in h=", TF_LIT(VERSION ALGORITHM PLACE "h=From:\xc3\xbc; " HASHES), TF_NEUTRAL, "h= is not a list of field names" },

	{ "DKIM-12 b= is not base64", TF_LIT(VERSION ALGORITHM PLACE NAMES "bh=AAAA; b=!!!!"), TF_NEUTRAL, "b= is not base64" },
	{ "empty b=", TF_LIT(VERSION ALGORITHM PLACE NAMES "bh=AAAA; b="), TF_NEUTRAL, "b= is not base64" },
	{ "b= of one character", TF_LIT(VERSION ALGORITHM PLACE NAMES "bh=AAAA; b=A"), TF_NEUTRAL, "b= is not base64" },
	{ "bh= is not base64", TF_LIT(VERSION ALGORITHM PLACE NAMES "bh=A-A_; b=BBBB"), TF_NEUTRAL, "bh= is not base64" },
	{ "empty bh=", TF_LIT(VERSION ALGORITHM PLACE NAMES "bh=; b=BBBB"), TF_NEUTRAL, "bh= is not base64" },

	{ "6376 3.5 l=", TF_LIT(BASE "; l=0"), TF_NONE, "" },
	{ "6376 3.5 76 digits", TF_LIT(BASE "; l=" Z76), TF_NONE, "" },
	{ "77 digits", TF_LIT(BASE "; l=0" Z76), TF_NEUTRAL, "l= is not a number" },
	{ "DKIM-20 l= overflows", TF_LIT(BASE "; l=99999999999999999999"), TF_PERMERROR, "l= exceeds the body" },
	{ "l= of 2^64-2", TF_LIT(BASE "; l=18446744073709551614"), TF_PERMERROR, "l= exceeds the body" },
	{ "l=+5", TF_LIT(BASE "; l=+5"), TF_NEUTRAL, "l= is not a number" },
	{ "l=-1", TF_LIT(BASE "; l=-1"), TF_NEUTRAL, "l= is not a number" },
	{ "empty l=", TF_LIT(BASE "; l="), TF_NEUTRAL, "l= is not a number" },
	{ "l=5 5", TF_LIT(BASE "; l=5 5"), TF_NEUTRAL, "l= is not a number" },

	{ "DKIM-19 t= 60 s ahead", TF_LIT(BASE "; t=1700000060"), TF_NONE, "" },
	{ "t= at the edge of the skew", TF_LIT(BASE "; t=1700000300"), TF_NONE, "" },
	{ "t= beyond the skew", TF_LIT(BASE "; t=1700000301"), TF_FAIL, "signature is from the future" },
	{ "DKIM-19 t= an hour ahead", TF_LIT(BASE "; t=1700003600"), TF_FAIL, "signature is from the future" },
	{ "6376 3.5 t= of 13 digits is infinite", TF_LIT(BASE "; t=0000000000001"), TF_FAIL, "signature is from the future" },
	{ "D3 old t=", TF_LIT(BASE "; t=1100000000"), TF_NONE, "" },
	{ "t=x", TF_LIT(BASE "; t=x"), TF_NEUTRAL, "t= is not a time" },
	{ "empty t=", TF_LIT(BASE "; t="), TF_NEUTRAL, "t= is not a time" },
	{ "x= ahead", TF_LIT(BASE "; t=1699999999; x=1700000001"), TF_NONE, "" },
	{ "x= within the skew", TF_LIT(BASE "; x=1699999700"), TF_NONE, "" },
	{ "DKIM-19 x= beyond the skew", TF_LIT(BASE "; x=1699999699"), TF_FAIL, "signature has expired" },
	{ "DKIM-19 x= before t=", TF_LIT(BASE "; t=1699999999; x=1699999998"), TF_PERMERROR, "x= is not after t=" },
	{ "x= equal to t=", TF_LIT(BASE "; t=1699999999; x=1699999999"), TF_PERMERROR, "x= is not after t=" },
	{ "DKIM-19 x= of 13 digits never comes", TF_LIT(BASE "; t=1699999999; x=9999999999999"), TF_NONE, "" },
	{ "x=-1", TF_LIT(BASE "; x=-1"), TF_NEUTRAL, "x= is not a time" },

	{ "the first finding decides", TF_LIT("v=2; a=x; c=y; " PLACE NAMES HASHES), TF_NEUTRAL, "version is unknown" },
};
/* clang-format on */

static void
test_judgement(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_dkim_sig sig;

		tf_dkim_sig_parse(rows[i].in, NOW, SKEW, a, &sig);
		assert_str(rows[i].what, tf_str_from(tf_code_name(sig.code)),
		    tf_str_from(tf_code_name(rows[i].code)));
		assert_str(rows[i].what, sig.reason, tf_str_from(rows[i].reason));
	}
	tf_arena_free(a);
}

/* What is reported: readable values only, in a safe form. */
static void
test_values(void **state)
{
	static const struct {
		const char *what;
		struct tf_str in;
		const char *domain, *selector, *identity, *algorithm, *b;
	} values[] = {
		{ "all",
		    TF_LIT(VERSION ALGORITHM "d=Sub.Example.COM; s=S.1; " NAMES
					     "bh=AAAA; b= AB\r\n CD ; i=u=40sub.example.com"),
		    "sub.example.com", "s.1", "u=40sub.example.com", "rsa-sha256", "ABCD" },
		{ "no i=", TF_LIT(BASE), "example.com", "s1", "@example.com", "rsa-sha256",
		    "BBBB" },
		{ "8616",
		    TF_LIT(VERSION ALGORITHM "d=b\xc3\xbc"
					     "cher.example; s=\xc3\xbc; " NAMES HASHES),
		    "xn--bcher-kva.example", "xn--tda", "@xn--bcher-kva.example", "rsa-sha256",
		    "BBBB" },
		{ "E6", TF_LIT(VERSION ALGORITHM "d=a'b.com; s=s(1; i=x; " NAMES HASHES), "", "",
		    "", "rsa-sha256", "BBBB" },
		{ "bad i=", TF_LIT(BASE "; i=x"), "example.com", "s1", "@example.com", "rsa-sha256",
		    "BBBB" },
		{ "bad a= and b=", TF_LIT(VERSION "a=x(y); " PLACE NAMES "bh=AAAA; b=A)A"),
		    "example.com", "s1", "@example.com", "", "" },
		{ "syntax", TF_LIT(BASE "; ="), "", "", "", "", "" },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(values); i++) {
		struct tf_dkim_sig sig;

		tf_dkim_sig_parse(values[i].in, NOW, SKEW, a, &sig);
		assert_str(values[i].what, sig.domain, tf_str_from(values[i].domain));
		assert_str(values[i].what, sig.selector, tf_str_from(values[i].selector));
		assert_str(values[i].what, sig.identity, tf_str_from(values[i].identity));
		assert_str(values[i].what, sig.algorithm, tf_str_from(values[i].algorithm));
		assert_str(values[i].what, sig.b, tf_str_from(values[i].b));
	}
	tf_arena_free(a);
}

static void
test_meaning(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_dkim_sig sig;

	(void)state;
	tf_dkim_sig_parse(
	    TF_STR(BASE "; c=simple/relaxed; l=007; i=@a.example.com; t=5; x=6"), 6, 0, a, &sig);
	assert_int_equal(sig.code, TF_NONE);
	assert_str("key", sig.key_name, TF_STR("s1._domainkey.example.com"));
	assert_str("b", sig.signature, TF_STR("\x04\x10\x41"));
	assert_str("bh", sig.body_hash, TF_STR("\0\0\0"));
	assert_int_equal(sig.key_type, TF_KEY_RSA);
	assert_false(sig.header_relaxed);
	assert_true(sig.body_relaxed);
	assert_true(sig.limited);
	assert_int_equal(sig.limit, 7);
	assert_false(sig.exact_domain);
	assert_true(sig.signed_at.given && sig.expires.given);
	assert_int_equal(sig.signed_at.s, 5);
	assert_int_equal(sig.expires.s, 6);

	tf_dkim_sig_parse(
	    TF_STR(VERSION "a=ed25519-sha256; " PLACE "h=from:to : FROM; c=relaxed; " HASHES), NOW,
	    SKEW, a, &sig);
	assert_int_equal(sig.code, TF_NONE);
	assert_int_equal(sig.key_type, TF_KEY_ED25519);
	assert_true(sig.header_relaxed);
	assert_false(sig.body_relaxed);
	assert_false(sig.limited);
	assert_true(sig.exact_domain);
	assert_false(sig.signed_at.given || sig.expires.given);
	assert_int_equal(tf_dkim_sig_covers(&sig, TF_STR("From")), 2);
	assert_int_equal(tf_dkim_sig_covers(&sig, TF_STR("Subject")), 0);

	tf_dkim_sig_parse(TF_STR(BASE "; x=9999999999999"), NOW, SKEW, a, &sig);
	assert_true(sig.expires.infinite);
	tf_arena_free(a);
}

static void
test_sizes(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_dkim_sig sig;
	struct tf_buf buf;

	(void)state;
	tf_buf_init_arena(&buf, a, 1 << 20);
	tf_buf_lit(&buf, VERSION ALGORITHM PLACE HASHES "; h=From");
	for (size_t i = 1; i < TF_DKIM_NAMES_MAX; i++)
		tf_buf_lit(&buf, ":x");
	tf_dkim_sig_parse(tf_buf_get(&buf), NOW, SKEW, a, &sig);
	assert_int_equal(sig.code, TF_NONE);
	tf_buf_lit(&buf, ":x");
	tf_dkim_sig_parse(tf_buf_get(&buf), NOW, SKEW, a, &sig);
	assert_str("500 names", sig.reason, TF_STR("h= has too many names"));

	tf_buf_clear(&buf);
	tf_buf_lit(&buf, BASE "; z=");
	while (buf.len < TF_DKIM_FIELD_MAX)
		tf_buf_byte(&buf, 'z');
	tf_dkim_sig_parse(tf_buf_get(&buf), NOW, SKEW, a, &sig);
	assert_int_equal(sig.code, TF_NONE);
	tf_buf_byte(&buf, 'z');
	tf_dkim_sig_parse(tf_buf_get(&buf), NOW, SKEW, a, &sig);
	assert_int_equal(sig.code, TF_PERMERROR);
	assert_str("48 KiB", sig.reason, TF_STR("signature field is too long"));

	tf_buf_clear(&buf);
	tf_buf_lit(&buf, BASE "; i=");
	for (size_t i = sizeof("@example.com") - 1; i < TF_DKIM_IDENTITY_MAX; i++)
		tf_buf_byte(&buf, 'x');
	tf_dkim_sig_parse(
	    tf_arena_printf(a, "%.*s@example.com", TF_PRI(tf_buf_get(&buf))), NOW, SKEW, a, &sig);
	assert_int_equal(sig.code, TF_NONE);
	tf_dkim_sig_parse(
	    tf_arena_printf(a, "%.*sx@example.com", TF_PRI(tf_buf_get(&buf))), NOW, SKEW, a, &sig);
	assert_str("i= of 256", sig.reason, TF_STR("i= is not an identity"));
	tf_arena_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judgement),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
