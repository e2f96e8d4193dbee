/*
 * fuzz_config.c - any bytes as truefrom.conf
 *
 * Findings are one line of printable ASCII each and lie in the file. A file without a mistake
 * gives a configuration that, written out, reads back as the same.
 */
#include "milter/config_apply.h"
#include "milter/config_value.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX ((size_t)8 * 1024 * 1024)

static uint32_t
count_lines(struct tf_str file)
{
	uint32_t lines = 1;

	for (size_t i = 0; i < file.len; i++)
		lines += file.ptr[i] == '\n';
	return lines;
}

static void
check_tokens(const struct tf_config_text *text, uint32_t lines)
{
	FUZZ_ASSERT(text->count <= TF_CONFIG_TOKENS_MAX);
	for (size_t i = 0; i < text->count; i++) {
		const struct tf_token *t = &text->tokens[i];

		FUZZ_ASSERT(t->line >= 1 && t->line <= lines);
		FUZZ_ASSERT(i == 0 || t->line >= text->tokens[i - 1].line);
		FUZZ_ASSERT(t->open == TF_CONFIG_NO_TOKEN || t->open < i);
		FUZZ_ASSERT(tf_str_find(t->text, '\0') == t->text.len);
	}
}

static void
check_findings(const struct tf_report *r, uint32_t lines)
{
	FUZZ_ASSERT(r->count <= r->errors + r->warnings);
	for (size_t i = 0; i < r->count; i++) {
		struct tf_str text = r->findings[i].text;

		FUZZ_ASSERT(r->findings[i].line >= 1 && r->findings[i].line <= lines);
		FUZZ_ASSERT(text.len != 0);
		for (size_t n = 0; n < text.len; n++)
			FUZZ_ASSERT(!tf_is_ctl(text.ptr[n]) && !tf_is_8bit(text.ptr[n]));
	}
}

/* Reads a file; true when it has no mistake. */
static bool
read_config(struct tf_str file, struct tf_arena *a, struct tf_config *config_out)
{
	const uint32_t lines = count_lines(file);
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);
	struct tf_report report, sealers;
	struct tf_config_text text;
	struct tf_config_events events;
	const struct tf_config_input in = { &text, &events, &report, &sealers,
		INT64_C(1800000000) };

	*config_out = (struct tf_config){ 0 };
	for (size_t i = 0; i < count; i++) {
		if (!tf_opt_is_titled(&opts[i]))
			tf_opt_set_default(&opts[i], config_out, a);
	}
	tf_report_init(&report, a, TF_STR("f"));
	tf_report_init(&sealers, a, TF_STR("s"));
	tf_config_text_scan(file, a, &report, &text);
	check_tokens(&text, lines);
	tf_config_parse(&text, a, &report, &events);
	tf_config_apply(&in, config_out, a);
	check_findings(&report, lines);
	return report.errors == 0;
}

static struct tf_str
write_config(const struct tf_config *config, struct tf_arena *a)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, OUT_MAX);
	tf_config_write_diff(config, &b);
	FUZZ_ASSERT(!b.overflow);
	return tf_buf_get(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_config config, again;
	struct tf_str written;

	if (read_config(fuzz_input(data, size), a, &config)) {
		written = write_config(&config, a);
		FUZZ_ASSERT(read_config(written, a, &again));
		FUZZ_ASSERT(tf_str_eq(write_config(&again, a), written));
	}
	tf_arena_free(a);
	return 0;
}
