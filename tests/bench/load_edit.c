/*
 * load_edit.c - the header as the next filter sees it
 *
 * Behaves as Postfix's cleanup_milter: insertions count the MTA's own first field, which filters do
 * not see, and deleted fields no longer count. Memory is only used once a filter edits.
 */
#include <arpa/inet.h>
#include <libmilter/mfdef.h>

#include "tests/bench/load_edit.h"
#include "truefrom/banned.h"

static void
begin(struct load_edit *e, const struct load_message *m)
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

/* At the end when there are not so many. */
static void
insert_at(struct load_edit *e, size_t at, struct load_field field)
{
	if (e->count >= LOAD_FIELDS_MAX)
		return;
	if (e->count == e->cap) {
		e->cap *= 2;
		e->fields = tf_xrealloc(e->fields, e->cap * sizeof(*e->fields));
	}
	if (at > e->count)
		at = e->count;
	memmove(e->fields + at + 1, e->fields + at, (e->count - at) * sizeof(*e->fields));
	e->fields[at].name = tf_arena_dup(e->arena, field.name);
	e->fields[at].value = tf_arena_dup(e->arena, field.value);
	e->count++;
}

static void
change(struct load_edit *e, uint32_t index, struct load_field field)
{
	const bool delete = tf_str_trim(field.value).len == 0;
	uint32_t seen = 0;

	for (size_t i = 0; i < e->count; i++) {
		if (!tf_str_eq_nocase(e->fields[i].name, field.name) || ++seen < index)
			continue;
		if (!delete) {
			e->fields[i].value = tf_arena_dup(e->arena, field.value);
			return;
		}
		memmove(e->fields + i, e->fields + i + 1, (e->count - i - 1) * sizeof(*e->fields));
		e->count--;
		return;
	}
	if (!delete)
		insert_at(e, e->count, field);
}

/* [index] name NUL value NUL */
bool
load_edit_parse(char command, struct tf_str data, uint32_t *index_out, struct load_field *field_out)
{
	size_t end;

	*index_out = 0;
	if (command != SMFIR_ADDHEADER) {
		if (data.len < sizeof(*index_out))
			return false;
		memcpy(index_out, data.ptr, sizeof(*index_out));
		*index_out = ntohl(*index_out);
		data = tf_str_sub(data, sizeof(*index_out), data.len);
	}
	end = tf_str_find(data, '\0');
	field_out->name = tf_str_sub(data, 0, end);
	field_out->value = tf_str_sub(data, end + 1, data.len);
	end = tf_str_find(field_out->value, '\0');
	if (field_out->name.len == 0 || end == field_out->value.len)
		return false;
	field_out->value = tf_str_sub(field_out->value, 0, end);
	return true;
}

void
load_edit_perform(struct load_edit *e, const struct load_message *m, char command, uint32_t index,
    struct load_field field, bool bare)
{
	begin(e, m);
	if (bare && field.value.len != 0)
		field.value = tf_arena_printf(e->arena, " %.*s", TF_PRI(field.value));
	if (command == SMFIR_INSHEADER)
		insert_at(e, index > 1 ? index - 1 : 0, field);
	else if (command == SMFIR_ADDHEADER)
		insert_at(e, e->count, field);
	else
		change(e, index, field);
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
