/*
 * fuzz_taglist.c - tag=value lists
 */
#include "policy/taglist.h"
#include "tests/fuzz/fuzz.h"

static void
check_tags(const struct tf_taglist *list, struct tf_str in)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct tf_tag *tag = &list->tags[i];

		FUZZ_ASSERT(tag->name.len != 0);
		FUZZ_ASSERT(fuzz_inside(tag->name, in));
		FUZZ_ASSERT(fuzz_inside(tag->value, in));
		FUZZ_ASSERT(tag->value_at <= tag->value_end && tag->value_end <= in.len);
		FUZZ_ASSERT(in.ptr[tag->value_at - 1] == '=');
		FUZZ_ASSERT(tag->value_end == in.len || in.ptr[tag->value_end] == ';');
		FUZZ_ASSERT(tf_str_is_utf8(tag->value));
		FUZZ_ASSERT(tf_str_find(tag->value, ';') == tag->value.len);
		for (size_t k = 0; k < i; k++)
			FUZZ_ASSERT(!tf_str_eq(list->tags[k].name, tag->name));
	}
}

/* Written out again, a list has the same tags. */
static void
check_again(const struct tf_taglist *list, struct tf_arena *a)
{
	struct tf_taglist again;
	struct tf_buf text;

	tf_buf_init_arena(&text, a, 1 << 24);
	for (size_t i = 0; i < list->count; i++) {
		tf_buf_str(&text, list->tags[i].name);
		tf_buf_byte(&text, '=');
		tf_buf_str(&text, list->tags[i].value);
		tf_buf_byte(&text, ';');
	}
	FUZZ_ASSERT(tf_taglist_parse(tf_buf_get(&text), TF_TAGLIST_STRICT, &again));
	FUZZ_ASSERT(again.count == list->count);
	for (size_t i = 0; i < list->count; i++) {
		FUZZ_ASSERT(tf_str_eq(again.tags[i].name, list->tags[i].name));
		FUZZ_ASSERT(tf_str_eq(again.tags[i].value, list->tags[i].value));
	}
}

static void
check_items(struct tf_str value)
{
	struct tf_str rest = value, item;
	size_t items = 0, colons = 0;

	for (size_t i = 0; i < value.len; i++)
		colons += value.ptr[i] == ':';
	while (tf_taglist_item(&rest, &item)) {
		FUZZ_ASSERT(fuzz_inside(item, value));
		items++;
	}
	FUZZ_ASSERT(items == colons + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_taglist strict, lenient;
	bool strict_ok = tf_taglist_parse(in, TF_TAGLIST_STRICT, &strict);

	FUZZ_ASSERT(strict_ok == (strict.err == NULL));
	if (tf_taglist_parse(in, TF_TAGLIST_STRAY_SEMICOLONS, &lenient)) {
		FUZZ_ASSERT(lenient.err == NULL && lenient.count != 0);
		FUZZ_ASSERT(!strict_ok || strict.count == lenient.count);
		check_tags(&lenient, in);
		check_again(&lenient, a);
		for (size_t i = 0; i < lenient.count; i++)
			check_items(lenient.tags[i].value);
	} else {
		FUZZ_ASSERT(!strict_ok);
	}
	return 0;
}
