/*
 * dmarc_memory.c - DMARC policies found earlier, for the time when the DNS fails
 *
 * What RFC 8767 (serve-stale) is for any record of the DNS, for policies alone and for a day: a
 * forger who makes the DNS of a domain fail must not thereby make its policy unknown.
 *
 * Two lists, the least recently found at their ends: what is new comes into the first, and what is
 * found again after an hour moves to the second, which four fifths of the store are for. Only what
 * moves there drives anything out of it. Who would flush the policies of known domains has to send
 * mail from more domains than the store holds, each twice and an hour apart, and from at least
 * eight different zones.
 * Limits: TF_DMARC_MEMORY_MAX entries, TF_DMARC_MEMORY_BYTES in all.
 */
#include <pthread.h>
#include <string.h>

#include "policy/crypto.h"
#include "policy/dmarc.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define BUCKETS ((size_t)1 << 16)
#define GROUPS ((size_t)1 << 12)
#define GROUP_MAX (TF_DMARC_MEMORY_MAX / 8)
#define BATCH 256 /* buckets looked at in one go of tf_dmarc_memory_next */
#define CLOCK_SLACK_S 300

/* One domain; the bytes of domain and record lie behind it. The other names are ends of domain. */
struct entry {
	struct entry *next_in_bucket;
	struct entry *newer, *older;
	size_t size; /* of the whole allocation */
	size_t bucket, group;
	int64_t first, last;
	size_t domain_len, record_domain_len, org_domain_len, record_len;
	enum tf_exists exists;
	bool regular; /* which list */
	char bytes[];
};

struct list {
	struct entry *newest, *oldest;
	size_t count, bytes;
	size_t count_max, bytes_max;
};

struct tf_dmarc_memory {
	pthread_mutex_t lock;
	unsigned char key[TF_HASH_KEY]; /* so that nobody can choose names of one bucket */
	struct entry *buckets[BUCKETS];
	uint32_t groups[GROUPS]; /* entries by their last two labels */
	struct list fresh, regular;
	uint64_t changes;
};

struct tf_dmarc_memory *
tf_dmarc_memory_new(void)
{
	struct tf_dmarc_memory *m = tf_xcalloc(1, sizeof(*m));

	pthread_mutex_init(&m->lock, NULL);
	tf_random(m->key, sizeof(m->key));
	m->regular.count_max = TF_DMARC_MEMORY_MAX / 5 * 4;
	m->regular.bytes_max = TF_DMARC_MEMORY_BYTES / 5 * 4;
	return m;
}

static struct list *
list_of(struct tf_dmarc_memory *m, const struct entry *e)
{
	return e->regular ? &m->regular : &m->fresh;
}

static void
unlink_entry(struct tf_dmarc_memory *m, struct entry *e)
{
	struct list *l = list_of(m, e);

	if (e->newer != NULL)
		e->newer->older = e->older;
	else
		l->newest = e->older;
	if (e->older != NULL)
		e->older->newer = e->newer;
	else
		l->oldest = e->newer;
	e->newer = e->older = NULL;
	l->count--;
	l->bytes -= e->size;
}

static void
link_newest(struct tf_dmarc_memory *m, struct entry *e)
{
	struct list *l = list_of(m, e);

	e->newer = NULL;
	e->older = l->newest;
	if (l->newest != NULL)
		l->newest->newer = e;
	else
		l->oldest = e;
	l->newest = e;
	l->count++;
	l->bytes += e->size;
}

static void
drop(struct tf_dmarc_memory *m, struct entry *e)
{
	struct entry **at = &m->buckets[e->bucket];

	while (*at != e)
		at = &(*at)->next_in_bucket;
	*at = e->next_in_bucket;
	unlink_entry(m, e);
	m->groups[e->group]--;
	tf_xfree(e);
}

void
tf_dmarc_memory_free(struct tf_dmarc_memory *m)
{
	if (m == NULL)
		return;
	while (m->fresh.oldest != NULL)
		drop(m, m->fresh.oldest);
	while (m->regular.oldest != NULL)
		drop(m, m->regular.oldest);
	pthread_mutex_destroy(&m->lock);
	tf_xfree(m);
}

static size_t
hash(const struct tf_dmarc_memory *m, struct tf_str name, size_t size)
{
	return (size_t)(tf_keyed_hash(m->key, name) % size);
}

