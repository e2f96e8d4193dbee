/*
 * spf_macro.c - macro strings and domain-specs of SPF: check and expand
 *
 * One scanner, next_piece(), reads the grammar of RFC 7208 section 7.1 for checking and expanding
 * alike. Syntax is judged before expansion only; what comes out may be any bytes and is then a name
 * that can be asked or is not.
 * Does not: ask the DNS (the caller brings the validated name for %{p}).
 * Limits: TF_SPF_EXPAND_MAX or the buffer's own for what comes out, WORK_MAX for what is read of
 * the values, so that no record can make many copies of a long one.
 */
#include "policy/spf_macro.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

#define WORK_MAX ((size_t)1024 * 1024)
/* 32 nibbles with their dots; the longest of the values that are written here. */
#define VALUE_MAX 64

/* A run of literals, or one macro-expand. */
struct piece {
	struct tf_str literal; /* of a letter: empty */
	bool expand;           /* it is a macro-expand */
	char letter;           /* lower case; 0 = none */
	bool url;              /* the letter was upper case */
	bool reverse;
	uint32_t keep; /* right-hand parts; 0 = all */
	struct tf_str delimiters;
};

static bool
is_literal(char c)
{
	return c >= 0x21 && c <= 0x7e && c != '%';
}

/* explain-string = *( macro-string / SP ) */
static bool
is_text_literal(char c)
{
	return c == ' ' || is_literal(c);
}

static bool
is_delimiter(char c)
{
	static const struct tf_str delimiters = TF_LIT(".-+,/_=");

	return tf_str_find(delimiters, c) < delimiters.len;
}

/* transformers = *DIGIT [ "r" ]; any number beyond what a name can hold means all parts. */
static void
lex_transformers(struct tf_lex *lx, struct piece *out)
{
	struct tf_str digits = tf_lex_while(lx, tf_is_digit);

	if (digits.len != 0) {
		if (!tf_str_to_u32(digits, UINT32_MAX, &out->keep))
			out->keep = UINT32_MAX;
		if (out->keep == 0)
			tf_lex_fail(lx, "macro keeps no parts");
	}
	out->reverse = tf_lex_try(lx, 'r') || tf_lex_try(lx, 'R');
}

/* What follows "%{". */
static void
lex_letter(struct tf_lex *lx, struct piece *out)
{
	static const struct tf_str letters = TF_LIT("slodipvhcrt");
	int c = tf_lex_peek(lx);

	if (c < 0) {
		tf_lex_fail(lx, "macro not closed");
		return;
	}
	out->letter = tf_lower((char)c);
	out->url = out->letter != (char)c;
	if (tf_str_find(letters, out->letter) == letters.len) {
		tf_lex_fail(lx, "unknown macro letter");
		return;
	}
	lx->p++;
	lex_transformers(lx, out);
	out->delimiters = tf_lex_while(lx, is_delimiter);
	if (!tf_lex_try(lx, '}'))
		tf_lex_fail(lx, "macro not closed");
}

/* macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-" */
static void
lex_macro_expand(struct tf_lex *lx, struct piece *out)
{
	out->expand = true;
	tf_lex_byte(lx, '%');
	if (tf_lex_try(lx, '{'))
		lex_letter(lx, out);
	else if (tf_lex_try(lx, '%'))
		out->literal = TF_STR("%");
	else if (tf_lex_try(lx, '_'))
		out->literal = TF_STR(" ");
	else if (tf_lex_try(lx, '-'))
		out->literal = TF_STR("%20");
	else
		tf_lex_fail(lx, "'%' without a macro");
}

/* The next piece; false at the end and on an error, which is then in lx. */
static bool
next_piece(struct tf_lex *lx, bool (*literal)(char), struct piece *out)
{
	*out = (struct piece){ .expand = false };
	if (tf_lex_done(lx))
		return false;
	if (tf_lex_peek(lx) == '%')
		lex_macro_expand(lx, out);
	else {
		out->literal = tf_lex_while(lx, literal);
		if (out->literal.len == 0)
			tf_lex_fail(lx, "character not allowed");
	}
	return lx->err == NULL;
}

static bool
is_text_only(char letter)
{
	return letter == 'c' || letter == 'r' || letter == 't';
}

const char *
tf_spf_macro_check(struct tf_str s)
{
	struct tf_lex lx = tf_lex_init(s);
	struct piece piece;

	while (next_piece(&lx, is_literal, &piece))
		continue;
	return lx.err;
}

