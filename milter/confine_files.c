/*
 * confine_files.c - a process that can write to a few folders only
 *
 * By Landlock, for which there is no function in the C library. Reading stays as it was: that the
 * user's rights decide. Renaming from one folder to another is refused by kernels that cannot tell
 * (before 5.19), which nothing here needs.
 */
#include "milter/confine_files.h"

#ifdef __linux__
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "truefrom/banned.h"

#if defined(__linux__) && defined(SYS_landlock_create_ruleset)

#define NAME_BYTES 4096

/* What makes, changes or removes; a rule for a file that is no folder knows the first alone. */
static const uint64_t of_file = LANDLOCK_ACCESS_FS_WRITE_FILE;
static const uint64_t of_folder = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
				  LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
				  LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				  LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				  LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

static bool
allow(int rules, int fd, uint64_t rights)
{
	const struct landlock_path_beneath_attr rule = { .allowed_access = rights,
		.parent_fd = fd };

	return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/* The folder, or the nearest above it that can be opened. */
static int
open_nearest(struct tf_str folder)
{
	char name[NAME_BYTES];
	int fd = -1;

	while (fd < 0 && folder.len != 0 && tf_cstr(folder, name, sizeof(name))) {
		const size_t slash = tf_str_rfind(folder, '/');

		fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (folder.len == 1)
			break;
		folder = tf_str_sub(folder, 0, slash != 0 ? slash : 1);
	}
	return fd;
}

static bool
fill(int rules, const struct tf_str *folders, size_t count)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool ok = null >= 0 && allow(rules, null, of_file);

	if (null >= 0)
		close(null);
	for (size_t i = 0; ok && i < count; i++) {
		const int fd = open_nearest(folders[i]);

		ok = fd >= 0 && allow(rules, fd, of_folder);
		if (fd >= 0)
			close(fd);
	}
	return ok;
}

bool
tf_confine_files(const struct tf_str *folders, size_t count)
{
	const struct landlock_ruleset_attr handled = { .handled_access_fs = of_folder };
	const int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
	bool ok;

	if (rules < 0)
		return false;
	ok = fill(rules, folders, count) && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return ok;
}

#else

bool
tf_confine_files(const struct tf_str *folders, size_t count)
{
	(void)folders;
	(void)count;
	return false;
}

#endif
