/*
 * test_message_file.c - which bytes of a file are header fields and which are the body
 *
 * Takes the place of session.c and writes down what it is told: "name:value|" for each field, "||",
 * the body.
 */
#include <stdio.h>
#include <unistd.h>

#include "milter/message_file.h"
#include "tests/unit/test.h"

struct tf_session {
	struct tf_buf told;
};

void
tf_session_header(struct tf_session *s, struct tf_str name, struct tf_str value)
{
	tf_buf_str(&s->told, name);
	tf_buf_byte(&s->told, ':');
	tf_buf_str(&s->told, value);
	tf_buf_byte(&s->told, '|');
}

void
tf_session_eoh(struct tf_session *s)
{
	tf_buf_lit(&s->told, "||");
}

void
tf_session_body(struct tf_session *s, struct tf_str chunk)
{
	tf_buf_str(&s->told, chunk);
}

static void
test_feed(void **state)
{
	static const struct row {
		const char *what;
		struct tf_str file, want;
	} rows[] = {
		{ "LF", TF_LIT("A: b\nC:d\n\nx\ny"), TF_LIT("A: b|C:d|||x\r\ny") },
		{ "CRLF", TF_LIT("A: b\r\nC:d\r\n\r\nx\r\n"), TF_LIT("A: b|C:d|||x\r\n") },
		{ "folds", TF_LIT("A: b\n c\n\td\n\n"), TF_LIT("A: b\n c\n\td|||") },
		{ "mbox", TF_LIT("From x y\nA: b\n\n"), TF_LIT("A: b|||") },
		{ "a first line that continues nothing", TF_LIT(" x\nA: b\n\n"),
		    TF_LIT("A: b|||") },
		{ "no header", TF_LIT("\nA: b\n"), TF_LIT("||A: b\r\n") },
		{ "no field", TF_LIT("A: b\nno field\n"), TF_LIT("A: b|||no field\r\n") },
		{ "RFC 5322 4.5: blanks before the colon", TF_LIT("A \t: b\n\n"),
		    TF_LIT("A \t: b|||") },
		{ "no name", TF_LIT(": b\n\n"), TF_LIT("||: b\r\n\r\n") },
		{ "8-bit in a name", TF_LIT("\303\244: b\n"), TF_LIT("||\303\244: b\r\n") },
		{ "a name behind a bare LF", TF_LIT("A: b\r\n\nC: d\r\n"),
		    TF_LIT("A: b|||\nC: d\r\n") },
		{ "a name behind a bare CR", TF_LIT("A: b\n\rC: d\n"),
		    TF_LIT("A: b|||\rC: d\r\n") },
		{ "NUL", TF_LIT("A: \0b\n\n\0"), TF_LIT("A: \0b|||\0") },
		{ "ends in a field", TF_LIT("A: b\r\nC: d"), TF_LIT("A: b|C: d|||") },
	};

	(void)state;
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct tf_arena *a = tf_arena_new();
		FILE *in = fmemopen((void *)(uintptr_t)r->file.ptr, r->file.len, "r");
		char storage[100];
		struct tf_session s;
		struct tf_buf why;

		tf_buf_init(&why, storage, sizeof(storage));
		tf_buf_init_arena(&s.told, a, 1000);
		assert_non_null(in);
		assert_int_equal(tf_message_file_feed(in, &s, &why), 0);
		assert_str(r->what, tf_buf_get(&s.told), r->want);
		fclose(in);
		tf_arena_free(a);
	}
}

/* A file of len octets, of which nothing is kept. */
static int
feed_hole(off_t len, struct tf_buf *why)
{
	char storage[16];
	struct tf_session s;
	FILE *in = tmpfile();
	int end;

	assert_non_null(in);
	assert_int_equal(ftruncate(fileno(in), len), 0);
	tf_buf_init(&s.told, storage, sizeof(storage));
	end = tf_message_file_feed(in, &s, why);
	fclose(in);
	return end;
}

static void
test_too_long(void **state)
{
	char storage[100];
	struct tf_buf why;

	(void)state;
	tf_buf_init(&why, storage, sizeof(storage));
	assert_int_equal(feed_hole((off_t)TF_MESSAGE_FILE_MAX, &why), 0);
	assert_str("no complaint", tf_buf_get(&why), TF_NONE_STR);
	assert_int_equal(feed_hole((off_t)TF_MESSAGE_FILE_MAX + 1, &why), -1);
	assert_str("complaint", tf_buf_get(&why), TF_STR("message over 268435456 bytes"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_feed),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