/*
 * toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
 * that is: letters, digits and hyphens, no hyphen at an end, not digits alone.
 */
static bool
is_toplabel(struct tf_str s)
{
	bool digits_only = true;

	if (s.len == 0 || s.ptr[0] == '-' || s.ptr[s.len - 1] == '-')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!tf_is_alnum(s.ptr[i]) && s.ptr[i] != '-')
			return false;
		digits_only = digits_only && tf_is_digit(s.ptr[i]);
	}
	return !digits_only;
}

/* domain-end = ( "." toplabel [ "." ] ) / macro-expand; tail is what stands behind the last macro.
 */
static const char *
check_domain_end(struct tf_str tail)
{
	size_t dot;

	if (tail.len == 0)
		return NULL;
	if (tail.ptr[tail.len - 1] == '.')
		tail.len--;
	dot = tf_str_rfind(tail, '.');
	if (dot == tail.len)
		return "not a name of several labels";
	return is_toplabel(tf_str_sub(tail, dot + 1, tail.len)) ? NULL : "bad top-level label";
}

const char *
tf_spf_domain_check(struct tf_str spec)
{
	struct tf_lex lx = tf_lex_init(spec);
	struct tf_str tail = TF_NONE_STR;
	struct piece piece;

	if (spec.len == 0)
		return "domain is missing";
	while (next_piece(&lx, is_literal, &piece)) {
		if (is_text_only(piece.letter))
			return "macro letter is for explanations only";
		tail = piece.expand ? TF_NONE_STR : piece.literal;
	}
	return lx.err != NULL ? lx.err : check_domain_end(tail);
}

unsigned
tf_spf_macro_uses(struct tf_str s)
{
	struct tf_lex lx = tf_lex_init(s);
	struct piece piece;
	unsigned uses = 0;

	while (next_piece(&lx, is_text_literal, &piece)) {
		if (piece.letter == 's' || piece.letter == 'l')
			uses |= TF_SPF_USES_LOCAL;
		else if (piece.letter == 'p')
			uses |= TF_SPF_USES_PTR;
		if (piece.keep != 0)
			uses |= TF_SPF_USES_PARTS;
		if (piece.url)
			uses |= TF_SPF_USES_ESCAPES;
	}
	return uses;
}

/* %{i}: dotted quad, or 32 nibbles with dots. */
static void
write_dotted(const struct tf_addr *addr, struct tf_buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	if (addr->family != TF_FAMILY_V6) {
		tf_addr_write(addr, out);
		return;
	}
	for (size_t i = 0; i < sizeof(addr->bytes); i++) {
		if (i != 0)
			tf_buf_byte(out, '.');
		tf_buf_byte(out, hex[addr->bytes[i] >> 4]);
		tf_buf_byte(out, '.');
		tf_buf_byte(out, hex[addr->bytes[i] & 15]);
	}
}

static struct tf_str
or_unknown(struct tf_str s)
{
	return s.len != 0 ? s : TF_STR("unknown");
}

/* The value of a letter; scratch is empty and holds VALUE_MAX bytes. */
static struct tf_str
value_of(char letter, const struct tf_spf_macro_env *env, struct tf_buf *scratch)
{
	switch (letter) {
	case 's':
		return env->sender;
	case 'l':
		return env->local;
	case 'o':
		return env->sender_domain;
	case 'd':
		return env->domain;
	case 'p':
		return or_unknown(env->validated);
	case 'v':
		return env->client.family == TF_FAMILY_V6 ? TF_STR("ip6") : TF_STR("in-addr");
	case 'h':
		return env->helo;
	case 'r':
		return or_unknown(env->receiver);
	case 'i':
		write_dotted(&env->client, scratch);
		break;
	case 'c':
		tf_addr_write(&env->client, scratch);
		break;
	case 't':
		tf_buf_printf(scratch, "%lld", (long long)env->now);
		break;
	default:
		tf_panic("macro letter %d", letter);
	}
	return tf_buf_get(scratch);
}

/* Upper-case letters: everything but "unreserved" of RFC 3986 section 2.3 is escaped. */
static void
write_value(struct tf_str s, bool url, struct tf_buf *out)
{
	static const char hex[] = "0123456789ABCDEF";

	if (!url) {
		tf_buf_str(out, s);
		return;
	}
	for (size_t i = 0; i < s.len && !out->overflow; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (tf_is_alnum((char)c) || c == '-' || c == '.' || c == '_' || c == '~') {
			tf_buf_byte(out, (char)c);
			continue;
		}
		tf_buf_byte(out, '%');
		tf_buf_byte(out, hex[c >> 4]);
		tf_buf_byte(out, hex[c & 15]);
	}
}

