/*
 * fuzz_dmarc_memory_text.c - lines of the file of remembered policies
 */
#include "truefrom/dmarc_memory.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = tf_arena_new();
	struct tf_dmarc_found found;
	struct tf_buf out;

	if (tf_dmarc_found_parse(in, a, &found)) {
		tf_buf_init_arena(&out, a, TF_DMARC_FOUND_LINE_MAX);
		tf_dmarc_found_write(&found, &out);
		FUZZ_ASSERT(!out.overflow);
		/* One finding has one line; numbers alone may have more zeros. */
		FUZZ_ASSERT(out.len <= in.len);
		FUZZ_ASSERT(tf_dmarc_found_parse(tf_buf_get(&out), a, &found));
	}
	tf_arena_free(a);
	return 0;
}
