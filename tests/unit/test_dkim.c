/*
 * test_dkim.c - whole messages: signatures, keys, header and body, with dkim_verifier.c beneath
 */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "tests/unit/dkim_fixture.h"

#define LINES10 "0123456789\r\n0123456789\r\n0123456789\r\n0123456789\r\n01\r\n"

/* clang-format off */
static const struct letter letters[] = {
	/* Times: NOW is years ago by the clock of the host */
	{ "DKIM-19 t= 60 s ahead", 2048, { RSA }, MORE("t=1700000060"), .code = TF_PASS },
	{ "DKIM-19 t= an hour ahead", 2048, { RSA }, MORE("t=1700003600"), .code = TF_FAIL, .reason = "signature is from the future" },
	{ "x= not yet", 2048, { RSA }, MORE("t=1699990000; x=1700000010"), .code = TF_PASS },
	{ "DKIM-19 x= in the past", 2048, { RSA }, MORE("t=1699990000; x=1699999000"), .code = TF_FAIL, .reason = "signature has expired" },
	{ "DKIM-19 x= of 13 digits", 2048, { RSA }, MORE("x=9999999999999"), .code = TF_PASS },
	{ "D3 old t=", 2048, { RSA }, MORE("t=1100000000"), .code = TF_PASS },

	/* l= */
	{ "DKIM-20 l= covers a part", 2048, { RSA }, MORE("l=10"), .body = TF_LIT(LINES10), .code = TF_POLICY, .reason = "42 octets of the body are not signed", .library = "l= is not supported" },
	{ "DKIM-20 l= covers all", 2048, { RSA }, MORE("l=52"), .body = TF_LIT(LINES10), .code = TF_PASS, .library = "l= is not supported" },
	{ "DKIM-20 l= covers all, simple", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; l=52; bh=%H; b=%B", .body = TF_LIT(LINES10), .code = TF_PASS, .library = "l= is not supported" },
	{ "D2 part appended", 2048, { RSA }, MORE("l=52"), .body = TF_LIT(LINES10), .from = "\r\n01\r\n", .to = "\r\n01\r\nEvil\r\n", .code = TF_POLICY, .reason = "6 octets of the body are not signed", .library = "l= is not supported" },
	{ "D2 empty lines appended", 2048, { RSA }, MORE("l=52"), .body = TF_LIT(LINES10), .from = "\r\n01\r\n", .to = "\r\n01\r\n\r\n\r\n", .code = TF_PASS, .library = "l= is not supported" },
	{ "D2 change within l=", 2048, { RSA }, MORE("l=52"), .body = TF_LIT(LINES10), .from = "\r\n01\r\n", .to = "\r\n02\r\n", .code = TF_FAIL, .reason = "body hash did not verify", .library = "l= is not supported" },
	{ "DKIM-20 l= larger than the body", 2048, { RSA }, MORE("l=53"), .body = TF_LIT(LINES10), .code = TF_PERMERROR, .reason = "l= exceeds the body" },
	{ "DKIM-20 l= overflows", 2048, { RSA }, MORE("l=99999999999999999999"), .body = TF_LIT(LINES10), .code = TF_PERMERROR, .reason = "l= exceeds the body" },
	{ "l=0", 2048, { RSA }, MORE("l=0"), .body = TF_LIT(LINES10), .code = TF_POLICY, .reason = "52 octets of the body are not signed", .library = "l= is not supported" },
	{ "l=0 of nothing", 2048, { RSA }, MORE("l=0"), .body = TF_LIT("\r\n"), .code = TF_PASS, .library = "l= is not supported" },
	{ "l=2 of nothing, simple", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; l=2; bh=%H; b=%B", .body = TF_LIT("\r\n"), .code = TF_PASS, .library = "l= is not supported" },
	{ "l= counts canonical octets", 2048, { RSA }, MORE("l=5"), .body = TF_LIT("a \t b \r\n\r\n"), .code = TF_PASS, .library = "l= is not supported" },
	{ "l= counts canonical octets, simple", 2048, { RSA }, " v=1; a=%K; d=example.com; s=%S; h=From; l=5; bh=%H; b=%B", .body = TF_LIT("a \t b \r\n\r\n"), .code = TF_POLICY, .reason = "3 octets of the body are not signed", .library = "l= is not supported" },

	/* Bytes that are no text */
	{ "D12 NUL in the body, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("a\0b\r\n\0\r\n"), .code = TF_PASS },
	{ "D12 NUL in the body, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("a\0b\r\n\0\r\n"), .code = TF_PASS },
	{ "D12 bare CR, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("a\rb\r\n"), .code = TF_POLICY, .reason = "bare CR in the body" },
	{ "D12 bare CR, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("a \r b\r\n"), .code = TF_POLICY, .reason = "bare CR in the body" },
	{ "D12 bare CR added, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("a(b\r\n"), .from = "a(b", .to = "a(\rb", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "D12 bare CR at the end", 2048, { RSA }, SIMPLE, .body = TF_LIT("ab\r"), .code = TF_POLICY, .reason = "bare CR in the body" },
	{ "D12 bare LF, relaxed", 2048, { RSA }, RELAXED, .body = TF_LIT("a \nb\r\n"), .code = TF_PASS },
	{ "D12 bare LF, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("a\nb\r\n"), .code = TF_PASS },
	{ "D12 bare LF added, simple", 2048, { RSA }, SIMPLE, .body = TF_LIT("a(b\r\n"), .from = "a(b", .to = "a(\nb", .code = TF_FAIL, .reason = "body hash did not verify" },

	/* Keys */
	{ "DKIM-11 ed25519", SIGNER_ED25519, { ED }, RELAXED, .code = TF_PASS },
	{ "ed25519, simple", SIGNER_ED25519, { ED }, SIMPLE, .code = TF_PASS },
	{ "ed25519, body changed", SIGNER_ED25519, { ED }, RELAXED, .from = "Hello", .to = "Hallo", .code = TF_FAIL, .reason = "body hash did not verify" },
	{ "ed25519, header changed", SIGNER_ED25519, { ED }, RELAXED, .from = "Lunch", .to = "Lunches", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "DKIM-10 1024 bits", 1024, { RSA }, RELAXED, .code = TF_PASS },
	{ "DKIM-10 4096 bits", 4096, { RSA }, RELAXED, .code = TF_PASS },
	{ "DKIM-10 1023 bits", 1023, { RSA }, RELAXED, .code = TF_PERMERROR, .reason = "key is too short" },
	{ "D4 768 bits", 768, { RSA }, RELAXED, .code = TF_PERMERROR, .reason = "key is too short" },
	{ "DKIM-10 512 bits", 512, { RSA }, RELAXED, .code = TF_PERMERROR, .reason = "key is too short" },
	{ "DKIM-10 rsa-sha1", 2048, { RSA }, " v=1; a=rsa-sha1; d=example.com; s=%S; h=From; bh=%H; b=%B", .code = TF_PERMERROR, .reason = "rsa-sha1 is not accepted" },
	{ "8017 A.1.1 RSAPublicKey", 2048, { "p=%Q" }, RELAXED, .code = TF_PASS },
	{ "no padding", SIGNER_ED25519, { "k=ed25519; p=%U" }, RELAXED, .code = TF_PASS },
	{ "DKIM-17 blanks in p=", 2048, { "v=DKIM1; p=  %P  ;" }, RELAXED, .code = TF_PASS },
	{ "long n=", 2048, { "v=DKIM1; n=01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789; p=%P" }, RELAXED, .code = TF_PASS },
	{ "DKIM-15 revoked", 2048, { "v=DKIM1; p=" }, RELAXED, .code = TF_PERMERROR, .reason = "key revoked" },
	{ "DKIM-15 v=DKIM2", 2048, { "v=DKIM2; p=%P" }, RELAXED, .code = TF_PERMERROR, .reason = "key record has another version" },
	{ "DKIM-15 NXDOMAIN", 2048, { NULL }, RELAXED, .code = TF_PERMERROR, .reason = "key not found" },
	{ "DKIM-11 k=rsa with ed25519", SIGNER_ED25519, { "v=DKIM1; k=rsa; p=%R" }, RELAXED, .code = TF_PERMERROR, .reason = "key does not fit the algorithm" },
	{ "k=ed25519 with rsa", 2048, { "v=DKIM1; k=ed25519; p=%E" }, RELAXED, .code = TF_PERMERROR, .reason = "key does not fit the algorithm" },
	{ "DKIM-16 h=sha1", 2048, { "v=DKIM1; h=sha1; p=%P" }, RELAXED, .code = TF_PERMERROR, .reason = "key does not allow sha256" },
	{ "DKIM-16 h=sha1:sha256", 2048, { "v=DKIM1; h=sha1:sha256; p=%P" }, RELAXED, .code = TF_PASS },
	{ "DKIM-16 s=tlsrpt", 2048, { "v=DKIM1; s=tlsrpt; p=%P" }, RELAXED, .code = TF_PERMERROR, .reason = "key is not for mail" },
	{ "DKIM-16 s=*:email", 2048, { "v=DKIM1; s=*:email; p=%P" }, RELAXED, .code = TF_PASS },
	{ "DKIM-18 an unrelated record", 2048, { "v=spf1 -all", RSA }, RELAXED, .code = TF_PASS },
	{ "D4 two keys", 2048, { RSA, ED }, RELAXED, .code = TF_PERMERROR, .reason = "more than one key" },
	{ "DKIM-27 garbage", 2048, { "v=DKIM1; p=QUJD" }, RELAXED, .code = TF_PERMERROR, .reason = "key is not an RSA key" },
	{ "DKIM-14 i= below d=", 2048, { RSA }, MORE("i=u@sub.example.com"), .code = TF_PASS },
	{ "DKIM-14 t=s and i= below d=", 2048, { "t=s; p=%P" }, MORE("i=u@sub.example.com"), .code = TF_PERMERROR, .reason = "key does not allow i= below d=" },
	{ "DKIM-14 t=s and i= in d=", 2048, { "t=s; p=%P" }, MORE("i=u@EXAMPLE.com"), .code = TF_PASS },
	{ "DKIM-14 t=s without i=", 2048, { "t=y:s; p=%P" }, RELAXED, .code = TF_PASS },
	{ "DKIM-30 t=y, bad signature", 2048, { "t=y; p=%P" }, RELAXED, .from = "Lunch", .to = "Lunches", .code = TF_FAIL, .reason = "signature did not verify" },
	{ "6144 bits, of another", 2048, { "p=%L" }, RELAXED, .code = TF_FAIL, .reason = "signature did not verify", .library = "key is too long for the verifier" },
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

/* What a result tells beside code and reason. */
static void
test_facts(void **state)
{
	static const struct letter facts[] = {
		{ .what = "facts",
		    .bits = 2048,
		    .tags = " v=1; a=%K; c=relaxed/relaxed; d=Example.COM; s=good; "
			    "i=a@sub.example.com; t=1600000000; h=From; l=3; bh=%H; b=%B" },
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct run run = new_run(a, f->resolver);
	const struct tf_dkim *d;

	run_letter(&run, &facts[0], 0);
	d = &run.dkim[0];
	check_result("partial body", d, TF_POLICY, "35 octets of the body are not signed");
	assert_str("domain", d->domain, TF_STR("example.com"));
	assert_str("selector", d->selector, TF_STR("good"));
	assert_str("identity", d->identity, TF_STR("a@sub.example.com"));
	assert_str("algorithm", d->algorithm, TF_STR("rsa-sha256"));
	assert_int_equal(d->b.len, 344);
	assert_int_equal(d->bits, 2048);
	assert_false(d->key_testing || d->not_evaluated);
	assert_int_equal(d->unsigned_octets, 35);
	assert_str("notes", all_notes(&run),
	    TF_STR(
		"signature 1 (d=example.com s=good): policy, 35 octets of the body are not signed\n"
		"signature 1 was made 1157 days ago\n"
		"signature 1 leaves 35 octets at the end of the body unsigned\n"));

	run.opts.accept_partial_body = true;
	run_letter(&run, &facts[0], 0);
	check_result("dkim.partial_body = accept", &run.dkim[0], TF_PASS, "");
	assert_int_equal(run.dkim[0].unsigned_octets, 35);

	run.opts.min_rsa_bits = 2049;
	run_letter(&run, &facts[0], 0);
	check_result("dkim.min_rsa_bits", &run.dkim[0], TF_PERMERROR, "key is too short");
	assert_int_equal(run.dkim[0].bits, 2048);
	tf_arena_free(a);
}

static void
test_notes(void **state)
{
	static const struct {
		const char *row, *note;
	} notes[] = {
		{ "DKIM-30 t=y, bad signature",
		    "signature 1 (d=example.com s=r%N): fail, signature did not verify (the key is "
		    "marked as a test)\n" },
		{ "D12 NUL in the body, relaxed",
		    "signature 1 (d=example.com s=r%N): pass\nthe body has a NUL\n" },
		{ "D12 bare CR, simple",
		    "signature 1 (d=example.com s=r%N): policy, bare CR in the "
		    "body\nthe body has a bare CR\n" },
		{ "D12 bare LF, relaxed",
		    "signature 1 (d=example.com s=r%N): pass\nthe body has a bare LF\n" },
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();

	for (size_t i = 0; i < TF_ARRAY_LEN(notes); i++) {
		struct run run = new_run(a, f->resolver);
		size_t number = letter_number(letters, TF_ARRAY_LEN(letters), notes[i].row);

		run_letter(&run, &letters[number], number);
		assert_str(notes[i].row, all_notes(&run),
		    replace(
			a, tf_str_from(notes[i].note), "%N", tf_arena_printf(a, "%zu", number)));
		assert_num(notes[i].row, run.dkim[0].key_testing, i == 0);
	}
	tf_arena_free(a);
}

/* DKIM-21: each signature is judged alone and reported in message order. */
static void
test_several(void **state)
{
	static const char bad[] =
	    " v=1; a=rsa-sha256; d=example.com; s=good; h=From; bh=%H; b=AAAA";
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = default_header(a);
	struct run run = new_run(a, f->resolver);

	hb = sign_on_top(a, hb, RELAXED, 2048, "good");
	hb = sign_on_top(a, hb, bad, 2048, "good");
	hb = sign_on_top(a, hb, SIMPLE, SIGNER_ED25519, "ed");
	hb = sign_on_top(a, hb, " v=2", 2048, "good");
	hb = sign_on_top(a, hb, RELAXED, 2048, "missing");
	hb = sign_on_top(a, hb, TAGS("simple/relaxed"), 2048, "good");
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.count, 6);
	check_result("simple/relaxed", &run.dkim[0], TF_PASS, "");
	check_result("no key", &run.dkim[1], TF_PERMERROR, "key not found");
	check_result("syntax", &run.dkim[2], TF_NEUTRAL, "version is unknown");
	check_result("Ed25519", &run.dkim[3], TF_PASS, "");
	check_result("damaged", &run.dkim[4], TF_FAIL, "signature did not verify");
	check_result("the lowest", &run.dkim[5], TF_PASS, "");
	assert_int_equal(run.asked, 3);
	assert_int_equal(run.domain_count, 1);
	tf_arena_free(a);
}

/* DKIM-30: no signature, no result and no question. */
static void
test_none(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct run run = new_run(a, f->resolver);

	run_dkim(&run, default_header(a), TF_STR(BODY));
	assert_int_equal(run.count, 0);
	assert_int_equal(run.asked, 0);
	assert_int_equal(run.domain_count, 0);
	assert_int_equal(run.notes.count, 0);
	tf_arena_free(a);
}

/* DKIM-22, D5: the cap, and who comes first under it. */
static void
test_cap(void **state)
{
	static const char other[] =
	    " v=1; a=rsa-sha256; d=d%N.example.net; s=s%N; h=From; bh=%H; b=AAAA";
	static const char *const aligned[] = {
		" v=1; a=%K; d=example.com; s=good; h=From; bh=%H; b=%B",
		" v=1; a=%K; d=sub.example.com; s=good; h=From; bh=%H; b=%B",
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = default_header(a);
	struct run run = new_run(a, f->resolver);
	size_t too_many = 0;

	for (size_t i = 0; i < TF_ARRAY_LEN(aligned); i++)
		hb = sign_on_top(a, hb, aligned[i], 2048, "good");
	for (size_t i = 0; i < 200; i++) {
		struct tf_str number = tf_arena_printf(a, "%zu", i);
		struct tf_str tags = replace(a, tf_str_from(other), "%N", number);

		hb = sign_on_top(a, hb, tf_arena_cstr(a, tags), 2048, "s");
	}
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.count, 202);
	assert_int_equal(run.asked, 10);
	assert_int_equal(run.domain_count, 10);
	check_result("aligned, below", &run.dkim[200], TF_PASS, "");
	check_result("aligned", &run.dkim[201], TF_PASS, "");
	for (size_t i = 0; i < 200; i++) {
		bool evaluated = i < 8;

		check_result("others from the top", &run.dkim[i],
		    evaluated ? TF_PERMERROR : TF_POLICY,
		    evaluated ? "key not found" : "too many signatures");
		too_many += run.dkim[i].not_evaluated;
	}
	assert_int_equal(too_many, 192);

	run.opts.max_signatures = 1;
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.asked, 1);
	check_result("one place", &run.dkim[200], TF_PASS, "");
	check_result("no second place", &run.dkim[201], TF_POLICY, "too many signatures");
	tf_arena_free(a);
}

/* E5, E6, E11: what cannot be read is not asked for either, and takes no place. */
static void
test_no_question(void **state)
{
	static const struct tf_str fields[] = {
		TF_LIT(" v=1; a=rsa-sha256; d=legit.com; s=s._domainkey.attack.com.\0.any; h=From; "
		       "bh=AAAA; b=AAAA"),
		TF_LIT(
		    " v=1; a=rsa-sha256; d=legit.com'a.attack.com; s=s; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=legit.com(.attack.com; s=s; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(
		    " v=1; a=rsa-sha256; d=legit.com\"=(.attack.com; s=s; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=example.com; s=a)b; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=example..com; s=a; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=example.com.; s=a; h=From; bh=AAAA; b=AAAA"),
		TF_LIT(" v=1; a=rsa-sha256; d=ex\xe4mple.com; s=a; h=From; bh=AAAA; b=AAAA"),
	};
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = new_header(a);
	struct run run = new_run(a, f->resolver);

	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++)
		assert_true(tf_header_block_add(hb, TF_STR("DKIM-Signature"), fields[i]));
	run_dkim(&run, hb, TF_STR(BODY));
	assert_int_equal(run.asked, 0);
	assert_int_equal(run.domain_count, 0);
	assert_int_equal(run.count, TF_ARRAY_LEN(fields));
	for (size_t i = 0; i < run.count; i++) {
		assert_int_equal(run.dkim[i].code, TF_NEUTRAL);
		assert_true(run.dkim[i].reason.len != 0);
	}
	tf_arena_free(a);
}

/* All keys are asked for before the first octet of the body, each name once. */
static void
test_keys_asked_at_once(void **state)
{
	static const char *const selectors[] = { "good", "missing", "good", "ed", "other" };
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = default_header(a);
	const struct run run = new_run(a, f->resolver);
	struct tf_dns *dns = begin(f->resolver, 10);
	const struct tf_dkim *dkim;
	struct tf_signed_message *m;
	struct tf_dkim_check *c;
	struct tf_notes notes = { .count = 0 };
	size_t count;

	for (size_t i = 0; i < TF_ARRAY_LEN(selectors); i++)
		hb = sign_on_top(a, hb, RELAXED, 2048, selectors[i]);
	m = tf_signed_message_new(a, hb, NULL);
	c = tf_dkim_start(a, dns, &run.opts, m, &run.authors, NOW, TF_VERIFIER_BOTH);
	assert_int_equal(tf_dns_asked(dns), 4);
	tf_body_hashes_feed(tf_signed_message_body(m), TF_STR(BODY));
	tf_body_hashes_finish(tf_signed_message_body(m));
	tf_dkim_eval(c, &notes, &dkim, &count);
	assert_int_equal(tf_dns_asked(dns), 4);
	assert_int_equal(count, TF_ARRAY_LEN(selectors));
	check_result("the first", &dkim[4], TF_PASS, "");
	check_result("the same key again", &dkim[2], TF_PASS, "");
	tf_dns_end(dns);
	tf_arena_free(a);
}

/* DKIM-15: a failed look-up is temperror and nothing else. */
static void
test_temperror(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = sign_on_top(a, default_header(a), RELAXED, 2048, "good");
	struct run run = new_run(a, f->resolver);

	run.max_questions = 0;
	run_dkim(&run, hb, TF_STR(BODY));
	check_result("over the budget", &run.dkim[0], TF_TEMPERROR, "key look-up failed");
	assert_str("domain", run.dkim[0].domain, TF_STR("example.com"));
	tf_arena_free(a);
}

/* A server that never answers. */
static void
test_silent_server(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(sin);
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = sign_on_top(a, default_header(a), RELAXED, 2048, "good");
	struct tf_resolver_opts opts = { .timeout_ms = 300, .server_count = 1 };
	struct tf_str server;
	struct run run;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	server = tf_arena_printf(a, "127.0.0.1@%u", ntohs(sin.sin_port));
	opts.servers = &server;
	run = new_run(a, resolver_or_fail(&opts));
	run_dkim(&run, hb, TF_STR(BODY));
	check_result("silent server", &run.dkim[0], TF_TEMPERROR, "key look-up timed out");
	tf_resolver_release(run.resolver);
	close(fd);
	tf_arena_free(a);
}

/* A check that ends before its body or its evaluation leaves nothing behind. */
static void
test_abort(void **state)
{
	struct fixture *f = *state;
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = sign_on_top(a, default_header(a), MORE("l=3"), 2048, "good");
	const struct run run = new_run(a, f->resolver);
	struct tf_dns *dns = begin(f->resolver, 10);
	struct tf_signed_message *m = tf_signed_message_new(a, hb, NULL);
	struct tf_dkim_check *c =
	    tf_dkim_start(a, dns, &run.opts, m, &run.authors, NOW, TF_VERIFIER_BOTH);

	assert_non_null(c);
	tf_body_hashes_feed(tf_signed_message_body(m), TF_STR("half a li"));
	tf_dns_end(dns);
	tf_arena_free(a);
}

#define THREADS 4
#define MESSAGES 25

struct worker {
	pthread_t thread;
	struct tf_resolver *resolver;
	size_t passed;
};

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (size_t i = 0; i < MESSAGES; i++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_header_block *hb = default_header(a);
		struct run run = new_run(a, w->resolver);

		hb = sign_on_top(a, hb, RELAXED, 2048, "good");
		hb = sign_on_top(a, hb, SIMPLE, SIGNER_ED25519, "ed");
		hb = sign_on_top(a, hb, MORE("l=5"), 2048, "good");
		run.opts.accept_partial_body = true;
		run_dkim(&run, hb, TF_STR(BODY));
		for (size_t k = 0; k < run.count; k++)
			w->passed += run.dkim[k].code == TF_PASS;
		tf_arena_free(a);
	}
	return NULL;
}

/* Sessions verify in parallel; the thread sanitizer watches. */
static void
test_parallel(void **state)
{
	struct fixture *f = *state;
	struct worker workers[THREADS];

	for (size_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .resolver = f->resolver };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].passed, 3 * MESSAGES);
	}
}

static void
test_versions(void **state)
{
	(void)state;
	assert_true(
	    tf_str_starts_nocase(tf_str_from(tf_dkim_versions()), TF_STR("libopendkim 2.")));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_no_question),
		cmocka_unit_test(test_keys_asked_at_once),
		cmocka_unit_test(test_temperror),
		cmocka_unit_test(test_silent_server),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, set_up, fixture_tear_down);
}
