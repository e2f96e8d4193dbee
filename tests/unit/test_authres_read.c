/*
 * test_authres_read.c - which Authentication-Results are removed on arrival
 */
#include <string.h>

#include "tests/unit/test.h"
#include "truefrom/authres.h"

static const struct tf_str our_ids[] = { TF_LIT("mx.example.com"), TF_LIT("old.example.com."),
	TF_LIT("b\303\274cher.example"), TF_LIT("xn--mnchen-3ya.example"), TF_LIT("gate") };
static const struct tf_authres_ids ours = { our_ids, TF_ARRAY_LEN(our_ids) };

struct row {
	const char *what;
	struct tf_str value;
};

static void
check_rows(const struct row *rows, size_t count, bool forged)
{
	for (size_t i = 0; i < count; i++)
		assert_num(rows[i].what, tf_authres_is_forged(rows[i].value, &ours), forged);
}

static void
test_removed(void **state)
{
	static const struct row rows[] = {
		{ "AUTHRES-1 plain", TF_LIT(" mx.example.com; spf=pass") },
		{ "AUTHRES-1 other case, no result", TF_LIT("MX.Example.COM ;none") },
		{ "AUTHRES-1 comments and version",
		    TF_LIT(" (c) mx.example.com (foo (nested)) 1 (bar); dkim (c) / 1 = pass") },
		{ "AUTHRES-1 quoted", TF_LIT(" \"mx.example.com\"; dmarc=pass") },
		{ "AUTHRES-1 quoted pair", TF_LIT(" \"mx\\.example.com\"; dmarc=pass") },
		{ "AUTHRES-1 folded", TF_LIT("\r\n\tmx.example.com\r\n ; spf=pass") },
		{ "AUTHRES-1 folded, as milters have it",
		    TF_LIT("\n\tmx.example.com\n ; spf=pass") },
		{ "AUTHRES-1 version 1", TF_LIT(" mx.example.com 1; spf=pass") },
		{ "AUTHRES-1 trailing dot", TF_LIT(" mx.example.com. ; spf=pass") },
		{ "AUTHRES-1 no semicolon", TF_LIT(" mx.example.com spf=pass") },
		{ "AUTHRES-1 NUL behind", TF_LIT(" mx.example.com\0; spf=pass") },
		{ "AUTHRES-1 8-bit behind", TF_LIT(" mx.example.com\377; spf=pass") },
		{ "AUTHRES-1 UTF-8 letter behind", TF_LIT(" mx.example.com\303\274; spf=pass") },
		{ "no-break space behind", TF_LIT(" mx.example.com\302\240; spf=pass") },
		{ "zero width space before", TF_LIT(" \342\200\213mx.example.com; spf=pass") },
		{ "byte order mark before", TF_LIT(" \357\273\277mx.example.com; spf=pass") },
		{ "nothing behind the id", TF_LIT("mx.example.com") },
		{ "5 Choice c: queue id", TF_LIT(" mx.example.com/4F2Xz; spf=pass") },
		{ "5 Choice b: port", TF_LIT(" mx.example.com:25; spf=pass") },
		{ "5 Choice b: token byte that no name has", TF_LIT(" mx.example.com'; spf=pass") },
		{ "5 Choice b: two dots", TF_LIT(" mx.example.com..; spf=pass") },
		{ "5 Choice b: control byte", TF_LIT(" mx.example.com\1; spf=pass") },
		{ "5322 4.4 obs-domain", TF_LIT(" mx . example(c).\r\n com 1; spf=pass") },
		{ "blank before the dot, another name for a strict reader",
		    TF_LIT(" mx.example.com .net; spf=pass") },
		{ "fold inside, for those who delete folds",
		    TF_LIT(" mx.exam\r\n ple.com; spf=pass") },
		{ "blanks in the quotes", TF_LIT(" \" mx.example.com \"; spf=pass") },
		{ "junk in the quotes", TF_LIT(" \"mx.example.com; x\"; spf=pass") },
		{ "word behind the quotes", TF_LIT(" \"mx.example.com\"x ; spf=pass") },
		{ "quotes behind it", TF_LIT(" mx.example.com\"x\"; spf=pass") },
		{ "half of it quoted", TF_LIT(" mx.\"example.com\"; spf=pass") },
		{ "AUTHRES-6 our id, version 2", TF_LIT(" mx.example.com 2; spf=pass") },
		{ "AUTHRES-6 foreign id, version 2", TF_LIT(" mx.example.net 2; spf=pass") },
		{ "AUTHRES-6 version 0", TF_LIT(" mx.example.net (c) 0 (c); spf=pass") },
		{ "AUTHRES-6 version out of range",
		    TF_LIT(" mx.example.net 99999999999999999999; spf=pass") },
		{ "AUTHRES-6 version, trailing dot", TF_LIT(" mx.example.net. 2; spf=pass") },
		{ "AUTHRES-6 version behind a quoted id with blanks",
		    TF_LIT(" \"the mx\" 2; spf=pass") },
		{ "AUTHRES-6 version at the end", TF_LIT(" mx.example.net 2") },
		{ "AUTHRES-7 ours as U-label, theirs as A-label",
		    TF_LIT(" xn--bcher-kva.example; spf=pass") },
		{ "AUTHRES-7 the same, dots behind it",
		    TF_LIT(" xn--bcher-kva.example..; spf=pass") },
		{ "AUTHRES-7 the same, a letter behind it that no name has",
		    TF_LIT(" xn--bcher-kva.example!x; spf=pass") },
		{ "AUTHRES-7 the same U-label", TF_LIT(" b\303\274cher.example; spf=pass") },
		{ "AUTHRES-7 U-label in capitals", TF_LIT(" B\303\234CHER.Example; spf=pass") },
		{ "AUTHRES-7 ours as A-label, theirs as U-label",
		    TF_LIT(" m\303\274nchen.example; spf=pass") },
		{ "AUTHRES-7 A-label in capitals", TF_LIT(" XN--MNCHEN-3YA.example; spf=pass") },
		{ "AUTHRES-8 empty", TF_LIT("") },
		{ "AUTHRES-8 an empty id, version 2", TF_LIT(" \"\" 2; spf=pass") },
		{ "AUTHRES-8 an id of blanks", TF_LIT(" \" \" mx.example.net; spf=pass") },
		{ "AUTHRES-8 blanks", TF_LIT(" \r\n ") },
		{ "AUTHRES-8 comment alone", TF_LIT(" (mx.example.net)") },
		{ "AUTHRES-8 comment not closed", TF_LIT(" (mx.example.net; spf=pass") },
		{ "AUTHRES-8 not closed behind the id", TF_LIT(" mx.example.net (; spf=pass") },
		{ "AUTHRES-8 quote not closed", TF_LIT(" \"mx.example.net; spf=pass") },
		{ "AUTHRES-8 empty quotes", TF_LIT(" \"\"; spf=pass") },
		{ "AUTHRES-8 backslash at the end", TF_LIT(" \"mx.example.net\\") },
		{ "AUTHRES-8 bare CR", TF_LIT(" mx.exam\rple.net; spf=pass") },
		{ "AUTHRES-8 control byte", TF_LIT(" mx.exam\1ple.net; spf=pass") },
		{ "AUTHRES-8 Latin-1", TF_LIT(" b\374cher.test; spf=pass") },
		{ "D6 no id", TF_LIT(" ; spf=pass") },
		{ "D6 results alone", TF_LIT(" spf=pass (x) smtp.mailfrom=a.test; dkim=pass") },
		{ "D6 results alone, blanks", TF_LIT(" spf = pass; dkim=pass") },
		{ "2047 encoded word, which some decode first",
		    TF_LIT(" =?utf-8?q?mx.example.com?=; spf=pass") },
		{ "special first", TF_LIT(" ,mx.example.com; spf=pass") },
		{ "further id, trailing dot in the configuration",
		    TF_LIT(" old.example.com; x=y") },
		{ "id of one label", TF_LIT(" gate; spf=pass") },
	};

	(void)state;
	check_rows(rows, TF_ARRAY_LEN(rows), true);
}

