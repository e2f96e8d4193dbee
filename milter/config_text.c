/*
 * config_text.c - the words and signs of a configuration file
 *
 * libconfuse is the parser; it stands on this scanner because its own one, left alone, counts lines
 * wrong after comments, expands ${HOME}, drops bytes that it does not know, takes a NUL for the
 * end and a file cut off inside a section for a whole one. The text that it gets is written anew
 * with one token on each line, so that the line it is at tells the token, and with it the true
 * line and bytes.
 * Does not: know keys (config_rows.c) or decide what may follow what (libconfuse does).
 * Limits: TF_CONFIG_FILE_MAX, TF_CONFIG_TOKENS_MAX, braces nested two deep.
 */
#include "milter/config_text.h"
#include "truefrom/banned.h"

struct scan {
	struct tf_lex lx;
	uint32_t line;
	uint32_t open; /* innermost brace, or TF_CONFIG_NO_TOKEN */
	uint32_t depth;
	struct tf_arena *arena;
	struct tf_report *report;
	struct tf_config_text *text;
	size_t room;
};

static const struct tf_str syntax = TF_LIT("syntax");

/* Takes the rest away: nothing sensible can follow. */
static void
stop(struct scan *s)
{
	s->text->cut = true;
	tf_lex_fail(&s->lx, "stopped");
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool
not_newline(char c)
{
	return c != '\n';
}

/* Bytes of a bare word; what else may stand in a value needs quotes. */
static bool
is_word(char c)
{
	static const struct tf_str special = TF_LIT("\"'={},#;()+*\\ ");

	return !tf_is_ctl(c) && tf_str_find(special, c) == special.len;
}

static bool
next_are(const struct scan *s, const char *text)
{
	return tf_str_starts_nocase(tf_lex_rest(&s->lx), tf_str_from(text));
}

static struct tf_token *
add(struct scan *s, enum tf_token_kind kind)
{
	struct tf_config_text *t = s->text;

	if (t->count == s->room) {
		size_t room = s->room != 0 ? s->room * 2 : 256;
		struct tf_token *grown = tf_arena_array(s->arena, room, sizeof(*grown));

		for (size_t i = 0; i < t->count; i++)
			grown[i] = t->tokens[i];
		t->tokens = grown;
		s->room = room;
	}
	t->tokens[t->count] = (struct tf_token){ .kind = kind, .line = s->line, .open = s->open };
	return &t->tokens[t->count++];
}

static void
skip_block_comment(struct scan *s)
{
	uint32_t line = s->line;

	s->lx.p += 2;
	while (!tf_lex_done(&s->lx) && !next_are(s, "*/")) {
		if (*s->lx.p == '\n')
			s->line++;
		s->lx.p++;
	}
	if (tf_lex_done(&s->lx)) {
		tf_report_error(
		    s->report, line, syntax, "this comment is not closed; add \"*/\" at its end");
		stop(s);
		return;
	}
	s->lx.p += 2;
}

static bool
at_comment(const struct scan *s)
{
	return next_are(s, "#") || next_are(s, "//") || next_are(s, "/*");
}

static void
skip_comment(struct scan *s)
{
	if (next_are(s, "/*"))
		skip_block_comment(s);
	else
		tf_lex_while(&s->lx, not_newline);
}

static void
scan_word(struct scan *s)
{
	const char *start = s->lx.p;
	struct tf_token *token = add(s, TF_TOKEN_WORD);

	while (!tf_lex_done(&s->lx) && is_word(*s->lx.p) && !at_comment(s))
		s->lx.p++;
	token->text = (struct tf_str){ start, (size_t)(s->lx.p - start) };
	if (at_comment(s))
		tf_report_error(s->report, s->line, syntax,
		    "a comment touches %s; put the value in quotes, or a blank before the comment",
		    tf_report_quote(s->arena, token->text));
}

/* One byte of a string in quotes: escapes, and what is refused there. */
static void
scan_string_byte(struct scan *s, char quote, struct tf_buf *out)
{
	char c = *s->lx.p++;

	if (c == '\n') {
		s->line++;
	} else if (c == '\\' && !tf_lex_done(&s->lx)) {
		c = *s->lx.p;
		if (c != quote && c != '\\') {
			tf_report_error(s->report, s->line, syntax,
			    "a backslash stands only before %c or another backslash; write \\\\",
			    quote);
			return;
		}
		s->lx.p++;
	} else if (c == '$' && quote == '"' && next_are(s, "{")) {
		tf_report_error(s->report, s->line, syntax,
		    "\"${\" would not be replaced by anything; write the value itself");
	} else if (tf_is_ctl(c)) {
		tf_report_error(s->report, s->line, syntax,
		    "control character \\x%02x in a string; remove it", (unsigned)c);
	}
	tf_buf_byte(out, c);
}

static void
scan_string(struct scan *s)
{
	uint32_t line = s->line;
	char quote = *s->lx.p++;
	size_t at = s->text->count;
	struct tf_buf b;

	add(s, TF_TOKEN_WORD);
	tf_buf_init_arena(&b, s->arena, TF_CONFIG_FILE_MAX);
	while (!tf_lex_done(&s->lx) && *s->lx.p != quote)
		scan_string_byte(s, quote, &b);
	if (!tf_lex_try(&s->lx, quote)) {
		tf_report_error(
		    s->report, line, syntax, "this string is not closed; add %c at its end", quote);
		s->text->count = at;
		stop(s);
		return;
	}
	s->text->tokens[at].text = tf_buf_get(&b);
}

static void
scan_open(struct scan *s)
{
	uint32_t at = (uint32_t)s->text->count;

	s->lx.p++;
	if (s->depth == 2) {
		tf_report_error(s->report, s->line, syntax,
		    "\"{\" is nested too deep; a list in a section is the deepest there is");
		stop(s);
		return;
	}
	add(s, TF_TOKEN_OPEN);
	s->open = at;
	s->depth++;
}

static void
scan_close(struct scan *s)
{
	uint32_t open = s->open;

	s->lx.p++;
	if (open == TF_CONFIG_NO_TOKEN) {
		tf_report_error(s->report, s->line, syntax,
		    "\"}\" without a \"{\" before it; remove it, or add the \"{\"");
		stop(s);
		return;
	}
	add(s, TF_TOKEN_CLOSE);
	s->open = s->text->tokens[open].open;
	s->depth--;
}

static void
scan_refused(struct scan *s)
{
	char c = *s->lx.p++;

	if (c == ';')
		tf_report_error(s->report, s->line, syntax,
		    "\";\" outside quotes; remove it: a value ends by itself");
	else if (c == '+' && tf_lex_try(&s->lx, '='))
		tf_report_error(
		    s->report, s->line, syntax, "\"+=\" is not known; write = and the whole list");
	else if (tf_is_ctl(c))
		tf_report_error(s->report, s->line, syntax, "control character \\x%02x; remove it",
		    (unsigned)c);
	else
		tf_report_error(s->report, s->line, syntax,
		    "\"%c\" outside quotes; put the value in quotes", c);
}

static void
scan_next(struct scan *s)
{
	char c = *s->lx.p;

	if (c == '\n') {
		s->line++;
		s->lx.p++;
	} else if (is_blank(c)) {
		s->lx.p++;
	} else if (at_comment(s)) {
		skip_comment(s);
	} else if (c == '"' || c == '\'') {
		scan_string(s);
	} else if (c == '{') {
		scan_open(s);
	} else if (c == '}') {
		scan_close(s);
	} else if (c == '=' || c == ',') {
		s->lx.p++;
		add(s, c == '=' ? TF_TOKEN_EQUALS : TF_TOKEN_COMMA);
	} else if (is_word(c)) {
		scan_word(s);
	} else {
		scan_refused(s);
	}
}

static enum tf_token_kind
kind_at(const struct tf_config_text *t, size_t i)
{
	return i < t->count ? t->tokens[i].kind : TF_TOKEN_GONE;
}

/* A "{" that opens a list, not a section. */
static bool
is_list_open(const struct tf_config_text *t, size_t i)
{
	return i > 0 && kind_at(t, i) == TF_TOKEN_OPEN && kind_at(t, i - 1) == TF_TOKEN_EQUALS;
}

bool
tf_config_text_is_head(const struct tf_config_text *text, size_t i)
{
	uint32_t open;

	if (kind_at(text, i) != TF_TOKEN_WORD)
		return false;
	open = text->tokens[i].open;
	if (open != TF_CONFIG_NO_TOKEN && is_list_open(text, open))
		return false;
	if (i == 0 || i - 1 == open)
		return true;
	if (kind_at(text, i - 1) == TF_TOKEN_WORD)
		return i > 1 && kind_at(text, i - 2) == TF_TOKEN_EQUALS;
	return kind_at(text, i - 1) == TF_TOKEN_CLOSE || kind_at(text, i - 1) == TF_TOKEN_GONE;
}

uint32_t
tf_config_text_head_of(const struct tf_config_text *text, size_t i)
{
	for (size_t n = i < text->count ? i + 1 : text->count; n > 0; n--) {
		if (tf_config_text_is_head(text, n - 1))
			return (uint32_t)(n - 1);
	}
	return TF_CONFIG_NO_TOKEN;
}

/* The head of the section that token i stands in, looking through the braces of a list. */
static uint32_t
section_head(const struct tf_config_text *t, size_t i)
{
	uint32_t open = i < t->count ? t->tokens[i].open : TF_CONFIG_NO_TOKEN;

	if (open != TF_CONFIG_NO_TOKEN && is_list_open(t, open))
		open = t->tokens[open].open;
	if (open == TF_CONFIG_NO_TOKEN || open == 0)
		return TF_CONFIG_NO_TOKEN;
	return tf_config_text_head_of(t, open - 1);
}

static bool
is_name(char c)
{
	return tf_is_alnum(c) || c == '_' || c == '-' || c == '.';
}

/* A word of the file in a message: as it is when it looks like a name, else quoted. */
static void
write_name(struct tf_str s, struct tf_arena *a, struct tf_buf *out)
{
	struct tf_lex lx = tf_lex_init(s);

	tf_lex_while(&lx, is_name);
	if (s.len != 0 && s.len <= 64 && tf_lex_done(&lx))
		tf_buf_str(out, s);
	else
		tf_buf_lit(out, tf_report_quote(a, s));
}

/* The title of a section that begins at head. */
static struct tf_str
title_of(const struct tf_config_text *t, uint32_t head)
{
	size_t next = (size_t)head + 1;

	if (kind_at(t, next) != TF_TOKEN_WORD || kind_at(t, next + 1) != TF_TOKEN_OPEN)
		return TF_NONE_STR;
	return t->tokens[next].text;
}

static void
write_title(const struct tf_config_text *t, uint32_t head, struct tf_arena *a, struct tf_buf *out)
{
	struct tf_str title = title_of(t, head);

	if (title.ptr != NULL)
		tf_buf_printf(out, " %s", tf_report_quote(a, title));
}

struct tf_str
tf_config_text_key(const struct tf_config_text *text, size_t i, struct tf_arena *a)
{
	uint32_t head = tf_config_text_head_of(text, i);
	uint32_t section;
	struct tf_buf b;

	if (head == TF_CONFIG_NO_TOKEN)
		return syntax;
	tf_buf_init_arena(&b, a, 1024);
	section = section_head(text, head);
	if (section != TF_CONFIG_NO_TOKEN) {
		write_name(text->tokens[section].text, a, &b);
		write_title(text, section, a, &b);
		tf_buf_byte(&b, '.');
	}
	write_name(text->tokens[head].text, a, &b);
	write_title(text, head, a, &b);
	return tf_buf_get(&b);
}

struct tf_str
tf_config_text_section(const struct tf_config_text *text, size_t i)
{
	uint32_t head = section_head(text, i);

	return head != TF_CONFIG_NO_TOKEN ? text->tokens[head].text : TF_NONE_STR;
}

struct tf_str
tf_config_text_title(const struct tf_config_text *text, size_t i)
{
	uint32_t head = section_head(text, i);

	return head != TF_CONFIG_NO_TOKEN ? title_of(text, head) : TF_NONE_STR;
}

void
tf_config_text_drop(struct tf_config_text *text, size_t i)
{
	size_t last = i;

	if (kind_at(text, last + 1) == TF_TOKEN_EQUALS)
		last++;
	if (kind_at(text, last + 1) == TF_TOKEN_WORD && !tf_config_text_is_head(text, last + 1))
		last++;
	if (kind_at(text, last + 1) == TF_TOKEN_OPEN) {
		uint32_t open = (uint32_t)++last;

		while (last < text->count && (text->tokens[last].kind != TF_TOKEN_CLOSE ||
						 text->tokens[last].open != open))
			last++;
	}
	for (; i <= last && i < text->count; i++)
		text->tokens[i].kind = TF_TOKEN_GONE;
}

static void
write_string(struct tf_str s, struct tf_buf *out)
{
	tf_buf_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\n') {
			tf_buf_lit(out, "\\n");
			continue;
		}
		if (s.ptr[i] == '"' || s.ptr[i] == '\\' || s.ptr[i] == '$')
			tf_buf_byte(out, '\\');
		tf_buf_byte(out, s.ptr[i]);
	}
	tf_buf_byte(out, '"');
}

