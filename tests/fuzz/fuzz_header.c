/*
 * fuzz_header.c - the header block keeps what came, in order, and tells when it does not
 *
 * The first two bytes are the limits; the rest is fields, "name:value", with 0xff between them.
 */
#include "policy/header.h"
#include "tests/fuzz/fuzz.h"

#define FIELDS_MAX 300

struct field {
	struct tf_str name, value;
};

static const struct tf_str names[] = { TF_LIT("From"), TF_LIT("Authentication-Results"),
	TF_LIT("X") };

/* Bytes as they came, with a CR before each LF that has none, and nothing else. */
static void
check_text(struct tf_str kept, struct tf_str came)
{
	size_t at = 0;

	for (size_t i = 0; i < came.len; i++) {
		if (came.ptr[i] == '\n' && (i == 0 || came.ptr[i - 1] != '\r')) {
			FUZZ_ASSERT(at < kept.len && kept.ptr[at] == '\r');
			at++;
		}
		FUZZ_ASSERT(at < kept.len && kept.ptr[at] == came.ptr[i]);
		at++;
	}
	FUZZ_ASSERT(at == kept.len);
}

static void
check_name(const struct tf_header *h)
{
	const struct tf_str blanks =
	    tf_str_sub(h->written, h->name.len, h->written.len - h->name.len);
	const char last = h->name.len != 0 ? h->name.ptr[h->name.len - 1] : 'x';

	FUZZ_ASSERT(h->name.ptr == h->written.ptr && h->name.len <= h->written.len);
	FUZZ_ASSERT(last != ' ' && last != '\t' && last != '\r' && last != '\n');
	for (size_t i = 0; i < blanks.len; i++)
		FUZZ_ASSERT(
		    tf_is_wsp(blanks.ptr[i]) || blanks.ptr[i] == '\r' || blanks.ptr[i] == '\n');
}

/* Those that have the name, each once, in order. */
static void
check_next(const struct tf_header_block *hb)
{
	for (size_t n = 0; n < TF_ARRAY_LEN(names); n++) {
		const struct tf_header *h;
		size_t at = 0;

		for (size_t i = 0; i < hb->count; i++) {
			if (!tf_str_eq_nocase(hb->fields[i].name, names[n]))
				continue;
			h = tf_header_next(hb, names[n], &at);
			FUZZ_ASSERT(h == &hb->fields[i] && at == i + 1);
		}
		FUZZ_ASSERT(tf_header_next(hb, names[n], &at) == NULL && at == hb->count);
	}
}

/* What was kept and is put into another block is kept as it is. */
static void
check_again(const struct tf_header_block *hb, struct tf_arena *a)
{
	static const struct tf_header_limits wide = { FIELDS_MAX, 1 << 24 };
	struct tf_header_block again;

	tf_header_block_init(&again, a, &wide);
	for (size_t i = 0; i < hb->count; i++) {
		FUZZ_ASSERT(
		    tf_header_block_add(&again, hb->fields[i].written, hb->fields[i].value));
		FUZZ_ASSERT(tf_str_eq(again.fields[i].name, hb->fields[i].name));
		FUZZ_ASSERT(tf_str_eq(again.fields[i].written, hb->fields[i].written));
		FUZZ_ASSERT(tf_str_eq(again.fields[i].value, hb->fields[i].value));
	}
}

static size_t
read_fields(struct tf_str in, struct field *fields)
{
	size_t count = 0;

	while (in.len != 0 && count < FIELDS_MAX) {
		const struct tf_str field = tf_str_sub(in, 0, tf_str_find(in, '\xff'));
		const size_t colon = tf_str_find(field, ':');

		fields[count].name = tf_str_sub(field, 0, colon);
		fields[count++].value = tf_str_sub(field, colon + 1, field.len);
		in = tf_str_sub(in, field.len + 1, in.len);
	}
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tf_header_limits limits = { size > 0 ? data[0] : 0,
		size > 1 ? (uint64_t)data[1] * 16 : 0 };
	struct tf_arena *a = fuzz_arena();
	struct field fields[FIELDS_MAX];
	size_t count = read_fields(tf_str_sub(fuzz_input(data, size), 2, size), fields);
	struct tf_header_block hb;
	uint64_t bytes = 0;
	bool open = true;

	tf_header_block_init(&hb, a, &limits);
	for (size_t i = 0; i < count; i++) {
		const uint64_t more = fields[i].name.len + fields[i].value.len;

		/* Once a field was refused, so are all behind it, however small. */
		open = open && i < limits.max_fields && bytes + more <= limits.max_bytes;
		FUZZ_ASSERT(tf_header_block_add(&hb, fields[i].name, fields[i].value) == open);
		if (!open)
			continue;
		bytes += more;
		FUZZ_ASSERT(hb.count == i + 1 && hb.bytes == bytes);
	}
	FUZZ_ASSERT(hb.too_big == !open && hb.count <= limits.max_fields);
	for (size_t i = 0; i < hb.count; i++) {
		check_text(hb.fields[i].written, fields[i].name);
		check_text(hb.fields[i].value, fields[i].value);
		check_name(&hb.fields[i]);
	}
	check_next(&hb);
	check_again(&hb, a);
	return 0;
}
