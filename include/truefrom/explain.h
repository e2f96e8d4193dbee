/*
 * explain.h - a result in words or as JSON, for people and scripts
 */
#ifndef TRUEFROM_EXPLAIN_H
#define TRUEFROM_EXPLAIN_H

#include "truefrom/verdict.h"

#define TF_RECEIVED_SPF_MAX 2 /* one for each identity */

/* The fields that we put on a message, each value in one line. */
struct tf_written {
	struct tf_str authres; /* empty: none */
	struct tf_str received_spf[TF_RECEIVED_SPF_MAX];
	size_t received_spf_count;
};

/* The JSON object of `truefrom check --json` (interface.md), with a final newline. Appends to out.
 */
void tf_explain_json(const struct tf_result *res, const struct tf_verdict *verdict,
    const struct tf_written *written, struct tf_buf *out);
/* The same in words, coloured when asked for. No byte from outside is written unescaped. */
void tf_explain_words(const struct tf_result *res, const struct tf_verdict *verdict,
    const struct tf_written *written, bool colour, struct tf_buf *out);

/* A flat JSON object of strings and numbers, for log_format = "json". */
struct tf_field {
	const char *key;
	struct tf_str value;
	bool number; /* value is decimal digits and written bare */
};
void tf_explain_fields_json(const struct tf_field *fields, size_t count, struct tf_buf *out);
/*
 * tf_explain_fields_parse - such an object, read again
 *
 * fields     storage for max of them
 *
 * Returns false when it is none: not JSON, a key twice, a value that is neither a string nor an
 * integer that is not negative, or more than max. Keys and values live in a.
 */
bool tf_explain_fields_parse(
    struct tf_str json, struct tf_arena *a, struct tf_field *fields, size_t max, size_t *count_out);

const char *tf_explain_library_version(void); /* of jansson, for -V. Static text. */

#endif
