/*
 * log_line.c - a line of our own log, read again
 *
 * The reverse of log.c: `key=value` with blanks between, a value in quotes with \" \\ and \uNNNN in
 * it, or a flat JSON object with the same fields.
 * Limits: TF_LOG_FIELDS_MAX fields; a tag within the first TAG_WORDS words.
 */
#include <string.h>

#include "milter/log_line.h"
#include "truefrom/banned.h"

#define TAG_WORDS 8 /* date and host in the forms of syslog and journalctl have at most six */

static bool
not_blank(char c)
{
	return c != ' ';
}

static bool
is_key(char c)
{
	return (c >= 'a' && c <= 'z') || c == '_';
}

/* A byte of a value that stands without quotes. */
static bool
is_bare(char c)
{
	return c != ' ' && c != '"' && c != '=' && c != '\\' && !tf_is_ctl(c) && !tf_is_8bit(c);
}

static bool
begins_message(struct tf_str s)
{
	return tf_str_starts_nocase(s, TF_STR("id=")) ||
	       tf_str_starts_nocase(s, TF_STR("{\"id\":"));
}

/* "truefromd:" or "truefromd[123]:" */
static bool
is_our_tag(struct tf_str word)
{
	struct tf_lex lx = tf_lex_init(word);

	if (!tf_str_starts_nocase(word, TF_STR("truefromd")))
		return false;
	lx.p += sizeof("truefromd") - 1;
	if (tf_lex_try(&lx, '[')) {
		tf_lex_while(&lx, tf_is_digit);
		tf_lex_byte(&lx, ']');
	}
	tf_lex_byte(&lx, ':');
	return lx.err == NULL && tf_lex_done(&lx);
}

static struct tf_str
without(struct tf_str line, struct tf_str start)
{
	return tf_str_starts_nocase(line, start) ? tf_str_sub(line, start.len, line.len) : line;
}

/* The line behind date, host and tag; empty when the tag is not ours. What comes from our standard
 * error by way of a program that tags it has two of them. */
static struct tf_str
text_of(struct tf_str line)
{
	struct tf_lex lx = tf_lex_init(line);

	if (begins_message(line))
		return line;
	for (size_t n = 0; n < TAG_WORDS && !tf_lex_done(&lx); n++) {
		const struct tf_str word = tf_lex_while(&lx, not_blank);

		while (tf_lex_try(&lx, ' '))
			;
		if (word.len == 0 || word.ptr[word.len - 1] != ':')
			continue;
		line = without(tf_lex_rest(&lx), TF_STR("truefromd: "));
		line = without(line, TF_STR("warning: "));
		return is_our_tag(word) ? line : TF_NONE_STR;
	}
	return TF_NONE_STR;
}

static void
put_utf8(uint32_t cp, struct tf_buf *out)
{
	if (cp < 0x80) {
		tf_buf_byte(out, (char)cp);
		return;
	}
	if (cp < 0x800) {
		tf_buf_byte(out, (char)(0xc0 | cp >> 6));
	} else {
		if (cp < 0x10000) {
			tf_buf_byte(out, (char)(0xe0 | cp >> 12));
		} else {
			tf_buf_byte(out, (char)(0xf0 | cp >> 18));
			tf_buf_byte(out, (char)(0x80 | (cp >> 12 & 0x3f)));
		}
		tf_buf_byte(out, (char)(0x80 | (cp >> 6 & 0x3f)));
	}
	tf_buf_byte(out, (char)(0x80 | (cp & 0x3f)));
}

/* The four digits of \uNNNN. */
static uint32_t
read_unit(struct tf_lex *lx)
{
	uint32_t unit = 0;

	for (size_t i = 0; i < 4; i++) {
		const int c = tf_lex_peek(lx);

		if (c >= '0' && c <= '9')
			unit = unit << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit << 4 | (uint32_t)(c - 'a' + 10);
		else
			tf_lex_fail(lx, "not a hexadecimal digit");
		if (lx->err == NULL)
			lx->p++;
	}
	return unit;
}