static void
test_kept(void **state)
{
	static const struct row rows[] = {
		{ "AUTHRES-2 ours as a prefix", TF_LIT(" mx.example.com.evil.test; spf=pass") },
		{ "AUTHRES-2 ours as a suffix", TF_LIT(" notmx.example.com; spf=pass") },
		{ "AUTHRES-2 below ours", TF_LIT(" a.mx.example.com; spf=pass") },
		{ "AUTHRES-2 parent of ours", TF_LIT(" example.com; spf=pass") },
		{ "AUTHRES-2 ours and a hyphen", TF_LIT(" mx.example.com-a; spf=pass") },
		{ "AUTHRES-2 ours and a digit", TF_LIT(" gate1; spf=pass") },
		{ "AUTHRES-3 ours in a comment behind",
		    TF_LIT(" mx.example.net; spf=pass (mx.example.com)") },
		{ "AUTHRES-3 ours in a comment before",
		    TF_LIT(" (mx.example.com) mx.example.net; x=y") },
		{ "AUTHRES-3 ours as a property", TF_LIT(" mx.example.net; spf=pass "
							 "smtp.mailfrom=mx.example.com") },
		{ "foreign", TF_LIT(" mx.example.net; none") },
		{ "foreign, version 1", TF_LIT(" mx.example.net 1; spf=pass") },
		{ "foreign, version 01", TF_LIT(" mx.example.net (c) 01 (c); spf=pass") },
		{ "foreign, number that is no version", TF_LIT(" mx.example.net 192.0.2.1; x=y") },
		{ "foreign, number behind a result", TF_LIT(" mx.example.net x=y 2; x=y") },
		{ "foreign, queue id", TF_LIT(" mx.example.net/4F2Xz; spf=pass") },
		{ "foreign, no semicolon", TF_LIT(" mx.example.net") },
		{ "foreign, junk behind", TF_LIT(" mta.example.net from=a.test; dkim=pass") },
		{ "foreign U-label", TF_LIT(" fran\303\247ais.example; spf=pass") },
		{ "foreign, 8-bit junk behind the id", TF_LIT(" mx.example.net \377; spf=pass") },
		{ "foreign, broken behind the semicolon", TF_LIT(" mx.example.net; spf=pass (\0") },
		{ "foreign, quoted", TF_LIT(" \"mx.example.net\"; spf=pass") },
		{ "foreign, quoted blanks", TF_LIT(" \"the gate\"; spf=pass") },
	};

	(void)state;
	check_rows(rows, TF_ARRAY_LEN(rows), false);
}

