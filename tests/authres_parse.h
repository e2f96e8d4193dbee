/*
 * authres_parse.h - a strict reader of Authentication-Results (RFC 8601 section 2.2), to test the
 * writer with
 */
#ifndef TESTS_AUTHRES_PARSE_H
#define TESTS_AUTHRES_PARSE_H

#include "truefrom/base.h"

#define TF_PARSED_RESULTS_MAX 64
#define TF_PARSED_PROPERTIES_MAX 16

struct tf_parsed_property {
	struct tf_str type, name, value; /* quoted-strings without their quotes */
};

struct tf_parsed_result {
	struct tf_str method, code, reason;
	uint32_t version;
	struct tf_parsed_property properties[TF_PARSED_PROPERTIES_MAX];
	size_t property_count;
};

struct tf_parsed {
	struct tf_str id;
	uint32_t version;
	struct tf_parsed_result results[TF_PARSED_RESULTS_MAX];
	size_t count;
};

/* Returns what is wrong with the value (static text), or NULL. Slices live in it or in a. */
const char *tf_authres_parse(struct tf_str value, struct tf_arena *a, struct tf_parsed *out);
/* Value of a property of one result ("header.d"), or the empty slice. */
struct tf_str tf_parsed_get(const struct tf_parsed_result *result, const char *type_and_name);

#endif
