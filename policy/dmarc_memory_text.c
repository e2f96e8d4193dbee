/*
 * dmarc_memory_text.c - a remembered DMARC policy as a line of a file
 *
 * The file may have been damaged or be somebody else's: what could not have been written here is
 * refused. Files that hold such lines are milter/state.c's.
 */
#include "policy/dmarc.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define TIME_MAX ((uint64_t)1 << 40)

static const char *const exists_names[] = {
	[TF_EXISTS_YES] = "exists",
	[TF_EXISTS_NO] = "missing",
	[TF_EXISTS_UNKNOWN] = "-",
};

static bool
is_plain(char c)
{
	return !tf_is_ctl(c) && !tf_is_8bit(c) && c != '\\';
}

void
tf_dmarc_found_write(const struct tf_dmarc_found *found, struct tf_buf *out)
{
	tf_buf_printf(out, "%lld %lld %s %.*s %.*s %.*s ", (long long)found->last,
	    (long long)found->first, exists_names[found->exists], TF_PRI(found->domain),
	    TF_PRI(found->record_domain), TF_PRI(found->org_domain));
	for (size_t i = 0; i < found->record.len; i++) {
		if (is_plain(found->record.ptr[i]))
			tf_buf_byte(out, found->record.ptr[i]);
		else
			tf_buf_printf(out, "\\x%02x", (unsigned char)found->record.ptr[i]);
	}
}

static bool
not_blank(char c)
{
	return c != ' ';
}

/* The bytes up to the next blank, which is taken, too. */
static struct tf_str
read_word(struct tf_lex *lx)
{
	struct tf_str word = tf_lex_while(lx, not_blank);

	if (word.len == 0)
		tf_lex_fail(lx, "an empty word");
	tf_lex_byte(lx, ' ');
	return word;
}

static int64_t
read_time(struct tf_lex *lx)
{
	uint64_t n = 0;

	if (!tf_str_to_u64(read_word(lx), TIME_MAX, &n))
		tf_lex_fail(lx, "not a time");
	return (int64_t)n;
}

static enum tf_exists
read_exists(struct tf_lex *lx)
{
	const struct tf_str word = read_word(lx);

	for (size_t i = 0; i < TF_ARRAY_LEN(exists_names); i++) {
		if (tf_str_eq(word, tf_str_from(exists_names[i])))
			return (enum tf_exists)i;
	}
	tf_lex_fail(lx, "an unknown word");
	return TF_EXISTS_UNKNOWN;
}

/* A normalised name; with `of`, one that is of or above it. */
static struct tf_str
read_domain(struct tf_lex *lx, struct tf_str of, struct tf_arena *a)
{
	const struct tf_str word = read_word(lx);
	struct tf_str domain;

	if (!tf_domain_normalise(word, a, &domain) || !tf_str_eq(domain, word) ||
	    (of.len != 0 && !tf_domain_is_below_or_equal(of, domain)))
		tf_lex_fail(lx, "not such a domain");
	return tf_arena_dup(a, word);
}

static int
hex(struct tf_lex *lx)
{
	const int c = tf_lex_peek(lx);

	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of a record. */
static void
read_byte(struct tf_lex *lx, struct tf_buf *out)
{
	int high, low;

	if (!tf_lex_try(lx, '\\')) {
		if (!is_plain(*lx->p))
			tf_lex_fail(lx, "a byte that would be escaped");
		else
			tf_buf_byte(out, *lx->p++);
		return;
	}
	tf_lex_byte(lx, 'x');
	high = hex(lx);
	if (high >= 0)
		lx->p++;
	low = hex(lx);
	if (high < 0 || low < 0 || is_plain((char)(high * 16 + low))) {
		tf_lex_fail(lx, "no such escape");
		return;
	}
	lx->p++;
	tf_buf_byte(out, (char)(high * 16 + low));
}

static struct tf_str
read_record(struct tf_lex *lx, struct tf_arena *a)
{
	struct tf_dmarc_record parsed;
	struct tf_buf b;

	tf_buf_init_arena(&b, a, TF_DMARC_MEMORY_RECORD_MAX);
	while (!tf_lex_done(lx))
		read_byte(lx, &b);
	if (b.overflow || !tf_dmarc_record_parse(tf_buf_get(&b), &parsed))
		tf_lex_fail(lx, "not a DMARC record");
	return tf_buf_get(&b);
}

bool
tf_dmarc_found_parse(struct tf_str line, struct tf_arena *a, struct tf_dmarc_found *found_out)
{
	struct tf_lex lx = tf_lex_init(line);
	struct tf_dmarc_found f;

	f.last = read_time(&lx);
	f.first = read_time(&lx);
	f.exists = read_exists(&lx);
	f.domain = read_domain(&lx, TF_NONE_STR, a);
	f.record_domain = read_domain(&lx, f.domain, a);
	f.org_domain = read_domain(&lx, f.domain, a);
	f.record = read_record(&lx, a);
	if (lx.err != NULL || f.first > f.last)
		return false;
	*found_out = f;
	return true;
}
