/*
 * fuzz_authres_read.c - what a strict reader takes for ours is removed, for another's is kept
 */
#include <string.h>

#include "tests/authres_parse.h"
#include "tests/fuzz/fuzz.h"
#include "truefrom/authres.h"

static const struct tf_str our_ids[] = { TF_LIT("mx.example.com"),
	TF_LIT("b\303\274cher.example") };
static const struct tf_authres_ids ours = { our_ids, TF_ARRAY_LEN(our_ids) };

static bool
is_plain_name(struct tf_str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (!tf_is_alnum(id.ptr[i]) && id.ptr[i] != '.' && id.ptr[i] != '-')
			return false;
	}
	return id.len != 0 && id.len < 200;
}

static bool
is_ours(struct tf_str id)
{
	while (id.len != 0 && id.ptr[id.len - 1] == '.')
		id.len--;
	return tf_str_eq_nocase(id, our_ids[0]) ||
	       tf_str_eq_nocase(id, TF_STR("xn--bcher-kva.example"));
}

/* Blanks, a comment and capitals change nothing. */
static void
check_other_spelling(struct tf_str value, bool forged, struct tf_arena *a)
{
	struct tf_buf other;

	tf_buf_init_arena(&other, a, value.len + 16);
	tf_buf_lit(&other, "\r\n\t(\\)) ");
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		tf_buf_byte(&other, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
	}
	FUZZ_ASSERT(tf_authres_is_forged(tf_buf_get(&other), &ours) == forged);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str value = fuzz_input(data, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_parsed *p = tf_arena_alloc(a, sizeof(*p));
	bool forged = tf_authres_is_forged(value, &ours);

	check_other_spelling(value, forged, a);
	if (tf_authres_parse(value, a, p) == NULL) {
		FUZZ_ASSERT(forged || p->version == 1);
		FUZZ_ASSERT(forged || !is_ours(p->id));
		FUZZ_ASSERT(!forged || p->version != 1 || !is_plain_name(p->id) || is_ours(p->id));
	}
	return 0;
}
