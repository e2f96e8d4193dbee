/*
 * config_file.h - the bytes of a configuration file, and of files that it names
 */
#ifndef MILTER_CONFIG_FILE_H
#define MILTER_CONFIG_FILE_H

#include "milter/config_report.h"

#define TF_CONFIG_WHY_MAX                                                                          \
	((size_t)8 * 1024) /* room for a reason with the name of a folder in it                    \
			    */

/* What reading a file came to. */
enum tf_config_read {
	TF_CONFIG_READ,
	TF_CONFIG_READ_TOO_LONG, /* over TF_CONFIG_FILE_MAX */
	TF_CONFIG_READ_UNSAFE,   /* others may have written it (config_trust.h): not read */
	TF_CONFIG_READ_FAILED
};

/*
 * tf_config_file_read - a whole file
 *
 * a         owns file_out
 * file_out  set with TF_CONFIG_READ and TF_CONFIG_READ_TOO_LONG
 * why       gets what is wrong with the file, or what the system said, with the last two returns
 */
enum tf_config_read tf_config_file_read(
    const char *path, struct tf_arena *a, struct tf_str *file_out, struct tf_buf *why);

/*
 * tf_config_file_trust - the same judgement of a file that is read later, by somebody else
 *
 * Returns false, with what is wrong in why, for an unsafe file; true for a safe one and for one
 * that is not there, which whoever reads it will say.
 */
bool tf_config_file_trust(const char *path, struct tf_buf *why);

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
