/*
 * fuzz_canon.c - canonical forms against a reference, in chunks, and their hashes
 *
 * The reference does what RFC 6376 section 3.4 says a step at a time, on the whole text.
 */
#include <string.h>

#include "policy/body_hash.h"
#include "policy/canon.h"
#include "tests/fuzz/fuzz.h"

/* Bounds of what a reference makes of so much input. */
#define ROOM(n) (2 * (n) + 16)

static bool
is_crlf(struct tf_str s, size_t at)
{
	return s.len - at > 1 && s.ptr[at] == '\r' && s.ptr[at + 1] == '\n';
}

/* 3.4.4 a for one line; 3.4.2 for an unfolded value: runs of WSP are one SP, none at the end. */
static void
squeeze(struct tf_str line, struct tf_buf *out)
{
	while (line.len != 0 && tf_is_wsp(line.ptr[line.len - 1]))
		line.len--;
	for (size_t i = 0; i < line.len; i++) {
		if (!tf_is_wsp(line.ptr[i]))
			tf_buf_byte(out, line.ptr[i]);
		else if (!tf_is_wsp(line.ptr[i + 1]))
			tf_buf_byte(out, ' ');
	}
}

/* The body line by line; then the empty ones at the end are taken away. */
static struct tf_str
reference_body(struct tf_arena *a, bool relaxed, struct tf_str body)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, ROOM(body.len));
	for (size_t start = 0, at = 0; at <= body.len; at++) {
		bool end = at < body.len && is_crlf(body, at);
		struct tf_str line = tf_str_sub(body, start, at - start);

		if (!end && at != body.len)
			continue;
		if (relaxed)
			squeeze(line, &out);
		else
			tf_buf_str(&out, line);
		if (end || line.len != 0)
			tf_buf_lit(&out, "\r\n");
		at += end;
		start = at + 1;
	}
	while (out.len > 3 && memcmp(out.ptr + out.len - 4, "\r\n\r\n", 4) == 0)
		out.len -= 2;
	if (out.len == 2 && memcmp(out.ptr, "\r\n", 2) == 0)
		out.len = 0;
	if (out.len == 0 && !relaxed)
		tf_buf_lit(&out, "\r\n");
	return tf_buf_get(&out);
}

static struct tf_str
with_crlf(struct tf_arena *a, struct tf_str in)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, ROOM(in.len));
	for (size_t i = 0; i < in.len; i++) {
		if (in.ptr[i] == '\n' && (i == 0 || in.ptr[i - 1] != '\r'))
			tf_buf_byte(&out, '\r');
		tf_buf_byte(&out, in.ptr[i]);
	}
	return tf_buf_get(&out);
}

static struct tf_str
unfolded(struct tf_arena *a, struct tf_str in)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, ROOM(in.len));
	for (size_t i = 0; i < in.len; i++) {
		if (is_crlf(in, i) && in.len - i > 2 && tf_is_wsp(in.ptr[i + 2]))
			i++;
		else
			tf_buf_byte(&out, in.ptr[i]);
	}
	return tf_buf_get(&out);
}

static struct tf_str
reference_field(struct tf_arena *a, bool relaxed, struct tf_str name, struct tf_str value)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, ROOM(name.len + value.len));
	value = with_crlf(a, value);
	if (relaxed) {
		while (name.len != 0 && tf_is_wsp(name.ptr[name.len - 1]))
			name.len--;
		for (size_t i = 0; i < name.len; i++)
			tf_buf_byte(&out, tf_lower(name.ptr[i]));
		tf_buf_byte(&out, ':');
		value = unfolded(a, value);
		while (value.len != 0 && tf_is_wsp(value.ptr[0]))
			value = tf_str_sub(value, 1, value.len);
		squeeze(value, &out);
	} else {
		tf_buf_str(&out, name);
		tf_buf_byte(&out, ':');
		tf_buf_str(&out, value);
	}
	return tf_buf_get(&out);
}

static void
put(void *to, struct tf_str octets)
{
	FUZZ_ASSERT(octets.len != 0);
	tf_buf_str(to, octets);
}

static struct tf_str
canon_body(struct tf_arena *a, bool relaxed, struct tf_str body, size_t first, size_t chunk)
{
	struct tf_canon_body *b = tf_arena_alloc(a, sizeof(*b));
	struct tf_buf *out = tf_arena_alloc(a, sizeof(*out));

	tf_buf_init_arena(out, a, ROOM(body.len));
	tf_canon_body_init(b, relaxed, put, out);
	tf_canon_body_feed(b, tf_str_sub(body, 0, first));
	for (size_t at = first; at < body.len; at += chunk)
		tf_canon_body_feed(b, tf_str_sub(body, at, chunk));
	tf_canon_body_finish(b);
	FUZZ_ASSERT(!out->overflow);
	return tf_buf_get(out);
}

static bool
is_sha256_of(struct tf_str octets, const unsigned char *hash)
{
	unsigned char want[TF_SHA256_BYTES];

	tf_sha256(octets, want);
	return memcmp(want, hash, sizeof(want)) == 0;
}

