/*
 * test_page.c - text for people: sections of labelled lines
 */
#include "policy/page.h"
#include "tests/unit/test.h"

static void
write_page(struct tf_page *p)
{
	tf_page_begin_section(p, "One", " - a question?");
	tf_page_fact(p, "label", TF_STR("value"));
	tf_page_fact(p, "", TF_STR("more"));
	tf_page_begin_section(p, "Two", "");
	tf_page_begin_finding(p, "check", TF_TONE_BAD, "fail");
	tf_page_say_of(p, "of ", TF_STR("a.test"), "");
	tf_page_end_line(p);
	tf_page_begin_finding(p, "a long label here", TF_TONE_PLAIN, "a long result");
	tf_page_end_line(p);
}

static void
test_layout(void **state)
{
	static const struct row {
		const char *what;
		bool colour;
		const char *want;
	} rows[] = {
		{ "plain", false,
		    "One - a question?\n"
		    "  label          value\n"
		    "                 more\n"
		    "\n"
		    "Two\n"
		    "  check          fail        of a.test\n"
		    "  a long label here a long result \n" },
		{ "a terminal", true,
		    "\033[1mOne\033[0m - a question?\n"
		    "  label          value\n"
		    "                 more\n"
		    "\n"
		    "\033[1mTwo\033[0m\n"
		    "  check          \033[31mfail\033[0m        of a.test\n"
		    "  a long label here a long result \n" },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		char storage[1024];
		struct tf_buf out;
		struct tf_page page = { .out = &out, .colour = rows[i].colour };

		tf_buf_init(&out, storage, sizeof(storage));
		write_page(&page);
		assert_str(rows[i].what, tf_buf_get(&out), tf_str_from(rows[i].want));
	}
}

static void
test_bytes(void **state)
{
	char storage[1024];
	struct tf_buf out;
	struct tf_page page = { .out = &out, .colour = true };

	(void)state;
	tf_buf_init(&out, storage, sizeof(storage));
	tf_page_put(&page, TF_STR("a\033[31m\0\n\r\177\302\205z"));
	assert_str("nothing drives a terminal", tf_buf_get(&out),
	    TF_STR("a\\x1b[31m\\x00\\x0a\\x0d\\x7f\\xc2\\x85z"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
