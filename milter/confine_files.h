/*
 * confine_files.h - a process that can write to a few folders only
 */
#ifndef MILTER_CONFINE_FILES_H
#define MILTER_CONFINE_FILES_H

#include "truefrom/base.h"

/*
 * tf_confine_files - files are made, changed and removed below these folders only, for good
 *
 * folders  absolute; for one that is not there, the nearest one above it
 * count    how many; none is right, too
 *
 * For this thread and those that it makes, in a process with no_new_privs. /dev/null stays as it
 * is, and so does whatever is open. A folder that takes the place of another has none of its
 * rights. Returns false, and nothing is taken away, where the kernel has no Landlock (Linux
 * before 5.13) or does not let us use it: then the rights of the user are what there is.
 */
bool tf_confine_files(const struct tf_str *folders, size_t count);

#endif
