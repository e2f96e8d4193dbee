/*
 * signed_message.c - a message as signatures see it: the header that h= selects, the body's hashes
 *
 * Implements RFC 6376 sections 3.7 and 5.4.2. Fields of one name form a chain from the bottom up,
 * found by a table of names that is sorted for the first signature of a message; selecting is then
 * a search in that table for each name of h=, so that 500 names against 2000 fields cost thousands
 * of steps, and not a million for each signature. Does not: read signatures (dkim_sig.c), or know
 * which of them matter.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/canon.h"
#include "policy/signed_message.h"
#include "policy/taglist.h"
#include "truefrom/banned.h"

#define NO_FIELD SIZE_MAX

/* All fields of one name. */
struct chain {
	struct tf_str name;
	size_t lowest;
	size_t next;    /* to be selected; of use in this round only */
	uint64_t round; /* in which next was set */
};

struct tf_signed_message {
	struct tf_arena *arena;
	const struct tf_header_block *hb;
	struct tf_key_cache *keys;
	struct tf_body_hashes *body;
	struct chain *chains; /* sorted by name; NULL before the first signature */
	size_t chain_count;
	size_t *above; /* for each field the next one of its name above it, or NO_FIELD */
	uint64_t round;
	struct tf_buf text;
};

/* By ASCII letters without their case, shorter names first. */
static int
compare_names(struct tf_str a, struct tf_str b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	for (size_t i = 0; i < a.len; i++) {
		int order = tf_lower(a.ptr[i]) - tf_lower(b.ptr[i]);

		if (order != 0)
			return order;
	}
	return 0;
}

/* By name, and from the bottom up. */
static int
compare_chains(const void *a, const void *b)
{
	const struct chain *x = a, *y = b;
	int order = compare_names(x->name, y->name);

	if (order != 0)
		return order;
	return (x->lowest < y->lowest) - (x->lowest > y->lowest);
}

/* One chain for each field, sorted; then those of one name become one. */
static void
sort_fields(struct tf_signed_message *m)
{
	const size_t count = m->hb->count;
	size_t kept = 0;

	m->chains = tf_arena_array(m->arena, count, sizeof(*m->chains));
	m->above = tf_arena_array(m->arena, count, sizeof(*m->above));
	for (size_t i = 0; i < count; i++)
		m->chains[i] = (struct chain){ .name = m->hb->fields[i].name, .lowest = i };
	qsort(m->chains, count, sizeof(*m->chains), compare_chains);
	for (size_t i = 0; i < count; i++) {
		const struct chain c = m->chains[i];

		m->above[c.lowest] = NO_FIELD;
		if (i != 0 && compare_names(c.name, m->chains[kept - 1].name) == 0)
			m->above[m->chains[kept - 1].next] = c.lowest;
		else
			m->chains[kept++] = c;
		m->chains[kept - 1].next = c.lowest;
	}
	m->chain_count = kept;
}

struct tf_signed_message *
tf_signed_message_new(
    struct tf_arena *a, const struct tf_header_block *hb, struct tf_key_cache *keys)
{
	struct tf_signed_message *m = tf_arena_alloc(a, sizeof(*m));

	m->arena = a;
	m->hb = hb;
	m->keys = keys;
	m->body = tf_body_hashes_new(a);
	/* Canonical text is never longer than name, colon, value and line end; folds were counted
	 * as LF when the block was limited. */
	tf_buf_init_arena(&m->text, a, 2 * (size_t)hb->bytes + 3 * hb->count);
	return m;
}

const struct tf_header_block *
tf_signed_message_header(const struct tf_signed_message *m)
{
	return m->hb;
}

struct tf_body_hashes *
tf_signed_message_body(struct tf_signed_message *m)
{
	return m->body;
}

static struct chain *
find_chain(struct tf_signed_message *m, struct tf_str name)
{
	size_t low = 0, high = m->chain_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_names(name, m->chains[middle].name);

		if (order == 0)
			return &m->chains[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The lowest field of that name that was not selected in this round, or NO_FIELD. */
static size_t
select_field(struct tf_signed_message *m, struct tf_str name, size_t signature)
{
	struct chain *c = find_chain(m, name);
	size_t field;

	if (c == NULL)
		return NO_FIELD;
	field = c->round == m->round ? c->next : c->lowest;
	if (field == signature)
		field = m->above[field];
	c->round = m->round;
	c->next = field != NO_FIELD ? m->above[field] : NO_FIELD;
	return field;
}

struct tf_str
tf_signed_message_text(
    struct tf_signed_message *m, bool relaxed, struct tf_str names, size_t signature)
{
	const struct tf_header *own = &m->hb->fields[signature];
	struct tf_str rest = names, name;

	if (m->chains == NULL)
		sort_fields(m);
	m->round++;
	tf_buf_clear(&m->text);
	while (tf_taglist_item(&rest, &name)) {
		size_t field = select_field(m, name, signature);
		const struct tf_header *h;

		if (field == NO_FIELD)
			continue;
		h = &m->hb->fields[field];
		tf_canon_field(relaxed, h->written, h->value, &m->text);
		tf_buf_lit(&m->text, "\r\n");
	}
	if (!tf_canon_signature_field(relaxed, own->written, own->value, &m->text))
		return TF_NONE_STR;
	if (m->text.overflow)
		tf_panic("header block of %zu fields is larger than it says", m->hb->count);
	return tf_buf_get(&m->text);
}

bool
tf_signed_message_verifies(struct tf_signed_message *m, bool relaxed, struct tf_str names,
    size_t signature, const struct tf_public_key *key, struct tf_str b)
{
	unsigned char hash[TF_SHA256_BYTES];
	struct tf_str text = tf_signed_message_text(m, relaxed, names, signature);

	if (text.ptr == NULL)
		return false;
	tf_sha256(text, hash);
	return tf_key_verifies(m->keys, key, hash, b);
}
