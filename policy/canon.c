/*
 * canon.c - canonical forms of header fields and bodies
 *
 * Implements RFC 6376 section 3.4. Both forms of a body hold back what may turn out to be its end:
 * line ends as a number, a blank as a flag, a CR at the end of a chunk. What is not held back is
 * passed on in runs as long as possible: simple bodies are not looked at but at the ends of chunks,
 * relaxed ones once, and long runs are not copied.
 * Does not: hash (body_hash.c), or choose fields (signed_message.c).
 */
#include <string.h>

#include "policy/canon.h"
#include "policy/taglist.h"
#include "policy/word.h"
#include "truefrom/banned.h"

/* Runs of this length are put as they stand. */
#define RUN_LONG 256

static const char crlfs[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";

/* A field being written in pieces. */
struct field {
	struct tf_buf *out;
	bool relaxed;
	bool blank, started; /* relaxed: a blank is due; the value has begun */
};

/* Octets up to the next that needs a look, which are those of line ends, and blanks if relaxed. */
static size_t
plain_run(struct tf_str s, bool relaxed)
{
	size_t i = 0;

	while (
	    i < s.len && s.ptr[i] != '\r' && s.ptr[i] != '\n' && !(relaxed && tf_is_wsp(s.ptr[i])))
		i++;
	return i;
}

/* The length of a line end at the start of s: CRLF, or LF alone; else 0. */
static size_t
line_end(struct tf_str s)
{
	if (s.len > 1 && s.ptr[0] == '\r' && s.ptr[1] == '\n')
		return 2;
	return s.len != 0 && s.ptr[0] == '\n' ? 1 : 0;
}

static void
write_octets(struct field *f, struct tf_str octets)
{
	if (octets.len == 0)
		return;
	if (f->blank && f->started)
		tf_buf_byte(f->out, ' ');
	f->blank = false;
	f->started = true;
	tf_buf_str(f->out, octets);
}

/* A line end within the value: a fold, which relaxed undoes, or else text (RFC 5322 section 2.2.3).
 */
static void
write_line_end(struct field *f, struct tf_str behind)
{
	if (!f->relaxed || behind.len == 0 || !tf_is_wsp(behind.ptr[0]))
		write_octets(f, TF_STR("\r\n"));
}

static void
write_value(struct field *f, struct tf_str value)
{
	while (value.len != 0) {
		size_t run = plain_run(value, f->relaxed), end;

		write_octets(f, tf_str_sub(value, 0, run));
		value = tf_str_sub(value, run, value.len);
		if (value.len == 0)
			break;
		end = line_end(value);
		if (end != 0) {
			value = tf_str_sub(value, end, value.len);
			write_line_end(f, value);
			continue;
		}
		if (value.ptr[0] == '\r')
			write_octets(f, tf_str_sub(value, 0, 1));
		else
			f->blank = true;
		value = tf_str_sub(value, 1, value.len);
	}
}

static struct field
write_name(bool relaxed, struct tf_str name, struct tf_buf *out)
{
	if (relaxed) {
		while (name.len != 0 && tf_is_wsp(name.ptr[name.len - 1]))
			name.len--;
		for (size_t i = 0; i < name.len; i++)
			tf_buf_byte(out, tf_lower(name.ptr[i]));
	} else {
		tf_buf_str(out, name);
	}
	tf_buf_byte(out, ':');
	return (struct field){ .out = out, .relaxed = relaxed };
}

void
tf_canon_field(bool relaxed, struct tf_str name, struct tf_str value, struct tf_buf *out)
{
	struct field f = write_name(relaxed, name, out);

	write_value(&f, value);
}

bool
tf_canon_signature_field(bool relaxed, struct tf_str name, struct tf_str value, struct tf_buf *out)
{
	const struct tf_tag *b;
	struct tf_taglist tags;
	struct field f;

	if (!tf_taglist_parse(value, TF_TAGLIST_STRICT, &tags))
		return false;
	b = tf_taglist_get(&tags, "b");
	if (b == NULL)
		return false;
	f = write_name(relaxed, name, out);
	write_value(&f, tf_str_sub(value, 0, b->value_at));
	write_value(&f, tf_str_sub(value, b->value_end, value.len));
	return true;
}

void
tf_canon_body_init(
    struct tf_canon_body *b, bool relaxed, void (*put)(void *to, struct tf_str octets), void *to)
{
	*b = (struct tf_canon_body){ .relaxed = relaxed, .put = put, .to = to };
}

static void
flush(struct tf_canon_body *b)
{
	if (b->len != 0)
		b->put(b->to, (struct tf_str){ b->room, b->len });
	b->len = 0;
}

static void
put(struct tf_canon_body *b, struct tf_str octets)
{
	if (octets.len > sizeof(b->room) - b->len || octets.len >= RUN_LONG)
		flush(b);
	if (octets.len >= RUN_LONG) {
		b->put(b->to, octets);
		return;
	}
	memcpy(b->room + b->len, octets.ptr, octets.len);
	b->len += octets.len;
}

/* Octets that nothing behind them can make disappear; before them, what was held back. */
static void
put_text(struct tf_canon_body *b, struct tf_str octets)
{
	while (b->lines != 0) {
		size_t n = b->lines < sizeof(crlfs) / 2 ? (size_t)b->lines : sizeof(crlfs) / 2;

		put(b, (struct tf_str){ crlfs, 2 * n });
		b->lines -= n;
	}
	if (b->blank)
		put(b, TF_STR(" "));
	b->blank = false;
	b->written = true;
	put(b, octets);
}

static void
feed_simple(struct tf_canon_body *b, struct tf_str chunk)
{
	uint64_t lines = 0;

	while (
	    chunk.len > 1 && chunk.ptr[chunk.len - 2] == '\r' && chunk.ptr[chunk.len - 1] == '\n') {
		chunk.len -= 2;
		lines++;
	}
	if (chunk.len != 0)
		put_text(b, chunk);
	b->lines += lines;
}

static bool
is_plain(char c)
{
	return c != ' ' && c != '\t' && c != '\r';
}

/*
 * Whether one of the octets at p, or the last of them with the one behind it, needs a look: all
 * that relaxed changes, and every line end, has a TAB, or a blank, CR or LF beside another. Bare CR
 * and LF, and single spaces, stay as they are.
 */
static bool
needs_look(const char *p)
{
	uint64_t word = tf_word_at(p);

	return ((tf_word_below(word, ' ' + 1) & tf_word_below(tf_word_at(p + 1), ' ' + 1)) |
		   tf_word_equal(word, '\t')) != 0;
}

/*
 * The longest run at p that relaxed leaves as it is, from one plain octet to another: also single
 * spaces and line ends with plain octets on both sides.
 */
static const char *
relaxed_run(const char *p, const char *end)
{
	while (p < end) {
		const char *stop = end - p > (ptrdiff_t)TF_WORD ? p + TF_WORD : end;

		if (stop < end && !needs_look(p)) {
			p = stop;
			continue;
		}
		while (p < stop) {
			if (is_plain(*p))
				p++;
			else if (*p == ' ' && end - p > 1 && is_plain(p[1]))
				p += 2;
			else if (*p == '\r' && end - p > 2 && p[1] == '\n' && is_plain(p[2]))
				p += 3;
			else
				return p;
		}
	}
	return p;
}

static void
feed_relaxed(struct tf_canon_body *b, struct tf_str chunk)
{
	const char *p = chunk.ptr, *end = p + chunk.len;

	while (p < end) {
		const char *start = p;

		if (is_plain(*p)) {
			p = relaxed_run(p, end);
			put_text(b, (struct tf_str){ start, (size_t)(p - start) });
		} else if (tf_is_wsp(*p)) {
			b->blank = true;
			p++;
		} else if (end - p > 1 && p[1] == '\n') {
			b->blank = false;
			b->lines++;
			p += 2;
		} else {
			put_text(b, (struct tf_str){ p, 1 });
			p++;
		}
	}
}

void
tf_canon_body_feed(struct tf_canon_body *b, struct tf_str chunk)
{
	if (chunk.len == 0)
		return;
	if (b->cr && chunk.ptr[0] == '\n') {
		b->blank = false;
		b->lines++;
		chunk = tf_str_sub(chunk, 1, chunk.len);
	} else if (b->cr) {
		put_text(b, TF_STR("\r"));
	}
	b->cr = chunk.len != 0 && chunk.ptr[chunk.len - 1] == '\r';
	chunk.len -= b->cr;
	if (b->relaxed)
		feed_relaxed(b, chunk);
	else
		feed_simple(b, chunk);
}

void
tf_canon_body_finish(struct tf_canon_body *b)
{
	if (b->cr)
		put_text(b, TF_STR("\r"));
	if (b->written || !b->relaxed)
		put(b, TF_STR("\r\n"));
	flush(b);
}