void
tf_config_text_write(const struct tf_config_text *text, struct tf_buf *out)
{
	for (size_t i = 0; i < text->count; i++) {
		switch (text->tokens[i].kind) {
		case TF_TOKEN_GONE:
			break;
		case TF_TOKEN_WORD:
			write_string(text->tokens[i].text, out);
			break;
		case TF_TOKEN_EQUALS:
			tf_buf_byte(out, '=');
			break;
		case TF_TOKEN_OPEN:
			tf_buf_lit(
			    out, is_list_open(text, i) && kind_at(text, i + 1) == TF_TOKEN_CLOSE
				     ? "{ \"\""
				     : "{");
			break;
		case TF_TOKEN_CLOSE:
			tf_buf_byte(out, '}');
			break;
		case TF_TOKEN_COMMA:
			tf_buf_byte(out, ',');
			break;
		}
		tf_buf_byte(out, '\n');
	}
}

/* At the end of the file: the brace that is still open, by the name of its section or key. */
static void
check_closed(struct scan *s)
{
	if (s->open == TF_CONFIG_NO_TOKEN || s->text->cut)
		return;
	tf_report_error(s->report, s->text->tokens[s->open].line,
	    tf_config_text_key(s->text, s->open, s->arena),
	    "\"{\" is not closed; add \"}\" where it ends");
	s->text->cut = true;
}

