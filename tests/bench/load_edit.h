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

/*
 * load_edit_parse - cut the data of an edit: [index] name NUL value NUL
 *
 * command  SMFIR_ADDHEADER, SMFIR_INSHEADER or SMFIR_CHGHEADER
 */
bool load_edit_parse(
    char command, struct tf_str data, uint32_t *index_out, struct load_field *field_out);

/*
 * load_edit_perform - perform an edit as Postfix does
 *
 * index  of an insertion: 0 and 1 mean before the first field that filters see; of a change: the
 *        occurrence of the name, from 1
 * bare   the filter gives values without their leading space, so one is added
 *
 * An empty value deletes. A change of what is not there appends. There never are more than
 * LOAD_FIELDS_MAX fields.
 */
void load_edit_perform(struct load_edit *e, const struct load_message *m, char command,
    uint32_t index, struct load_field field, bool bare);

/* The header to send: the message's own, or the edited one. */
const struct load_headers *load_edit_headers(
    struct load_edit *e, const struct load_message *m, bool leading_space);

#endif