/* What the body holds, octet by octet. */
static void
check_seen(struct tf_str body, const struct tf_body_seen *seen)
{
	struct tf_body_seen want = { .nul = false };

	for (size_t i = 0; i < body.len; i++) {
		want.nul = want.nul || body.ptr[i] == '\0';
		want.bare_cr = want.bare_cr || (body.ptr[i] == '\r' && !is_crlf(body, i));
		want.bare_lf =
		    want.bare_lf || (body.ptr[i] == '\n' && (i == 0 || body.ptr[i - 1] != '\r'));
	}
	FUZZ_ASSERT(seen->nul == want.nul);
	FUZZ_ASSERT(seen->bare_cr == want.bare_cr);
	FUZZ_ASSERT(seen->bare_lf == want.bare_lf);
}

static void
check_hashes(struct tf_arena *a, struct tf_str body, size_t chunk, uint64_t limit)
{
	struct tf_body_hashes *set = tf_body_hashes_new(a);
	const struct tf_body_hash *hashes[4];

	for (size_t i = 0; i < 4; i++)
		hashes[i] = tf_body_hashes_add(set, i > 1, i % 2 != 0, limit);
	for (size_t at = 0; at < body.len; at += chunk)
		tf_body_hashes_feed(set, tf_str_sub(body, at, chunk));
	tf_body_hashes_finish(set);
	for (size_t i = 0; i < 4; i++) {
		struct tf_str all = reference_body(a, i > 1, body);

		FUZZ_ASSERT(hashes[i]->octets == all.len);
		FUZZ_ASSERT(is_sha256_of(
		    i % 2 != 0 ? tf_str_sub(all, 0, (size_t)limit) : all, hashes[i]->digest));
	}
	check_seen(body, tf_body_hashes_seen(set));
}

static void
check_body(struct tf_arena *a, struct tf_str body, size_t chunk, size_t first)
{
	for (int relaxed = 0; relaxed < 2; relaxed++) {
		struct tf_str want = reference_body(a, relaxed != 0, body);

		FUZZ_ASSERT(tf_str_eq(canon_body(a, relaxed != 0, body, 0, chunk), want));
		FUZZ_ASSERT(
		    tf_str_eq(canon_body(a, relaxed != 0, body, first, body.len + 1), want));
		FUZZ_ASSERT(tf_str_eq(canon_body(a, relaxed != 0, want, 0, chunk), want));
	}
}

static struct tf_str
canon_field(struct tf_arena *a, bool relaxed, struct tf_str name, struct tf_str value)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, ROOM(name.len + value.len));
	tf_canon_field(relaxed, name, value, &out);
	FUZZ_ASSERT(!out.overflow);
	return tf_buf_get(&out);
}

static void
check_field(struct tf_arena *a, struct tf_str name, struct tf_str value)
{
	struct tf_str relaxed = canon_field(a, true, name, value), again;
	size_t colon = name.len;

	FUZZ_ASSERT(
	    tf_str_eq(canon_field(a, false, name, value), reference_field(a, false, name, value)));
	FUZZ_ASSERT(tf_str_eq(relaxed, reference_field(a, true, name, value)));
	while (colon != 0 && tf_is_wsp(name.ptr[colon - 1]))
		colon--;
	again = tf_str_sub(relaxed, colon + 1, relaxed.len);
	/* An LF is left only where it folds nothing. */
	if (tf_str_find(again, '\n') == again.len)
		FUZZ_ASSERT(
		    tf_str_eq(canon_field(a, true, tf_str_sub(relaxed, 0, colon), again), relaxed));
}

/* b= is removed and nothing else: what is left is the field of a list with an empty b=. */
static void
check_signature(struct tf_arena *a, struct tf_str value)
{
	struct tf_str empty = tf_arena_printf(a, "%.*s; b=", TF_PRI(value));
	struct tf_buf out;

	for (int relaxed = 0; relaxed < 2; relaxed++) {
		struct tf_str signed_value = tf_arena_printf(a, "%.*s \r\n AA== ", TF_PRI(empty));

		tf_buf_init_arena(&out, a, ROOM(signed_value.len));
		if (tf_canon_signature_field(relaxed != 0, TF_STR("S"), signed_value, &out))
			FUZZ_ASSERT(tf_str_eq(
			    tf_buf_get(&out), canon_field(a, relaxed != 0, TF_STR("S"), empty)));
		else
			FUZZ_ASSERT(out.len == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tf_arena *a;
	struct tf_str in;
	size_t at;

	if (size < 4)
		return 0;
	if (a == NULL)
		a = tf_arena_new();
	in = fuzz_input(data + 3, size - 3);
	at = data[2] % (in.len + 1);
	switch (data[0] % 4) {
	case 0:
		check_field(a, tf_str_sub(in, 0, at), tf_str_sub(in, at, in.len));
		break;
	case 1:
		if (memchr(in.ptr, '\0', in.len) == NULL)
			check_signature(a, in);
		break;
	case 2:
		check_hashes(a, in, (size_t)data[1] + 1, at);
		break;
	default:
		check_body(a, in, (size_t)data[1] + 1, at);
	}
	tf_arena_clear(a);
	return 0;
}
