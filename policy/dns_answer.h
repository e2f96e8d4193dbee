/*
 * dns_answer.h - the contents of DNS: packets -> answers, master files -> records
 */
#ifndef POLICY_DNS_ANSWER_H
#define POLICY_DNS_ANSWER_H

#include "truefrom/resolver.h"

#define TF_DNS_MAX_RECORDS 100
#define TF_DNS_MAX_CNAMES 8

/*
 * tf_dns_answer_parse - one DNS message -> the typed answer to one question
 *
 * packet  any bytes
 * name    as asked: raw labels joined by dots, lower case, no trailing dot ("" is the root)
 * a       owns what answer_out points to
 *
 * Anything that is not a whole, consistent reply to this very question is TF_DNS_MALFORMED: wrong
 * name, type or class; truncated; a chain of more than TF_DNS_MAX_CNAMES aliases; records of the
 * type asked, or aliases, beside the chain; more than TF_DNS_MAX_RECORDS records; a target name
 * that cannot be written with dots alone. After a chain, NXDOMAIN and NODATA are those of its end
 * (RFC 6604). Never blocks; time linear in the packet. RFC 1035 section 4, RFC 2181 section 10.1.
 */
void tf_dns_answer_parse(struct tf_str packet, struct tf_str name, enum tf_dns_type type,
    struct tf_arena *a, struct tf_dns_answer *answer_out);

/* The answer's records in presentation form, one string each: TXT joined, no quotes; bytes that are
 * not printable ASCII, and the backslash, escaped (RFC 1035 section 5.1). */
const struct tf_str *tf_dns_answer_write(
    const struct tf_dns_answer *answer, enum tf_dns_type type, struct tf_arena *a);

/* Name (raw labels joined by dots) for libraries that read presentation form; "." for the root. */
void tf_dns_name_write(struct tf_str name, struct tf_buf *out);

/* One record of a master file. */
struct tf_dns_record {
	struct tf_str owner; /* raw labels joined by dots, lower case, no trailing dot */
	uint16_t type;
	uint32_t ttl_s;
	struct tf_str rdata; /* wire form, names uncompressed */
	size_t number;       /* for who sorts them */
	struct tf_dns_record *next;
};

/*
 * tf_dns_records_parse - a master file (RFC 1035 section 5) -> records, in order
 *
 * text   the whole file; $ORIGIN and $TTL are understood; a relative name without an $ORIGIN is
 *        under the root; class IN only; a TTL stands before the class
 * label  what to call the file in messages
 *
 * Returns false with "LABEL:LINE: reason" in why.
 */
bool tf_dns_records_parse(struct tf_str text, const char *label, struct tf_arena *a,
    struct tf_dns_record **records_out, struct tf_buf *why);

const char *tf_dns_library_version(void); /* of ldns */

#endif
