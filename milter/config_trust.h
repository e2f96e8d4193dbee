/*
 * config_trust.h - who could have written a file of the configuration
 */
#ifndef MILTER_CONFIG_TRUST_H
#define MILTER_CONFIG_TRUST_H

#include <sys/stat.h>

#include "truefrom/base.h"

/*
 * tf_config_is_trusted - whether nobody but root and the user who reads it decides what it says
 *
 * path  its name, relative to the working folder or absolute
 * st    what fstat says of the open file
 * why   gets what is wrong and what would be right, in one line that goes on from the file's name
 *
 * False when a regular file belongs to somebody else, when its group or others can write to it, and
 * when anybody could put another one in its place: a folder above it, or above what a link leads
 * to, that is writable for all and has no sticky bit. What is no regular file (a pipe, /dev/null)
 * was opened by name all the same and is taken as it is.
 */
bool tf_config_is_trusted(const char *path, const struct stat *st, struct tf_buf *why);

#endif