/* A file with a NUL is no text: its line, and nothing else about it. */
static bool
check_nul(struct scan *s, struct tf_str file)
{
	size_t nul = tf_str_find(file, '\0');
	uint32_t line = 1;

	if (nul == file.len)
		return false;
	for (size_t i = 0; i < nul; i++)
		line += file.ptr[i] == '\n';
	tf_report_error(s->report, line, syntax, "a NUL byte; remove it");
	stop(s);
	return true;
}

void
tf_config_text_scan(
    struct tf_str file, struct tf_arena *a, struct tf_report *r, struct tf_config_text *text_out)
{
	struct scan s = { .lx = tf_lex_init(file),
		.line = 1,
		.open = TF_CONFIG_NO_TOKEN,
		.arena = a,
		.report = r,
		.text = text_out };

	*text_out = (struct tf_config_text){ 0 };
	if (check_nul(&s, file))
		return;
	if (next_are(&s, "\xef\xbb\xbf")) /* the byte order mark that some editors write */
		s.lx.p += 3;
	while (!tf_lex_done(&s.lx)) {
		if (text_out->count >= TF_CONFIG_TOKENS_MAX) {
			tf_report_error(r, s.line, syntax,
			    "more than %zu words and signs; make the file smaller",
			    TF_CONFIG_TOKENS_MAX);
			stop(&s);
			break;
		}
		scan_next(&s);
	}
	check_closed(&s);
}
