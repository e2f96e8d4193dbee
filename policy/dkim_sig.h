/*
 * dkim_sig.h - one DKIM-Signature, ARC-Message-Signature or ARC-Seal field, read strictly (RFC 6376
 * section 3.5, RFC 8617 sections 4.1.2 and 4.1.3)
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

/* Sets of a chain, and the highest i= of their fields (RFC 8617 section 5) */
#define TF_ARC_SETS_MAX 50

/* cv= of an ARC-Seal */
enum tf_arc_cv { TF_ARC_CV_UNKNOWN, TF_ARC_CV_NONE, TF_ARC_CV_PASS, TF_ARC_CV_FAIL };

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
	struct tf_str signature, body_hash; /* the bytes of b= and bh= */
	struct tf_str names; /* h=: colon-separated, well-formed; see tf_taglist_item */
	bool exact_domain;   /* i= is in the domain of d= itself, not below it */
	bool limited;        /* l= is there */
	uint64_t limit;
	struct tf_dkim_time signed_at, expires;

	uint32_t instance;    /* ARC: i=, from 1 to TF_ARC_SETS_MAX; 0 = unreadable */
	enum tf_arc_cv chain; /* ARC-Seal */
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
/*
 * tf_arc_message_parse - read one ARC-Message-Signature field
 *
 * As tf_dkim_sig_parse, but there is no v=, i= is the instance, and the clock is asked for x=
 * alone. An h= with ARC-Seal is a finding (RFC 8617 section 4.1.2 forbids it), and so is one
 * without From; other fields of ARC and Authentication-Results, which signers must not name either,
 * are let through: they hide nothing. Comments, which the grammar of RFC 8617 has around i=, are
 * not read: no tag list has them.
 */
void tf_arc_message_parse(struct tf_str value, int64_t now, uint32_t skew_s, struct tf_arena *a,
    struct tf_dkim_sig *sig_out);
/*
 * tf_arc_seal_parse - read one ARC-Seal field
 *
 * i=, a=, b=, d=, s=, cv= and t= are read, h= is a finding, and all else is ignored: seals cover no
 * body, and their canonical form is always relaxed. cv= may be in any case (RFC 5234 section 2.3).
 */
void tf_arc_seal_parse(struct tf_str value, struct tf_arena *a, struct tf_dkim_sig *sig_out);
/* position of RFC 8617 section 4.2.1: one or two digits, from 1 to TF_ARC_SETS_MAX. */
bool tf_arc_position_parse(struct tf_str digits, uint32_t *position_out);
/* How often h= lists a name (ASCII case ignored). */
size_t tf_dkim_sig_covers(const struct tf_dkim_sig *sig, struct tf_str name);

#endif
