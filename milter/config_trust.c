/*
 * config_trust.c - who could have written a file of the configuration
 *
 * It says who is refused, whose seals are believed and which files root writes to at a start, so a
 * file that others can change is refused, and not only warned about.
 * Limits: names of PATH_MAX bytes.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "milter/config_trust.h"
#include "truefrom/banned.h"

/* Whether others than the file's owner have a say in it. */
static bool
is_private(const struct stat *st, struct tf_buf *why)
{
	const uid_t reader = geteuid();

	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		tf_buf_printf(why,
		    "others than its owner can write to it (mode %04o), so it is not used; chmod "
		    "go-w",
		    (unsigned)(st->st_mode & 07777));
		return false;
	}
	if (st->st_uid != 0 && st->st_uid != reader) {
		tf_buf_printf(why,
		    "it belongs to user %lu, so it is not used; it has to be root's%s",
		    (unsigned long)st->st_uid,
		    reader != 0 ? " or that of the user who reads it" : ": chown root");
		return false;
	}
	return true;
}

/* Every folder above an absolute name. */
static bool
are_folders_safe(struct tf_str name, struct tf_buf *why)
{
	char folder[PATH_MAX];
	struct stat st;

	while (name.len > 1) {
		const size_t slash = tf_str_rfind(name, '/');

		name = tf_str_sub(name, 0, slash != 0 ? slash : 1);
		if (!tf_cstr(name, folder, sizeof(folder)) || stat(folder, &st) != 0)
			continue; /* then the file was not found by this name either */
		if ((st.st_mode & S_IWOTH) == 0 || (st.st_mode & S_ISVTX) != 0)
			continue;
		tf_buf_printf(why,
		    "anybody can put another file in its place, so it is not used; chmod o-w %s",
		    folder);
		return false;
	}
	return true;
}

bool
tf_config_is_trusted(const char *path, const struct stat *st, struct tf_buf *why)
{
	char storage[2 * PATH_MAX], resolved[PATH_MAX], here[PATH_MAX] = "";
	struct tf_buf name;

	if (!S_ISREG(st->st_mode))
		return true;
	if (!is_private(st, why))
		return false;
	tf_buf_init(&name, storage, sizeof(storage));
	if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		here[0] = '\0';
	tf_buf_printf(&name, "%s%s%s", here, path[0] != '/' ? "/" : "", path);
	if (name.overflow || realpath(path, resolved) == NULL) {
		const int error = errno;

		tf_buf_lit(why, "its folder is not found: ");
		tf_buf_errno(why, error);
		return false;
	}
	return are_folders_safe(tf_buf_get(&name), why) &&
	       are_folders_safe(tf_str_from(resolved), why);
}
