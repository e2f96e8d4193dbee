/*
 * fuzz_dmarc_memory.c - remembered policies: what is found is what was kept last, for a day
 *
 * The input is steps of three bytes: what and of which domain, with which record, and how much
 * later. A list without limits says what is to be found.
 */
#include "tests/fuzz/fuzz.h"
#include "truefrom/dmarc_memory.h"

#define NAMES TF_ARRAY_LEN(names)
#define STEPS_MAX 200

static const struct tf_str names[] = { TF_LIT("a.example"), TF_LIT("b.a.example"),
	TF_LIT("c.example"), TF_LIT("d.example.net") };
static const struct tf_str records[] = { TF_LIT("v=DMARC1; p=none"), TF_LIT("v=DMARC1; p=reject"),
	TF_LIT(""), TF_LIT("v=DMARC1; p=quarantine; \0\377") };

struct known {
	bool there;
	struct tf_str record, record_domain;
	enum tf_exists exists;
	int64_t first, last;
};

static struct tf_dmarc_found
found_of(size_t name, unsigned kind)
{
	const struct tf_str parent =
	    tf_str_sub(names[name], tf_str_find(names[name], '.') + 1, names[name].len);

	return (struct tf_dmarc_found){
		.domain = names[name],
		.record_domain = kind & 4 ? parent : names[name],
		.org_domain = kind & 4 ? parent : names[name],
		.record = records[kind & 3],
		.exists = (kind >> 3) % 3,
	};
}

/* What says something else takes the place of what was there. */
static void
note(struct known *k, const struct tf_dmarc_found *f)
{
	const bool there = k->there && k->last >= f->last - TF_DMARC_MEMORY_AGE_S;
	const bool same = there && tf_str_eq(k->record, f->record) &&
			  tf_str_eq(k->record_domain, f->record_domain);

	k->first = there && k->first < f->first ? k->first : f->first;
	k->exists = same && f->exists == TF_EXISTS_UNKNOWN ? k->exists : f->exists;
	k->there = true;
	k->record = f->record;
	k->record_domain = f->record_domain;
	k->last = f->last;
}

static void
check_find(struct tf_dmarc_memory *m, const struct known *known, int64_t now, struct tf_arena *a)
{
	for (size_t i = 0; i < NAMES; i++) {
		const struct known *k = &known[i];
		struct tf_dmarc_found f;

		/* The clock only goes forward here: what is remembered is not from tomorrow. */
		FUZZ_ASSERT(tf_dmarc_memory_find(m, names[i], now, a, &f) ==
			    (k->there && k->last >= now - TF_DMARC_MEMORY_AGE_S));
		if (!k->there || k->last < now - TF_DMARC_MEMORY_AGE_S)
			continue;
		FUZZ_ASSERT(tf_str_eq(f.domain, names[i]) && tf_str_eq(f.record, k->record));
		FUZZ_ASSERT(tf_str_eq(f.record_domain, k->record_domain));
		FUZZ_ASSERT(f.exists == k->exists && f.first == k->first && f.last == k->last);
	}
}

/* What goes to a file and comes back is the same. */
static void
check_restore(struct tf_dmarc_memory *m, const struct known *known, int64_t now, struct tf_arena *a)
{
	static struct tf_dmarc_memory *other;
	const struct tf_dmarc_found *list;
	size_t at = 0, count, all = 0;

	if (other == NULL)
		other = tf_dmarc_memory_new();
	while (tf_dmarc_memory_next(m, &at, a, &list, &count)) {
		for (size_t i = 0; i < count; i++)
			tf_dmarc_memory_restore(other, &list[i], now);
		all += count;
	}
	FUZZ_ASSERT(all == tf_dmarc_memory_count(m) && tf_dmarc_memory_count(other) <= all);
	check_find(other, known, now, a);
	for (size_t i = 0; i < NAMES; i++)
		tf_dmarc_memory_forget(other, names[i]);
	FUZZ_ASSERT(tf_dmarc_memory_count(other) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tf_dmarc_memory *m;
	struct tf_arena *a = fuzz_arena();
	struct known known[NAMES] = { { .there = false } };
	int64_t now = 1800000000;

	if (m == NULL)
		m = tf_dmarc_memory_new();
	for (size_t at = 0; at + 3 <= size && at < STEPS_MAX * 3; at += 3) {
		const size_t name = data[at] % NAMES;
		struct tf_dmarc_found f = found_of(name, data[at + 1]);

		now += (int64_t)data[at + 2] * data[at + 2] * 4;
		if (data[at] & 0x80) {
			tf_dmarc_memory_forget(m, names[name]);
			known[name].there = false;
			continue;
		}
		tf_dmarc_memory_keep(m, &f, now);
		f.first = f.last = now;
		note(&known[name], &f);
		check_find(m, known, now, a);
	}
	check_find(m, known, now, a);
	if (size % 16 == 1)
		check_restore(m, known, now, a);
	for (size_t i = 0; i < NAMES; i++)
		tf_dmarc_memory_forget(m, names[i]);
	FUZZ_ASSERT(tf_dmarc_memory_count(m) == 0);
	return 0;
}
