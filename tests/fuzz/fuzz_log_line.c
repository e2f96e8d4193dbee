/*
 * fuzz_log_line.c - lines of a log
 */
#include <string.h>

#include "milter/log_line.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = tf_arena_new();
	struct tf_log_line line, again;
	struct tf_buf out;

	if (tf_log_line_parse(in, a, &line) == TF_LOG_LINE_MESSAGE) {
		FUZZ_ASSERT(line.count <= TF_LOG_FIELDS_MAX);
		/* Written as JSON it has the same fields, if it begins with the same one. */
		tf_buf_init_arena(&out, a, 1 << 24);
		tf_explain_fields_json(line.fields, line.count, &out);
		if (strcmp(line.fields[0].key, "id") == 0 && tf_str_is_utf8(line.fields[0].value)) {
			FUZZ_ASSERT(
			    tf_log_line_parse(tf_buf_get(&out), a, &again) == TF_LOG_LINE_MESSAGE);
			FUZZ_ASSERT(again.count == line.count);
			for (size_t i = 0; i < line.count; i++)
				FUZZ_ASSERT(tf_str_eq(tf_log_line_get(&again, line.fields[i].key),
				    line.fields[i].value));
		}
	}
	tf_arena_free(a);
	return 0;
}
