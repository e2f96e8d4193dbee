/*
 * fuzz_spf_record.c - the grammar of SPF records holds what it promises for any bytes
 *
 * A record that is right: its terms are the words of the text, in order, and say what they may say.
 * One that is wrong: the error lies at a word of the text, and all before it is right.
 */
#include <stdint.h>
#include <string.h>

#include "policy/spf_macro.h"
#include "policy/spf_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds, const char *what)
{
	if (!holds)
		tf_panic("%s", what);
}

static bool
lies_in(struct tf_str part, struct tf_str whole)
{
	return part.len == 0 ||
	       (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

/* The next word of *rest, which moves behind it. */
static struct tf_str
next_word(struct tf_str *rest)
{
	struct tf_str word;

	while (rest->len != 0 && rest->ptr[0] == ' ')
		*rest = tf_str_sub(*rest, 1, rest->len);
	word = tf_str_sub(*rest, 0, tf_str_find(*rest, ' '));
	*rest = tf_str_sub(*rest, word.len, rest->len);
	return word;
}

static void
check_term(const struct tf_spf_term *term, struct tf_str word)
{
	require(term->text.ptr == word.ptr && term->text.len == word.len, "a term is a word");
	require(lies_in(term->domain, word), "the domain lies in the term");
	require(term->domain.len == 0 || tf_spf_domain_check(term->domain) == NULL,
	    "the domain is a domain-spec");
	require(term->bits4 <= 32 && term->bits6 <= 128 && term->net.bits <= 128,
	    "prefix lengths are in range");
	require(term->kind != TF_SPF_IP4 || term->net.addr.family == TF_FAMILY_V4,
	    "ip4 has an IPv4 network");
	require(term->kind != TF_SPF_IP6 || term->net.addr.family != TF_FAMILY_V4, "ip6 has none");
	require(tf_str_is_ascii(word), "terms are ASCII");
}

static void
check_good(const struct tf_spf_record *rec)
{
	struct tf_str rest = tf_str_sub(rec->text, 6, rec->text.len);
	struct tf_lex terms = tf_spf_record_terms(rec);
	struct tf_spf_term term;

	while (tf_spf_record_next(&terms, &term))
		check_term(&term, next_word(&rest));
	require(next_word(&rest).len == 0, "all words are terms");
}

static void
check_bad(const struct tf_spf_record *rec)
{
	struct tf_spf_record before;

	require(rec->err_pos <= rec->text.len && lies_in(rec->err_term, rec->text),
	    "the error lies in the text");
	require(rec->err_term.ptr == rec->text.ptr + rec->err_pos, "and where it says");
	require(tf_spf_record_parse(tf_str_sub(rec->text, 0, rec->err_pos), &before),
	    "all before the error is right");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_str in = { (const char *)data, size }, txt;
	struct tf_spf_record rec;
	struct tf_buf with_version;

	tf_buf_init_arena(&with_version, a, size + 7);
	tf_buf_lit(&with_version, "v=spf1 ");
	tf_buf_str(&with_version, in);
	if (tf_spf_record_select(&in, 1, &txt) != TF_SPF_FOUND_ONE)
		txt = tf_buf_get(&with_version);
	if (tf_spf_record_parse(txt, &rec))
		check_good(&rec);
	else
		check_bad(&rec);
	tf_arena_free(a);
	return 0;
}
