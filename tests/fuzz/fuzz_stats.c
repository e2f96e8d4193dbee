/*
 * fuzz_stats.c - a hostile log, counted: each line is one of three things, and the sums are right
 */
#include <stdio.h>
#include <string.h>

#include "milter/stats.h"
#include "tests/fuzz/fuzz.h"
#include "truefrom/explain.h"

#define TOP 3
#define OUT_MAX ((size_t)4 * 1024 * 1024)

static uint64_t
number_of(const struct tf_field *fields, size_t count, const char *key)
{
	uint64_t n;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].key, key) != 0)
			continue;
		FUZZ_ASSERT(fields[i].number && tf_str_to_u64(fields[i].value, UINT64_MAX, &n));
		return n;
	}
	tf_panic("no %s", key);
}

/* What stands before its lists is a flat object; the sums in it. */
static void
check_sums(struct tf_str json, uint64_t lines, struct tf_arena *a)
{
	static const struct tf_str lists = TF_LIT(",\"rules\":[");
	struct tf_field f[24];
	struct tf_buf flat;
	size_t at = 0, n;

	while (at < json.len && !tf_str_starts_nocase(tf_str_sub(json, at, json.len), lists))
		at++;
	tf_buf_init_arena(&flat, a, at + 1);
	tf_buf_str(&flat, tf_str_sub(json, 0, at));
	tf_buf_byte(&flat, '}');
	FUZZ_ASSERT(tf_explain_fields_parse(tf_buf_get(&flat), a, f, TF_ARRAY_LEN(f), &n));
	FUZZ_ASSERT(number_of(f, n, "lines") == lines);
	FUZZ_ASSERT(lines == number_of(f, n, "messages") + number_of(f, n, "other_lines") +
				 number_of(f, n, "damaged_lines"));
	FUZZ_ASSERT(number_of(f, n, "messages") ==
		    number_of(f, n, "accept") + number_of(f, n, "quarantine") +
			number_of(f, n, "reject") + number_of(f, n, "tempfail"));
	FUZZ_ASSERT(number_of(f, n, "would_quarantine") + number_of(f, n, "would_reject") +
			number_of(f, n, "would_tempfail") <=
		    number_of(f, n, "messages"));
	FUZZ_ASSERT(number_of(f, n, "unnamed") == 0);
}

/* Braces, brackets and quotes in pairs; no byte that a terminal would obey. */
static void
check_json(struct tf_str json)
{
	size_t depth = 0;
	bool quoted = false;

	FUZZ_ASSERT(tf_str_is_utf8(json) && json.ptr[json.len - 1] == '\n');
	for (size_t i = 0; i + 1 < json.len; i++) {
		const char c = json.ptr[i];

		FUZZ_ASSERT(!tf_is_ctl(c));
		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && (c == '}' || c == ']'))
			FUZZ_ASSERT(depth-- != 0);
	}
	FUZZ_ASSERT(depth == 0 && !quoted);
}

static void
check_words(struct tf_str words)
{
	for (size_t i = 0; i < words.len; i++)
		FUZZ_ASSERT(words.ptr[i] == '\n' ||
			    (!tf_is_ctl(words.ptr[i]) && !tf_is_8bit(words.ptr[i])));
}

static struct tf_str
write_json(struct tf_stats *s, struct tf_arena *a)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, OUT_MAX);
	tf_stats_write_json(s, TOP, &out);
	FUZZ_ASSERT(!out.overflow);
	return tf_buf_get(&out);
}

/* Line by line: the same. Returns how many there are. */
static uint64_t
count_lines(struct tf_stats *s, struct tf_str log)
{
	uint64_t lines = 0;

	while (log.len != 0) {
		struct tf_str line = tf_str_sub(log, 0, tf_str_find(log, '\n'));

		tf_stats_line(s, line);
		log = tf_str_sub(log, line.len + 1, log.len);
		lines++;
	}
	return lines;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_stats *file = tf_stats_new(), *lines = tf_stats_new();
	struct tf_str log = fuzz_input(data, size), json;
	struct tf_arena *a = fuzz_arena();
	struct tf_buf words;
	uint64_t count;
	FILE *in;

	if (size != 0) {
		in = fmemopen((void *)(uintptr_t)data, size, "r");
		FUZZ_ASSERT(in != NULL && tf_stats_read(file, in) == 0);
		fclose(in);
	}
	count = count_lines(lines, log);
	json = write_json(file, a);
	FUZZ_ASSERT(tf_str_eq(json, write_json(lines, a)));
	check_json(json);
	check_sums(json, count, a);
	tf_buf_init_arena(&words, a, OUT_MAX);
	tf_stats_write_words(file, TOP, &words);
	FUZZ_ASSERT(!words.overflow);
	check_words(tf_buf_get(&words));
	tf_stats_free(file);
	tf_stats_free(lines);
	return 0;
}
