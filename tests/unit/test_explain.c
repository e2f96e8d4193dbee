/*
 * test_explain.c - a result as JSON
 */
#include <string.h>

#include <jansson.h>

#include "tests/unit/explain_fixture.h"
#include "tests/unit/test.h"

static struct tf_str
explain(struct tf_arena *a, const struct tf_result *res, const struct tf_verdict *verdict,
    struct tf_str field)
{
	const struct tf_written written = { .authres = field };
	struct tf_buf out;

	tf_buf_init_arena(&out, a, 1 << 20);
	tf_explain_json(res, verdict, &written, &out);
	assert_false(out.overflow);
	return tf_buf_get(&out);
}

/* Without blanks and line ends outside of strings, for which the contract promises nothing. */
static struct tf_str
squeeze(struct tf_arena *a, struct tf_str json)
{
	struct tf_buf out;
	bool quoted = false;

	tf_buf_init_arena(&out, a, json.len);
	for (size_t i = 0; i < json.len; i++) {
		if (json.ptr[i] == '"')
			quoted = !quoted;
		if (quoted || (json.ptr[i] != ' ' && json.ptr[i] != '\n'))
			tf_buf_byte(&out, json.ptr[i]);
	}
	return tf_buf_get(&out);
}

static void
test_whole(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	assert_str("keys, their order and their values",
	    squeeze(a, explain(a, &forged, &forged_verdict, TF_STR("mx.example.org; x"))),
	    TF_STR("{\"spf\":{\"result\":\"pass\",\"identity\":\"mailfrom\",\"domain\":"
		   "\"attack.test\",\"explanation\":null,\"reason\":null,\"terms\":3,\"second_"
		   "opinion\":null},"
		   "\"helo\":{\"result\":\"none\",\"identity\":\"helo\",\"domain\":"
		   "\"mail.attack.test\",\"reason\":\"no SPF record\"},"
		   "\"dkim\":[{\"result\":\"pass\",\"domain\":\"attack.test\",\"selector\":\"s1\","
		   "\"algorithm\":\"rsa-sha256\",\"identity\":\"@attack.test\",\"bits\":2048,"
		   "\"b\":\"AbCdEf12\",\"reason\":null},"
		   "{\"result\":\"fail\",\"domain\":\"example.net\",\"selector\":null,"
		   "\"algorithm\":null,\"identity\":null,\"bits\":null,\"b\":null,"
		   "\"reason\":\"body hash did not verify\"}],"
		   "\"arc\":{\"result\":\"pass\",\"instances\":2,\"sealer\":\"lists.test\","
		   "\"reason\":null,\"oldest_pass\":2,\"sets\":[{\"instance\":1,"
		   "\"domain\":\"evil.test\",\"selector\":\"s1\",\"message_signature\":\"fail\","
		   "\"authserv_id\":null,\"dmarc\":null,\"from\":null},{\"instance\":2,"
		   "\"domain\":\"lists.test\",\"selector\":\"s2\",\"message_signature\":\"pass\","
		   "\"authserv_id\":\"mx.lists.test\",\"dmarc\":\"fail\","
		   "\"from\":\"news.example.net\"}],"
		   "\"trust\":\"set 2 of lists.test says dmarc=fail\"},"
		   "\"dmarc\":{\"result\":\"fail\",\"from\":\"news.example.net\","
		   "\"domain\":\"news.example.net\",\"org_domain\":\"example.net\","
		   "\"policy\":\"reject\",\"applied_policy\":\"quarantine\","
		   "\"disposition\":\"quarantine\",\"record\":\"v=DMARC1; p=reject; t=y\","
		   "\"record_domain\":\"example.net\",\"discovery\":\"treewalk\","
		   "\"alignment\":{\"spf\":false,\"dkim\":false},\"reason\":null,"
		   "\"authors\":[\"news.example.net\"],"
		   "\"walk\":[{\"domain\":\"news.example.net\",\"found\":\"none\"},"
		   "{\"domain\":\"example.net\",\"found\":\"record\"},"
		   "{\"domain\":\"net\",\"found\":\"none\"}]},"
		   "\"action\":\"quarantine\",\"would\":null,\"reply\":null,"
		   "\"rule\":\"dmarc-policy\",\"authentication_results\":\"mx.example.org; "
		   "x\",\"received_spf\":null,"
		   "\"dns\":[{\"name\":\"_dmarc.example.net\",\"type\":\"TXT\","
		   "\"status\":\"noerror\",\"answers\":[\"v=DMARC1; p=reject; t=y\"],\"ms\":1.25},"
		   "{\"name\":\"news.example.net\",\"type\":\"A\",\"status\":\"nxdomain\","
		   "\"answers\":[],\"ms\":0.0}]}"));
	tf_arena_free(a);
}

