/*
 * dkim_sig.h - one DKIM-Signature field, read strictly (RFC 6376 section 3.5)
 *
 * All functions are thread-safe; none waits or logs.
 */
#ifndef POLICY_DKIM_SIG_H
#define POLICY_DKIM_SIG_H

#include "truefrom/result.h"
#include "policy/crypto.h"

/* A field longer than this is not verified. */
#define TF_DKIM_FIELD_MAX ((size_t)48 * 1024)
/* Names in h= */
#define TF_DKIM_NAMES_MAX 500
/* i= */
#define TF_DKIM_IDENTITY_MAX 255

/* A time of t= or x=: seconds since 1970, or what has more than 12 digits (RFC 6376 section 3.5) */
struct tf_dkim_time {
	bool given, infinite;
	int64_t s;
};

/*
 * What a signature says of itself. The slices for reports (domain ... b) are set as far as they
 * could be read, whatever code says, and are clean as the fields of struct tf_dkim ask for.
 */
struct tf_dkim_sig {
	enum tf_code code;    /* TF_NONE: well-formed; else the result of this signature */
	struct tf_str reason; /* of a code other than TF_NONE; static text */

	struct tf_str domain, selector, identity, algorithm, b;

	struct tf_str key_name;    /* <s>._domainkey.<d> */
	enum tf_key_type key_type; /* what a= asks for */
	bool header_relaxed, body_relaxed;
	struct tf_str names; /* h=: colon-separated, well-formed; see tf_taglist_item */
	bool exact_domain;   /* i= is in the domain of d= itself, not below it */
	bool limited;        /* l= is there */
	uint64_t limit;
	struct tf_dkim_time signed_at, expires;
};

/*
 * tf_dkim_sig_parse - read one DKIM-Signature field
 *
 * value    behind the colon, folds and all; any bytes; borrowed as long as sig_out is used
 * now      seconds since 1970
 * skew_s   tolerated difference of clocks
 *
 * The first thing that is wrong decides code and reason: TF_NEUTRAL for syntax and unknown methods,
 * TF_PERMERROR for what RFC 6376 section 6.1.1 calls PERMFAIL otherwise, TF_FAIL out of its time.
 */
void tf_dkim_sig_parse(struct tf_str value, int64_t now, uint32_t skew_s, struct tf_arena *a,
    struct tf_dkim_sig *sig_out);
/* How often h= lists a name (ASCII case ignored). */
size_t tf_dkim_sig_covers(const struct tf_dkim_sig *sig, struct tf_str name);

#endif