/* AUTHRES-10, D6: 64 KiB and more, each in one pass. */
static void
test_long(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str head, repeated, tail;
		bool forged;
	} rows[] = {
		{ "results", TF_LIT("mx.example.com"), TF_LIT("; spf=pass"), TF_LIT(""), true },
		{ "foreign results", TF_LIT("mx.example.net"), TF_LIT("; spf=pass"), TF_LIT(""),
		    false },
		{ "comments before", TF_LIT(""), TF_LIT("(c)"), TF_LIT("mx.example.com;"), true },
		{ "comments before a foreign id", TF_LIT(""), TF_LIT("(c)"),
		    TF_LIT("mx.example.net;"), false },
		{ "folds before", TF_LIT(""), TF_LIT("\r\n "), TF_LIT("mx.example.com;"), true },
		{ "id too long to be read", TF_LIT(""), TF_LIT("a."), TF_LIT("test;"), true },
		{ "quoted id too long", TF_LIT("\""), TF_LIT("a"), TF_LIT("\";"), true },
		{ "words behind a foreign id", TF_LIT("mx.example.net "), TF_LIT("x "), TF_LIT(";"),
		    false },
		{ "nested comments", TF_LIT(""), TF_LIT("("), TF_LIT("mx.example.net;"), true },
		{ "quotes", TF_LIT(""), TF_LIT("\"\""), TF_LIT("mx.example.com;"), true },
		{ "dots", TF_LIT("mx.example.com"), TF_LIT(" ."), TF_LIT(";"), true },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_buf value;

		tf_buf_init_arena(&value, a, 1 << 20);
		tf_buf_str(&value, rows[i].head);
		while (value.len < 200000)
			tf_buf_str(&value, rows[i].repeated);
		tf_buf_str(&value, rows[i].tail);
		assert_num(
		    rows[i].what, tf_authres_is_forged(tf_buf_get(&value), &ours), rows[i].forged);
	}
	tf_arena_free(a);
}

/* A foreign id is believed up to 1024 octets. */
static void
test_longest_id(void **state)
{
	char id[1025 + sizeof("; spf=pass")];

	(void)state;
	for (size_t n = 1024; n <= 1025; n++) {
		memset(id, 'a', n);
		memcpy(id + n, "; spf=pass", sizeof("; spf=pass"));
		assert_num("too long", tf_authres_is_forged(tf_str_from(id), &ours), n > 1024);
	}
}

static void
test_without_ids(void **state)
{
	static const struct tf_str empty[] = { TF_LIT(""), TF_LIT(".") };
	static const struct tf_authres_ids none = { empty, 2 };

	(void)state;
	assert_false(tf_authres_is_forged(TF_STR("mx.example.com; spf=pass"), &none));
	assert_true(tf_authres_is_forged(TF_STR("; spf=pass"), &none));
}

static void
test_name(void **state)
{
	static const struct name_row {
		const char *what;
		struct tf_str name;
		bool want;
	} rows[] = {
		{ "plain", TF_LIT("Authentication-Results"), true },
		{ "AUTHRES-1 any case", TF_LIT("AUTHENTICATION-RESULTS"), true },
		{ "AUTHRES-1 blank before the colon", TF_LIT("Authentication-Results \t"), true },
		{ "5 Choice f: ARC's own", TF_LIT("ARC-Authentication-Results"), false },
		{ "longer", TF_LIT("Authentication-Results-Original"), false },
		{ "shorter", TF_LIT("Authentication-Result"), false },
		{ "NUL", TF_LIT("Authentication-Results\0"), false },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++)
		assert_num(rows[i].what, tf_authres_is_name(rows[i].name), rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_longest_id),
		cmocka_unit_test(test_without_ids),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
