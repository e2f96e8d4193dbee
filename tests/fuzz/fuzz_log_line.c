/*
 * fuzz_log_line.c - lines of a log: what is read as one about a message is written again as it was
 */
#include <string.h>

#include "milter/log_line.h"
#include "tests/fuzz/fuzz.h"

static void
check_fields(const struct tf_log_line *line)
{
	FUZZ_ASSERT(line->count >= 5 && line->count <= TF_LOG_FIELDS_MAX);
	for (size_t i = 0; i < line->count; i++) {
		FUZZ_ASSERT(tf_str_is_utf8(line->fields[i].value));
		for (size_t k = 0; k < i; k++)
			FUZZ_ASSERT(strcmp(line->fields[i].key, line->fields[k].key) != 0);
	}
}

static void
check_same(const struct tf_log_line *line, const struct tf_log_line *again)
{
	FUZZ_ASSERT(again->count == line->count);
	for (size_t i = 0; i < line->count; i++) {
		FUZZ_ASSERT(strcmp(again->fields[i].key, line->fields[i].key) == 0);
		FUZZ_ASSERT(tf_str_eq(again->fields[i].value, line->fields[i].value));
	}
}

static enum tf_log_line_kind
parse_behind(const char *prefix, struct tf_str text, struct tf_arena *a, struct tf_log_line *out)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, text.len + 100);
	tf_buf_lit(&b, prefix);
	tf_buf_str(&b, text);
	return tf_log_line_parse(tf_buf_get(&b), a, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_log_line line, again;
	struct tf_buf out;

	if (tf_log_line_parse(in, a, &line) != TF_LOG_LINE_MESSAGE)
		return 0;
	check_fields(&line);
	tf_buf_init_arena(&out, a, 1 << 24);
	tf_explain_fields_json(line.fields, line.count, &out);
	FUZZ_ASSERT(tf_log_line_parse(tf_buf_get(&out), a, &again) == TF_LOG_LINE_MESSAGE);
	check_same(&line, &again);
	/* Behind our tag it is the same, behind another's it is nothing. */
	FUZZ_ASSERT(parse_behind("Nov 22 10:00:00 mx truefromd[7]: ", tf_buf_get(&out), a,
			&again) == TF_LOG_LINE_MESSAGE);
	check_same(&line, &again);
	FUZZ_ASSERT(parse_behind("Nov 22 10:00:00 mx other[7]: ", tf_buf_get(&out), a, &again) ==
		    TF_LOG_LINE_OTHER);
	return 0;
}
