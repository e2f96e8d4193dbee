/*
 * dkim_fixture.h - a signed message from its parts through tf_dkim_*, against a zone with its keys
 */
#ifndef TESTS_UNIT_DKIM_FIXTURE_H
#define TESTS_UNIT_DKIM_FIXTURE_H

#include "policy/dkim.h"
#include "tests/unit/dkim_signer.h"
#include "tests/unit/resolver_fixture.h"

#define NOW 1700000000

/* A TXT record in master-file form: strings of 200 octets, everything odd as \DDD. */
void zone_txt(struct tf_buf *zone, struct tf_str name, struct tf_str text);

/* "Name:value" lines with folds, each ended by CRLF. */
void add_header(struct tf_header_block *hb, struct tf_str text);
struct tf_header_block *new_header(struct tf_arena *a);

/* One run of tf_dkim_start, _body and _eval. */
struct run {
	struct tf_arena *arena;
	struct tf_resolver *resolver;
	struct tf_dkim_opts opts;
	struct tf_author authors;
	uint32_t max_questions;
	size_t chunk; /* octets of a body chunk; 0 = all at once */

	const struct tf_dkim *dkim;
	size_t count;
	struct tf_notes notes;
	uint32_t asked;
	const struct tf_str *domains;
	size_t domain_count;
};

/* Defaults: the author domain is example.com, options as configured by default. */
struct run new_run(struct tf_arena *a, struct tf_resolver *r);
void run_dkim(struct run *run, const struct tf_header_block *hb, struct tf_str body);
/* All notes, a line each. */
struct tf_str all_notes(const struct run *run);

#endif
