/*
 * test_arc_set.c - ARC fields as a chain of sets, before anything is verified
 */
#include "policy/arc_set.h"
#include "tests/unit/test.h"

#define NOW 1700000000
#define SKEW 300

#define AAR(i) "ARC-Authentication-Results: i=" i "; mx.example.org; spf=pass\n"
#define AMS_TAGS "a=rsa-sha256; d=lists.example; s=s1; h=From; bh=AAAA; b=BBBB"
#define AMS(i) "ARC-Message-Signature: i=" i "; " AMS_TAGS "\n"
#define AS_TAGS "a=rsa-sha256; d=lists.example; s=s1; b=BBBB"
#define AS(i, cv) "ARC-Seal: i=" i "; cv=" cv "; " AS_TAGS "\n"
#define SET(i, cv) AS(i, cv) AMS(i) AAR(i)
#define SET1 SET("1", "none")
#define SET2 SET("2", "pass")
#define MESSAGE(tags) AS("1", "none") "ARC-Message-Signature: " tags "\n" AAR("1")
#define SEAL(tags) "ARC-Seal: " tags "\n" AMS("1") AAR("1")
#define RESULTS(value) AS("1", "none") AMS("1") "ARC-Authentication-Results:" value "\n"

/* clang-format off */
static const struct row {
	const char *what, *header;
	enum tf_code code;
	const char *reason;
	uint32_t instances, failed;
} rows[] = {
	{ "ARC-1 no ARC field", "From: a@example.com\nARC: x\nARC-Sealed: i=1\nDKIM-Signature: x\n", TF_NONE, "", 0, 0 },
	{ "one set", SET1, TF_PASS, "", 1, 0 },
	{ "two sets", SET2 SET1, TF_PASS, "", 2, 0 },
	{ "ARC-22 any order", AAR("2") AS("1", "none") AMS("2") AMS("1") AAR("1") AS("2", "pass"), TF_PASS, "", 2, 0 },
	{ "ARC-21 names in any case", "aRC-SEAL: i=1; cv=none; " AS_TAGS "\n" AMS("1") AAR("1"), TF_PASS, "", 1, 0 },
	{ "ARC-21 folds and blanks", "ARC-Seal : i = 1 ;\n\tcv =\n none;" AS_TAGS "\n" AMS("1") AAR("1"), TF_PASS, "", 1, 0 },

	{ "ARC-6 no AAR", AS("1", "none") AMS("1"), TF_FAIL, "ARC-Authentication-Results of set 1: there is none", 1, 1 },
	{ "ARC-6 no AMS", AS("1", "none") AAR("1"), TF_FAIL, "ARC-Message-Signature of set 1: there is none", 1, 1 },
	{ "ARC-6 no AS", AMS("1") AAR("1"), TF_FAIL, "ARC-Seal of set 1: there is none", 0, 1 },
	{ "ARC-6 no AAR of the second", AS("2", "pass") AMS("2") SET1, TF_FAIL, "ARC-Authentication-Results of set 2: there is none", 2, 2 },
	{ "ARC-6 no AMS of the first", SET2 AS("1", "none") AAR("1"), TF_FAIL, "ARC-Message-Signature of set 1: there is none", 2, 1 },
	{ "ARC-6 AAR alone", AAR("1"), TF_FAIL, "ARC-Message-Signature of set 1: there is none", 0, 1 },
	{ "D9 two AAR", AAR("1") SET1, TF_FAIL, "ARC-Authentication-Results of set 1: there are two", 1, 1 },
	{ "D9 two AMS", SET1 AMS("1"), TF_FAIL, "ARC-Message-Signature of set 1: there are two", 1, 1 },
	{ "D9 two AS", AS("1", "none") SET1, TF_FAIL, "ARC-Seal of set 1: there are two", 1, 1 },
	{ "ARC-6 01 is 1 again", SET1 SET("01", "none"), TF_FAIL, "ARC-Seal of set 1: there are two", 1, 1 },
	{ "D9 a gap", SET("3", "pass") SET1, TF_FAIL, "ARC-Authentication-Results of set 2: there is none", 3, 2 },
	{ "ARC-6 starts at 2", SET2, TF_FAIL, "ARC-Authentication-Results of set 1: there is none", 2, 1 },

	{ "4.2.1 two digits", SET("01", "none"), TF_PASS, "", 1, 0 },
	{ "ARC-7 no i= in AS", SEAL("cv=none; " AS_TAGS), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-7 i= empty", AS("", "none") AMS("1") AAR("1"), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-7 i=0", AS("0", "none") AMS("1") AAR("1"), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-7 i=a", AS("a", "none") AMS("1") AAR("1"), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "D9 i=51", SET("51", "none"), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-7 i=-1", AS("-1", "none") AMS("1") AAR("1"), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-7 i=1.0", AS("1.0", "none") AMS("1") AAR("1"), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-7 i=001", AS("001", "none") AMS("1") AAR("1"), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-7 AMS i=1.0", AS("1", "none") AMS("1.0") AAR("1"), TF_FAIL, "ARC-Message-Signature without a usable i=", 1, 0 },
	{ "ARC-7 no i= in AMS", MESSAGE(AMS_TAGS), TF_FAIL, "ARC-Message-Signature without a usable i=", 1, 0 },
	{ "ARC-7 AAR i=0", AS("1", "none") AMS("1") AAR("0"), TF_FAIL, "ARC-Authentication-Results without a usable i=", 1, 0 },
	{ "ARC-7 AAR i=51", AS("1", "none") AMS("1") AAR("51"), TF_FAIL, "ARC-Authentication-Results without a usable i=", 1, 0 },
	{ "ARC-7 AAR i=a", AS("1", "none") AMS("1") AAR("a"), TF_FAIL, "ARC-Authentication-Results without a usable i=", 1, 0 },
	{ "ARC-7 AAR i=-1", AS("1", "none") AMS("1") AAR("-1"), TF_FAIL, "ARC-Authentication-Results without a usable i=", 1, 0 },
	{ "ARC-7 AAR i=1.0", AS("1", "none") AMS("1") AAR("1.0"), TF_FAIL, "ARC-Authentication-Results without a usable i=", 1, 0 },
	{ "ARC-23 AAR i= behind the id", RESULTS(" mx.example.org; i=1; spf=pass"), TF_FAIL, "ARC-Authentication-Results without a usable i=", 1, 0 },
	{ "ARC-23 AAR without ;", RESULTS(" i=1"), TF_FAIL, "ARC-Authentication-Results without a usable i=", 1, 0 },
	{ "ARC-23 AAR I=1", RESULTS(" I=1; mx.example.org; spf=pass"), TF_FAIL, "ARC-Authentication-Results without a usable i=", 1, 0 },
	{ "4.1.1 comments in an AAR", RESULTS(" (a) i (b) = (c) 1 (d) ; mx.example.org; spf=pass"), TF_PASS, "", 1, 0 },
	{ "ARC-23 nothing behind the instance", RESULTS("i=1;"), TF_PASS, "", 1, 0 },

	{ "D9 cv=pass at i=1", SET("1", "pass"), TF_FAIL, "ARC-Seal of set 1: cv= of the first set is not none", 1, 1 },
	{ "ARC-9 cv=none at i=2", SET("2", "none") SET1, TF_FAIL, "ARC-Seal of set 2: cv= is not pass", 2, 2 },
	{ "ARC-9 cv=fail at i=1 of 2", SET2 SET("1", "fail"), TF_FAIL, "ARC-Seal of set 1: cv= of the first set is not none", 2, 1 },
	{ "ARC-9 newest cv=fail", SET("2", "fail") SET1, TF_FAIL, "ARC-Seal of set 2: cv=fail, the chain was broken before", 2, 2 },
	{ "ARC-9 newest cv=fail, whatever else is wrong", AS("2", "fail") AMS("0"), TF_FAIL, "ARC-Seal of set 2: cv=fail, the chain was broken before", 2, 2 },
	{ "ARC-9 no cv=", SEAL("i=1; " AS_TAGS), TF_FAIL, "ARC-Seal of set 1: cv= is missing", 1, 1 },
	{ "ARC-9 cv= empty", SET("1", ""), TF_FAIL, "ARC-Seal of set 1: cv= is neither none, pass nor fail", 1, 1 },
	{ "ARC-9 cv=Foo", SET("1", "Foo"), TF_FAIL, "ARC-Seal of set 1: cv= is neither none, pass nor fail", 1, 1 },
	{ "ARC-9 cv=NONE, cv=Pass: ABNF has no case", SET("2", "Pass") SET("1", "NONE"), TF_PASS, "", 2, 0 },

	{ "ARC-10 h= in a seal", SEAL("i=1; cv=none; h=From; " AS_TAGS), TF_FAIL, "ARC-Seal of set 1: a seal has no h=", 1, 1 },
	{ "ARC-10 unknown tag, and c=", SEAL("i=1; cv=none; w=1; c=simple; " AS_TAGS), TF_PASS, "", 1, 0 },
	{ "ARC-11 duplicate tag in AS", SEAL("i=1; cv=none; cv=none; " AS_TAGS), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-11 duplicate tag in AMS", MESSAGE("i=1; i=1; " AMS_TAGS), TF_FAIL, "ARC-Message-Signature without a usable i=", 1, 0 },
	{ "ARC-11 A=", SEAL("i=1; cv=none; A=rsa-sha256; d=lists.example; s=s1; b=BBBB"), TF_FAIL, "ARC-Seal of set 1: a= is missing", 1, 1 },
	{ "ARC-12 last ;", SEAL("i=1; cv=none; " AS_TAGS " ; "), TF_PASS, "", 1, 0 },
	{ "ARC-12 ;;", SEAL("i=1;; cv=none; " AS_TAGS), TF_FAIL, "ARC-Seal without a usable i=", 0, 0 },
	{ "ARC-13 no h= in AMS", MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=s1; bh=AAAA; b=BBBB"), TF_FAIL, "ARC-Message-Signature of set 1: h= is missing", 1, 1 },
	{ "ARC-13 c= empty", MESSAGE("i=1; c=; " AMS_TAGS), TF_FAIL, "ARC-Message-Signature of set 1: canonicalization is unknown", 1, 1 },
	{ "ARC-13 c=foo/bar", MESSAGE("i=1; c=foo/bar; " AMS_TAGS), TF_FAIL, "ARC-Message-Signature of set 1: canonicalization is unknown", 1, 1 },
	{ "ARC-14 h= names ARC-Seal", MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=s1; h=From:arc-seal; bh=AAAA; b=BBBB"), TF_FAIL, "ARC-Message-Signature of set 1: h= names ARC-Seal", 1, 1 },
	{ "ARC-14 h= names an AMS", MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=s1; h=From:ARC-Message-Signature; bh=AAAA; b=BBBB"), TF_PASS, "", 1, 0 },
	{ "ARC-15 h= empty", MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=s1; h=; bh=AAAA; b=BBBB"), TF_FAIL, "ARC-Message-Signature of set 1: h= is not a list of field names", 1, 1 },
	{ "ARC-15 h= without From", MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=s1; h=To; bh=AAAA; b=BBBB"), TF_FAIL, "ARC-Message-Signature of set 1: From is not signed", 1, 1 },
	{ "ARC-16 rsa-sha1", SEAL("i=1; cv=none; a=rsa-sha1; d=lists.example; s=s1; b=BBBB"), TF_FAIL, "ARC-Seal of set 1: rsa-sha1 is not accepted", 1, 1 },
	{ "ARC-16 a=foo in AMS", MESSAGE("i=1; a=foo; d=lists.example; s=s1; h=From; bh=AAAA; b=BBBB"), TF_FAIL, "ARC-Message-Signature of set 1: algorithm is unknown", 1, 1 },
	{ "ARC-17 no d=", SEAL("i=1; cv=none; a=rsa-sha256; s=s1; b=BBBB"), TF_FAIL, "ARC-Seal of set 1: d= is missing", 1, 1 },
	{ "ARC-17 d= empty", SEAL("i=1; cv=none; a=rsa-sha256; d=; s=s1; b=BBBB"), TF_FAIL, "ARC-Seal of set 1: d= is not a domain name", 1, 1 },
	{ "ARC-17 bad d=", SEAL("i=1; cv=none; a=rsa-sha256; d=a..b; s=s1; b=BBBB"), TF_FAIL, "ARC-Seal of set 1: d= is not a domain name", 1, 1 },
	{ "ARC-17 no s=", SEAL("i=1; cv=none; a=rsa-sha256; d=lists.example; b=BBBB"), TF_FAIL, "ARC-Seal of set 1: s= is missing", 1, 1 },
	{ "ARC-17 s= empty", MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=; h=From; bh=AAAA; b=BBBB"), TF_FAIL, "ARC-Message-Signature of set 1: s= is not a selector", 1, 1 },
	{ "ARC-17 different d= and s=", MESSAGE("i=1; a=rsa-sha256; d=other.example; s=s2; h=From; bh=AAAA; b=BBBB"), TF_PASS, "", 1, 0 },
	{ "ARC-18 no bh=", MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=s1; h=From; b=BBBB"), TF_FAIL, "ARC-Message-Signature of set 1: bh= is missing", 1, 1 },
	{ "ARC-18 bh= not base64", MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=s1; h=From; bh=A*A; b=BBBB"), TF_FAIL, "ARC-Message-Signature of set 1: bh= is not base64", 1, 1 },
	{ "ARC-18 no b=", SEAL("i=1; cv=none; a=rsa-sha256; d=lists.example; s=s1"), TF_FAIL, "ARC-Seal of set 1: b= is missing", 1, 1 },
	{ "ARC-18 b= empty", SEAL("i=1; cv=none; a=rsa-sha256; d=lists.example; s=s1; b="), TF_FAIL, "ARC-Seal of set 1: b= is not base64", 1, 1 },
	{ "ARC-18 b= folded", SEAL("i=1; cv=none; a=rsa-sha256; d=lists.example; s=s1; b=BB\n BB"), TF_PASS, "", 1, 0 },
	{ "ARC-19 t= in AS", SEAL("i=1; cv=none; t=1; " AS_TAGS), TF_PASS, "", 1, 0 },
	{ "ARC-19 t= empty", SEAL("i=1; cv=none; t=; " AS_TAGS), TF_FAIL, "ARC-Seal of set 1: t= is not a time", 1, 1 },
	{ "ARC-19 t=x in AMS", MESSAGE("i=1; t=x; " AMS_TAGS), TF_FAIL, "ARC-Message-Signature of set 1: t= is not a time", 1, 1 },
	{ "ARC-19 t= from the future: the clock is not asked", MESSAGE("i=1; t=1900000000; " AMS_TAGS), TF_PASS, "", 1, 0 },
	{ "4.1.2 x= in the past", MESSAGE("i=1; x=1600000000; " AMS_TAGS), TF_FAIL, "ARC-Message-Signature of set 1: signature has expired", 1, 1 },
	{ "4.1.2 v= is not looked at", MESSAGE("i=1; v=2; " AMS_TAGS), TF_PASS, "", 1, 0 },
	{ "an older AMS that expired breaks nothing", SET2 MESSAGE("i=1; x=1600000000; " AMS_TAGS), TF_PASS, "", 2, 0 },
	{ "an older AMS without h=", SET2 MESSAGE("i=1; a=rsa-sha256; d=lists.example; s=s1; bh=AAAA; b=BBBB"), TF_PASS, "", 2, 0 },
	{ "an older seal that is malformed", SET2 SEAL("i=1; cv=none; d=lists.example; s=s1; b=BBBB"), TF_FAIL, "ARC-Seal of set 1: a= is missing", 2, 1 },
};
/* clang-format on */

static const struct tf_header_limits no_limits = { 100000, (uint64_t)64 << 20 };

/* "Name:value" lines with folds, each ended by LF. */
static void
add_fields(struct tf_header_block *hb, struct tf_str text)
{
	while (text.len != 0) {
		size_t end = tf_str_find(text, '\n'), colon = tf_str_find(text, ':');

		while (end + 1 < text.len && tf_is_wsp(text.ptr[end + 1]))
			end += 1 + tf_str_find(tf_str_sub(text, end + 1, text.len), '\n');
		assert_true(colon < end);
		assert_true(tf_header_block_add(
		    hb, tf_str_sub(text, 0, colon), tf_str_sub(text, colon + 1, end - colon - 1)));
		text = tf_str_sub(text, end + 1, text.len);
	}
}

static void
test_structure(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_header_block hb;
		struct tf_arc_chain chain;

		tf_header_block_init(&hb, a, &no_limits);
		add_fields(&hb, tf_str_from(rows[i].header));
		tf_arc_chain_read(&hb, NOW, SKEW, a, &chain);
		assert_str(rows[i].what, chain.reason, tf_str_from(rows[i].reason));
		assert_num(rows[i].what, chain.code, rows[i].code);
		assert_num(rows[i].what, chain.instances, rows[i].instances);
		assert_num(rows[i].what, chain.failed_instance, rows[i].failed);
		tf_arena_free(a);
	}
}

/* What was read of each set. */
static void
test_meaning(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;
	struct tf_arc_chain chain;

	(void)state;
	tf_header_block_init(&hb, a, &no_limits);
	add_fields(&hb,
	    TF_STR("From: a@example.com\n"
		   "ARC-Seal: i=2; cv=pass; a=ed25519-sha256; d=Lists.EXAMPLE; s=x; b=BBBB\n" AMS(
		       "2") AAR("2") SET1));
	tf_arc_chain_read(&hb, NOW, SKEW, a, &chain);
	assert_int_equal(chain.code, TF_PASS);
	assert_str("sealer", chain.sealer, TF_STR("lists.example"));
	assert_int_equal(chain.sets[1].seal, 1);
	assert_int_equal(chain.sets[1].message, 2);
	assert_int_equal(chain.sets[1].results, 3);
	assert_int_equal(chain.sets[0].seal, 4);
	assert_int_equal(chain.sets[1].seal_sig.key_type, TF_KEY_ED25519);
	assert_str("key", chain.sets[1].seal_sig.key_name, TF_STR("x._domainkey.lists.example"));
	assert_true(chain.sets[0].seal_sig.header_relaxed);
	assert_false(chain.sets[0].message_sig.header_relaxed);
	assert_str("payload", chain.sets[0].payload, TF_STR(" mx.example.org; spf=pass"));
	tf_arena_free(a);
}

static void
add_sets(struct tf_header_block *hb, struct tf_arena *a, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i <= to; i++)
		add_fields(hb,
		    tf_arena_printf(a,
			"ARC-Seal: i=%u; cv=%s; " AS_TAGS "\nARC-Message-Signature: i=%u; " AMS_TAGS
			"\nARC-Authentication-Results: i=%u; x; none\n",
			i, i == 1 ? "none" : "pass", i, i));
}

static void
test_limits(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block hb;
	struct tf_arc_chain chain;

	(void)state;
	tf_header_block_init(&hb, a, &no_limits);
	add_sets(&hb, a, 1, 50);
	tf_arc_chain_read(&hb, NOW, SKEW, a, &chain);
	assert_str("ARC-8 50 sets", chain.reason, TF_NONE_STR);
	assert_int_equal(chain.code, TF_PASS);
	assert_int_equal(chain.instances, 50);

	add_sets(&hb, a, 51, 51);
	tf_arc_chain_read(&hb, NOW, SKEW, a, &chain);
	assert_str("ARC-8 51 sets", chain.reason, TF_STR("more than 50 sets"));
	assert_int_equal(chain.code, TF_FAIL);
	assert_int_equal(chain.instances, 0);

	/* Nothing of 2000 fields is read. */
	tf_header_block_init(&hb, a, &no_limits);
	for (int i = 0; i < 2000; i++)
		add_fields(&hb, TF_STR("ARC-Seal: i=1; cv=none; " AS_TAGS "\n"));
	tf_arc_chain_read(&hb, NOW, SKEW, a, &chain);
	assert_str("2000 seals", chain.reason, TF_STR("more than 50 sets"));
	tf_arena_free(a);
}

static void
test_field_size(void **state)
{
	static const struct {
		const char *field, *reason;
	} fields[] = {
		{ "ARC-Seal: i=1; cv=none; " AS_TAGS "; z=", "ARC-Seal without a usable i=" },
		{ "ARC-Message-Signature: i=1; " AMS_TAGS "; z=",
		    "ARC-Message-Signature without a usable i=" },
		{ "ARC-Authentication-Results: i=1; x; spf=pass reason=",
		    "ARC-Authentication-Results without a usable i=" },
	};
	static const char *const others[] = { AMS("1") AAR("1"), AS("1", "none") AAR("1"),
		AS("1", "none") AMS("1") };

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_header_block hb;
		struct tf_arc_chain chain;
		struct tf_buf field;

		tf_buf_init_arena(&field, a, TF_DKIM_FIELD_MAX + 200);
		tf_buf_lit(&field, fields[i].field);
		while (field.len <= TF_DKIM_FIELD_MAX + tf_str_find(tf_buf_get(&field), ':') + 1)
			tf_buf_byte(&field, 'z');
		tf_buf_byte(&field, '\n');
		tf_header_block_init(&hb, a, &no_limits);
		add_fields(&hb, tf_buf_get(&field));
		add_fields(&hb, tf_str_from(others[i]));
		tf_arc_chain_read(&hb, NOW, SKEW, a, &chain);
		assert_int_equal(chain.code, TF_FAIL);
		assert_str("48 KiB", chain.reason, tf_str_from(fields[i].reason));
		tf_arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_field_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
