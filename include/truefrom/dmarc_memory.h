/*
 * dmarc_memory.h - DMARC policies found earlier, for the time when the DNS fails
 *
 * A bounded store with a lock of its own: the daemon owns one, the command line has none. It knows
 * no clock, no file and no configuration. Whoever keeps policies over a restart reads and restores
 * them (milter/state.c). All functions but new and free are thread-safe; none waits for anything
 * but the lock, which is held for a look-up or a few copies.
 */
#ifndef TRUEFROM_DMARC_MEMORY_H
#define TRUEFROM_DMARC_MEMORY_H

#include "truefrom/base.h"

/* Older findings decide nothing. */
#define TF_DMARC_MEMORY_AGE_S ((int64_t)86400)
/* Limits of the store; a record that is longer is not remembered. */
#define TF_DMARC_MEMORY_MAX ((size_t)50000)
#define TF_DMARC_MEMORY_BYTES ((size_t)24 * 1024 * 1024)
#define TF_DMARC_MEMORY_RECORD_MAX ((size_t)1024)
/* A domain of which a policy was found again so much later is one that writes to us regularly. */
#define TF_DMARC_MEMORY_REGULAR_S ((int64_t)3600)

/* Whether a name exists in the DNS (RFC 9989 section 3.2.13); UNKNOWN: not asked, or no answer. */
enum tf_exists { TF_EXISTS_YES, TF_EXISTS_NO, TF_EXISTS_UNKNOWN };

/* What one policy discovery found (RFC 9989 section 4.10.1). Names are normalised. */
struct tf_dmarc_found {
	struct tf_str domain;        /* author domain */
	struct tf_str record_domain; /* where the record stands: domain, or above it */
	struct tf_str org_domain;    /* the same */
	struct tf_str record;        /* any bytes */
	enum tf_exists exists;       /* domain itself, where np makes a difference */
	int64_t first, last;         /* when it was found, seconds since 1970 */
};

struct tf_dmarc_memory;

struct tf_dmarc_memory *tf_dmarc_memory_new(void);
void tf_dmarc_memory_free(struct tf_dmarc_memory *m); /* NULL is fine */

/*
 * tf_dmarc_memory_keep - a policy was found now
 *
 * found  first and last are ignored; copied
 * now    seconds since 1970
 *
 * When the store is full, a domain that was seen within one hour only gives way before those that
 * are seen again and again, so that nobody drives those out by mail in the names of thousands of
 * domains of his own; and domains that share their last two labels get an eighth of the store.
 */
void tf_dmarc_memory_keep(
    struct tf_dmarc_memory *m, const struct tf_dmarc_found *found, int64_t now);
/* The domain was asked, and there is no policy any more. */
void tf_dmarc_memory_forget(struct tf_dmarc_memory *m, struct tf_str domain);
/*
 * tf_dmarc_memory_find - what was found for the domain within the last day
 *
 * found_out  complete on true only; its slices live in a
 */
bool tf_dmarc_memory_find(struct tf_dmarc_memory *m, struct tf_str domain, int64_t now,
    struct tf_arena *a, struct tf_dmarc_found *found_out);

size_t tf_dmarc_memory_count(struct tf_dmarc_memory *m);
/* Another number after each change. */
uint64_t tf_dmarc_memory_changes(struct tf_dmarc_memory *m);
/*
 * tf_dmarc_memory_next - some of what is remembered
 *
 * at  0 at first; advanced
 *
 * Returns false behind the last. *count_out may be 0 before. What others do between two calls may
 * be missed. The list lives in a.
 */
bool tf_dmarc_memory_next(struct tf_dmarc_memory *m, size_t *at, struct tf_arena *a,
    const struct tf_dmarc_found **list_out, size_t *count_out);
/* With its own times, from before a restart; the oldest first. What is too old is left out. */
void tf_dmarc_memory_restore(
    struct tf_dmarc_memory *m, const struct tf_dmarc_found *found, int64_t now);

/*
 * One finding as one line of a file, without a line end: "LAST FIRST EXISTS DOMAIN RECORD_DOMAIN
 * ORG_DOMAIN RECORD", blanks between; what is not printable ASCII in the record, and "\", as \xNN.
 */
#define TF_DMARC_FOUND_LINE_MAX (4 * TF_DMARC_MEMORY_RECORD_MAX + 1000)
void tf_dmarc_found_write(const struct tf_dmarc_found *found, struct tf_buf *out);
/*
 * Reads such a line. Returns false unless it could have been written by tf_dmarc_found_write: names
 * normalised and above each other, a DMARC record, times in order. Slices live in a.
 */
bool tf_dmarc_found_parse(struct tf_str line, struct tf_arena *a, struct tf_dmarc_found *found_out);

#endif
