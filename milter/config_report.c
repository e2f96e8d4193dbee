/*
 * config_report.c - collect what is wrong with a configuration and write it out by line
 *
 * Findings come from the scanner, from libconfuse and from the checks of values, in that order;
 * whoever mends the file wants them in the order of its lines. A hostile file cannot make more than
 * TF_REPORT_MAX of each kind: the rest is only counted.
 */
#include <stdio.h>

#include "milter/config_report.h"
#include "truefrom/banned.h"

#define QUOTE_MAX 60

void
tf_report_init(struct tf_report *r, struct tf_arena *a, struct tf_str file)
{
	*r = (struct tf_report){ .arena = a, .file = file };
}

static void add(struct tf_report *r, bool warning, uint32_t line, struct tf_str key,
    const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

static void
add(struct tf_report *r, bool warning, uint32_t line, struct tf_str key, const char *fmt,
    va_list ap)
{
	size_t *counter = warning ? &r->warnings : &r->errors;
	struct tf_buf b;

	if ((*counter)++ >= TF_REPORT_MAX)
		return;
	tf_buf_init_arena(&b, r->arena, 4096);
	if (key.len != 0) {
		tf_buf_str(&b, key);
		tf_buf_lit(&b, ": ");
	}
	tf_buf_vprintf(&b, fmt, ap);
	r->findings[r->count++] = (struct tf_finding){ line, warning, tf_buf_get(&b) };
}

void
tf_report_error(struct tf_report *r, uint32_t line, struct tf_str key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, false, line, key, fmt, ap);
	va_end(ap);
}

void
tf_report_warning(struct tf_report *r, uint32_t line, struct tf_str key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, true, line, key, fmt, ap);
	va_end(ap);
}

static void
write_one(const struct tf_report *r, const struct tf_finding *f, struct tf_buf *out)
{
	tf_buf_str(out, r->file);
	if (f->line != 0)
		tf_buf_printf(out, ":%u", (unsigned)f->line);
	tf_buf_lit(out, r->file.len != 0 ? ": " : "");
	tf_buf_str(out, f->text);
	tf_buf_byte(out, '\n');
}

void
tf_report_write(const struct tf_report *r, struct tf_buf *why, struct tf_buf *warn)
{
	bool written[2 * TF_REPORT_MAX] = { false };

	for (size_t n = 0; n < r->count; n++) {
		size_t first = 0;

		while (written[first])
			first++;
		for (size_t i = first + 1; i < r->count; i++) {
			if (!written[i] && r->findings[i].line < r->findings[first].line)
				first = i;
		}
		written[first] = true;
		write_one(r, &r->findings[first], r->findings[first].warning ? warn : why);
	}
	if (r->errors > TF_REPORT_MAX)
		tf_buf_printf(why, "%.*s: %zu more errors are not shown\n", TF_PRI(r->file),
		    r->errors - TF_REPORT_MAX);
	if (r->warnings > TF_REPORT_MAX)
		tf_buf_printf(warn, "%.*s: %zu more warnings are not shown\n", TF_PRI(r->file),
		    r->warnings - TF_REPORT_MAX);
}

const char *
tf_report_quote(struct tf_arena *a, struct tf_str s)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, QUOTE_MAX * 4 + 8);
	tf_buf_byte(&b, '"');
	for (size_t i = 0; i < s.len && i < QUOTE_MAX; i++) {
		if (tf_is_ctl(s.ptr[i]) || tf_is_8bit(s.ptr[i]))
			tf_buf_printf(&b, "\\x%02x", (unsigned)(unsigned char)s.ptr[i]);
		else
			tf_buf_byte(&b, s.ptr[i]);
	}
	tf_buf_lit(&b, s.len > QUOTE_MAX ? "\"..." : "\"");
	return tf_buf_cstr(&b);
}
