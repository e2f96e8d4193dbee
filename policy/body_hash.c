/*
 * body_hash.c - SHA-256 of a message's canonical body, for all its signatures at once
 *
 * Implements the body hash of RFC 6376 section 3.7. At most two passes over a body, simple and
 * relaxed. Limits (l=) cost no pass: when the canonical octets reach one, the value of the running
 * digest there is kept. Behind the last octet that anyone asked for, octets are only counted.
 * Does not: judge l= (dkim.c, arc.c), or keep any of the body.
 * Limits: TF_BODY_HASHES_MAX.
 */
#include <inttypes.h>
#include <string.h>

#include "policy/body_hash.h"
#include "policy/canon.h"
#include "truefrom/banned.h"

/* One canonical form. */
struct form {
	struct tf_body_hashes *set;
	bool relaxed, whole;         /* whole: somebody asked for the hash of all */
	struct tf_canon_body *canon; /* NULL: nobody asked for this form */
	struct tf_digest *digest;
	uint64_t octets, next; /* so far; the smallest limit that was not reached, or UINT64_MAX */
};

struct tf_body_hashes {
	struct tf_arena *arena;
	struct form forms[2];
	struct tf_body_hash *hashes[TF_BODY_HASHES_MAX];
	size_t count;
	bool finished;
	struct tf_body_seen seen;
	char last; /* octet so far */
};

/* The limits reached just now get their hash; finds the next one. */
static void
take_limits(struct form *f)
{
	const struct tf_body_hashes *set = f->set;

	f->next = UINT64_MAX;
	for (size_t i = 0; i < set->count; i++) {
		struct tf_body_hash *h = set->hashes[i];

		if (h->relaxed != f->relaxed || !h->limited || h->limit < f->octets)
			continue;
		if (h->limit == f->octets)
			tf_digest_value(f->digest, h->digest);
		else if (h->limit < f->next)
			f->next = h->limit;
	}
}

/* The sink of the canonical form. */
static void
put(void *to, struct tf_str octets)
{
	struct form *f = to;

	while (octets.len != 0) {
		struct tf_str part = octets;

		if (part.len > f->next - f->octets)
			part.len = (size_t)(f->next - f->octets);
		if (f->whole || f->next != UINT64_MAX)
			tf_digest_update(f->digest, part);
		f->octets += part.len;
		octets = tf_str_sub(octets, part.len, octets.len);
		if (f->octets == f->next)
			take_limits(f);
	}
}

struct tf_body_hashes *
tf_body_hashes_new(struct tf_arena *a)
{
	struct tf_body_hashes *set = tf_arena_alloc(a, sizeof(*set));

	set->arena = a;
	for (size_t i = 0; i < TF_ARRAY_LEN(set->forms); i++)
		set->forms[i] = (struct form){ .set = set, .relaxed = i != 0, .next = UINT64_MAX };
	return set;
}

static void
start_form(struct form *f, struct tf_arena *a)
{
	f->canon = tf_arena_alloc(a, sizeof(*f->canon));
	f->digest = tf_digest_new(a);
	tf_canon_body_init(f->canon, f->relaxed, put, f);
}

const struct tf_body_hash *
tf_body_hashes_add(struct tf_body_hashes *set, bool relaxed, bool limited, uint64_t limit)
{
	struct form *f = &set->forms[relaxed ? 1 : 0];
	struct tf_body_hash *h;

	if (!limited)
		limit = 0;
	for (size_t i = 0; i < set->count; i++) {
		h = set->hashes[i];
		if (h->relaxed == relaxed && h->limited == limited && h->limit == limit)
			return h;
	}
	if (set->count == TF_BODY_HASHES_MAX)
		return NULL;
	h = tf_arena_alloc(set->arena, sizeof(*h));
	*h = (struct tf_body_hash){ .relaxed = relaxed, .limited = limited, .limit = limit };
	set->hashes[set->count++] = h;
	if (f->canon == NULL)
		start_form(f, set->arena);
	f->whole = f->whole || !limited;
	take_limits(f);
	return h;
}

/* Whether some octet c of the chunk has neighbours that make it a bare one. */
static bool
has_bare(struct tf_str chunk, char last, char c)
{
	size_t at = tf_str_find(chunk, c);

	while (at < chunk.len) {
		char before = at != 0 ? chunk.ptr[at - 1] : last;
		bool is_last = at + 1 == chunk.len;

		if (c == '\n' ? before != '\r' : !is_last && chunk.ptr[at + 1] != '\n')
			return true;
		at += 1 + tf_str_find(tf_str_sub(chunk, at + 1, chunk.len), c);
	}
	return false;
}

static void
look(struct tf_body_hashes *set, struct tf_str chunk)
{
	struct tf_body_seen *seen = &set->seen;

	seen->nul = seen->nul || tf_str_find(chunk, '\0') < chunk.len;
	seen->bare_lf = seen->bare_lf || has_bare(chunk, set->last, '\n');
	seen->bare_cr = seen->bare_cr || (set->last == '\r' && chunk.ptr[0] != '\n') ||
			has_bare(chunk, set->last, '\r');
	set->last = chunk.ptr[chunk.len - 1];
}

void
tf_body_hashes_feed(struct tf_body_hashes *set, struct tf_str chunk)
{
	if (set->count == 0 || chunk.len == 0)
		return;
	look(set, chunk);
	for (size_t i = 0; i < TF_ARRAY_LEN(set->forms); i++) {
		if (set->forms[i].canon != NULL)
			tf_canon_body_feed(set->forms[i].canon, chunk);
	}
}

/* A limit that was not reached hashes what there is: nothing of use, but never what was not set. */
static void
finish_hash(struct tf_body_hash *h, const struct form *f)
{
	h->octets = f->octets;
	if (!h->limited || h->limit > f->octets)
		tf_digest_value(f->digest, h->digest);
}

void
tf_body_hashes_finish(struct tf_body_hashes *set)
{
	if (set->finished)
		return;
	set->finished = true;
	set->seen.bare_cr = set->seen.bare_cr || set->last == '\r';
	for (size_t i = 0; i < TF_ARRAY_LEN(set->forms); i++) {
		if (set->forms[i].canon != NULL)
			tf_canon_body_finish(set->forms[i].canon);
	}
	for (size_t i = 0; i < set->count; i++)
		finish_hash(set->hashes[i], &set->forms[set->hashes[i]->relaxed ? 1 : 0]);
}

const struct tf_body_seen *
tf_body_hashes_seen(const struct tf_body_hashes *set)
{
	return &set->seen;
}

struct tf_str
tf_body_objection(const struct tf_body_seen *seen, uint64_t unsigned_octets, bool accept_partial,
    struct tf_arena *a)
{
	if (seen->bare_cr)
		return TF_STR("bare CR in the body");
	if (unsigned_octets == 0 || accept_partial)
		return TF_NONE_STR;
	return tf_arena_printf(a, "%" PRIu64 " octets of the body are not signed", unsigned_octets);
}

bool
tf_body_hash_is_short(const struct tf_body_hash *hash)
{
	return hash->limited && hash->limit > hash->octets;
}

uint64_t
tf_body_hash_unsigned(const struct tf_body_hash *hash)
{
	return hash->limited && hash->octets > hash->limit ? hash->octets - hash->limit : 0;
}