static struct tf_str
domain_of(const struct entry *e)
{
	return (struct tf_str){ e->bytes, e->domain_len };
}

static struct tf_str
record_of(const struct entry *e)
{
	return (struct tf_str){ e->bytes + e->domain_len, e->record_len };
}

static struct tf_str
end_of(struct tf_str name, size_t len)
{
	return tf_str_sub(name, name.len - len, len);
}

static struct entry *
find(struct tf_dmarc_memory *m, struct tf_str domain, size_t bucket)
{
	struct entry *e = m->buckets[bucket];

	while (e != NULL && !tf_str_eq(domain_of(e), domain))
		e = e->next_in_bucket;
	return e;
}

static bool
is_old(int64_t last, int64_t now)
{
	return last < now - TF_DMARC_MEMORY_AGE_S;
}

/* When the clock was put back by more than a little, what was found tomorrow has to wait. */
static bool
is_usable(int64_t last, int64_t now)
{
	return last <= now + CLOCK_SLACK_S && !is_old(last, now);
}

static bool
is_over(const struct tf_dmarc_memory *m)
{
	return m->fresh.count + m->regular.count > TF_DMARC_MEMORY_MAX ||
	       m->fresh.bytes + m->regular.bytes > TF_DMARC_MEMORY_BYTES;
}

/* The store within its limits again, and nothing in it whose day has passed. */
static void
make_room(struct tf_dmarc_memory *m, int64_t now)
{
	struct list *lists[] = { &m->fresh, &m->regular };

	for (size_t i = 0; i < TF_ARRAY_LEN(lists); i++) {
		while (lists[i]->oldest != NULL && is_old(lists[i]->oldest->last, now))
			drop(m, lists[i]->oldest);
	}
	while (m->regular.count > m->regular.count_max || m->regular.bytes > m->regular.bytes_max) {
		struct entry *e = m->regular.oldest;

		unlink_entry(m, e);
		e->regular = false;
		link_newest(m, e);
	}
	while (is_over(m))
		drop(m, m->fresh.oldest != NULL ? m->fresh.oldest : m->regular.oldest);
}

static bool
says_the_same(const struct entry *e, const struct tf_dmarc_found *found)
{
	return e->record_domain_len == found->record_domain.len &&
	       e->org_domain_len == found->org_domain.len && tf_str_eq(record_of(e), found->record);
}

static bool
can_be_kept(const struct tf_dmarc_found *found)
{
	return found->domain.len != 0 && found->domain.len <= TF_DOMAIN_MAX &&
	       found->record.len <= TF_DMARC_MEMORY_RECORD_MAX &&
	       tf_domain_is_below_or_equal(found->domain, found->record_domain) &&
	       tf_domain_is_below_or_equal(found->domain, found->org_domain);
}

/* A new entry, in no list yet. */
static struct entry *
make_entry(struct tf_dmarc_memory *m, const struct tf_dmarc_found *found, size_t bucket)
{
	const size_t size = sizeof(struct entry) + found->domain.len + found->record.len;
	struct entry *e = tf_xcalloc(1, size);

	e->size = size;
	e->bucket = bucket;
	e->group = hash(m, tf_domain_last(found->domain, 2), GROUPS);
	e->domain_len = found->domain.len;
	e->record_domain_len = found->record_domain.len;
	e->org_domain_len = found->org_domain.len;
	e->record_len = found->record.len;
	e->exists = found->exists;
	memcpy(e->bytes, found->domain.ptr, found->domain.len);
	memcpy(e->bytes + e->domain_len, found->record.ptr, found->record.len);
	return e;
}

static void
keep(struct tf_dmarc_memory *m, const struct tf_dmarc_found *found, int64_t now)
{
	const size_t bucket = hash(m, found->domain, BUCKETS);
	struct entry *e = find(m, found->domain, bucket);
	int64_t first = found->first;
	bool regular;

	if (e != NULL && is_old(e->last, now)) { /* as make_room would have it */
		drop(m, e);
		e = NULL;
	}
	if (e != NULL && e->first < first)
		first = e->first;
	regular = found->last - first >= TF_DMARC_MEMORY_REGULAR_S;
	if (e != NULL && !says_the_same(e, found)) {
		drop(m, e);
		e = NULL;
	}
	if (e == NULL) {
		e = make_entry(m, found, bucket);
		if (m->groups[e->group] >= GROUP_MAX) {
			tf_xfree(e);
			return;
		}
		m->groups[e->group]++;
		e->next_in_bucket = m->buckets[bucket];
		m->buckets[bucket] = e;
	} else {
		unlink_entry(m, e);
	}
	e->first = first;
	e->last = found->last;
	if (found->exists != TF_EXISTS_UNKNOWN)
		e->exists = found->exists;
	e->regular = regular;
	link_newest(m, e);
	m->changes++;
	make_room(m, now);
}

