/*
 * fuzz_message_file.c - a message in a file: header, then body, and every byte of it in its place
 *
 * Takes the place of session.c and puts together again what it is told.
 */
#include <stdio.h>

#include "milter/message_file.h"
#include "tests/fuzz/fuzz.h"

struct tf_session {
	bool crlf, eoh;
	struct tf_buf header, body; /* with the line ends of the file */
};

static void
put_line_end(const struct tf_session *s, struct tf_buf *out)
{
	tf_buf_str(out, s->crlf ? TF_STR("\r\n") : TF_STR("\n"));
}

void
tf_session_header(struct tf_session *s, struct tf_str name, struct tf_str value)
{
	const struct tf_str bare = tf_str_trim(name);

	/* Blanks and folds stand behind the name alone. */
	FUZZ_ASSERT(!s->eoh && bare.len != 0 && bare.ptr == name.ptr);
	for (size_t i = 0; i < bare.len; i++)
		FUZZ_ASSERT(bare.ptr[i] > ' ' && bare.ptr[i] < 127 && bare.ptr[i] != ':');
	tf_buf_str(&s->header, name);
	tf_buf_byte(&s->header, ':');
	tf_buf_str(&s->header, value);
	put_line_end(s, &s->header);
}

void
tf_session_eoh(struct tf_session *s)
{
	FUZZ_ASSERT(!s->eoh);
	s->eoh = true;
}

/* Line ends that are added come alone. */
void
tf_session_body(struct tf_session *s, struct tf_str chunk)
{
	FUZZ_ASSERT(s->eoh);
	if (s->crlf || tf_str_find(chunk, '\n') == chunk.len) {
		tf_buf_str(&s->body, chunk);
		return;
	}
	FUZZ_ASSERT(tf_str_eq(chunk, TF_STR("\r\n")));
	tf_buf_byte(&s->body, '\n');
}

/* Lines that are passed over: of an mbox, and such as begin with a blank. */
static bool
is_passed_over(struct tf_str lines)
{
	return lines.len == 0 || tf_is_wsp(lines.ptr[0]) ||
	       tf_str_starts_nocase(lines, TF_STR("From "));
}

/* Whether the file is what was told, with or without the empty line, less its last bytes. */
static bool
is_the_file(
    const struct tf_session *s, struct tf_str file, bool empty_line, size_t cut, struct tf_arena *a)
{
	struct tf_str told;
	struct tf_buf b;

	tf_buf_init_arena(&b, a, 2 * file.len + 16);
	tf_buf_str(&b, tf_buf_get(&s->header));
	if (empty_line)
		put_line_end(s, &b);
	tf_buf_str(&b, tf_buf_get(&s->body));
	told = tf_buf_get(&b);
	if (b.overflow || cut > told.len)
		return false;
	told.len -= cut;
	return told.len <= file.len &&
	       tf_str_eq(tf_str_sub(file, file.len - told.len, told.len), told) &&
	       is_passed_over(tf_str_sub(file, 0, file.len - told.len));
}

/* Of a file that ends in its header the last line end may be missing, or be a CR alone. */
static bool
is_told(const struct tf_session *s, struct tf_str file, struct tf_arena *a)
{
	for (size_t cut = 0; cut <= (s->body.len == 0 ? 2u : 0u); cut++) {
		if (is_the_file(s, file, true, cut, a) || is_the_file(s, file, false, cut, a))
			return true;
	}
	return false;
}

static bool
is_crlf(struct tf_str file)
{
	const size_t lf = tf_str_find(file, '\n');

	return lf < file.len && lf != 0 && file.ptr[lf - 1] == '\r';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str file = fuzz_input(data, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_session s = { .crlf = is_crlf(file) };
	char storage[100];
	struct tf_buf why;
	FILE *in;

	if (size == 0)
		return 0;
	tf_buf_init(&why, storage, sizeof(storage));
	tf_buf_init_arena(&s.header, a, 2 * size + 16);
	tf_buf_init_arena(&s.body, a, 2 * size + 16);
	in = fmemopen((void *)(uintptr_t)data, size, "r");
	FUZZ_ASSERT(in != NULL);
	FUZZ_ASSERT(tf_message_file_feed(in, &s, &why) == 0 && why.len == 0);
	fclose(in);
	FUZZ_ASSERT(s.eoh && !s.header.overflow && !s.body.overflow);
	FUZZ_ASSERT(is_told(&s, file, a));
	return 0;
}