static void
test_exempt_mail(void **state)
{
	struct tf_arena *a = tf_arena_new();

	(void)state;
	assert_str("all results none, the rule says why",
	    squeeze(a, explain(a, &exempt, &exempt_verdict, TF_NONE_STR)),
	    TF_STR("{\"spf\":{\"result\":\"none\",\"identity\":\"mailfrom\",\"domain\":null,"
		   "\"explanation\":null,\"reason\":null,\"terms\":0,\"second_opinion\":null},"
		   "\"helo\":{\"result\":\"none\",\"identity\":\"helo\",\"domain\":null,"
		   "\"reason\":null},"
		   "\"dkim\":[],"
		   "\"arc\":{\"result\":\"none\",\"instances\":0,\"sealer\":null,\"reason\":null,"
		   "\"oldest_pass\":null,\"sets\":[],\"trust\":null},"
		   "\"dmarc\":{\"result\":\"none\",\"from\":null,\"domain\":null,"
		   "\"org_domain\":null,\"policy\":null,\"applied_policy\":null,"
		   "\"disposition\":\"none\",\"record\":null,\"record_domain\":null,"
		   "\"discovery\":null,\"alignment\":{\"spf\":false,\"dkim\":false},"
		   "\"reason\":null,\"authors\":[],\"walk\":[]},"
		   "\"action\":\"accept\",\"would\":null,\"reply\":null,"
		   "\"rule\":\"authenticated\",\"authentication_results\":null,\"received_spf\":"
		   "null,\"dns\":[]}"));
	tf_arena_free(a);
}

/* What libspf2 says: the same, something else, nothing. */
static void
test_second_opinion(void **state)
{
	static const struct row {
		struct tf_spf_opinion opinion;
		const char *want;
	} rows[] = {
		{ { true, TF_PASS, TF_LIT("mechanism"), TF_LIT("") },
		    "{\"result\":\"pass\",\"reason\":\"mechanism\",\"difference\":null}" },
		{ { true, TF_NONE, TF_LIT("x\377\n"), TF_LIT("unknown") },
		    "{\"result\":\"none\",\"reason\":\"x\\\\xff\\n\",\"difference\":\"unknown\"}" },
		{ { false, TF_NONE, TF_LIT("libspf2 crashed with SIGSEGV"), TF_LIT("unknown") },
		    "{\"result\":null,\"reason\":\"libspf2 crashed with SIGSEGV\","
		    "\"difference\":\"unknown\"}" },
	};
	struct tf_arena *a = tf_arena_new();

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_result res = forged;
		struct tf_str json;
		json_t *o;
		char *said;

		res.mailfrom.second = &rows[i].opinion;
		json = explain(a, &res, &forged_verdict, TF_NONE_STR);
		o = json_loadb(json.ptr, json.len, 0, NULL);
		said = json_dumps(
		    json_object_get(json_object_get(o, "spf"), "second_opinion"), JSON_COMPACT);
		assert_string_equal(said, rows[i].want);
		free(said);
		json_decref(o);
	}
	tf_arena_free(a);
}

static void
test_monitor_mode(void **state)
{
	struct tf_verdict v = { .would = TF_ACT_REJECT,
		.disposition = TF_POLICY_NONE,
		.dmarc = &forged_dmarc,
		.rule = TF_STR("dmarc-policy") };
	struct tf_arena *a = tf_arena_new();
	struct tf_str json = explain(a, &forged, &v, TF_NONE_STR);
	json_t *o = json_loadb(json.ptr, json.len, 0, NULL);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o, "action")), "accept");
	assert_string_equal(json_string_value(json_object_get(o, "would")), "reject");
	json_decref(o);
	tf_arena_free(a);
}

/* Invalid UTF-8 is shown as \xNN, valid UTF-8 and NUL survive, and nothing but ASCII is written. */
static void
test_hostile(void **state)
{
	static const char want[] = "a\r\n\033[2J\177\\xff\303\274\0z";
	struct tf_arena *a = tf_arena_new();
	struct tf_str json = explain(a, &hostile, &hostile_verdict, TF_STR(HOSTILE));
	json_t *o = json_loadb(json.ptr, json.len, JSON_ALLOW_NUL, NULL);
	json_t *helo, *q;

	(void)state;
	assert_non_null(o);
	for (size_t i = 0; i < json.len; i++)
		assert_true(json.ptr[i] == '\n' || (json.ptr[i] >= 32 && json.ptr[i] < 127));
	helo = json_object_get(json_object_get(o, "helo"), "reason");
	assert_int_equal(json_string_length(helo), sizeof(want) - 1);
	assert_memory_equal(json_string_value(helo), want, sizeof(want) - 1);
	q = json_array_get(json_object_get(o, "dns"), 0);
	assert_string_equal(json_string_value(json_object_get(q, "status")), "bogus");
	assert_string_equal(json_string_value(json_object_get(q, "type")), "?");
	assert_int_equal(json_array_size(json_object_get(q, "answers")), 2);
	json_decref(o);
	tf_arena_free(a);
}

static void
test_fields(void **state)
{
	static const struct tf_field fields[] = {
		{ "id", TF_LIT("4F2Xz"), false },
		{ "helo", TF_LIT("a\"b\\\001\377"), false },
		{ "empty", TF_LIT(""), false },
		{ "ms", TF_LIT("12"), true },
		{ "big", TF_LIT("9223372036854775807"), true },
		{ "too_big", TF_LIT("9223372036854775808"), true },
		{ "no_number", TF_LIT("1.5"), true },
	};
	struct tf_arena *a = tf_arena_new();
	struct tf_buf out;

	(void)state;
	tf_buf_init_arena(&out, a, 1000);
	tf_explain_fields_json(fields, TF_ARRAY_LEN(fields), &out);
	assert_str("one line, in order", tf_buf_get(&out),
	    TF_STR("{\"id\":\"4F2Xz\",\"helo\":\"a\\\"b\\\\\\u0001\\\\xff\",\"empty\":\"\","
		   "\"ms\":12,\"big\":9223372036854775807,\"too_big\":\"9223372036854775808\","
		   "\"no_number\":\"1.5\"}"));
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_exempt_mail),
		cmocka_unit_test(test_second_opinion),
		cmocka_unit_test(test_monitor_mode),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
