/*
 * load_verdict.h - what a filter said of a message, and what was expected of it
 */
#ifndef TESTS_BENCH_LOAD_VERDICT_H
#define TESTS_BENCH_LOAD_VERDICT_H

#include "truefrom/base.h"

enum load_column { LOAD_SPF, LOAD_DKIM, LOAD_ARC, LOAD_DMARC, LOAD_ACTION, LOAD_COLUMNS };

enum load_word {
	LOAD_NONE,
	LOAD_PASS,
	LOAD_FAIL,
	LOAD_SOFTFAIL,
	LOAD_NEUTRAL,
	LOAD_POLICY,
	LOAD_TEMPERROR,
	LOAD_PERMERROR,
	LOAD_ACCEPT,
	LOAD_QUARANTINE,
	LOAD_REJECT,
	LOAD_TEMPFAIL,
	LOAD_DISCARD,
	LOAD_OTHER,
	LOAD_WORDS
};

/* How often each word stands in each column; a column of zeros was not said. */
struct load_verdict {
	uint8_t count[LOAD_COLUMNS][LOAD_WORDS];
	bool spf_of_mailfrom; /* which of several results of SPF was taken */
};

struct load_agreement {
	uint64_t agreed[LOAD_COLUMNS], wrong[LOAD_COLUMNS], not_said[LOAD_COLUMNS];
	uint64_t lines_agreed, lines_wrong; /* a line is wrong when one of its columns is */
};

const char *load_column_name(enum load_column column);
/* Writes the words of one column, separated by commas, "-" for none said. */
void load_verdict_write(const struct load_verdict *v, enum load_column column, struct tf_buf *out);
/* Reads a list of words ("pass,fail"); false when one is unknown. */
bool load_verdict_expect(struct load_verdict *v, enum load_column column, struct tf_str words);
void load_verdict_set_action(struct load_verdict *v, enum load_word action);

/*
 * load_verdict_read - add what one Authentication-Results field says
 *
 * value  as inserted; id the authserv-id that counts, empty for any
 *
 * Reads leniently, unlike authres_parse.c: other programs write values that RFC 8601 does not
 * allow, and only methods and results are wanted here. Of several results of SPF that for
 * smtp.mailfrom counts, else the first; those of DKIM all count; of ARC and DMARC the last.
 */
void load_verdict_read(struct load_verdict *v, struct tf_str value, struct tf_str id);
/* What a later filter says of a method stands in place of what an earlier one said. */
void load_verdict_merge(struct load_verdict *v, const struct load_verdict *later);

/* Counts one message; returns the columns that are wrong, bit by bit. */
unsigned int load_agreement_add(struct load_agreement *sum, const struct load_verdict *said,
    const struct load_verdict *expected);

#endif
