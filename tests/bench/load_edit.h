/*
 * load_edit.h - the header as the next filter sees it
 */
#ifndef TESTS_BENCH_LOAD_EDIT_H
#define TESTS_BENCH_LOAD_EDIT_H

#include "tests/bench/load_corpus.h"

struct load_edit {
	struct tf_arena *arena; /* texts that filters gave; NULL while there is no edit */
	struct load_field *fields;
	size_t count, cap;
	struct load_headers packed;   /* of the edited header */
	bool is_packed, packed_space; /* with which leading space */
};

/* The edited header becomes that of the message again. */
void load_edit_reset(struct load_edit *e);
void load_edit_clear(struct load_edit *e);

/* To be called before any edit: makes the copy that is edited, and its arena. */
void load_edit_begin(struct load_edit *e, const struct load_message *m);

/*
 * Perform one edit as Postfix does. index of an insertion: 0 and 1 mean before the first field that
 * filters see; of a change: the occurrence of the name, from 1. An empty value deletes. A change of
 * what is not there appends. Nothing happens beyond LOAD_FIELDS_MAX fields.
 */
void load_edit_insert(struct load_edit *e, uint32_t index, struct tf_str name, struct tf_str value);
void load_edit_append(struct load_edit *e, struct tf_str name, struct tf_str value);
void load_edit_change(struct load_edit *e, uint32_t index, struct tf_str name, struct tf_str value);

/* The header to send: the message's own, or the edited one. */
const struct load_headers *load_edit_headers(
    struct load_edit *e, const struct load_message *m, bool leading_space);

#endif
