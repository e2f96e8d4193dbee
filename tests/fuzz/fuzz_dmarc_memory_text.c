/*
 * fuzz_dmarc_memory_text.c - lines of the file of remembered policies: what is read has one line
 */
#include "policy/dmarc.h"
#include "tests/fuzz/fuzz.h"
#include "truefrom/dmarc_memory.h"
#include "truefrom/domain.h"

/* One finding has one line; numbers alone may have more zeros. */
static void
check_same_line(struct tf_str written, struct tf_str in)
{
	for (size_t word = 0; word < 2; word++) {
		while (in.len > 1 && in.ptr[0] == '0' && in.ptr[1] != ' ')
			in = tf_str_sub(in, 1, in.len);
		const size_t end = tf_str_find(in, ' ');

		FUZZ_ASSERT(tf_str_eq(tf_str_sub(in, 0, end + 1), tf_str_sub(written, 0, end + 1)));
		in = tf_str_sub(in, end + 1, in.len);
		written = tf_str_sub(written, end + 1, written.len);
	}
	FUZZ_ASSERT(tf_str_eq(in, written));
}

static void
check_name(struct tf_str name, struct tf_arena *a)
{
	struct tf_str normal;

	FUZZ_ASSERT(tf_domain_normalise(name, a, &normal) && tf_str_eq(normal, name));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_dmarc_found found, again;
	struct tf_dmarc_record record;
	struct tf_buf out;

	if (!tf_dmarc_found_parse(in, a, &found))
		return 0;
	FUZZ_ASSERT(found.first >= 0 && found.first <= found.last);
	FUZZ_ASSERT(found.record.len <= TF_DMARC_MEMORY_RECORD_MAX);
	FUZZ_ASSERT(tf_dmarc_record_parse(found.record, &record));
	check_name(found.domain, a);
	check_name(found.record_domain, a);
	check_name(found.org_domain, a);
	FUZZ_ASSERT(tf_domain_is_below_or_equal(found.domain, found.record_domain));
	FUZZ_ASSERT(tf_domain_is_below_or_equal(found.domain, found.org_domain));
	tf_buf_init_arena(&out, a, TF_DMARC_FOUND_LINE_MAX);
	tf_dmarc_found_write(&found, &out);
	FUZZ_ASSERT(!out.overflow);
	check_same_line(tf_buf_get(&out), in);
	FUZZ_ASSERT(tf_dmarc_found_parse(tf_buf_get(&out), a, &again));
	FUZZ_ASSERT(again.first == found.first && again.last == found.last);
	FUZZ_ASSERT(again.exists == found.exists && tf_str_eq(again.record, found.record));
	return 0;
}
