/*
 * config_print.h - the configuration as text
 */
#ifndef MILTER_CONFIG_PRINT_H
#define MILTER_CONFIG_PRINT_H

#include "milter/config_rows.h"

/* The field in the syntax of the file: 5, "text", {"a", "b"}. */
void tf_opt_write(const struct tf_opt *opt, const void *base, struct tf_buf *out);
/* What the row accepts: "1 to 60", "enforce or monitor"; nothing when its check alone decides. */
void tf_opt_write_bounds(const struct tf_opt *opt, struct tf_buf *out);
/* Whether a field has the same value in two structs. */
bool tf_opt_same(const struct tf_opt *opt, const void *a, const void *b);

#endif
