/*
 * fuzz_domain.c - whatever comes out of normalisation is a normalised name
 */
#include "truefrom/domain.h"
#include "tests/fuzz/fuzz.h"

static void
check_form(struct tf_str d)
{
	size_t label = 0;

	FUZZ_ASSERT(d.len != 0 && d.len <= TF_DOMAIN_MAX);
	for (size_t i = 0; i < d.len; i++) {
		const char c = d.ptr[i];

		FUZZ_ASSERT(
		    tf_is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.');
		label = c == '.' ? 0 : label + 1;
		FUZZ_ASSERT(label <= TF_LABEL_MAX);
		FUZZ_ASSERT(c != '.' || (i != 0 && i + 1 != d.len && d.ptr[i - 1] != '.'));
	}
	FUZZ_ASSERT(tf_domain_can_ask(d));
}

static size_t
count_dots(struct tf_str s)
{
	size_t dots = 0;

	for (size_t i = 0; i < s.len; i++)
		dots += s.ptr[i] == '.';
	return dots;
}

/* Parents: one label less each, and the name lies below each of them. */
static void
check_parents(struct tf_str d)
{
	struct tf_str up = d;

	for (size_t labels = tf_domain_labels(d); labels != 0; labels--) {
		FUZZ_ASSERT(tf_domain_labels(up) == labels);
		FUZZ_ASSERT(tf_str_eq(tf_domain_last(d, labels), up));
		FUZZ_ASSERT(tf_domain_is_below_or_equal(d, up));
		FUZZ_ASSERT(labels == tf_domain_labels(d) || !tf_domain_is_below_or_equal(up, d));
		up = tf_domain_parent(up);
	}
	FUZZ_ASSERT(up.len == 0);
}

static struct tf_str
upper_ascii(struct tf_str s, struct tf_arena *a)
{
	char *copy = tf_arena_alloc(a, s.len);

	for (size_t i = 0; i < s.len; i++)
		copy[i] = s.ptr[i] >= 'a' && s.ptr[i] <= 'z' ? (char)(s.ptr[i] - 32) : s.ptr[i];
	return (struct tf_str){ copy, s.len };
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size), d = TF_NONE_STR, again = TF_NONE_STR;
	struct tf_arena *a = fuzz_arena();
	const bool final_dot = in.len != 0 && in.ptr[in.len - 1] == '.';

	tf_domain_can_ask(in);
	if (tf_domain_normalise(in, a, &d)) {
		check_form(d);
		check_parents(d);
		FUZZ_ASSERT(tf_domain_normalise(d, a, &again) && tf_str_eq(again, d));
		FUZZ_ASSERT(tf_domain_labels(d) == count_dots(in) + !final_dot);
		FUZZ_ASSERT(tf_str_is_utf8(in));
		FUZZ_ASSERT(tf_domain_normalise(upper_ascii(in, a), a, &again));
		FUZZ_ASSERT(tf_str_eq(again, d));
		if (!tf_str_is_ascii(in))
			FUZZ_ASSERT(!tf_str_eq_nocase(in, d));
	}
	return 0;
}
