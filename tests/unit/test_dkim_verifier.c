/*
 * test_dkim_verifier.c - header and body against signatures
 */
#include <string.h>

#include "policy/dkim_verifier.h"
#include "tests/unit/dkim_fixture.h"

/* clang-format off */
static const struct letter letters[] = {
	/* Canonicalization and what changes on the way */
	{ "DKIM-1 simple", 2048, { RSA }, SIMPLE, .code = TF_PASS },
	{ "DKIM-1 relaxed", 2048, { RSA }, RELAXED, .code = TF_PASS },
	{ "DKIM-6 no c=", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From:To:Subject; bh=%H; b=%B", .code = TF_PASS },
	{ "DKIM-6 c=relaxed", 2048, { RSA }, TAGS("relaxed"), .code = TF_PASS },
	{ "c=simple/relaxed", 2048, { RSA }, TAGS("simple/relaxed"), .code = TF_PASS },
	{ "c=relaxed/simple", 2048, { RSA }, TAGS("relaxed/simple"), .code = TF_PASS },
	{ "DKIM-1 a space in a signed field, simple", 2048, { RSA }, SIMPLE, .from = "Lunch", .to = " Lunch", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-1 a space in a signed field, relaxed", 2048, { RSA }, RELAXED, .from = "Subject:  Lunch \t", .to = "Subject: Lunch  ", .code = TF_PASS },
	{ "DKIM-2 refolded, case of the name", 2048, { RSA }, RELAXED, .from = "Subject:  Lunch \tat", .to = "SUBJECT: Lunch\r\n at ", .code = TF_PASS },
	{ "DKIM-2 trailing blanks in the body", 2048, { RSA }, RELAXED, .from = "Hello,", .to = "Hello, \t", .code = TF_PASS },
	{ "DKIM-2 a space doubled in the body", 2048, { RSA }, RELAXED, .from = "lunch  at \t noon", .to = "lunch\tat noon", .code = TF_PASS },
	{ "DKIM-2 the same, simple", 2048, { RSA }, SIMPLE, .from = "lunch  at", .to = "lunch at", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-4 empty lines at the end, relaxed", 2048, { RSA }, RELAXED, .from = "Alice\r\n", .to = "Alice\r\n\r\n \r\n\r\n", .code = TF_PASS },
	{ "DKIM-4 empty lines at the end, simple", 2048, { RSA }, SIMPLE, .from = "Alice\r\n", .to = "Alice\r\n\r\n\r\n\r\n", .code = TF_PASS },
	{ "3.4.3 a blank line at the end counts, simple", 2048, { RSA }, SIMPLE, .from = "Alice\r\n", .to = "Alice\r\n \r\n", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-5 leading space removed, relaxed", 2048, { RSA }, RELAXED, .from = " -- ", .to = "-- ", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-5 leading space removed, simple", 2048, { RSA }, SIMPLE, .from = " -- ", .to = "-- ", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "DKIM-3 no final CRLF, simple", 2048, { RSA }, SIMPLE, .from = "Alice\r\n", .to = "Alice", .code = TF_PASS },
	{ "DKIM-3 no final CRLF, relaxed", 2048, { RSA }, RELAXED, .from = "Alice\r\n", .to = "Alice \t", .code = TF_PASS },
	{ "lines of blanks alone, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT(" \r\n\t\r\n"), .code = TF_PASS },
	{ "lines of blanks alone, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT(" \r\n\t\r\n"), .code = TF_PASS },
	{ "empty lines alone, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("\r\n\r\n"), .code = TF_PASS },
	{ "empty lines alone, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("\r\n\r\n"), .code = TF_PASS },
	{ "text added to the body", 2048, { RSA }, RELAXED, .from = "Alice\r\n", .to = "Alice\r\nfooter\r\n", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "8-bit text in header and body", 2048, { RSA }, RELAXED, .header = TF_LIT("From: J\xc3\xbcrgen <j@example.com>\r\nTo: \xe4@x\r\n"), .body = TF_LIT("gr\xfc\xdf" "e\r\n"), .code = TF_PASS },

	/* Fields */
	{ "DKIM-7 the lower of two", 2048, { RSA }, NAMED("From:Received"), .from = "a by b", .to = "x by y", .code = TF_PASS },
	{ "DKIM-7 the lower of two changed", 2048, { RSA }, NAMED("From:Received"), .from = "c by d", .to = "x by y", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-7 both", 2048, { RSA }, NAMED("From:Received:Received"), .from = "a by b", .to = "x by y", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-7 both as they were", 2048, { RSA }, NAMED("Received:From:Received"), .code = TF_PASS },
	{ "DKIM-8 a field that is not there", 2048, { RSA }, NAMED("From:Cc:To"), .code = TF_PASS },
	{ "DKIM-8 that field added", 2048, { RSA }, NAMED("From:Cc:To"), .from = "Date:", .to = "Cc: x@y\r\nDate:", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-8 oversigned", 2048, { RSA }, NAMED("From:From:To:To"), .code = TF_PASS },
	{ "DKIM-8 oversigned, second From on top", 2048, { RSA }, NAMED("From:From"), .from = "From: Alice", .to = "From: Eve <eve@example.net>\r\nFrom: Alice", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "D1 second From on top, signed once", 2048, { RSA }, NAMED("From"), .from = "From: Alice", .to = "From: Eve <eve@example.net>\r\nFrom: Alice", .code = TF_PASS },
	{ "D1 second From below, signed once", 2048, { RSA }, NAMED("From"), .from = "Date:", .to = "From: Eve <eve@example.net>\r\nDate:", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "h= in any case", 2048, { RSA }, NAMED("fROM:to:SUBJECT"), .code = TF_PASS },
	{ "h= with folds", 2048, { RSA }, NAMED("From :\r\n\tTo : \r\n Subject"), .code = TF_PASS },
	{ "DKIM-9 a blank before the colon, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject \t: x\r\n"), .code = TF_PASS, .library = "blank before a colon" },
	{ "DKIM-9 a blank before the colon removed, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject \t: x\r\n"), .from = "Subject \t:", .to = "Subject:", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "a fold before the colon, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject\r\n : x\r\n"), .code = TF_PASS, .library = "blank before a colon" },
	{ "a blank before the colon removed, relaxed", 2048, { RSA }, RELAXED, .header = TF_LIT("From: a@b\r\nSubject \t: x\r\n"), .from = "Subject \t:", .to = "Subject:", .code = TF_PASS },
	{ "a blank before the colon of another field, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nX-Other : x\r\n"), .code = TF_PASS },
	{ "no From at all", 2048, { RSA }, NAMED("From:To"), .header = TF_LIT("To: x\r\nDate: y\r\n"), .code = TF_PASS },
	{ "h= names everything many times", 2048, { RSA }, NAMED("From:From:From:To:To:To:Subject:Subject:Received:Received:Received:Date:Date:X:Y:Z:X:Y:Z"), .code = TF_PASS },
	{ "empty value", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject:\r\n"), .code = TF_PASS },
	{ "empty value, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject:\r\n"), .code = TF_PASS },
	{ "value of blanks", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: \r\n \t\r\n"), .code = TF_PASS },
	{ "a blank became VT in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a b\r\n"), .from = "a b", .to = "a\vb", .code = TF_FAIL, .reason = "signature did not verify", .library = "control character in a signed field" },
	{ "VT in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a \v b\r\n"), .code = TF_PASS, .library = "control character in a signed field" },
	{ "FF in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: \f\r\n"), .code = TF_PASS, .library = "control character in a signed field" },
	{ "VT in another field", 2048, { RSA }, NAMED("From"), .header = TF_LIT("From: a@b\r\nSubject: a\vb\r\n"), .code = TF_PASS },
	{ "VT in a signed field, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject: a\vb\r\n"), .code = TF_PASS },
	{ "NUL in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a\0b\r\n"), .code = TF_PASS, .library = "control character in a signed field" },
	{ "text behind a NUL changed, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a\0b\r\n"), .from = "b\r", .to = "c\r", .code = TF_FAIL, .reason = "signature did not verify", .library = "control character in a signed field" },
	{ "NUL in a signed field, simple", 2048, { RSA }, SIMPLE, .header = TF_LIT("From: a@b\r\nSubject: a\0b\r\n"), .code = TF_PASS },
	{ "a blank became bare CR in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a b\r\n"), .from = "a b", .to = "a\rb", .code = TF_FAIL, .reason = "signature did not verify", .library = "control character in a signed field" },
	{ "bare CR in a signed field, relaxed", 2048, { RSA }, NAMED("From:Subject"), .header = TF_LIT("From: a@b\r\nSubject: a\rb\r\n"), .code = TF_PASS, .library = "control character in a signed field" },

	/* The signature field */
	{ "DKIM-24 b= first", 2048, { RSA }, " b=%B; v=1; a=%K; d=example.com; s=%S; h=From; c=relaxed; bh=%H", .code = TF_PASS },
	{ "DKIM-24 b= in the middle", 2048, { RSA }, " v=1; b=%B; a=%K; d=example.com; s=%S; h=From; c=relaxed; bh=%H", .code = TF_PASS },
	{ "DKIM-24 b= with white space", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; bh=%H; b=\r\n\t %B \r\n ;", .code = TF_PASS },
	{ "DKIM-24 b= refolded, simple", 2048, { RSA }, SIMPLE, .from = "; b=", .to = "; b=\r\n\t", .code = TF_PASS },
	{ "3.7 bytes beside b= count, simple", 2048, { RSA }, SIMPLE, .from = "; b=", .to = ";  b=", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-24 b= in values", 2048, { RSA }, MORE("z=x:b=y;n=b=c"), .code = TF_PASS },
	{ "DKIM-25 unknown tag", 2048, { RSA }, MORE("foo=bar"), .code = TF_PASS },
	{ "DKIM-25 unknown tag changed", 2048, { RSA }, MORE("foo=bar"), .from = "foo=bar", .to = "foo=baz", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "tags with case of their own", 2048, { RSA }, MORE("D=example.net;B=QUJD;S=x;H=To;V=2;A=x"), .code = TF_PASS },
	{ "DKIM-31 case of d=", 2048, { RSA }, " v=1; a=%K; d=Example.COM; s=%S; h=From; bh=%H; b=%B", .code = TF_PASS },
	{ "DKIM-12 b= damaged", 2048, { RSA }, RELAXED, .from = "; b=", .to = "; b=AAAA", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-12 b= of another length", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; bh=%H; b=AAAA", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "bh= of another hash", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; bh=AAAA; b=%B", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "white space between b and =", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; bh=%H; b =%B", .code = TF_PASS, .library = "form of the signature is not supported" },
	{ "white space between b and =, relaxed", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; c=relaxed; bh=%H; b\r\n\t=%B; n=x", .code = TF_PASS, .library = "form of the signature is not supported" },
	{ "tag that ends in b", 2048, { RSA }, MORE("ab=1"), .code = TF_PASS, .library = "form of the signature is not supported" },
	{ "tag that ends in b, a blank behind", 2048, { RSA }, MORE("ab =1"), .code = TF_PASS, .library = "form of the signature is not supported" },
	{ "tag that ends in b, changed", 2048, { RSA }, MORE("ab=1"), .from = "ab=1", .to = "ab=2", .code = TF_FAIL, .reason = "signature did not verify", .library = "form of the signature is not supported" },
	{ "tag bH", 2048, { RSA }, MORE("bH=1"), .code = TF_PASS, .library = "form of the signature is not supported" },
	{ "tags b1, B and Bh", 2048, { RSA }, MORE("b1=1; B=1; Bh=1"), .code = TF_PASS },
	{ "i= with two @", 2048, { RSA }, MORE("i=\"a@b\"@example.com"), .code = TF_PASS, .library = "quoted i= is not supported" },
	{ "i= with a coded second @", 2048, { RSA }, MORE("i=\"a=40b\"@example.com"), .code = TF_PASS, .library = "quoted i= is not supported" },
	{ "i= with @ coded", 2048, { RSA }, MORE("i=\"a@b\"=40example.com"), .code = TF_PASS, .library = "quoted i= is not supported" },
	{ "i= quoted", 2048, { RSA }, MORE("i=\"a\"@example.com"), .code = TF_PASS },
	{ "i= coded", 2048, { RSA }, MORE("i=a=2Bb=40example.com"), .code = TF_PASS },
	{ "DKIM-26 8-bit d= and s=", 2048, { RSA }, " v=1; a=%K; d=b\xc3\xbc" "cher.example; s=schl\xc3\xbcssel; h=From; bh=%H; b=%B", .code = TF_PASS, .library = "8-bit signature is not supported" },
	{ "8616 8-bit i=", 2048, { RSA }, MORE("i=J\xc3\xbcrgen@example.com"), .code = TF_PASS, .library = "8-bit signature is not supported" },
	{ "8616 8-bit values count", 2048, { RSA }, MORE("n=\xc3\xbc"), .from = "\xc3\xbc", .to = "\xc3\xa4", .code = TF_FAIL, .reason = "signature did not verify", .library = "8-bit signature is not supported" },
	{ "t= before DKIM was made", 2048, { RSA }, MORE("t=5"), .code = TF_PASS, .library = "t= is too old for the verifier" },
	{ "t= of September 2001", 2048, { RSA }, MORE("t=1000000000; x=999999999999999999"), .code = TF_PASS },
	{ "x= of 19 digits", 2048, { RSA }, MORE("x=1000000000000000000"), .code = TF_PASS, .library = "x= is too large for the verifier" },
};
/* clang-format on */

static int
set_up(void **state)
{
	return fixture_set_up(state, letters, TF_ARRAY_LEN(letters));
}

static void
test_letters(void **state)
{
	check_letters(*state, letters, TF_ARRAY_LEN(letters));
}

/* DKIM-3: the hashes of nothing; a body of nothing has no chunk at all. */
static void
test_empty_body(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	static const char *const tags[] = { SIMPLE, RELAXED };

	assert_str("6376 3.4.3", signer_body_hash(a, TF_STR(""), false, SIZE_MAX),
	    TF_STR("frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="));
	assert_str("6376 3.4.4", signer_body_hash(a, TF_STR(""), true, SIZE_MAX),
	    TF_STR("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
	for (size_t i = 0; i < TF_ARRAY_LEN(tags); i++) {
		struct letter row = { "empty", 2048, { RSA }, tags[i], .body = TF_LIT("") };
		struct run run = new_run(a, f->resolver);

		run_letter(
		    &run, &row, letter_number(letters, TF_ARRAY_LEN(letters), "DKIM-1 simple"));
		check_result("empty body", &run.dkim[0], TF_PASS, "");
	}
	tf_arena_free(a);
}

/* DKIM-28: chunks split anywhere, in line ends and runs of blanks. */
static void
test_chunks(void **state)
{
	static const size_t chunks[] = { 1, 2, 3, 7, 1000, 4095, 4096, 4097, 65536 };
	static const char *const tags[] = { SIMPLE, RELAXED, TAGS("simple/relaxed"),
		TAGS("relaxed/simple") };
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_buf body;

	tf_buf_init_arena(&body, a, 1 << 20);
	for (size_t i = 0; body.len < 200000; i++) {
		tf_buf_printf(&body, "line %zu \t with  blanks", i);
		for (size_t k = 0; k < i % 11; k++)
			tf_buf_lit(&body, i % 3 != 0 ? " \t" : "x");
		tf_buf_lit(&body, i % 7 == 0 ? "\r\n\r\n \r\n" : "\r\n");
	}
	for (size_t i = 0; i < TF_ARRAY_LEN(tags); i++) {
		for (size_t k = 0; k < TF_ARRAY_LEN(chunks); k++) {
			struct letter row = { "chunks", 2048, { RSA }, tags[i],
				.body = tf_buf_get(&body) };
			struct run run = new_run(a, f->resolver);

			run.chunk = chunks[k];
			run_letter(&run, &row,
			    letter_number(letters, TF_ARRAY_LEN(letters), "DKIM-1 simple"));
			check_result(tags[i], &run.dkim[0], TF_PASS, "");
		}
	}
	tf_arena_free(a);
}

/* DKIM-28: a large body, in lines that are long for mail, or in a single one. */
static void
test_large_body(void **state)
{
	static const struct {
		const char *tags;
		size_t line;
		enum tf_verifier_kind kind;
		enum tf_code code;
		const char *reason;
	} bodies[] = {
		{ RELAXED, (size_t)1 << 20, TF_VERIFIER_LIBRARY, TF_PASS, "" },
		{ SIMPLE, (size_t)1 << 20, TF_VERIFIER_LIBRARY, TF_PASS, "" },
		{ RELAXED, ((size_t)1 << 20) + 3, TF_VERIFIER_BOTH, TF_PASS, "" },
		{ SIMPLE, (size_t)20 << 20, TF_VERIFIER_BOTH, TF_PASS, "" },
		{ RELAXED, 77, TF_VERIFIER_OWN, TF_PASS, "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < TF_ARRAY_LEN(bodies); i++) {
		struct tf_arena *a = tf_arena_new();
		struct run run = new_run(a, f->resolver);
		size_t size = (size_t)20 << 20, line = bodies[i].line;
		char *bytes = tf_arena_alloc(a, size);
		struct letter letter = { "large", 2048, { RSA }, bodies[i].tags,
			.body = { bytes, size } };

		memset(bytes, 'x', size);
		for (size_t end = line; end <= size; end += line) {
			bytes[end - 2] = '\r';
			bytes[end - 1] = '\n';
		}
		run.chunk = 65535;
		run.kind = bodies[i].kind;
		run_letter(
		    &run, &letter, letter_number(letters, TF_ARRAY_LEN(letters), "DKIM-1 simple"));
		check_result("20 MiB", &run.dkim[0], bodies[i].code, bodies[i].reason);
		tf_arena_free(a);
	}
}

/* RFC 8463 appendix A: both signatures of its message, with its keys. */
static void
test_rfc8463(void **state)
{
	static const char header[] =
	    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	    " d=football.example.com; i=@football.example.com;\r\n"
	    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	    " subject : date : message-id : from : subject : date;\r\n"
	    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	    " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	    " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	    " d=football.example.com; i=@football.example.com;\r\n"
	    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	    " date : message-id : from : subject : date;\r\n"
	    " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	    " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	    " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	    " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n"
	    "From: Joe SixPack <joe@football.example.com>\r\n"
	    "To: Suzie Q <suzie@shopping.example.net>\r\n"
	    "Subject: Is dinner ready?\r\n"
	    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = new_header(a);
	struct run run = new_run(a, f->resolver);

	add_header(hb, tf_str_from(header));
	run_dkim(
	    &run, hb, TF_STR("Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"));
	assert_int_equal(run.count, 2);
	check_result("8463 A.3 Ed25519", &run.dkim[0], TF_PASS, "");
	assert_int_equal(run.dkim[0].bits, 256);
	check_result("8463 A.3 RSA", &run.dkim[1], TF_PASS, "");
	assert_int_equal(run.dkim[1].bits, 1024);
	tf_arena_free(a);
}

/* RFC 6376 appendix A.2: the signed message, as it is printed. */
static void
test_rfc6376(void **state)
{
	static const char header[] =
	    "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
	    "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
	    "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
	    "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	    "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
	    "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
	    "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
	    "      4bmp/YzhwvcubU4=;\r\n"
	    "Received: from client1.football.example.com  [192.0.2.1]\r\n"
	    "      by submitserver.example.com with SUBMISSION;\r\n"
	    "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n"
	    "From: Joe SixPack <joe@football.example.com>\r\n"
	    "To: Suzie Q <suzie@shopping.example.net>\r\n"
	    "Subject: Is dinner ready?\r\n"
	    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
	struct fixture *f = *state;

	for (enum tf_verifier_kind kind = TF_VERIFIER_BOTH; kind <= TF_VERIFIER_OWN; kind++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_header_block *hb = new_header(a);
		struct run run = new_run(a, f->resolver);

		run.kind = kind;
		add_header(hb, tf_str_from(header));
		run_dkim(&run, hb,
		    TF_STR("Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"));
		assert_int_equal(run.count, 1);
		check_result("6376 A.2", &run.dkim[0], TF_PASS, "");
		assert_int_equal(run.dkim[0].bits, 1024);
		tf_arena_free(a);
	}
}

/* The longest key that is accepted: 8192 bits, signed by dkimpy; too long for the library. */
static void
test_long_key(void **state)
{
	static const char header[] =
	    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;\r\n"
	    " i=@example.com; q=dns/txt; s=long; t=1795335097; h=from : subject;\r\n"
	    " bh=Ba3gj8+xBPQLJTahTfzW6RbWQ/XPgESxkCi2B66PSQg=;\r\n"
	    " b=4ZEc/q/vkR+jJpolG2gIIISgox2fpS/jTqkFbFckftRa6r6lJ2CVcjIw+h5j0Sfg2ILXX\r\n"
	    " jKGNzyFs+acCxhUzwpXPKSr1DuwAJLY4LObt3I7GcKCTGVJ7xe0K2nmp5cTTTGRqVTpHzpr\r\n"
	    " cJgzduPjJQmnjNz+mo97ZdctNy2ohtsST3uSdXiCR5+bd8FYs8KhwmA883MUXPvHuXiooVJ\r\n"
	    " LI/Jjmj5WVFZF22br+pVT8e0w3xI6WXErWW4SDyiRK1BFvFjcFnsgTJifThFNVV/6DyOv1L\r\n"
	    " VLZlSzZKukGBRZNQ4+TTtq0y7pWoQsrjXtTOjXKc6Re7dttRwXiGdh8blnC6KXhssNE+SeC\r\n"
	    " CaKiYSKQSPvwC5ImL4ngKx93j3Wq5fdoOIK1YRyeZsKst3cuvSjeEhbX1x7Lgv0WnGWxDZQ\r\n"
	    " cFEvdFrd5hwtyeQ4ZsfNM6sRA7vRyP8DURmCKLDHHAKJ5tEf+x5Mc30nnsny+xZX/YLKlKV\r\n"
	    " zbE4abyuopuwhk8TXp4XHzt5/WTlpou2siuZQJDSyArKBTF5QoOZg5inSVgYSNxwJoKT2Ci\r\n"
	    " dIFOm+pDgo4+AIlKiZIh+vqMWRN7qTbXKpOzf0NhKwR1HswVLcYOZTGHuPqGT6pzJKr1r+V\r\n"
	    " UkdY5uzngTiyFPKsWGWep9Avjwr4hefBhUBrF3K/N8QABClbScjRvNof5WBrooPl2MG7BeB\r\n"
	    " Ti3G8QMDkX8Te2wARUWlPrewFic+Tv03KHyiXUTYV/ncOHqclTmwLJPaCdmwlhO1GZgw2cT\r\n"
	    " vAQ89TVGZCUVHvGkUaGPIvCG+VDoHgO14HiQ60IBuVV6G4/ihYWc8c/4ndiB+2S4Jnho29d\r\n"
	    " uZfiucgeZqkXkVmgwN3/EcEWzGukPUlULFUoof+syfyiqd9b/xei5/0Ll1iL1KbgD2Zn/kX\r\n"
	    " PwFYtdLwZ+bHHeOu8dWEggZqcoLEE5D348wWzRda65UnagXL2dPYAjXj/6BitGsbKjt4Fmc\r\n"
	    " 1VOAPzcvW+eTxcAgY/wnMh+H1vWXYEaDauxtxyMGJGFA65IQ4aJBEX/eHNt+yx6DdxkuPGA\r\n"
	    " tjbTpAsAwQQKC8ringlziey4ddwC9I0fShnBhahbKTOjN4udnNfBYBcOwMSPPTCRhI97EXw\r\n"
	    " JKpkIq7o8DU9lKQR/eEYb8io7I7O5qgOAiDwAl3vw1Mzxu8bWU+0H2TX/AOMbWueFNZnFpX\r\n"
	    " 3Ln0rMp6BdAhEk3zKu1plkSO9cyWLh+g//ZNAkdYVCjiyBzuYLMNdE8yQlh0IYpmViUlMA1\r\n"
	    " 76rL6TQg0JNJbzLwG1t/8r3VKjqhCCH/X5GrUWUekFHodLXQVuxD9PVLM4OxIcTJaHVmK+4\r\n"
	    " aeOWAKecCC2Q+QxJL+w==\r\n"
	    "From: Alice <alice@example.com>\r\n"
	    "Subject: a long key\r\n";
	struct fixture *f = *state;

	for (enum tf_verifier_kind kind = TF_VERIFIER_BOTH; kind <= TF_VERIFIER_OWN; kind++) {
		bool alone = kind == TF_VERIFIER_LIBRARY;
		struct tf_arena *a = tf_arena_new();
		struct tf_header_block *hb = new_header(a);
		struct run run = new_run(a, f->resolver);

		run.kind = kind;
		run.opts.clock_skew_s = 200000000; /* it was signed in 2026 */
		add_header(hb, tf_str_from(header));
		run_dkim(&run, hb, TF_STR("Hello\r\n"));
		check_result("8192 bits", &run.dkim[0], alone ? TF_NEUTRAL : TF_PASS,
		    alone ? "key is too long for the verifier" : "");
		assert_int_equal(run.dkim[0].bits, 8192);
		run_dkim(&run, hb, TF_STR("Hullo\r\n"));
		check_result("another body", &run.dkim[0], alone ? TF_NEUTRAL : TF_FAIL,
		    alone ? "key is too long for the verifier" : "body hash did not verify");
		tf_arena_free(a);
	}
}

/* DKIM-23: fields named DKIM-Signature in h= keep their b=. */
static void
test_covered_signature(void **state)
{
	static const char over[] = " v=1; a=%K; c=relaxed/relaxed; d=example.com; s=%S; "
				   "h=From:DKIM-Signature; bh=%H; b=%B";
	static const char twice[] = " v=1; a=%K; c=relaxed/relaxed; d=example.com; s=%S; "
				    "h=From:DKIM-Signature:dkim-signature; bh=%H; b=%B";
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *inner = sign_on_top(a, default_header(a), RELAXED, 2048, "good");
	struct run run = new_run(a, f->resolver);

	run_dkim(&run, sign_on_top(a, inner, over, 2048, "good"), TF_STR(BODY));
	check_result("5.4 covers the one below", &run.dkim[0], TF_PASS, "");
	check_result("5.4 the one below", &run.dkim[1], TF_PASS, "");

	run_dkim(&run, sign_on_top(a, inner, twice, 2048, "good"), TF_STR(BODY));
	check_result("one more than there is", &run.dkim[0], TF_PASS, "");
	run_dkim(&run,
	    sign_on_top(a, sign_on_top(a, inner, twice, 2048, "good"), RELAXED, 2048, "good"),
	    TF_STR(BODY));
	check_result("5.4.2 and one more that came above", &run.dkim[1], TF_FAIL,
	    "signature did not verify");
	inner = sign_on_top(a, inner, " v=2", 2048, "good");
	run_dkim(&run, sign_on_top(a, inner, over, 2048, "good"), TF_STR(BODY));
	check_result("covers one with a fault", &run.dkim[0], TF_PASS, "");
	check_result("others go on", &run.dkim[2], TF_PASS, "");
	run.kind = TF_VERIFIER_LIBRARY;
	run_dkim(&run, sign_on_top(a, inner, over, 2048, "good"), TF_STR(BODY));
	check_result(
	    "not for the library", &run.dkim[0], TF_NEUTRAL, "signature covers a signature");
	tf_arena_free(a);
}

/* Folds that come as LF are counted as such, but kept and hashed as CRLF. */
static void
test_folds_as_lf(void **state)
{
	static const char tags[] = "\r\n v=1;\r\n a=%K;\r\n d=example.com;\r\n s=%S;\r\n h=From;"
				   "\r\n bh=%H;\r\n b=%B";
	struct fixture *f = *state;

	for (enum tf_verifier_kind kind = TF_VERIFIER_BOTH; kind <= TF_VERIFIER_OWN; kind++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_header_block *hb = new_header(a);
		struct tf_header_block *as_signed = sign_on_top(a, hb, tags, 2048, "good");
		struct run run = new_run(a, f->resolver);

		run.kind = kind;
		assert_true(tf_header_block_add(hb, TF_STR("DKIM-Signature"),
		    replace(a, as_signed->fields[0].value, "\r\n", TF_STR("\n"))));
		run_dkim(&run, hb, TF_STR(BODY));
		check_result("nothing but a folded signature", &run.dkim[0], TF_PASS, "");
		tf_arena_free(a);
	}
}

/* A signature whose key was refused is left out, and nothing is asked without signatures. */
static void
test_without_key(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = sign_on_top(a, default_header(a), RELAXED, 2048, "s");
	struct tf_verify item = { .field = 0, .key = NULL };
	struct tf_signed_message *m;
	struct tf_dkim_sig sig;
	struct tf_verifier *v;

	(void)state;
	tf_dkim_sig_parse(hb->fields[0].value, NOW, 300, a, &sig);
	item.sig = &sig;
	for (size_t i = 0; i < 2; i++) {
		m = tf_signed_message_new(a, hb, NULL);
		v = tf_verifier_start(a, m, &item, i, TF_VERIFIER_BOTH);
		tf_body_hashes_feed(tf_signed_message_body(m), TF_STR(BODY));
		tf_body_hashes_finish(tf_signed_message_body(m));
		tf_verifier_finish(v);
		assert_int_equal(item.result, TF_VERIFIED_NOT);
	}
	tf_arena_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_empty_body),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_large_body),
		cmocka_unit_test(test_rfc6376),
		cmocka_unit_test(test_rfc8463),
		cmocka_unit_test(test_long_key),
		cmocka_unit_test(test_covered_signature),
		cmocka_unit_test(test_folds_as_lf),
		cmocka_unit_test(test_without_key),
	};

	return cmocka_run_group_tests(tests, set_up, fixture_tear_down);
}
