/*
 * fuzz_received_spf.c - what we write is one field with our result; what comes in is judged in time
 *
 * The first half of the input becomes what a client and a record can say, the second is a field on
 * arrival.
 */
#include "tests/fuzz/fuzz.h"
#include "truefrom/received_spf.h"

#define FIELD_MAX 4096

static const struct tf_str our_ids[] = { TF_LIT("mx.example.org") };
static const struct tf_str other_ids[] = { TF_LIT("mx.example.net") };
static const struct tf_authres_ids ours = { our_ids, 1 }, others = { other_ids, 1 };

/* Up to 400 bytes, past the cap of every value, off the front of rest. */
static struct tf_str
take(struct tf_str *rest)
{
	size_t len = rest->len != 0 ? (unsigned char)rest->ptr[0] * (size_t)400 / 255 : 0;
	struct tf_str s = tf_str_sub(*rest, 1, len);

	*rest = tf_str_sub(*rest, 1 + s.len, rest->len);
	return s;
}

static void
check_lines(struct tf_str field, bool utf8)
{
	size_t line = sizeof("Received-SPF:") - 1;

	for (size_t i = 0; i < field.len; i++) {
		char c = field.ptr[i];

		FUZZ_ASSERT(c == '\n' || c == '\t' || (tf_is_8bit(c) ? utf8 : !tf_is_ctl(c)));
		FUZZ_ASSERT(c != '\n' || (i + 1 < field.len && field.ptr[i + 1] == '\t'));
		line = c == '\n' ? 0 : line + 1;
		FUZZ_ASSERT(line <= 998);
	}
}

/* Our result first, our identity last, quotes and parentheses in pairs. */
static void
check_field(struct tf_str field, const struct tf_spf *spf)
{
	struct tf_str identity =
	    spf->helo_identity ? TF_STR(" identity=helo") : TF_STR(" identity=mailfrom");
	struct tf_str folded =
	    spf->helo_identity ? TF_STR("\tidentity=helo") : TF_STR("\tidentity=mailfrom");
	size_t quotes = 0, opened = 0, closed = 0;

	FUZZ_ASSERT(tf_str_starts_nocase(
	    tf_str_sub(field, 1, field.len), tf_str_from(tf_code_name(spf->code))));
	FUZZ_ASSERT(tf_str_ends_nocase(field, identity) || tf_str_ends_nocase(field, folded));
	for (size_t i = 0; i < field.len; i++) {
		quotes += field.ptr[i] == '"';
		opened += field.ptr[i] == '(';
		closed += field.ptr[i] == ')';
	}
	FUZZ_ASSERT(quotes % 2 == 0 && opened == 1 && closed == 1);
	FUZZ_ASSERT(tf_received_spf_is_forged(field, &ours));
}

static bool
is_forged_when(struct tf_str before, struct tf_str value, const char *behind)
{
	static char storage[1 << 17];
	struct tf_buf b;

	tf_buf_init(&b, storage, sizeof(storage));
	tf_buf_str(&b, before);
	for (size_t i = 0; i < value.len; i++) {
		const char c = value.ptr[i];

		tf_buf_byte(&b, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
	}
	tf_buf_lit(&b, behind);
	return b.overflow || tf_received_spf_is_forged(tf_buf_get(&b), &ours);
}

/* Neither capitals nor blanks make it another's, and what names us does so behind anything. */
static void
check_arrived(struct tf_str value)
{
	static const struct tf_str both_ids[] = { TF_LIT("mx.example.org"),
		TF_LIT("mx.example.net") };
	static const struct tf_authres_ids both = { both_ids, 2 };
	const bool by_us = tf_received_spf_is_forged(value, &ours);
	const bool by_others = tf_received_spf_is_forged(value, &others);

	FUZZ_ASSERT(tf_received_spf_is_forged(value, &both) == (by_us || by_others));
	FUZZ_ASSERT(is_forged_when(TF_STR("\r\n "), value, "") == by_us);
	FUZZ_ASSERT(is_forged_when(TF_NONE_STR, value, " receiver=mx.example.org"));
	FUZZ_ASSERT(is_forged_when(TF_NONE_STR, value, ";receiver = \"mx.Example.org.\""));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum tf_code codes[] = { TF_NONE, TF_PASS, TF_FAIL, TF_SOFTFAIL, TF_NEUTRAL,
		TF_TEMPERROR, TF_PERMERROR };
	struct tf_str in = fuzz_input(data, size), rest = tf_str_sub(in, 0, in.len / 2);
	struct tf_str arrived = tf_str_sub(in, in.len / 2, in.len);
	unsigned kind = size != 0 ? data[0] : 0;
	struct tf_identity id = { .smtputf8 = kind & 1 };
	struct tf_spf spf = { .code = codes[(kind >> 2) % TF_ARRAY_LEN(codes)] };
	char storage[FIELD_MAX];
	struct tf_buf out;

	id.client.family = kind & 2 ? TF_FAMILY_V6 : TF_FAMILY_V4;
	spf.helo_identity = kind & 64;
	id.helo = take(&rest);
	id.mail_from = take(&rest);
	spf.domain = take(&rest);
	spf.mechanism = take(&rest);
	spf.reason = take(&rest);
	tf_buf_init(&out, storage, sizeof(storage));
	tf_received_spf_write(&id, &spf, our_ids[0], true, &out);
	FUZZ_ASSERT(!out.overflow);
	check_lines(tf_buf_get(&out), id.smtputf8);
	check_field(tf_buf_get(&out), &spf);
	check_arrived(arrived);
	return 0;
}
