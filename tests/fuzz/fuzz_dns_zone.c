/*
 * fuzz_dns_zone.c - master files: what is read and written again for libunbound is the same record
 */
#include "policy/dns_answer.h"
#include "tests/fuzz/fuzz.h"

/* As dns_zone.c writes it: the name escaped, the rdata in the form of RFC 3597. */
static struct tf_str
write_record(const struct tf_dns_record *r, struct tf_arena *a)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, 2 * r->rdata.len + 2000);
	tf_dns_name_write(r->owner, &b);
	tf_buf_printf(&b, " %u IN TYPE%u \\# %zu ", r->ttl_s, (unsigned)r->type, r->rdata.len);
	for (size_t i = 0; i < r->rdata.len; i++)
		tf_buf_printf(&b, "%02x", (unsigned char)r->rdata.ptr[i]);
	tf_buf_byte(&b, '\n');
	FUZZ_ASSERT(!b.overflow);
	return tf_buf_get(&b);
}

/* Of other types ldns takes less than a whole record, and nobody asks for it. */
static bool
is_asked(uint16_t type)
{
	static const uint16_t asked[] = { TF_TYPE_A, TF_TYPE_AAAA, TF_TYPE_MX, TF_TYPE_PTR,
		TF_TYPE_TXT, 5 /* CNAME */ };

	for (size_t i = 0; i < TF_ARRAY_LEN(asked); i++) {
		if (asked[i] == type)
			return true;
	}
	return false;
}

/* ldns takes a name of so many bytes, escapes and all; libunbound, which reads our files, more. */
static bool
is_short(struct tf_str owner)
{
	char storage[250];
	struct tf_buf b;

	tf_buf_init(&b, storage, sizeof(storage));
	tf_dns_name_write(owner, &b);
	return !b.overflow;
}

static void
check_record(const struct tf_dns_record *r, struct tf_arena *a)
{
	struct tf_dns_record *again;
	char storage[300];
	struct tf_buf why;

	FUZZ_ASSERT(r->owner.len <= 253);
	for (size_t i = 0; i < r->owner.len; i++)
		FUZZ_ASSERT(
		    r->owner.ptr[i] != '\0' && tf_lower(r->owner.ptr[i]) == r->owner.ptr[i]);
	if (!is_short(r->owner) || !is_asked(r->type))
		return;
	tf_buf_init(&why, storage, sizeof(storage));
	FUZZ_ASSERT(tf_dns_records_parse(write_record(r, a), "again", a, &again, &why));
	FUZZ_ASSERT(again != NULL && again->next == NULL);
	FUZZ_ASSERT(tf_str_eq(again->owner, r->owner) && again->type == r->type);
	FUZZ_ASSERT(again->ttl_s == r->ttl_s && tf_str_eq(again->rdata, r->rdata));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_arena *a = fuzz_arena();
	struct tf_dns_record *records;
	char storage[500];
	struct tf_buf why;

	tf_buf_init(&why, storage, sizeof(storage));
	if (!tf_dns_records_parse(fuzz_input(data, size), "zone", a, &records, &why)) {
		FUZZ_ASSERT(tf_str_starts_nocase(tf_buf_get(&why), TF_STR("zone:")));
		return 0;
	}
	FUZZ_ASSERT(why.len == 0);
	for (const struct tf_dns_record *r = records; r != NULL; r = r->next)
		check_record(r, a);
	return 0;
}