/* Behind the backslash. */
static void
read_escape(struct tf_lex *lx, struct tf_buf *out)
{
	uint32_t cp, low;

	if (tf_lex_try(lx, '"') || tf_lex_try(lx, '\\')) {
		tf_buf_byte(out, lx->p[-1]);
		return;
	}
	tf_lex_byte(lx, 'u');
	cp = read_unit(lx);
	if (cp >= 0xd800 && cp < 0xdc00) {
		tf_lex_byte(lx, '\\');
		tf_lex_byte(lx, 'u');
		low = read_unit(lx);
		if (low < 0xdc00 || low >= 0xe000)
			tf_lex_fail(lx, "half a character");
		cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	} else if (cp >= 0xdc00 && cp < 0xe000) {
		tf_lex_fail(lx, "half a character");
	}
	if (lx->err == NULL)
		put_utf8(cp, out);
}

static struct tf_str
read_quoted(struct tf_lex *lx, struct tf_arena *a)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, tf_lex_rest(lx).len);
	tf_lex_byte(lx, '"');
	while (!tf_lex_done(lx) && *lx->p != '"') {
		if (tf_lex_try(lx, '\\'))
			read_escape(lx, &b);
		else if (tf_is_ctl(*lx->p) || tf_is_8bit(*lx->p))
			tf_lex_fail(lx, "a byte that would be escaped");
		else
			tf_buf_byte(&b, *lx->p++);
	}
	tf_lex_byte(lx, '"');
	return tf_buf_get(&b);
}

static void
read_pair(struct tf_lex *lx, struct tf_arena *a, struct tf_log_line *line)
{
	const struct tf_str key = tf_lex_while(lx, is_key);
	struct tf_str value;

	if (key.len == 0)
		tf_lex_fail(lx, "no key");
	tf_lex_byte(lx, '=');
	if (tf_lex_peek(lx) == '"') {
		value = read_quoted(lx, a);
	} else {
		value = tf_lex_while(lx, is_bare);
		if (value.len == 0)
			tf_lex_fail(lx, "no value");
	}
	if (line->count == TF_LOG_FIELDS_MAX)
		tf_lex_fail(lx, "too many fields");
	if (lx->err == NULL)
		line->fields[line->count++] =
		    (struct tf_field){ tf_arena_cstr(a, key), value, false };
}

static bool
parse_logfmt(struct tf_str text, struct tf_arena *a, struct tf_log_line *line)
{
	struct tf_lex lx = tf_lex_init(text);

	line->count = 0;
	while (!tf_lex_done(&lx)) {
		if (line->count != 0)
			tf_lex_byte(&lx, ' ');
		read_pair(&lx, a, line);
	}
	return lx.err == NULL;
}

static size_t
index_of(const struct tf_log_line *line, const char *key)
{
	size_t i = 0;

	while (i < line->count && strcmp(line->fields[i].key, key) != 0)
		i++;
	return i;
}

/* No key twice, and what makes a line one about a message. */
static bool
is_complete(const struct tf_log_line *line)
{
	static const char *const needed[] = { "id", "client", "from", "action", "rule" };

	for (size_t i = 0; i < line->count; i++) {
		if (index_of(line, line->fields[i].key) != i)
			return false;
	}
	for (size_t i = 0; i < TF_ARRAY_LEN(needed); i++) {
		if (index_of(line, needed[i]) == line->count)
			return false;
	}
	return true;
}

enum tf_log_line_kind
tf_log_line_parse(struct tf_str line, struct tf_arena *a, struct tf_log_line *line_out)
{
	const struct tf_str text = text_of(line);
	bool ok;

	if (!begins_message(text))
		return TF_LOG_LINE_OTHER;
	if (text.ptr[0] == '{')
		ok = tf_explain_fields_parse(
		    text, a, line_out->fields, TF_LOG_FIELDS_MAX, &line_out->count);
	else
		ok = parse_logfmt(text, a, line_out);
	return ok && is_complete(line_out) ? TF_LOG_LINE_MESSAGE : TF_LOG_LINE_DAMAGED;
}

struct tf_str
tf_log_line_get(const struct tf_log_line *line, const char *key)
{
	const size_t i = index_of(line, key);

	return i < line->count ? line->fields[i].value : TF_NONE_STR;
}
