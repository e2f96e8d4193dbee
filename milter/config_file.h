/*
 * config_file.h - the bytes of a configuration file, and of files that it names
 */
#ifndef MILTER_CONFIG_FILE_H
#define MILTER_CONFIG_FILE_H

#include "milter/config_report.h"

/* What reading a file came to. */
enum tf_config_read {
	TF_CONFIG_READ,
	TF_CONFIG_READ_WRITABLE, /* read, but others than its owner can write to it */
	TF_CONFIG_READ_TOO_LONG, /* over TF_CONFIG_FILE_MAX */
	TF_CONFIG_READ_FAILED
};

/*
 * tf_config_file_read - a whole file
 *
 * a         owns file_out
 * file_out  set with the first two returns
 * why       gets what the system said, with TF_CONFIG_READ_FAILED
 */
enum tf_config_read tf_config_file_read(
    const char *path, struct tf_arena *a, struct tf_str *file_out, struct tf_buf *why);

/*
 * tf_config_sealers_read - arc.trusted_sealers_file: a domain a line, # comments
 *
 * file      its contents
 * report    receives mistakes by line, in the name of that file
 * list_out  domains in the form of tf_domain_normalise, owned by a; at most
 *           TF_CONFIG_SEALERS_MAX
 *
 * Returns how many there are.
 */
#define TF_CONFIG_SEALERS_MAX 10000
size_t tf_config_sealers_read(struct tf_str file, struct tf_arena *a, struct tf_report *report,
    const struct tf_str **list_out);

#endif