void
tf_dmarc_memory_keep(struct tf_dmarc_memory *m, const struct tf_dmarc_found *found, int64_t now)
{
	struct tf_dmarc_found copy = *found;

	if (!can_be_kept(found)) {
		/* What was found before does not hold any more. */
		tf_dmarc_memory_forget(m, found->domain);
		return;
	}
	copy.first = copy.last = now;
	pthread_mutex_lock(&m->lock);
	keep(m, &copy, now);
	pthread_mutex_unlock(&m->lock);
}

void
tf_dmarc_memory_restore(struct tf_dmarc_memory *m, const struct tf_dmarc_found *found, int64_t now)
{
	if (!can_be_kept(found) || !is_usable(found->last, now))
		return;
	pthread_mutex_lock(&m->lock);
	keep(m, found, now);
	pthread_mutex_unlock(&m->lock);
}

void
tf_dmarc_memory_forget(struct tf_dmarc_memory *m, struct tf_str domain)
{
	struct entry *e;

	pthread_mutex_lock(&m->lock);
	e = find(m, domain, hash(m, domain, BUCKETS));
	if (e != NULL) {
		drop(m, e);
		m->changes++;
	}
	pthread_mutex_unlock(&m->lock);
}

static void
copy_out(const struct entry *e, struct tf_arena *a, struct tf_dmarc_found *found_out)
{
	const struct tf_str domain = tf_arena_dup(a, domain_of(e));

	*found_out = (struct tf_dmarc_found){
		.domain = domain,
		.record_domain = end_of(domain, e->record_domain_len),
		.org_domain = end_of(domain, e->org_domain_len),
		.record = tf_arena_dup(a, record_of(e)),
		.exists = e->exists,
		.first = e->first,
		.last = e->last,
	};
}

bool
tf_dmarc_memory_find(struct tf_dmarc_memory *m, struct tf_str domain, int64_t now,
    struct tf_arena *a, struct tf_dmarc_found *found_out)
{
	const struct entry *e;
	bool usable;

	pthread_mutex_lock(&m->lock);
	e = find(m, domain, hash(m, domain, BUCKETS));
	usable = e != NULL && is_usable(e->last, now);
	if (usable)
		copy_out(e, a, found_out);
	pthread_mutex_unlock(&m->lock);
	return usable;
}

size_t
tf_dmarc_memory_count(struct tf_dmarc_memory *m)
{
	size_t count;

	pthread_mutex_lock(&m->lock);
	count = m->fresh.count + m->regular.count;
	pthread_mutex_unlock(&m->lock);
	return count;
}

uint64_t
tf_dmarc_memory_changes(struct tf_dmarc_memory *m)
{
	uint64_t changes;

	pthread_mutex_lock(&m->lock);
	changes = m->changes;
	pthread_mutex_unlock(&m->lock);
	return changes;
}

bool
tf_dmarc_memory_next(struct tf_dmarc_memory *m, size_t *at, struct tf_arena *a,
    const struct tf_dmarc_found **list_out, size_t *count_out)
{
	const size_t end = *at + BATCH;
	struct tf_dmarc_found *list;
	size_t count = 0;

	if (*at >= BUCKETS)
		return false;
	pthread_mutex_lock(&m->lock);
	for (size_t i = *at; i < end; i++) {
		for (const struct entry *e = m->buckets[i]; e != NULL; e = e->next_in_bucket)
			count++;
	}
	list = tf_arena_array(a, count, sizeof(*list));
	count = 0;
	for (size_t i = *at; i < end; i++) {
		for (const struct entry *e = m->buckets[i]; e != NULL; e = e->next_in_bucket)
			copy_out(e, a, &list[count++]);
	}
	pthread_mutex_unlock(&m->lock);
	*at = end;
	*list_out = list;
	*count_out = count;
	return true;
}
