/*
 * test_confine_files.c - what can be written after tf_confine_files, and what cannot
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "milter/confine_files.h"
#include "tests/unit/test.h"

#define NO_LANDLOCK 250

static long
try_make(const char *name)
{
	return open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static long
try_write(const char *name)
{
	return open(name, O_WRONLY);
}

static long
try_read(const char *name)
{
	return open(name, O_RDONLY);
}

static long
try_mkdir(const char *name)
{
	return mkdir(name, 0700);
}

static long
try_unlink(const char *name)
{
	return unlink(name);
}

static long
try_rename(const char *name)
{
	return rename(name, "mine/renamed");
}

/* Kernels before 5.19 say EXDEV whatever the rights are. */
static long
try_move(const char *name)
{
	const long end = rename(name, "mine/renamed");

	if (errno == EXDEV)
		errno = EACCES;
	return end;
}

static long
try_symlink(const char *name)
{
	return symlink("x", name);
}

static const struct row {
	const char *what;
	long (*attempt)(const char *name);
	const char *name;
	int error;
} rows[] = {
	{ "a new file", try_make, "mine/new", 0 },
	{ "a file of it", try_write, "mine/old", 0 },
	{ "a name of it", try_rename, "mine/new", 0 },
	{ "a file of it that goes", try_unlink, "mine/renamed", 0 },
	{ "a folder in it", try_mkdir, "mine/folder", 0 },
	{ "a file in that", try_make, "mine/folder/new", 0 },
	{ "another that is allowed, made later", try_make, "mine/later/new", ENOENT },
	{ "nowhere to write", try_write, "/dev/null", 0 },
	{ "others are read", try_read, "theirs/old", 0 },
	{ "others are not changed", try_write, "theirs/old", EACCES },
	{ "nor made", try_make, "theirs/new", EACCES },
	{ "nor linked", try_symlink, "theirs/link", EACCES },
	{ "nor folders", try_mkdir, "theirs/folder", EACCES },
	{ "nor removed", try_unlink, "theirs/old", EACCES },
	{ "nor moved away", try_move, "theirs/old", EACCES },
	{ "nor above", try_make, "new", EACCES },
	{ "nor by a way around", try_make, "mine/../theirs/new", EACCES },
	{ "nor elsewhere", try_make, "/tmp/truefrom-test-not-made", EACCES },
};

/* Answers with the number of the first row that went otherwise, or with TF_ARRAY_LEN(rows). */
static void __attribute__((noreturn)) run_child(const char *top)
{
	struct tf_arena *a = tf_arena_new();
	const struct tf_str folders[] = { tf_arena_printf(a, "%s/mine", top),
		tf_arena_printf(a, "%s/mine/not/there/yet", top) };
	size_t i;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    !tf_confine_files(folders, TF_ARRAY_LEN(folders)))
		_exit(NO_LANDLOCK);
	for (i = 0; i < TF_ARRAY_LEN(rows); i++) {
		errno = 0;
		if ((rows[i].attempt(rows[i].name) < 0 ? errno : 0) != rows[i].error)
			break;
	}
	_exit((int)i);
}

static void
put_file(const char *name)
{
	const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void
test_rows(void **state)
{
	char top[] = "/tmp/truefrom-test-XXXXXX";
	static const char *const files[] = { "mine/old", "mine/folder/new", "theirs/old" };
	static const char *const folders[] = { "mine/folder", "mine", "theirs" };
	int status = 0;
	pid_t child;

	(void)state;
	assert_non_null(mkdtemp(top));
	assert_int_equal(chdir(top), 0);
	assert_int_equal(mkdir("mine", 0700) + mkdir("theirs", 0700), 0);
	put_file("mine/old");
	put_file("theirs/old");
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		run_child(top);
	assert_int_equal(waitpid(child, &status, 0), child);
	for (size_t i = 0; i < TF_ARRAY_LEN(files); i++)
		(void)unlink(files[i]);
	for (size_t i = 0; i < TF_ARRAY_LEN(folders); i++)
		(void)rmdir(folders[i]);
	assert_int_equal(chdir("/"), 0);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_LANDLOCK)
		skip();
	if (WEXITSTATUS(status) != TF_ARRAY_LEN(rows))
		fail_msg("%s went otherwise", rows[WEXITSTATUS(status)].what);
	assert_int_equal(rmdir(top), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
