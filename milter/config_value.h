/*
 * config_value.h - one value of the configuration: from text into its field
 */
#ifndef MILTER_CONFIG_VALUE_H
#define MILTER_CONFIG_VALUE_H

#include "milter/config_rows.h"

/*
 * tf_opt_set - check one value and put it into its field; of a list: append one element
 *
 * base   the struct that the row's field belongs to (struct tf_config or struct tf_override)
 * value  without quotes; any bytes but NUL
 * a      owns what the field points to
 * why    receives "what is wrong; what would be right"
 *
 * Returns false, and leaves the field as it was, when the value is not accepted.
 */
bool tf_opt_set(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why);
bool tf_opt_is_full(const struct tf_opt *opt, const void *base); /* a list with max elements */
void tf_opt_clear_list(const struct tf_opt *opt, void *base);
/* The default; a default that does not pass its own row is a bug and panics. */
void tf_opt_set_default(const struct tf_opt *opt, void *base, struct tf_arena *a);

#endif
