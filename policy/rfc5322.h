/*
 * rfc5322.h - tokens of RFC 5322 with its obsolete forms, RFC 6532 and RFC 2045, on the lexer
 * cursor
 *
 * Readers are no-ops once lx->err is set, and set it (static text) when they do not find what they
 * want; those named "optional" accept nothing as well. A NUL is an error everywhere; CR and LF are
 * accepted only where they fold a line, as CRLF or LF before SP or TAB. Bytes of 128 and above
 * count as text; whether they are UTF-8 is the caller's question. Slices handed out lie inside the
 * input and are empty after an error. Linear in what is read, no recursion; nothing waits,
 * allocates or logs. Thread-safe.
 */
#ifndef POLICY_RFC5322_H
#define POLICY_RFC5322_H

#include "truefrom/base.h"

/* Comments nested deeper than this are an error: no mail needs them. */
#define TF_COMMENT_DEPTH_MAX 100

bool tf_is_atext(char c); /* RFC 5322 section 3.2.3, and all 8-bit bytes (RFC 6532) */
bool tf_is_token(char c); /* RFC 2045 section 5.1: ASCII, no tspecials, blanks or controls */

void tf_lex_fws(struct tf_lex *lx);            /* [FWS], obs-FWS: section 3.2.2; optional */
void tf_lex_comment(struct tf_lex *lx);        /* with its parentheses: section 3.2.2 */
void tf_lex_cfws(struct tf_lex *lx);           /* [CFWS]: section 3.2.2; optional */
void tf_lex_quoted_pair(struct tf_lex *lx);    /* "\" and one byte: section 3.2.1 */
struct tf_str tf_lex_atom(struct tf_lex *lx);  /* 1*atext, without CFWS: section 3.2.3 */
struct tf_str tf_lex_token(struct tf_lex *lx); /* RFC 2045 section 5.1, without CFWS */
/* Atoms and dots in any order, at least one byte; what the dots mean, the caller checks. */
struct tf_str tf_lex_dot_text(struct tf_lex *lx);
/* What stands between the quotes, escapes and folds as written: section 3.2.4; without CFWS. */
struct tf_str tf_lex_quoted_string(struct tf_lex *lx);

/* The meaning of what tf_lex_quoted_string gave: no "\" of quoted pairs, no CR LF of folds. */
struct tf_str tf_unquote(struct tf_str quoted, struct tf_arena *a);

#endif
