/*
 * test_dkim_library.c - what libopendkim is not asked; test_dkim_verifier.c has its verdicts
 */
#include <string.h>

#include "policy/dkim_library.h"
#include "tests/unit/dkim_fixture.h"

static int
set_up(void **state)
{
	return fixture_set_up(state, NULL, 0);
}

/* h= is cut by the library at 4 KB. */
static void
test_long_names(void **state)
{
	static const struct {
		size_t names;
		enum tf_verifier_kind kind;
		const char *library;
	} rows[] = {
		{ 300, TF_VERIFIER_LIBRARY, "" },
		{ 325, TF_VERIFIER_LIBRARY, "h= is too long for the verifier" },
		{ 325, TF_VERIFIER_BOTH, "" },
		{ 490, TF_VERIFIER_OWN, "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();
		struct run run = new_run(a, f->resolver);
		struct tf_buf tags;

		tf_buf_init_arena(&tags, a, 10000);
		tf_buf_lit(&tags, " v=1; a=%K; d=example.com; s=%S; bh=%H; b=%B; h=From");
		for (size_t k = 0; k < rows[i].names; k++)
			tf_buf_lit(&tags, ":X-0123456789");
		run.kind = rows[i].kind;
		run_dkim(&run, sign_on_top(a, default_header(a), tf_buf_cstr(&tags), 2048, "good"),
		    TF_STR(BODY));
		check_result("4 KB", &run.dkim[0],
		    rows[i].library[0] != '\0' ? TF_NEUTRAL : TF_PASS, rows[i].library);
		tf_arena_free(a);
	}
}

/* The items that the library gets, and why not the others, before the body. */
static void
test_choice(void **state)
{
	static const struct {
		const char *tags, *why; /* NULL: it gets it */
	} fields[] = {
		{ RELAXED, NULL },
		{ NAMED("From:dkim-signature"), "signature covers a signature" },
		{ MORE("t=999999999"), "t= is too old for the verifier" },
		{ NAMED("From:Received"), NULL },
		{ NAMED("From:X-Odd"), "control character in a signed field" },
		{ " v=1; a=%K; d=example.com; s=%S; h=From:X-Odd; bh=%H; b=%B", NULL },
	};
	struct tf_verify items[TF_ARRAY_LEN(fields)];
	struct tf_arena *a = tf_arena_new();
	struct tf_header_block *hb = default_header(a);
	struct tf_dkim_library *l;

	(void)state;
	memset(items, 0, sizeof(items));
	assert_true(tf_header_block_add(hb, TF_STR("X-Odd"), TF_STR(" a\vb")));
	for (size_t i = TF_ARRAY_LEN(fields); i-- > 0;)
		hb = sign_on_top(a, hb, fields[i].tags, 2048, "good");
	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++) {
		struct tf_dkim_sig *sig = tf_arena_alloc(a, sizeof(*sig));

		tf_dkim_sig_parse(hb->fields[i].value, NOW, 300, a, sig);
		assert_num(fields[i].tags, sig->code, TF_NONE);
		items[i].sig = sig;
		items[i].field = i;
	}
	l = tf_dkim_library_start(a, hb, items, TF_ARRAY_LEN(fields));
	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++)
		assert_str(fields[i].tags, tf_str_from(items[i].why), tf_str_from(fields[i].why));
	tf_dkim_library_finish(l);
	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++)
		assert_num("without a key", items[i].result, TF_VERIFIED_NOT);
	tf_arena_free(a);
}

/* Odd fields are looked for in each h=, so long as that costs little; our own code needs no such
 * search. */
static void
test_odd_fields(void **state)
{
	static const struct {
		size_t fields;
		enum tf_verifier_kind kind;
		const char *library;
	} rows[] = {
		{ 32, TF_VERIFIER_LIBRARY, "" },
		{ 33, TF_VERIFIER_LIBRARY, "too many odd fields" },
		{ 33, TF_VERIFIER_BOTH, "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();
		struct run run = new_run(a, f->resolver);
		struct tf_header_block *hb = default_header(a);

		for (size_t k = 0; k < rows[i].fields; k++)
			assert_true(tf_header_block_add(hb, TF_STR("X-Odd"), TF_STR(" a\vb")));
		run.kind = rows[i].kind;
		run_dkim(&run, sign_on_top(a, hb, RELAXED, 2048, "good"), TF_STR(BODY));
		check_result("odd fields", &run.dkim[0],
		    rows[i].library[0] != '\0' ? TF_NEUTRAL : TF_PASS, rows[i].library);
		tf_arena_free(a);
	}
}

static void
test_version(void **state)
{
	(void)state;
	assert_true(
	    tf_str_starts_nocase(tf_str_from(tf_dkim_library_version()), TF_STR("libopendkim 2.")));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_odd_fields),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, set_up, fixture_tear_down);
}
