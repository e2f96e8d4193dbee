/*
 * load_verdict.c - read what filters said, and compare it with what was expected
 *
 * Authentication-Results is scanned, not validated (RFC 8601 section 2.2: comments, quoted-strings
 * and the separator are honoured; a malformed value is skipped to the next result).
 */
#include "tests/bench/load_verdict.h"
#include "policy/rfc5322.h"
#include "truefrom/banned.h"

static const char *const column_names[LOAD_COLUMNS] = { "spf", "dkim", "arc", "dmarc", "action" };

static const char *const words[LOAD_WORDS] = { "none", "pass", "fail", "softfail", "neutral",
	"policy", "temperror", "permerror", "accept", "quarantine", "reject", "tempfail", "discard",
	"other" };

const char *
load_column_name(enum load_column column)
{
	return column_names[column];
}

static enum load_word
word_of(struct tf_str text)
{
	for (enum load_word w = 0; w < LOAD_OTHER; w++)
		if (tf_str_eq_nocase(text, tf_str_from(words[w])))
			return w;
	return LOAD_OTHER;
}

static void
add(struct load_verdict *v, enum load_column column, enum load_word word)
{
	if (v->count[column][word] < UINT8_MAX)
		v->count[column][word]++;
}

static bool
is_said(const struct load_verdict *v, enum load_column column)
{
	for (enum load_word w = 0; w < LOAD_WORDS; w++)
		if (v->count[column][w] != 0)
			return true;
	return false;
}

static void
forget(struct load_verdict *v, enum load_column column)
{
	memset(v->count[column], 0, sizeof(v->count[column]));
}

void
load_verdict_write(const struct load_verdict *v, enum load_column column, struct tf_buf *out)
{
	bool first = true;

	for (enum load_word w = 0; w < LOAD_WORDS; w++) {
		for (unsigned int n = 0; n < v->count[column][w]; n++) {
			if (!first)
				tf_buf_byte(out, ',');
			tf_buf_lit(out, words[w]);
			first = false;
		}
	}
	if (first)
		tf_buf_byte(out, '-');
}

bool
load_verdict_expect(struct load_verdict *v, enum load_column column, struct tf_str list)
{
	struct tf_str rest = list;

	do {
		const size_t end = tf_str_find(rest, ',');
		const enum load_word w = word_of(tf_str_sub(rest, 0, end));

		if (w == LOAD_OTHER)
			return false;
		add(v, column, w);
		rest = tf_str_sub(rest, end + 1, rest.len);
	} while (rest.len != 0);
	return true;
}

void
load_verdict_set_action(struct load_verdict *v, enum load_word action)
{
	forget(v, LOAD_ACTION);
	add(v, LOAD_ACTION, action);
}

static bool
is_word_byte(char c)
{
	return tf_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* To the next separator; reports whether "smtp.mailfrom" stood before it. */
static bool
skip_properties(struct tf_lex *lx)
{
	bool of_mailfrom = false;

	while (!tf_lex_done(lx) && tf_lex_peek(lx) != ';') {
		const struct tf_str word = tf_lex_while(lx, is_word_byte);

		of_mailfrom |= tf_str_eq_nocase(word, TF_STR("smtp.mailfrom"));
		if (word.len != 0)
			continue;
		if (tf_lex_peek(lx) == '(')
			tf_lex_cfws(lx);
		else if (tf_lex_peek(lx) == '"')
			(void)tf_lex_quoted_string(lx);
		else
			lx->p++;
	}
	return of_mailfrom;
}

static void
take(struct load_verdict *v, struct tf_str method, enum load_word word, bool of_mailfrom)
{
	for (enum load_column c = LOAD_SPF; c < LOAD_ACTION; c++) {
		if (!tf_str_eq_nocase(method, tf_str_from(column_names[c])))
			continue;
		if (c == LOAD_SPF && is_said(v, c) && (v->spf_of_mailfrom || !of_mailfrom))
			return;
		if (c == LOAD_SPF)
			v->spf_of_mailfrom = of_mailfrom;
		if (c != LOAD_DKIM)
			forget(v, c);
		add(v, c, word);
	}
}

void
load_verdict_read(struct load_verdict *v, struct tf_str value, struct tf_str id)
{
	struct tf_lex lx = tf_lex_init(value);
	struct tf_str name;

	tf_lex_cfws(&lx);
	name = tf_lex_while(&lx, is_word_byte);
	if (id.len != 0 && !tf_str_eq_nocase(name, id))
		return;
	(void)skip_properties(&lx);
	while (tf_lex_try(&lx, ';')) {
		struct tf_str method, result;

		tf_lex_cfws(&lx);
		method = tf_lex_while(&lx, is_word_byte);
		tf_lex_cfws(&lx);
		if (!tf_lex_try(&lx, '=')) { /* "none", or a version before "=" */
			(void)skip_properties(&lx);
			continue;
		}
		tf_lex_cfws(&lx);
		result = tf_lex_while(&lx, is_word_byte);
		take(v, method, word_of(result), skip_properties(&lx));
	}
}

void
load_verdict_merge(struct load_verdict *v, const struct load_verdict *later)
{
	for (enum load_column c = LOAD_SPF; c < LOAD_ACTION; c++)
		if (is_said(later, c))
			memcpy(v->count[c], later->count[c], sizeof(v->count[c]));
}

unsigned int
load_agreement_add(struct load_agreement *sum, const struct load_verdict *said,
    const struct load_verdict *expected)
{
	unsigned int wrong = 0;

	for (enum load_column c = LOAD_SPF; c < LOAD_COLUMNS; c++) {
		if (!is_said(said, c)) {
			sum->not_said[c]++;
		} else if (memcmp(said->count[c], expected->count[c], sizeof(said->count[c])) ==
			   0) {
			sum->agreed[c]++;
		} else {
			sum->wrong[c]++;
			wrong |= 1u << c;
		}
	}
	if (wrong == 0)
		sum->lines_agreed++;
	else
		sum->lines_wrong++;
	return wrong;
}
