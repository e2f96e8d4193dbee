/*
 * load_edit.c - the header as the next filter sees it
 *
 * Behaves as Postfix's cleanup_milter: insertions count the MTA's own first field, which filters do
 * not see, and deleted fields no longer count. Memory is only used once a filter edits.
 */
#include "tests/bench/load_edit.h"
#include "truefrom/banned.h"

void
load_edit_begin(struct load_edit *e, const struct load_message *m)
{
	e->is_packed = false;
	if (e->arena != NULL)
		return;
	e->arena = tf_arena_new();
	if (e->cap < m->field_count + 1) {
		e->cap = m->field_count + 16;
		e->fields = tf_xrealloc(e->fields, e->cap * sizeof(*e->fields));
	}
	memcpy(e->fields, m->fields, m->field_count * sizeof(*e->fields));
	e->count = m->field_count;
}

void
load_edit_reset(struct load_edit *e)
{
	tf_arena_free(e->arena);
	e->arena = NULL;
	e->is_packed = false;
}

void
load_edit_clear(struct load_edit *e)
{
	load_edit_reset(e);
	tf_xfree(e->fields);
	load_headers_clear(&e->packed);
}

static void
insert_at(struct load_edit *e, size_t at, struct tf_str name, struct tf_str value)
{
	if (e->count >= LOAD_FIELDS_MAX)
		return;
	if (e->count == e->cap) {
		e->cap *= 2;
		e->fields = tf_xrealloc(e->fields, e->cap * sizeof(*e->fields));
	}
	memmove(e->fields + at + 1, e->fields + at, (e->count - at) * sizeof(*e->fields));
	e->fields[at].name = tf_arena_dup(e->arena, name);
	e->fields[at].value = tf_arena_dup(e->arena, value);
	e->count++;
}

void
load_edit_insert(struct load_edit *e, uint32_t index, struct tf_str name, struct tf_str value)
{
	size_t at = index > 1 ? index - 1 : 0;

	if (at > e->count)
		at = e->count;
	insert_at(e, at, name, value);
}

void
load_edit_append(struct load_edit *e, struct tf_str name, struct tf_str value)
{
	insert_at(e, e->count, name, value);
}

void
load_edit_change(struct load_edit *e, uint32_t index, struct tf_str name, struct tf_str value)
{
	uint32_t seen = 0;

	for (size_t i = 0; i < e->count; i++) {
		if (!tf_str_eq_nocase(e->fields[i].name, name) || ++seen < index)
			continue;
		if (tf_str_trim(value).len != 0) {
			e->fields[i].value = tf_arena_dup(e->arena, value);
			return;
		}
		memmove(e->fields + i, e->fields + i + 1, (e->count - i - 1) * sizeof(*e->fields));
		e->count--;
		return;
	}
	if (tf_str_trim(value).len != 0)
		insert_at(e, e->count, name, value);
}

const struct load_headers *
load_edit_headers(struct load_edit *e, const struct load_message *m, bool leading_space)
{
	if (e->arena == NULL)
		return &m->headers[leading_space ? 1 : 0];
	if (!e->is_packed || e->packed_space != leading_space)
		load_headers_pack(&e->packed, e->fields, e->count, leading_space);
	e->is_packed = true;
	e->packed_space = leading_space;
	return &e->packed;
}
