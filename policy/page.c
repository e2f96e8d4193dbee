/*
 * page.c - text for people: sections of labelled lines
 *
 * Every byte from outside goes through tf_page_put(): printable ASCII or \xNN. A terminal is never
 * driven by a message; the only control sequences are our own colours.
 */
#include "policy/page.h"
#include "truefrom/banned.h"

#define LABEL_WIDTH 14
#define RESULT_WIDTH 11

void
tf_page_put(struct tf_page *p, struct tf_str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (tf_is_ctl(c) || tf_is_8bit(c))
			tf_buf_printf(p->out, "\\x%02x", (unsigned char)c);
		else
			tf_buf_byte(p->out, c);
	}
}

void
tf_page_say(struct tf_page *p, const char *words)
{
	tf_buf_lit(p->out, words);
}

void
tf_page_say_of(struct tf_page *p, const char *before, struct tf_str s, const char *after)
{
	tf_page_say(p, before);
	tf_page_put(p, s);
	tf_page_say(p, after);
}

void
tf_page_pad(struct tf_page *p, size_t from, size_t width)
{
	for (size_t at = p->out->len - from; at < width; at++)
		tf_buf_byte(p->out, ' ');
	tf_buf_byte(p->out, ' ');
}

void
tf_page_paint(struct tf_page *p, enum tf_tone tone, const char *word)
{
	static const char *const codes[] = {
		[TF_TONE_PLAIN] = "",
		[TF_TONE_HEAD] = "\033[1m",
		[TF_TONE_GOOD] = "\033[32m",
		[TF_TONE_BAD] = "\033[31m",
		[TF_TONE_DOUBT] = "\033[33m",
	};
	bool colour = p->colour && tone != TF_TONE_PLAIN;

	tf_page_say(p, colour ? codes[tone] : "");
	tf_page_say(p, word);
	tf_page_say(p, colour ? "\033[0m" : "");
}

void
tf_page_begin_section(struct tf_page *p, const char *name, const char *question)
{
	if (p->out->len != 0)
		tf_page_say(p, "\n");
	tf_page_paint(p, TF_TONE_HEAD, name);
	tf_page_say(p, question);
	tf_page_say(p, "\n");
}

void
tf_page_begin_line(struct tf_page *p, const char *label)
{
	size_t from;

	tf_page_say(p, "  ");
	from = p->out->len;
	tf_page_say(p, label);
	tf_page_pad(p, from, LABEL_WIDTH);
}

void
tf_page_begin_finding(struct tf_page *p, const char *label, enum tf_tone tone, const char *result)
{
	size_t width = tf_str_from(result).len;

	tf_page_begin_line(p, label);
	tf_page_paint(p, tone, result);
	do {
		tf_buf_byte(p->out, ' ');
		width++;
	} while (width <= RESULT_WIDTH);
}

void
tf_page_end_line(struct tf_page *p)
{
	tf_page_say(p, "\n");
}

void
tf_page_fact(struct tf_page *p, const char *label, struct tf_str value)
{
	tf_page_begin_line(p, label);
	tf_page_put(p, value);
	tf_page_end_line(p);
}
