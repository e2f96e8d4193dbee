/*
 * header.h - the header block as received
 *
 * Fields are kept unmodified and in order; line ends inside a value are CRLF. Lives in the
 * message's arena.
 */
#ifndef POLICY_HEADER_H
#define POLICY_HEADER_H

#include "truefrom/base.h"

struct tf_header {
	struct tf_str name;    /* as received, without blanks before the colon */
	struct tf_str written; /* the same with them */
	struct tf_str
	    value; /* after the colon, leading blank included, no final CRLF, folds as CRLF */
};

struct tf_header_limits {
	uint32_t max_fields;
	uint64_t max_bytes; /* names and values */
};

struct tf_header_block {
	struct tf_arena *arena;
	struct tf_header_limits limits;
	struct tf_header *fields;
	size_t count, room;
	uint64_t bytes; /* as they came: what is kept may be twice as much, LF being CRLF */
	bool too_big;   /* a limit was passed; later fields were not kept */
};

void tf_header_block_init(
    struct tf_header_block *hb, struct tf_arena *a, const struct tf_header_limits *limits);
/*
 * tf_header_block_add - the next field
 *
 * name  without the colon; blanks and folds before it are obsolete syntax (RFC 5322 section 4.5),
 *       kept because DKIM may have signed them
 *
 * Copies name and value; LF without CR becomes CRLF, a bare CR stays. False once a limit is passed.
 */
bool tf_header_block_add(struct tf_header_block *hb, struct tf_str name, struct tf_str value);
bool tf_header_is(const struct tf_header *h, struct tf_str name); /* ASCII case ignored */
/* The next field of that name at index from or later, or NULL; *from is set behind it. */
const struct tf_header *tf_header_next(
    const struct tf_header_block *hb, struct tf_str name, size_t *from);

#endif
