/*
 * canon.h - canonical forms of header fields and bodies (RFC 6376 section 3.4)
 *
 * The same forms serve DKIM-Signature, ARC-Message-Signature and ARC-Seal. CRLF is the only line
 * end; a CR or LF alone is an octet like others (but see tf_canon_field). All functions are
 * thread-safe; none waits, logs or keeps anything of its input.
 */
#ifndef POLICY_CANON_H
#define POLICY_CANON_H

#include "truefrom/base.h"

/*
 * tf_canon_field - one header field, "name:value" (RFC 6376 sections 3.4.1 and 3.4.2)
 *
 * name     as received, without the colon
 * value    behind the colon, without the final line end; any bytes; folds are CRLF, or LF as
 *          milters have it: an LF without CR before it is written as CRLF
 * out      appended to; without the final CRLF, which the caller adds where it belongs
 *
 * Relaxed: the name in lower case, folds undone, runs of SP and TAB one SP, none at either end.
 */
void tf_canon_field(bool relaxed, struct tf_str name, struct tf_str value, struct tf_buf *out);

/*
 * tf_canon_signature_field - the same for a signature's own field, the value of its b= removed
 *
 * Removed is what stands between the = of the tag b and the ; or the end, white space and all (RFC
 * 6376 section 3.7); every other byte stays. The tag is found by the one parser of such lists.
 * Returns false, with nothing written, when the value is no such list or has no b=.
 */
bool tf_canon_signature_field(
    bool relaxed, struct tf_str name, struct tf_str value, struct tf_buf *out);

/* Octets held back before they are passed on, so that a digest is not called for each word. */
#define TF_CANON_ROOM 2048

/*
 * A body on its way to its canonical form, in chunks split anywhere (RFC 6376 sections 3.4.3 and
 * 3.4.4). Constant memory: empty lines that may be the last ones are a number.
 */
struct tf_canon_body {
	void (*put)(void *to, struct tf_str octets);
	void *to;
	bool relaxed;
	bool cr, blank; /* held back: a CR at the end of a chunk; SP or TAB */
	bool written;   /* something other than line ends */
	uint64_t lines; /* held back: line ends */
	size_t len;     /* of room */
	char room[TF_CANON_ROOM];
};

/* put(to, octets) is called with the canonical octets in order, in pieces of any size but 0. */
void tf_canon_body_init(
    struct tf_canon_body *b, bool relaxed, void (*put)(void *to, struct tf_str octets), void *to);
void tf_canon_body_feed(struct tf_canon_body *b, struct tf_str chunk);
/* The body ends: a missing line end is supplied, and everything has been put. */
void tf_canon_body_finish(struct tf_canon_body *b);

#endif
