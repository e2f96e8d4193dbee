/*
 * test_dkim_key.c - key records
 */
#include <string.h>

#include "policy/dkim_key.h"
#include "tests/unit/dkim_signer.h"
#include "tests/unit/test.h"

/* clang-format off */
/* %P, %Q: an RSA key of 1024 bits as SubjectPublicKeyInfo and as RSAPublicKey; %E: Ed25519 */
static const struct row {
	const char *what;
	struct tf_str in;
	bool is_key;
	const char *reason;
	uint32_t bits;
} rows[] = {
	{ "6376 3.6.1", TF_LIT("v=DKIM1; k=rsa; p=%P"), true, "", 1024 },
	{ "6376 3.6.1 p= alone", TF_LIT("p=%P"), true, "", 1024 },
	{ "6376 3.6.1 RSAPublicKey", TF_LIT("v=DKIM1; p=%Q"), true, "", 1024 },
	{ "8463 3.1", TF_LIT("v=DKIM1; k=ed25519; p=%E"), true, "", 256 },
	{ "DKIM-17 blanks in p=", TF_LIT("v=DKIM1; p= %P \t"), true, "", 1024 },
	{ "stray semicolons", TF_LIT("v=DKIM1;; k=rsa;;p=%P;;"), true, "", 1024 },
	{ "6376 3.6.1 n= and unknown tags", TF_LIT("v=DKIM1; g=*; n=some=20text; foo=bar; p=%P"), true, "", 1024 },
	{ "DKIM-15 v=DKIM2", TF_LIT("v=DKIM2; p=%P"), false, "key record has another version", 0 },
	{ "v=dkim1", TF_LIT("v=dkim1; p=%P"), false, "key record has another version", 0 },
	{ "DKIM-15 v= is not first", TF_LIT("p=%P; v=DKIM1"), false, "key record has another version", 0 },
	{ "DKIM-18 another record", TF_LIT("v=spf1 -all"), false, "key record has another version", 0 },
	{ "text", TF_LIT("hello world"), false, "key record has a syntax error", 0 },
	{ "empty", TF_LIT(""), false, "key record has a syntax error", 0 },
	{ "backslashes of a broken zone", TF_LIT("v=DKIM1\\; k=rsa\\; p=%P"), false, "key record has another version", 0 },
	{ "duplicate p=", TF_LIT("v=DKIM1; p=%P; p=%P"), false, "key record has a syntax error", 0 },
	{ "NUL", TF_LIT("v=DKIM1; n=\0; p=%P"), false, "key record has a syntax error", 0 },
	{ "no p=", TF_LIT("v=DKIM1; k=rsa"), false, "key record has no key", 0 },
	{ "DKIM-15 revoked", TF_LIT("v=DKIM1; p="), true, "key revoked", 0 },
	{ "revoked with a blank", TF_LIT("v=DKIM1; p= ;"), true, "key revoked", 0 },
	{ "6376 3.6.1 unknown key type", TF_LIT("v=DKIM1; k=dsa; p=%P"), false, "key type is unknown", 0 },
	{ "empty k=", TF_LIT("v=DKIM1; k=; p=%P"), false, "key type is unknown", 0 },
	{ "DKIM-16 s=tlsrpt", TF_LIT("v=DKIM1; s=tlsrpt; p=%P"), false, "key is not for mail", 0 },
	{ "DKIM-16 s=*:email", TF_LIT("v=DKIM1; s=*:email; p=%P"), true, "", 1024 },
	{ "s=other : email", TF_LIT("v=DKIM1; s=other : email; p=%P"), true, "", 1024 },
	{ "empty s=", TF_LIT("v=DKIM1; s=; p=%P"), false, "key is not for mail", 0 },
	{ "DKIM-27 base64 garbage", TF_LIT("v=DKIM1; p=!!!"), true, "key is not base64", 0 },
	{ "DER garbage", TF_LIT("v=DKIM1; p=AAAA"), true, "key is not an RSA key", 0 },
	{ "Ed25519 key without k=", TF_LIT("v=DKIM1; p=%E"), true, "key is not an RSA key", 0 },
	{ "RSA key with k=ed25519", TF_LIT("v=DKIM1; k=ed25519; p=%P"), true, "key is not an Ed25519 key", 0 },
	{ "DKIM-11 31 bytes", TF_LIT("v=DKIM1; k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="), true, "key is not an Ed25519 key", 0 },
	{ "DKIM-11 33 bytes", TF_LIT("v=DKIM1; k=ed25519; p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), true, "key is not an Ed25519 key", 0 },
	{ "exponent 1", TF_LIT("p=MAYCAWECAQE="), true, "key is damaged", 7 },
	{ "even modulus", TF_LIT("p=MAYCAWACAQM="), true, "key is damaged", 7 },
	{ "exponent of 72 bits", TF_LIT("p=MA4CAWECCX//////////fw=="), true, "exponent of the key is too long", 7 },
	{ "exponent of 65 bits", TF_LIT("p=MA4CAWECCQH//////////w=="), true, "exponent of the key is too long", 7 },
	{ "exponent of 64 bits", TF_LIT("p=MA4CAWECCQD//////////w=="), true, "", 7 },
	{ "exponent of 63 bits", TF_LIT("p=MA0CAWECCH//////////"), true, "", 7 },
};
/* clang-format on */

static struct tf_str
with_keys(struct tf_arena *a, struct tf_str text)
{
	text = replace(a, text, "%P", signer_public(1024, false, a));
	text = replace(a, text, "%Q", signer_public(1024, true, a));
	return replace(a, text, "%E", signer_public(SIGNER_ED25519, false, a));
}

static void
test_parse(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct tf_dkim_key key;

		assert_num(
		    row->what, tf_dkim_key_parse(with_keys(a, row->in), a, &key), row->is_key);
		assert_str(row->what, key.reason, tf_str_from(row->reason));
		assert_num(row->what, key.code, row->reason[0] != '\0' ? TF_PERMERROR : TF_NONE);
		assert_num(row->what, key.public.bits, row->bits);
	}
	tf_arena_free(a);
}

static void
test_restrictions(void **state)
{
	static const struct {
		const char *what;
		struct tf_str tags;
		bool sha256, testing, exact;
	} tags[] = {
		{ "none", TF_LIT(""), true, false, false },
		{ "DKIM-16 h=sha1", TF_LIT("h=sha1; "), false, false, false },
		{ "DKIM-16 h=sha1:sha256", TF_LIT("h=sha1:sha256; "), true, false, false },
		{ "h= with blanks", TF_LIT("h= x : sha256 ; "), true, false, false },
		{ "empty h=", TF_LIT("h=; "), false, false, false },
		{ "6376 3.6.1 t=y", TF_LIT("t=y; "), true, true, false },
		{ "6376 3.6.1 t=s", TF_LIT("t=s; "), true, false, true },
		{ "t=y:x:s", TF_LIT("t=y:x:s; "), true, true, true },
		{ "t=Y", TF_LIT("t=Y; "), true, false, false },
		{ "t=yes", TF_LIT("t=yes; "), true, false, false },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(tags); i++) {
		struct tf_dkim_key key;
		struct tf_str txt =
		    with_keys(a, tf_arena_printf(a, "v=DKIM1; %.*sp=%%P", TF_PRI(tags[i].tags)));

		assert_true(tf_dkim_key_parse(txt, a, &key));
		assert_num(tags[i].what, key.code, TF_NONE);
		assert_num(tags[i].what, key.sha256, tags[i].sha256);
		assert_num(tags[i].what, key.testing, tags[i].testing);
		assert_num(tags[i].what, key.exact_domain, tags[i].exact);
	}
	tf_arena_free(a);
}

static void
test_sizes(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_dkim_key key;
	struct tf_buf record;

	(void)state;
	tf_buf_init_arena(&record, a, 1 << 20);
	tf_buf_lit(&record, "v=DKIM1; p=");
	tf_buf_str(&record, signer_made_up_public(1024, a));
	assert_true(tf_dkim_key_parse(tf_buf_get(&record), a, &key));
	assert_int_equal(key.code, TF_NONE);
	assert_int_equal(key.public.bits, 8191);
	tf_buf_lit(&record, "; n=");
	while (record.len < TF_DKIM_KEY_RECORD_MAX)
		tf_buf_byte(&record, 'n');
	assert_true(tf_dkim_key_parse(tf_buf_get(&record), a, &key));
	tf_buf_byte(&record, 'n');
	assert_false(tf_dkim_key_parse(tf_buf_get(&record), a, &key));
	assert_str("8 KiB", key.reason, TF_STR("key record is too long"));

	tf_buf_clear(&record);
	tf_buf_lit(&record, "v=DKIM1; p=");
	tf_buf_str(&record, signer_made_up_public(1026, a));
	assert_true(tf_dkim_key_parse(tf_buf_get(&record), a, &key));
	assert_str("over 8192 bits", key.reason, TF_STR("key is too long"));
	assert_int_equal(key.public.bits, 8207);
	tf_arena_free(a);
}

/* clang-format off */
static const struct answer_row {
	const char *what;
	enum tf_dns_status status;
	struct tf_str txts[3]; /* up to the first without ptr */
	enum tf_code code;
	const char *reason;
} answers[] = {
	{ "6376 6.1.2 one key", TF_DNS_NOERROR, { TF_LIT("p=%P") }, TF_NONE, "" },
	{ "DKIM-18 a key beside another record", TF_DNS_NOERROR, { TF_LIT("v=spf1 -all"), TF_LIT("p=%P") }, TF_NONE, "" },
	{ "a key between others", TF_DNS_NOERROR, { TF_LIT("x"), TF_LIT("p=%P"), TF_LIT("v=spf1 -all") }, TF_NONE, "" },
	{ "D4 two keys", TF_DNS_NOERROR, { TF_LIT("p=%P"), TF_LIT("k=ed25519; p=%E") }, TF_PERMERROR, "more than one key" },
	{ "a key and a revoked one", TF_DNS_NOERROR, { TF_LIT("p=%P"), TF_LIT("v=DKIM1; p=") }, TF_PERMERROR, "more than one key" },
	{ "a key for mail beside one for TLS reports", TF_DNS_NOERROR, { TF_LIT("s=tlsrpt; p=%P"), TF_LIT("s=email; p=%P") }, TF_NONE, "" },
	{ "no key record", TF_DNS_NOERROR, { TF_LIT("v=spf1 -all"), TF_LIT("x") }, TF_PERMERROR, "key record has another version" },
	{ "DKIM-15 NXDOMAIN", TF_DNS_NXDOMAIN, { { NULL, 0 } }, TF_PERMERROR, "key not found" },
	{ "NODATA", TF_DNS_NODATA, { { NULL, 0 } }, TF_PERMERROR, "key not found" },
	{ "DKIM-15 SERVFAIL", TF_DNS_SERVFAIL, { { NULL, 0 } }, TF_TEMPERROR, "key look-up failed" },
	{ "D13 REFUSED", TF_DNS_REFUSED, { { NULL, 0 } }, TF_TEMPERROR, "key look-up failed" },
	{ "DKIM-15 time-out", TF_DNS_TIMEOUT, { { NULL, 0 } }, TF_TEMPERROR, "key look-up timed out" },
	{ "bogus", TF_DNS_BOGUS, { { NULL, 0 } }, TF_TEMPERROR, "key look-up failed" },
	{ "malformed", TF_DNS_MALFORMED, { { NULL, 0 } }, TF_TEMPERROR, "key look-up failed" },
};
/* clang-format on */

static void
test_answers(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(answers); i++) {
		const struct answer_row *row = &answers[i];
		struct tf_dns_answer answer = { .status = row->status };
		struct tf_str txts[TF_ARRAY_LEN(row->txts)];
		struct tf_dkim_key key;

		for (; answer.count < TF_ARRAY_LEN(txts) && row->txts[answer.count].ptr != NULL;
		     answer.count++)
			txts[answer.count] = with_keys(a, row->txts[answer.count]);
		answer.txts = txts;
		tf_dkim_key_from_answer(&answer, a, &key);
		assert_num(row->what, key.code, row->code);
		assert_str(row->what, key.reason, tf_str_from(row->reason));
	}
	tf_arena_free(a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_restrictions),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
