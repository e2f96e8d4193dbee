/*
 * message_file.c - a message in a file, as the events that an MTA would make of it
 *
 * The header ends at the first empty line, or at the first line that is no header field and
 * continues none: what follows is body (so does Postfix). A first line that begins with a blank
 * continues nothing and is passed over. Limits: TF_MESSAGE_FILE_MAX octets, all of them in memory,
 * since this is the command line.
 */
#include <errno.h>
#include <string.h>

#include "milter/message_file.h"
#include "truefrom/banned.h"

#define CHUNK ((size_t)64 * 1024)

static int
read_all(FILE *in, char **bytes_out, size_t *len_out, struct tf_buf *why)
{
	size_t room = CHUNK, len = 0, n;
	char *bytes = tf_xmalloc(room);

	while ((n = fread(bytes + len, 1, room - len, in)) != 0) {
		len += n;
		if (len < room)
			continue;
		if (room > TF_MESSAGE_FILE_MAX) {
			tf_buf_printf(why, "message over %zu bytes", TF_MESSAGE_FILE_MAX);
			tf_xfree(bytes);
			return -1;
		}
		/* One more at last, to see whether there is more. */
		room = room <= TF_MESSAGE_FILE_MAX / 2 ? room * 2 : TF_MESSAGE_FILE_MAX + 1;
		bytes = tf_xrealloc(bytes, room);
	}
	if (ferror(in)) {
		const int error = errno;

		tf_buf_lit(why, "the message: cannot be read: ");
		tf_buf_errno(why, error);
		tf_xfree(bytes);
		return -1;
	}
	*bytes_out = bytes;
	*len_out = len;
	return 0;
}

/* The next line without its end (LF, or CRLF when crlf); rest moves behind it. */
static struct tf_str
next_line(struct tf_str *rest, bool crlf)
{
	size_t lf = 0;
	struct tf_str line;

	for (;;) {
		lf += tf_str_find(tf_str_sub(*rest, lf, rest->len), '\n');
		if (lf >= rest->len || !crlf || (lf > 0 && rest->ptr[lf - 1] == '\r'))
			break;
		lf++; /* a bare LF is no line end in a file of CRLF lines */
	}
	line = tf_str_sub(*rest, 0, lf);
	*rest = tf_str_sub(*rest, lf + 1, rest->len);
	if (crlf && line.len != 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* One field with its continuation lines, raw; false at the end of the header. */
static bool
next_field(struct tf_str *rest, bool crlf, struct tf_str *field_out)
{
	struct tf_str after = *rest;
	const struct tf_str first = next_line(&after, crlf);
	const char *end = first.ptr + first.len;

	if (first.len == 0) {
		*rest = after;
		return false;
	}
	while (after.len != 0 && tf_is_wsp(after.ptr[0])) {
		const struct tf_str more = next_line(&after, crlf);

		end = more.ptr + more.len;
	}
	*field_out = (struct tf_str){ first.ptr, (size_t)(end - first.ptr) };
	*rest = after;
	return true;
}

/* RFC 5322 section 2.2: printable ASCII but the colon; blanks and folds before the colon are
 * obsolete, and stay with the name. */
static bool
split_field(struct tf_str field, struct tf_str *name_out, struct tf_str *value_out)
{
	const size_t colon = tf_str_find(field, ':');
	const struct tf_str name = tf_str_trim(tf_str_sub(field, 0, colon));

	if (colon == field.len || name.len == 0 || name.ptr != field.ptr)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] <= ' ' || name.ptr[i] == 127)
			return false;
	}
	*name_out = tf_str_sub(field, 0, colon);
	*value_out = tf_str_sub(field, colon + 1, field.len);
	return true;
}

static struct tf_str
feed_header(struct tf_str rest, bool crlf, struct tf_session *s)
{
	struct tf_str field, name, value, before;

	if (tf_str_starts_nocase(rest, TF_STR("From ")))
		(void)next_line(&rest, crlf);
	while (rest.len != 0 && tf_is_wsp(rest.ptr[0]))
		(void)next_line(&rest, crlf);
	for (;;) {
		before = rest;
		if (rest.len == 0 || !next_field(&rest, crlf, &field))
			break;
		if (!split_field(field, &name, &value)) {
			rest = before;
			break;
		}
		tf_session_header(s, name, value);
	}
	tf_session_eoh(s);
	return rest;
}

static void
feed_body(struct tf_str body, bool crlf, struct tf_session *s)
{
	while (crlf && body.len != 0) {
		const struct tf_str chunk = tf_str_sub(body, 0, CHUNK);

		tf_session_body(s, chunk);
		body = tf_str_sub(body, chunk.len, body.len);
	}
	while (body.len != 0) {
		const size_t lf = tf_str_find(body, '\n');

		tf_session_body(s, tf_str_sub(body, 0, lf));
		if (lf < body.len)
			tf_session_body(s, TF_STR("\r\n"));
		body = tf_str_sub(body, lf + 1, body.len);
	}
}

int
tf_message_file_feed(FILE *in, struct tf_session *s, struct tf_buf *why)
{
	struct tf_str all;
	char *bytes;
	size_t lf;
	bool crlf;

	if (read_all(in, &bytes, &all.len, why) != 0)
		return -1;
	all.ptr = bytes;
	lf = tf_str_find(all, '\n');
	crlf = lf > 0 && lf < all.len && all.ptr[lf - 1] == '\r';
	feed_body(feed_header(all, crlf, s), crlf, s);
	tf_xfree(bytes);
	return 0;
}
