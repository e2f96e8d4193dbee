/*
 * authres_payload.h - results out of an Authentication-Results payload, read strictly (RFC 8601
 * section 2.2)
 *
 * For payloads whose words count because somebody trustworthy signed them. All functions are
 * thread-safe; none waits or logs.
 */
#ifndef POLICY_AUTHRES_PAYLOAD_H
#define POLICY_AUTHRES_PAYLOAD_H

#include "truefrom/base.h"

#define TF_PAYLOAD_RESULTS_MAX 200 /* a payload with more is an error */
#define TF_PAYLOAD_PROPERTIES_MAX 32

struct tf_payload_property {
	struct tf_str type, name, value; /* as written, of any case; value without its quotes */
};

struct tf_payload_result {
	struct tf_str method, result, reason; /* of any case; reason empty without one */
	uint32_t version;                     /* of the method; 1 when there is none */
	struct tf_payload_property properties[TF_PAYLOAD_PROPERTIES_MAX];
	size_t property_count;
};

/* The reading of one payload, from its id to its end. */
struct tf_payload {
	struct tf_lex lx;
	struct tf_arena *arena;
	struct tf_str id; /* authserv-id without its quotes */
	uint32_t version; /* 1 when there is none */
	size_t count;     /* results so far */
};

/*
 * tf_payload_begin - the authserv-id and the version
 *
 * value  what follows the field name, or "i=N;" of an ARC-Authentication-Results; any bytes;
 *        borrowed as long as payload_out is used
 * a      owns what had to be unquoted
 */
void tf_payload_begin(struct tf_str value, struct tf_arena *a, struct tf_payload *payload_out);
/*
 * tf_payload_next - the next result
 *
 * False at the end and at the first error, which tf_payload_error then tells: what was read before
 * it must not be used, for nobody knows what the writer meant.
 *
 * Read beyond the grammar: a ";" at the very end, and "word=value" where a property may stand, as
 * Microsoft writes it ("action=none"); such words are dropped. Results of unknown methods are
 * handed out like any other.
 */
bool tf_payload_next(struct tf_payload *p, struct tf_payload_result *result_out);
/* Static text, or NULL: the payload was read to its end without a mistake, or so far. */
const char *tf_payload_error(const struct tf_payload *p);

#endif
