/*
 * authres_read.c - recognise Authentication-Results that must be removed on arrival
 *
 * Implements RFC 8601 section 5 with the strict grammar of section 2.2 and a forgiving eye: what
 * stands up to the first ";" is read in each way that some consumer is known to read it, and one
 * way that gives an id of ours is enough. A field whose id nobody can be sure of goes too.
 * Does not: parse results; whatever follows the first ";" has no influence.
 * Limits: an id over ID_MAX octets counts as unreadable. Linear in the value, no recursion.
 */
#include "policy/authres.h"
#include "truefrom/domain.h"
#include "policy/rfc5322.h"
#include "truefrom/banned.h"

#define ID_MAX 1024

/*
 * The words before the first ";", comments and blanks taken out. A consumer may end the id at the
 * first gap, or go on over gaps beside a dot (obs-domain, RFC 5322 section 4.4), or delete all
 * blanks.
 */
struct head {
	char storage[ID_MAX];
	struct tf_buf text;
	size_t first_gap, dotted; /* extents of the first two readings; 0 = to the end */
	bool gap;                 /* between the last byte of text and the next one */
	bool behind_id;           /* a word stands behind the id already */
	bool control;             /* a control character was among the words */
	bool too_long;            /* before the id came to an end */
	bool empty_id;            /* "" where the id belongs */
	bool bad_version;
	bool bare_method; /* "spf=pass": results without an id */
};

static bool
is_id_byte(char c)
{
	return tf_is_token(c) || tf_is_8bit(c);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether c goes on with the name before it for a reader who knows obs-domain. */
static bool
goes_on(const struct head *h, char c)
{
	return h->text.len == 0 || c == '.' || h->text.ptr[h->text.len - 1] == '.';
}

static void
put_byte(struct head *h, char c)
{
	if (h->gap && h->first_gap == 0)
		h->first_gap = h->text.len;
	if (h->gap && h->dotted == 0 && !goes_on(h, c))
		h->dotted = h->text.len;
	h->gap = false;
	h->control = h->control || tf_is_ctl(c);
	tf_buf_byte(&h->text, c);
	if (h->text.overflow && h->dotted == 0)
		h->too_long = true;
}

/* A reader may take the quoted string for the whole id, or what stands before it. */
static void
put_quoted(struct head *h, struct tf_str text)
{
	h->gap = true;
	for (size_t i = 0; i < text.len; i++) {
		if (is_blank(text.ptr[i]))
			h->gap = true;
		else
			put_byte(h, text.ptr[i]);
	}
	h->gap = true;
}

/* authres-version, when the word stands where it belongs: after the id, all digits, alone. */
static void
check_version(struct head *h, const struct tf_lex *behind, struct tf_str word)
{
	int next = tf_lex_peek(behind);
	uint32_t version = 0;

	for (size_t i = 0; i < word.len; i++) {
		if (!tf_is_digit(word.ptr[i]))
			return;
	}
	if (next == -1 || next == ';' || next == '(' || is_blank((char)next))
		h->bad_version = !tf_str_to_u32(word, UINT32_MAX, &version) || version != 1;
}

static void
read_word(struct head *h, struct tf_lex *lx, struct tf_arena *a)
{
	bool quoted = tf_lex_peek(lx) == '"';
	struct tf_str word =
	    quoted ? tf_unquote(tf_lex_quoted_string(lx), a) : tf_lex_while(lx, is_id_byte);
	bool first = h->text.len == 0;

	if (!quoted && !first && !h->behind_id)
		check_version(h, lx, word);
	if (!first && word.len != 0 && !goes_on(h, word.ptr[0]))
		h->behind_id = true;
	if (quoted)
		put_quoted(h, word);
	for (size_t i = 0; !quoted && i < word.len; i++)
		put_byte(h, word.ptr[i]);
	h->empty_id = h->empty_id || h->text.len == 0;
}

/* Reads up to the first byte that is no word, comment or blank; lx.err: it cannot be read. */
static void
read_head(struct head *h, struct tf_lex *lx, struct tf_arena *a)
{
	tf_buf_init(&h->text, h->storage, sizeof(h->storage));
	tf_lex_cfws(lx);
	while (tf_lex_peek(lx) == '"' || (!tf_lex_done(lx) && is_id_byte(*lx->p))) {
		const char *end;

		read_word(h, lx, a);
		end = lx->p;
		tf_lex_cfws(lx);
		h->gap = h->gap || lx->p != end;
	}
	if (!tf_lex_done(lx) && tf_is_ctl(*lx->p))
		h->control = true;
	h->bare_method = tf_lex_peek(lx) == '=' && h->first_gap == 0;
}

/* "mx.example.com" and whatever can follow without making it another domain name. */
static bool
starts_with_id(struct tf_str text, struct tf_str id)
{
	char next;

	if (id.len != 0 && id.ptr[id.len - 1] == '.')
		id.len--;
	if (id.len == 0 || !tf_str_starts_nocase(text, id))
		return false;
	text = tf_str_sub(text, id.len, text.len);
	while (text.len != 0 && text.ptr[0] == '.')
		text = tf_str_sub(text, 1, text.len);
	next = text.len != 0 ? text.ptr[0] : '\0';
	return !tf_is_alnum(next) && next != '-' && next != '_';
}

bool
tf_authres_ids_have(const struct tf_authres_ids *ids, struct tf_str text, struct tf_arena *a)
{
	struct tf_str name, id;
	bool is_name = tf_domain_normalise(text, a, &name);

	for (size_t i = 0; i < ids->count; i++) {
		if (starts_with_id(text, ids->ids[i]))
			return true;
		if (tf_domain_normalise(ids->ids[i], a, &id) &&
		    (starts_with_id(text, id) || (is_name && starts_with_id(name, id))))
			return true;
	}
	return false;
}

/* 8-bit bytes that make no domain name may look like any name. */
static bool
is_readable(struct tf_str text, struct tf_arena *a)
{
	struct tf_str name;

	return tf_str_is_ascii(text) || tf_domain_normalise(text, a, &name);
}

static bool
is_forged(const struct head *h, const struct tf_authres_ids *ids, struct tf_arena *a)
{
	struct tf_str all = tf_buf_get(&h->text);
	struct tf_str first = h->first_gap != 0 ? tf_str_sub(all, 0, h->first_gap) : all;
	struct tf_str dotted = h->dotted != 0 ? tf_str_sub(all, 0, h->dotted) : all;

	if (all.len == 0 || h->control || h->too_long || h->empty_id || h->bad_version ||
	    h->bare_method)
		return true;
	return !is_readable(first, a) || tf_authres_ids_have(ids, first, a) ||
	       tf_authres_ids_have(ids, dotted, a) || tf_authres_ids_have(ids, all, a);
}

bool
tf_authres_is_forged(struct tf_str value, const struct tf_authres_ids *ids)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_lex lx = tf_lex_init(value);
	struct head h = { .gap = false };
	bool forged;

	read_head(&h, &lx, a);
	forged = lx.err != NULL || is_forged(&h, ids, a);
	tf_arena_free(a);
	return forged;
}

bool
tf_authres_is_name(struct tf_str name)
{
	return tf_str_eq_nocase(tf_str_trim(name), TF_STR("Authentication-Results"));
}
