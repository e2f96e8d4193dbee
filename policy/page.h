/*
 * page.h - text for people: sections of labelled lines
 *
 * Thread-safe as far as no two threads write one page; nothing here blocks or logs.
 */
#ifndef POLICY_PAGE_H
#define POLICY_PAGE_H

#include "truefrom/base.h"

enum tf_tone { TF_TONE_PLAIN, TF_TONE_HEAD, TF_TONE_GOOD, TF_TONE_BAD, TF_TONE_DOUBT };

struct tf_page {
	struct tf_buf *out; /* appended to */
	bool colour;        /* for a terminal */
};

void tf_page_say(struct tf_page *p, const char *words); /* our own words */
/* Bytes from outside: what is not printable ASCII becomes \xNN. */
void tf_page_put(struct tf_page *p, struct tf_str s);
/* Our words before and after something from outside. */
void tf_page_say_of(struct tf_page *p, const char *before, struct tf_str s, const char *after);
/* Blanks, at least one, behind a column that began at from (an octet of out). */
void tf_page_pad(struct tf_page *p, size_t from, size_t width);
void tf_page_paint(struct tf_page *p, enum tf_tone tone, const char *word);

/* A heading behind an empty line; question follows the name uncoloured. */
void tf_page_begin_section(struct tf_page *p, const char *name, const char *question);
/* "  label         ", to be ended by tf_page_end_line; an empty label goes on with the last one. */
void tf_page_begin_line(struct tf_page *p, const char *label);
/* "  label         result     ", the result in colour; what follows says why. */
void tf_page_begin_finding(
    struct tf_page *p, const char *label, enum tf_tone tone, const char *result);
void tf_page_end_line(struct tf_page *p);
/* A whole line; value is from outside. */
void tf_page_fact(struct tf_page *p, const char *label, struct tf_str value);

#endif
