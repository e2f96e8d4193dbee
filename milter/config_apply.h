/*
 * config_apply.h - what a file says becomes fields of the configuration
 */
#ifndef MILTER_CONFIG_APPLY_H
#define MILTER_CONFIG_APPLY_H

#include "milter/config.h"
#include "milter/config_parse.h"

struct tf_config_input {
	const struct tf_config_text *text;
	const struct tf_config_events *events;
	struct tf_report *report;  /* its arena is used for work memory */
	struct tf_report *sealers; /* gets what is wrong with arc.trusted_sealers_file */
	int64_t now;               /* seconds since 1970 */
};

/*
 * tf_config_apply - put all values into config, which has its defaults, and report what is wrong
 *
 * a  owns what the fields point to
 *
 * Reads the files that the values name. config is not to be used when an error was reported;
 * returns false when one of them was that a file cannot be read.
 */
bool tf_config_apply(
    const struct tf_config_input *in, struct tf_config *config, struct tf_arena *a);

#endif
