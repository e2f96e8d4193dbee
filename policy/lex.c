/*
 * lex.c - the cursor under every grammar
 *
 * A reader that does not find what it wants sets err; from then on all readers are no-ops, so a
 * production can be written straight down and asked once at its end. The cursor never passes end.
 * The readers that scanners call for each byte are inline in base.h.
 */
#include "truefrom/base.h"
#include "truefrom/banned.h"

void
tf_lex_fail(struct tf_lex *lx, const char *err)
{
	if (lx->err == NULL)
		lx->err = err;
}

void
tf_lex_byte(struct tf_lex *lx, char c)
{
	if (!tf_lex_try(lx, c))
		tf_lex_fail(lx, "unexpected character");
}
