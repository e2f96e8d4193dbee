/*
 * config_fixture.h - a configuration from a text, by way of a file t.conf in a folder of its own
 *
 * Messages about it read "t.conf:LINE: ...".
 */
#ifndef TESTS_UNIT_CONFIG_FIXTURE_H
#define TESTS_UNIT_CONFIG_FIXTURE_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/config.h"
#include "tests/unit/test.h"

#define FILE_NAME "t.conf"

/* Of the last load. */
static char why_storage[64 * 1024], warn_storage[64 * 1024];
static struct tf_buf why, warn;

static void
write_file(struct tf_str text)
{
	FILE *f = fopen(FILE_NAME, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(FILE_NAME, 0644), 0);
}

static struct tf_config *
load_path(const char *path, bool *unreadable_out)
{
	tf_buf_init(&why, why_storage, sizeof(why_storage));
	tf_buf_init(&warn, warn_storage, sizeof(warn_storage));
	return tf_config_load(path, &why, &warn, unreadable_out);
}

static struct tf_config *
load(struct tf_str text)
{
	bool unreadable = true;
	struct tf_config *c;

	write_file(text);
	c = load_path(FILE_NAME, &unreadable);
	assert_false(unreadable);
	return c;
}

static int
enter_folder(void **state)
{
	static char folder[] = "/tmp/truefrom-test-XXXXXX";

	*state = folder;
	return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int
leave_folder(void **state)
{
	return (unlink(FILE_NAME) != 0) + (chdir("/") != 0) + (rmdir(*state) != 0);
}

#endif