static bool
splits(const struct piece *piece, char c)
{
	return piece->delimiters.len == 0
		   ? c == '.'
		   : tf_str_find(piece->delimiters, c) < piece->delimiters.len;
}

/* Length of the part at the start of s (reverse: at its end), up to a delimiter. */
static size_t
part_len(const struct piece *piece, struct tf_str s)
{
	size_t n = 0;

	while (n < s.len && !splits(piece, s.ptr[piece->reverse ? s.len - 1 - n : n]))
		n++;
	return n;
}

/*
 * Keep right-hand parts. In the reversed order those are the first ones of the value, so that
 * either way a run of it is left.
 */
static struct tf_str
keep_parts(const struct piece *piece, struct tf_str value)
{
	uint32_t left = piece->keep;

	if (left == 0)
		return value;
	for (size_t n = 0; n < value.len; n++) {
		size_t i = piece->reverse ? n : value.len - 1 - n;

		if (!splits(piece, value.ptr[i]) || --left != 0)
			continue;
		return piece->reverse ? tf_str_sub(value, 0, i)
				      : tf_str_sub(value, i + 1, value.len);
	}
	return value;
}

static void
write_parts(const struct piece *piece, struct tf_str value, struct tf_buf *out)
{
	struct tf_str rest = keep_parts(piece, value);
	bool more = true;

	while (more && !out->overflow) {
		size_t n = part_len(piece, rest);

		more = n < rest.len;
		if (piece->reverse) {
			write_value(tf_str_sub(rest, rest.len - n, n), piece->url, out);
			rest = tf_str_sub(rest, 0, rest.len - n - more);
		} else {
			write_value(tf_str_sub(rest, 0, n), piece->url, out);
			rest = tf_str_sub(rest, n + more, rest.len);
		}
		if (more)
			tf_buf_byte(out, '.');
	}
}

/* Expands all of s; false on a syntax error or when it is too long. */
static bool
expand(
    struct tf_str s, bool (*literal)(char), const struct tf_spf_macro_env *env, struct tf_buf *out)
{
	struct tf_lex lx = tf_lex_init(s);
	struct piece piece;
	size_t work = 0;

	while (next_piece(&lx, literal, &piece)) {
		char storage[VALUE_MAX];
		struct tf_buf scratch;
		struct tf_str value;

		if (piece.letter == 0) {
			tf_buf_str(out, piece.literal);
			continue;
		}
		tf_buf_init(&scratch, storage, sizeof(storage));
		value = value_of(piece.letter, env, &scratch);
		work += value.len;
		if (work > WORK_MAX)
			out->overflow = true;
		else
			write_parts(&piece, value, out);
	}
	return lx.err == NULL && !out->overflow;
}

/* At most 253 octets, by dropping whole labels from the left; empty when that cannot be. */
static struct tf_str
shorten(struct tf_str name)
{
	size_t dot;

	if (name.len != 0 && name.ptr[name.len - 1] == '.')
		name.len--;
	if (name.len <= TF_DOMAIN_MAX)
		return name;
	/* The dot before the first label that fits. */
	name = tf_str_sub(name, name.len - TF_DOMAIN_MAX - 1, name.len);
	dot = tf_str_find(name, '.');
	return tf_str_sub(name, dot + 1, name.len);
}

bool
tf_spf_macro_name(struct tf_str spec, const struct tf_spf_macro_env *env, struct tf_buf *buf,
    struct tf_str *name_out)
{
	if (!expand(spec, is_literal, env, buf))
		return false;
	for (size_t i = 0; i < buf->len; i++)
		buf->ptr[i] = tf_lower(buf->ptr[i]);
	*name_out = shorten(tf_buf_get(buf));
	/* A second trailing dot is an empty label. */
	if (name_out->len != 0 && name_out->ptr[name_out->len - 1] == '.')
		return false;
	return tf_domain_can_ask(*name_out);
}

bool
tf_spf_macro_text(struct tf_str text, const struct tf_spf_macro_env *env, struct tf_buf *out)
{
	return expand(text, is_text_literal, env, out);
}
