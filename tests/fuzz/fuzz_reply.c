/*
 * fuzz_reply.c - a template that is accepted is expanded; a reply is clean lines whatever comes
 *
 * The input is the template and, behind a NUL, a value for every variable.
 */
#include "policy/reply.h"
#include "tests/fuzz/fuzz.h"

static void
check_line(struct tf_str line)
{
	FUZZ_ASSERT(line.len <= TF_REPLY_MAX);
	for (size_t i = 0; i < line.len; i++)
		FUZZ_ASSERT(line.ptr[i] >= 32 && line.ptr[i] < 127);
}

/* RFC 5321 section 4.2.1: all lines but the last have a hyphen behind the code. */
static void
check_reply(struct tf_str reply)
{
	for (;;) {
		const size_t end = tf_str_find(reply, '\n');
		const struct tf_str line = tf_str_sub(reply, 0, end);
		const bool last = end == reply.len;

		check_line(line);
		FUZZ_ASSERT(tf_str_starts_nocase(line, tf_str_from(last ? "550 5." : "550-5.")));
		if (last)
			return;
		reply = tf_str_sub(reply, end + 1, reply.len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_str template = tf_str_sub(in, 0, tf_str_find(in, '\0'));
	struct tf_str value = tf_str_sub(in, template.len + 1, in.len);
	struct tf_reply_vars vars = { value, value, value, value, value, value };
	struct tf_arena *a = fuzz_arena();
	struct tf_str line, fallback;
	struct tf_buf why;
	bool good;

	tf_buf_init_arena(&why, a, 1000);
	good = tf_verdict_reply_check(template, &why);
	FUZZ_ASSERT(good == (why.len == 0) && !why.overflow);
	line = tf_reply_reject(a, template, &vars);
	fallback =
	    tf_reply_reject(a, TF_STR("5.7.1 rejected by DMARC policy for %{domain}"), &vars);
	check_reply(line);
	FUZZ_ASSERT(good || tf_str_eq(line, fallback));
	check_line(tf_reply_line(a, "550 5.7.1 ", value));
	return 0;
}
