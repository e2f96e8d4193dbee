/*
 * rfc5322.c - tokens of RFC 5322 with its obsolete forms, on the lexer cursor
 *
 * Implements RFC 5322 sections 3.2.1-3.2.4 and 4.1-4.2, with the 8-bit text of RFC 6532, and the
 * token of RFC 2045 section 5.1.
 * Does not: accept NUL, or CR and LF in quoted pairs, which obsolete syntax had: readers disagree
 * about where such text ends. Other control characters pass in quoted strings and comments.
 * Limits: comments nest up to TF_COMMENT_DEPTH_MAX.
 */
#include "policy/rfc5322.h"
#include "truefrom/banned.h"

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && tf_str_find(tf_str_from(set), c) < tf_str_from(set).len;
}

bool
tf_is_atext(char c)
{
	return tf_is_alnum(c) || tf_is_8bit(c) || is_one_of(c, "!#$%&'*+-/=?^_`{|}~");
}

bool
tf_is_token(char c)
{
	return !tf_is_ctl(c) && !tf_is_8bit(c) && !is_one_of(c, " ()<>@,;:\\\"/[]?=");
}

static bool
is_dot_text(char c)
{
	return c == '.' || tf_is_atext(c);
}

/* Bytes that may stand inside a comment or quoted string as they are. */
static bool
is_text(int c)
{
	return c != '\0' && c != '\r' && c != '\n';
}

/* Length of a line end before SP or TAB, or 0. */
static size_t
fold_length(const struct tf_lex *lx)
{
	struct tf_str rest = tf_lex_rest(lx);
	size_t n = 0;

	if (n < rest.len && rest.ptr[n] == '\r')
		n++;
	if (n == rest.len || rest.ptr[n] != '\n')
		return 0;
	n++;
	return n < rest.len && tf_is_wsp(rest.ptr[n]) ? n : 0;
}

void
tf_lex_fws(struct tf_lex *lx)
{
	size_t fold;

	do {
		tf_lex_while(lx, tf_is_wsp);
		fold = fold_length(lx);
		lx->p += fold;
	} while (fold != 0);
}

void
tf_lex_quoted_pair(struct tf_lex *lx)
{
	tf_lex_byte(lx, '\\');
	if (tf_lex_done(lx) || !is_text(tf_lex_peek(lx)))
		tf_lex_fail(lx, "a backslash escapes nothing");
	else
		lx->p++;
}

/* One byte of text, or a quoted pair, inside a comment or quoted string. */
static void
text_or_pair(struct tf_lex *lx)
{
	if (tf_lex_peek(lx) == '\\')
		tf_lex_quoted_pair(lx);
	else if (is_text(tf_lex_peek(lx)))
		lx->p++;
	else
		tf_lex_fail(lx, "NUL or stray line end");
}

void
tf_lex_comment(struct tf_lex *lx)
{
	size_t depth = 0;

	tf_lex_byte(lx, '(');
	depth++;
	while (depth != 0 && lx->err == NULL) {
		tf_lex_fws(lx);
		if (tf_lex_done(lx))
			tf_lex_fail(lx, "comment is not closed");
		else if (tf_lex_try(lx, ')'))
			depth--;
		else if (tf_lex_try(lx, '('))
			depth++;
		else
			text_or_pair(lx);
		if (depth > TF_COMMENT_DEPTH_MAX)
			tf_lex_fail(lx, "comments are nested too deeply");
	}
}

void
tf_lex_cfws(struct tf_lex *lx)
{
	tf_lex_fws(lx);
	while (tf_lex_peek(lx) == '(') {
		tf_lex_comment(lx);
		tf_lex_fws(lx);
	}
}

/* The longest run of such bytes, at least one. */
static struct tf_str
at_least_one(struct tf_lex *lx, bool (*is)(char), const char *err)
{
	struct tf_str run = tf_lex_while(lx, is);

	if (run.len == 0)
		tf_lex_fail(lx, err);
	return run;
}

struct tf_str
tf_lex_atom(struct tf_lex *lx)
{
	return at_least_one(lx, tf_is_atext, "a word is missing");
}

struct tf_str
tf_lex_token(struct tf_lex *lx)
{
	return at_least_one(lx, tf_is_token, "a token is missing");
}

struct tf_str
tf_lex_dot_text(struct tf_lex *lx)
{
	return at_least_one(lx, is_dot_text, "a name is missing");
}

struct tf_str
tf_lex_quoted_string(struct tf_lex *lx)
{
	const char *start;

	tf_lex_byte(lx, '"');
	start = lx->p;
	for (;;) {
		const char *end;

		tf_lex_fws(lx);
		end = lx->p;
		if (tf_lex_done(lx))
			tf_lex_fail(lx, "quoted string is not closed");
		if (lx->err != NULL)
			return TF_NONE_STR;
		if (tf_lex_try(lx, '"'))
			return (struct tf_str){ start, (size_t)(end - start) };
		text_or_pair(lx);
	}
}

struct tf_str
tf_unquote(struct tf_str quoted, struct tf_arena *a)
{
	char *out = tf_arena_alloc(a, quoted.len);
	size_t n = 0;

	for (size_t i = 0; i < quoted.len; i++) {
		char c = quoted.ptr[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c == '\\' && i + 1 < quoted.len)
			c = quoted.ptr[++i];
		out[n++] = c;
	}
	return (struct tf_str){ out, n };
}
