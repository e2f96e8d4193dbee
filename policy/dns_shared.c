/*
 * dns_shared.c - an answer that several messages and the cache hold at once
 *
 * One block: the answer, its arrays in the order of their alignment, then all text. Whoever drops
 * the last reference frees it.
 */
#include <stdatomic.h>
#include <string.h>

#include "policy/dns_shared.h"
#include "truefrom/banned.h"

struct tf_dns_shared {
	_Atomic size_t refs;
	size_t size;
	struct tf_str name;
	enum tf_dns_type type;
	struct tf_dns_answer answer;
	_Alignas(max_align_t) char bytes[];
};

/* Copies len bytes to *to, which it moves; NULL stays NULL. */
static void *
put(char **to, const void *from, size_t len)
{
	char *at = *to;

	if (from == NULL)
		return NULL;
	memcpy(at, from, len);
	*to += len;
	return at;
}

static size_t
text_size(const struct tf_str *strs, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; strs != NULL && i < count; i++)
		size += strs[i].len;
	return size;
}

/* The strings of a copied array, which still are those of the original. */
static void
put_text(char **to, struct tf_str *strs, size_t count)
{
	for (size_t i = 0; strs != NULL && i < count; i++) {
		if (strs[i].len != 0)
			strs[i].ptr = put(to, strs[i].ptr, strs[i].len);
	}
}

static size_t
size_of(struct tf_str name, const struct tf_dns_answer *a)
{
	return sizeof(struct tf_dns_shared) + name.len +
	       a->count * (2 * sizeof(struct tf_str) + sizeof(struct tf_addr) + sizeof(uint16_t)) +
	       text_size(a->txts, a->count) + text_size(a->names, a->count);
}

struct tf_dns_shared *
tf_dns_shared_new(struct tf_str name, enum tf_dns_type type, const struct tf_dns_answer *answer)
{
	const size_t count = answer->count, size = size_of(name, answer);
	struct tf_dns_shared *s = tf_xmalloc(size);
	struct tf_str *txts, *names;
	char *to = s->bytes;

	_Static_assert(_Alignof(struct tf_str) >= _Alignof(struct tf_addr), "order of the arrays");
	atomic_init(&s->refs, 1);
	s->size = size;
	s->type = type;
	s->answer = *answer;
	s->answer.txts = txts = put(&to, answer->txts, count * sizeof(*txts));
	s->answer.names = names = put(&to, answer->names, count * sizeof(*names));
	s->answer.addrs = put(&to, answer->addrs, count * sizeof(*answer->addrs));
	s->answer.prefs = put(&to, answer->prefs, count * sizeof(*answer->prefs));
	put_text(&to, txts, count);
	put_text(&to, names, count);
	s->name = (struct tf_str){ put(&to, name.ptr, name.len), name.len };
	return s;
}

struct tf_dns_shared *
tf_dns_shared_retain(struct tf_dns_shared *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void
tf_dns_shared_release(struct tf_dns_shared *s)
{
	if (s != NULL && atomic_fetch_sub(&s->refs, 1) == 1)
		tf_xfree(s);
}

const struct tf_dns_answer *
tf_dns_shared_answer(const struct tf_dns_shared *s)
{
	return &s->answer;
}

bool
tf_dns_shared_is_for(const struct tf_dns_shared *s, struct tf_str name, enum tf_dns_type type)
{
	return s->type == type && tf_str_eq(s->name, name);
}

size_t
tf_dns_shared_bytes(const struct tf_dns_shared *s)
{
	return s->size;
}
