/*
 * test_config_file.c - files that the configuration names: arc.trusted_sealers_file
 */
#include "tests/unit/config_fixture.h"
#include "truefrom/domain.h"

#define SEALERS "sealers"

static struct tf_str
here(struct tf_arena *a)
{
	char folder[256];

	assert_non_null(getcwd(folder, sizeof(folder)));
	return tf_arena_printf(a, "%s/" SEALERS, folder);
}

static void
write_sealers(struct tf_str text)
{
	FILE *f = fopen(SEALERS, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(SEALERS, 0644), 0);
}

static struct tf_config *
load_with(struct tf_arena *a, struct tf_str sealers)
{
	write_sealers(sealers);
	return load(tf_arena_printf(a,
	    "arc {\n trusted_sealers = {\"a.test\", \"B.test\"}\n trusted_sealers_file = "
	    "\"%.*s\"\n}\n",
	    TF_PRI(here(a))));
}

static void
test_domains(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str file;
		size_t count;
		const char *last;
	} rows[] = {
		{ "empty", TF_LIT(""), 2, "b.test" },
		{ "one", TF_LIT("lists.example\n"), 3, "lists.example" },
		{ "no line end", TF_LIT("lists.example"), 3, "lists.example" },
		{ "comments, blanks, CRLF",
		    TF_LIT("# who we trust\r\n\r\n \tLists.Example # all of them\r\n#\n x.test.\n"),
		    4, "x.test" },
		{ "U-label",
		    TF_LIT("b\xc3\xbc"
			   "cher.example\n"),
		    3, "xn--bcher-kva.example" },
		{ "one that the list has, too", TF_LIT("a.test\na.test\n"), 4, "a.test" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();
		struct tf_config *c = load_with(a, rows[i].file);

		if (c == NULL)
			fail_msg("%s: %s", rows[i].what, tf_buf_cstr(&why));
		assert_num(rows[i].what, c->verdict.trusted_sealer_count, rows[i].count);
		assert_str(rows[i].what, c->verdict.trusted_sealers[1], TF_STR("b.test"));
		assert_str(rows[i].what, c->verdict.trusted_sealers[rows[i].count - 1],
		    tf_str_from(rows[i].last));
		/* What the file says is no setting of this file. */
		assert_num(rows[i].what, c->trusted_sealer_count, 2);
		tf_config_release(c);
		tf_arena_free(a);
	}
	unlink(SEALERS);
}

static void
test_mistakes(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str file;
		const char *why; /* behind the name of the file */
	} rows[] = {
		{ "no domain", TF_LIT("a.test\n\nb c\n"),
		    ":3: arc.trusted_sealers_file: \"b c\" is no domain name; e.g. example.com, "
		    "one a line\n" },
		{ "a list in a line", TF_LIT("a.test, b.test\n"),
		    ":1: arc.trusted_sealers_file: \"a.test, b.test\" is no domain name; e.g. "
		    "example.com, one a line\n" },
		{ "no wildcards", TF_LIT("*.a.test\n"),
		    ":1: arc.trusted_sealers_file: \"*.a.test\" is no domain name; e.g. "
		    "example.com, one a line\n" },
		{ "NUL", TF_LIT("a\0b.test\n"),
		    ":1: arc.trusted_sealers_file: \"a\\x00b.test\" is no domain name; e.g. "
		    "example.com, one a line\n" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		struct tf_arena *a = tf_arena_new();

		assert_null(load_with(a, rows[i].file));
		assert_str(rows[i].what, tf_buf_get(&why),
		    tf_arena_printf(a, "%.*s%s", TF_PRI(here(a)), rows[i].why));
		tf_arena_free(a);
	}
	unlink(SEALERS);
}

static void
test_limits(void **state)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_config *c;
	struct tf_buf text;

	(void)state;
	tf_buf_init_arena(&text, a, 4 << 20);
	for (int i = 0; i < 10000; i++)
		tf_buf_lit(&text, "a.test\n");
	c = load_with(a, tf_buf_get(&text));
	assert_non_null(c);
	assert_int_equal(c->verdict.trusted_sealer_count, 10002);
	tf_config_release(c);
	tf_buf_lit(&text, "a.test\n");
	assert_null(load_with(a, tf_buf_get(&text)));
	assert_str("10001", tf_buf_get(&why),
	    tf_arena_printf(a,
		"%.*s:10001: arc.trusted_sealers_file: too many domains; at most 10000\n",
		TF_PRI(here(a))));
	while (text.len <= 1 << 20)
		tf_buf_lit(&text, "# a comment\n");
	assert_null(load_with(a, tf_buf_get(&text)));
	assert_str("1 MiB", tf_buf_get(&why),
	    tf_arena_printf(a,
		"%.*s: arc.trusted_sealers_file: over 1048576 bytes; make the file smaller\n",
		TF_PRI(here(a))));
	unlink(SEALERS);
	tf_arena_free(a);
}

static void
test_file(void **state)
{
	struct tf_arena *a = tf_arena_new();
	bool unreadable = false;
	struct tf_config *c;

	(void)state;
	write_file(TF_STR("arc { verify = true\n trusted_sealers_file = \"/nowhere/list\" }\n"));
	assert_null(load_path(FILE_NAME, &unreadable));
	assert_true(unreadable);
	assert_str("missing", tf_buf_get(&why),
	    TF_STR("t.conf:2: arc.trusted_sealers_file: \"/nowhere/list\" cannot be read: No such "
		   "file or directory; a file with a domain a line\n"));

	c = load_with(a, TF_STR("a.test\n"));
	assert_int_equal(warn.len, 0);
	tf_config_release(c);
	unlink(SEALERS);

	c = load(TF_STR("arc {\n verify = no\n trusted_sealers = {\"a.test\"}\n}\n"));
	assert_non_null(c);
	assert_str("verify", tf_buf_get(&warn),
	    TF_STR("t.conf:3: arc.trusted_sealers: has no effect, because arc.verify is false; arc "
		   "{ verify = true }\n"));
	tf_config_release(c);
	tf_arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
