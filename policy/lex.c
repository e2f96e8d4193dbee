/*
 * lex.c - the cursor under every grammar
 *
 * A reader that does not find what it wants sets err; from then on all readers are no-ops, so a
 * production can be written straight down and asked once at its end. The cursor never passes end.
 */
#include "truefrom/base.h"
#include "truefrom/banned.h"

struct tf_lex
tf_lex_init(struct tf_str s)
{
	const char *start = s.ptr != NULL ? s.ptr : "";

	return (struct tf_lex){ .p = start, .end = start + s.len };
}

bool
tf_lex_done(const struct tf_lex *lx)
{
	return lx->err != NULL || lx->p == lx->end;
}

int
tf_lex_peek(const struct tf_lex *lx)
{
	return tf_lex_done(lx) ? -1 : (unsigned char)*lx->p;
}

void
tf_lex_fail(struct tf_lex *lx, const char *err)
{
	if (lx->err == NULL)
		lx->err = err;
}

bool
tf_lex_try(struct tf_lex *lx, char c)
{
	if (tf_lex_peek(lx) != (unsigned char)c)
		return false;
	lx->p++;
	return true;
}

void
tf_lex_byte(struct tf_lex *lx, char c)
{
	if (!tf_lex_try(lx, c))
		tf_lex_fail(lx, "unexpected character");
}

struct tf_str
tf_lex_while(struct tf_lex *lx, bool (*is)(char))
{
	const char *start = lx->p;

	while (!tf_lex_done(lx) && is(*lx->p))
		lx->p++;
	return (struct tf_str){ start, (size_t)(lx->p - start) };
}

struct tf_str
tf_lex_rest(const struct tf_lex *lx)
{
	return (struct tf_str){ lx->p, lx->err != NULL ? 0 : (size_t)(lx->end - lx->p) };
}
