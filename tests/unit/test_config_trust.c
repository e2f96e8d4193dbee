/*
 * test_config_trust.c - files that others may have written are refused: the configuration, and what
 * it names
 */
#include "tests/unit/config_fixture.h"

#define FOLDER "open"
#define NOBODY 65534

/* t.conf, or FOLDER/t.conf, with these modes and this owner. */
struct row {
	const char *what;
	mode_t mode, folder;
	bool foreign;
	const char *why; /* NULL: taken; behind the name of the file, %s is the folder */
};

static const struct row rows[] = {
	{ "as usual", 0644, 0755, false, NULL },
	{ "private", 0600, 0700, false, NULL },
	{ "nobody may write", 0444, 0755, false, NULL },
	{ "its group", 0664, 0755, false,
	    "others than its owner can write to it (mode 0664), so it is not used; chmod go-w" },
	{ "others", 0646, 0755, false,
	    "others than its owner can write to it (mode 0646), so it is not used; chmod go-w" },
	{ "everybody", 0666, 0755, false,
	    "others than its owner can write to it (mode 0666), so it is not used; chmod go-w" },
	{ "a folder of everybody", 0644, 0777, false,
	    "anybody can put another file in its place, so it is not used; chmod o-w %s" },
	{ "the same, with the sticky bit", 0644, 01777, false, NULL },
	{ "a folder of a group", 0644, 0775, false, NULL },
	{ "another user's file", 0644, 0755, true,
	    "it belongs to user 65534, so it is not used; it has to be root's: chown root" },
	{ "another user's file, with the sticky bit", 0600, 01777, true,
	    "it belongs to user 65534, so it is not used; it has to be root's: chown root" },
};

static void
put_file(const char *path, const char *text, const struct row *row)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, row->mode), 0);
	assert_int_equal(chmod(FOLDER, row->folder), 0);
	if (row->foreign)
		assert_int_equal(chown(path, NOBODY, NOBODY), 0);
}

/* What has to be said about a file, or "". */
static struct tf_str
expected(const struct row *row, const char *prefix, struct tf_arena *a)
{
	struct tf_buf b;
	struct tf_str text = tf_str_from(row->why);
	const size_t at = tf_str_find(text, '%');
	char here[256];

	if (row->why == NULL)
		return TF_NONE_STR;
	assert_non_null(getcwd(here, sizeof(here)));
	tf_buf_init_arena(&b, a, 4096);
	tf_buf_printf(&b, "%s%.*s", prefix, TF_PRI(tf_str_sub(text, 0, at)));
	if (at < text.len)
		tf_buf_printf(&b, "%s/" FOLDER, here);
	tf_buf_byte(&b, '\n');
	return tf_buf_get(&b);
}

/* Loads path and compares; text is what stands before the reason. */
static void
expect(const struct row *row, const char *path, const char *prefix)
{
	struct tf_arena *a = tf_arena_new();
	bool unreadable = true;
	struct tf_config *c = load_path(path, &unreadable);

	assert_str(row->what, tf_buf_get(&why), expected(row, prefix, a));
	assert_true((c == NULL) == (row->why != NULL));
	assert_false(unreadable);
	if (c != NULL)
		tf_config_release(c);
	tf_arena_free(a);
}

static bool
can_be_tested(const struct row *row)
{
	return !row->foreign || geteuid() == 0;
}

static void
test_configuration(void **state)
{
	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		if (!can_be_tested(&rows[i]))
			continue;
		put_file(FOLDER "/t.conf", "mode = \"monitor\"\n", &rows[i]);
		expect(&rows[i], FOLDER "/t.conf", FOLDER "/t.conf: ");
		assert_int_equal(unlink(FOLDER "/t.conf"), 0);
	}
}

/* A link is as good as what it leads to, and as the folder where it stands. */
static void
test_link(void **state)
{
	(void)state;
	assert_int_equal(symlink(FOLDER "/t.conf", "link.conf"), 0);
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		if (!can_be_tested(&rows[i]))
			continue;
		put_file(FOLDER "/t.conf", "mode = \"monitor\"\n", &rows[i]);
		expect(&rows[i], "link.conf", "link.conf: ");
		assert_int_equal(unlink(FOLDER "/t.conf"), 0);
	}
	assert_int_equal(unlink("link.conf"), 0);

	write_file(TF_STR(""));
	assert_int_equal(symlink("../" FILE_NAME, FOLDER "/link.conf"), 0);
	assert_int_equal(chmod(FOLDER, 0777), 0);
	expect(&rows[6], FOLDER "/link.conf", FOLDER "/link.conf: ");
	assert_int_equal(unlink(FOLDER "/link.conf"), 0);
}

/* Files that the configuration names, by the absolute path that it has to have. */
static void
test_named(void **state)
{
	static const char *const contents[] = { "a.test\n", "a.test. 60 IN A 192.0.2.1\n" };

	(void)state;
	for (size_t n = 0; n < 2 * TF_ARRAY_LEN(rows); n++) {
		const struct row *row = &rows[n / 2];
		const bool zone = n % 2 != 0;
		char path[512], prefix[1024], here[256];
		struct tf_arena *a = tf_arena_new();

		if (!can_be_tested(row)) {
			tf_arena_free(a);
			continue;
		}
		assert_non_null(getcwd(here, sizeof(here)));
		(void)snprintf(path, sizeof(path), "%s/" FOLDER "/named", here);
		put_file(path, contents[zone], row);
		if (zone) {
			(void)snprintf(
			    prefix, sizeof(prefix), "t.conf:1: dns.zone: \"%s\": ", path);
			write_file(tf_arena_printf(a, "dns { zone = \"%s\" }\n", path));
		} else {
			(void)snprintf(
			    prefix, sizeof(prefix), "%s: arc.trusted_sealers_file: ", path);
			write_file(
			    tf_arena_printf(a, "arc { trusted_sealers_file = \"%s\" }\n", path));
		}
		expect(row, FILE_NAME, prefix);
		assert_int_equal(unlink(path), 0);
		tf_arena_free(a);
	}
}

/* What is no file at all is as trustworthy as whoever named it. */
static void
test_no_file(void **state)
{
	bool unreadable = true;
	struct tf_config *c = load_path("/dev/null", &unreadable);

	(void)state;
	assert_non_null(c);
	assert_false(unreadable);
	tf_config_release(c);
	c = load(TF_STR("dns { zone = \"/nowhere/zone\" }\n"));
	assert_non_null(c); /* whoever reads it will say so */
	tf_config_release(c);
}

static int
enter(void **state)
{
	return enter_folder(state) != 0 || mkdir(FOLDER, 0755) != 0;
}

static int
leave(void **state)
{
	return (rmdir(FOLDER) != 0) + leave_folder(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configuration),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
