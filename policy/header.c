/*
 * header.c - the header block as received
 *
 * Milters hand over folds as LF; DKIM hashes CRLF (RFC 6376 section 3.4). That one change is made
 * here, once. Limits: fields and bytes, both given; what passes them is refused, never cut.
 */
#include <string.h>

#include "policy/header.h"
#include "truefrom/banned.h"

void
tf_header_block_init(
    struct tf_header_block *hb, struct tf_arena *a, const struct tf_header_limits *limits)
{
	*hb = (struct tf_header_block){ .arena = a, .limits = *limits };
}

/* Copy with every LF that has no CR before it as CRLF. */
static struct tf_str
with_crlf(struct tf_arena *a, struct tf_str in)
{
	size_t bare = 0, n = 0;
	char *out;

	for (size_t i = 0; i < in.len; i++)
		bare += in.ptr[i] == '\n' && (i == 0 || in.ptr[i - 1] != '\r');
	if (bare == 0)
		return tf_arena_dup(a, in);
	out = tf_arena_alloc(a, in.len + bare);
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == '\n' && (i == 0 || in.ptr[i - 1] != '\r'))
			out[n++] = '\r';
		out[n++] = in.ptr[i];
	}
	return (struct tf_str){ out, n };
}

static void
grow(struct tf_header_block *hb)
{
	size_t room = hb->room != 0 ? hb->room * 2 : 64;
	struct tf_header *fields = tf_arena_array(hb->arena, room, sizeof(*fields));

	if (hb->count != 0)
		memcpy(fields, hb->fields, hb->count * sizeof(*fields));
	hb->fields = fields;
	hb->room = room;
}

/* Blanks and folds before the colon. */
static struct tf_str
without_blanks(struct tf_str name)
{
	while (name.len != 0 && memchr(" \t\r\n", name.ptr[name.len - 1], 4) != NULL)
		name.len--;
	return name;
}

bool
tf_header_block_add(struct tf_header_block *hb, struct tf_str name, struct tf_str value)
{
	struct tf_header *h;

	if (hb->too_big || hb->count >= hb->limits.max_fields ||
	    name.len > hb->limits.max_bytes - hb->bytes ||
	    value.len > hb->limits.max_bytes - hb->bytes - name.len) {
		hb->too_big = true;
		return false;
	}
	if (hb->count == hb->room)
		grow(hb);
	h = &hb->fields[hb->count++];
	h->written = with_crlf(hb->arena, name);
	h->name = without_blanks(h->written);
	h->value = with_crlf(hb->arena, value);
	hb->bytes += name.len + value.len;
	return true;
}

bool
tf_header_is(const struct tf_header *h, struct tf_str name)
{
	return tf_str_eq_nocase(h->name, name);
}

const struct tf_header *
tf_header_next(const struct tf_header_block *hb, struct tf_str name, size_t *from)
{
	for (size_t i = *from; i < hb->count; i++) {
		if (tf_header_is(&hb->fields[i], name)) {
			*from = i + 1;
			return &hb->fields[i];
		}
	}
	*from = hb->count;
	return NULL;
}
