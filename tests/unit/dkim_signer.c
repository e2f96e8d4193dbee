/*
 * dkim_signer.c - signs messages for tests, with canonical forms of its own
 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/unit/dkim_signer.h"
#include "tests/unit/test.h"

#define MESSAGE_MAX ((size_t)256 << 20)

static const unsigned int sizes[] = { SIGNER_ED25519, 512, 768, 1023, 1024, 2048, 4096 };

static EVP_PKEY *
key_of(unsigned int bits)
{
	static EVP_PKEY *keys[TF_ARRAY_LEN(sizes)];

	for (size_t i = 0; i < TF_ARRAY_LEN(sizes); i++) {
		if (sizes[i] != bits)
			continue;
		if (keys[i] == NULL)
			keys[i] = bits == SIGNER_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
							 : EVP_RSA_gen(bits);
		assert_non_null(keys[i]);
		return keys[i];
	}
	fail_msg("no key of %u bits", bits);
	return NULL;
}

static struct tf_str
base64(struct tf_arena *a, const unsigned char *bytes, size_t len)
{
	char *text = tf_arena_alloc(a, len / 3 * 4 + 5);

	EVP_EncodeBlock((unsigned char *)text, bytes, (int)len);
	return tf_str_from(text);
}

struct tf_str
signer_public(unsigned int bits, bool pkcs1, struct tf_arena *a)
{
	EVP_PKEY *key = key_of(bits);
	unsigned char raw[32], *der = NULL;
	size_t len = sizeof(raw);
	struct tf_str text;
	int n;

	if (bits == SIGNER_ED25519) {
		assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &len), 1);
		return base64(a, raw, len);
	}
	n = pkcs1 ? i2d_PublicKey(key, &der) : i2d_PUBKEY(key, &der);
	assert_true(n > 0);
	text = base64(a, der, (size_t)n);
	OPENSSL_free(der);
	return text;
}

struct tf_str
signer_made_up_public(size_t bytes, struct tf_arena *a)
{
	size_t inner = bytes + 4 + 5, n = 8;
	unsigned char *der = tf_arena_alloc(a, n + bytes + 5);
	const unsigned char head[8] = { 0x30, 0x82, (unsigned char)(inner >> 8),
		(unsigned char)inner, 0x02, 0x82, (unsigned char)(bytes >> 8),
		(unsigned char)bytes };

	memcpy(der, head, n);
	memset(der + n, 0x7f, bytes);
	memcpy(der + n + bytes, "\x02\x03\x01\x00\x01", 5);
	return base64(a, der, n + bytes + 5);
}

struct tf_str
replace(struct tf_arena *a, struct tf_str text, const char *what, struct tf_str with)
{
	size_t len = strlen(what);
	struct tf_buf out;

	tf_buf_init_arena(&out, a, MESSAGE_MAX);
	for (size_t i = 0; i < text.len;) {
		if (text.len - i >= len && memcmp(text.ptr + i, what, len) == 0) {
			tf_buf_str(&out, with);
			i += len;
		} else {
			tf_buf_byte(&out, text.ptr[i++]);
		}
	}
	return tf_buf_get(&out);
}

/* The value of a tag in any list, however odd: the first one of that name; trimmed. */
static struct tf_str
raw_tag(struct tf_str tags, const char *name)
{
	while (tags.len != 0) {
		size_t end = tf_str_find(tags, ';');
		struct tf_str spec = tf_str_sub(tags, 0, end);
		size_t equals = tf_str_find(spec, '=');

		if (tf_str_eq(tf_str_trim(tf_str_sub(spec, 0, equals)), tf_str_from(name)))
			return tf_str_trim(tf_str_sub(spec, equals + 1, spec.len));
		tags = tf_str_sub(tags, end + 1, tags.len);
	}
	return TF_NONE_STR;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* 3.4.4: runs of WSP are one SP, none at the end of a line, no empty lines at the end. */
static struct tf_str
relaxed_body(struct tf_arena *a, struct tf_str body)
{
	size_t pending = 0; /* line ends held back */
	bool blank = false;
	struct tf_buf out;

	tf_buf_init_arena(&out, a, MESSAGE_MAX);
	for (size_t i = 0; i < body.len; i++) {
		if (is_blank(body.ptr[i])) {
			blank = true;
		} else if (tf_str_eq(tf_str_sub(body, i, 2), TF_STR("\r\n"))) {
			blank = false;
			pending++;
			i++;
		} else {
			for (; pending != 0; pending--)
				tf_buf_lit(&out, "\r\n");
			if (blank)
				tf_buf_byte(&out, ' ');
			blank = false;
			tf_buf_byte(&out, body.ptr[i]);
		}
	}
	if (out.len != 0)
		tf_buf_lit(&out, "\r\n");
	return tf_buf_get(&out);
}

/* 3.4.3: no empty lines at the end, and a CRLF there. */
static struct tf_str
simple_body(struct tf_arena *a, struct tf_str body)
{
	struct tf_buf out;

	while (tf_str_ends_nocase(body, TF_STR("\r\n")))
		body.len -= 2;
	tf_buf_init_arena(&out, a, MESSAGE_MAX);
	tf_buf_str(&out, body);
	tf_buf_lit(&out, "\r\n");
	return tf_buf_get(&out);
}

struct tf_str
signer_body_hash(struct tf_arena *a, struct tf_str body, bool relaxed, size_t limit)
{
	unsigned char hash[32];

	body = relaxed ? relaxed_body(a, body) : simple_body(a, body);
	body = tf_str_sub(body, 0, limit);
	assert_int_equal(
	    EVP_Q_digest(NULL, "SHA256", NULL, body.len != 0 ? body.ptr : "", body.len, hash, NULL),
	    1);
	return base64(a, hash, sizeof(hash));
}

/* 3.4.2 */
static void
relaxed_field(struct tf_str name, struct tf_str value, struct tf_buf *out)
{
	bool blank = false;

	for (size_t i = 0; i < name.len; i++)
		tf_buf_byte(out, tf_lower(name.ptr[i]));
	tf_buf_byte(out, ':');
	value = tf_str_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (is_blank(c)) {
			blank = true;
		} else if (tf_str_eq(tf_str_sub(value, i, 2), TF_STR("\r\n"))) {
			i++;
		} else {
			if (blank)
				tf_buf_byte(out, ' ');
			blank = false;
			tf_buf_byte(out, c);
		}
	}
}

static void
field(struct tf_str name, struct tf_str value, bool relaxed, struct tf_buf *out)
{
	if (relaxed) {
		relaxed_field(name, value, out);
		return;
	}
	tf_buf_str(out, name);
	tf_buf_byte(out, ':');
	tf_buf_str(out, value);
}

/* 5.4.2: the lowest instance that was not taken yet. */
static const struct tf_header *
take(const struct tf_header_block *header, struct tf_str name, bool *taken)
{
	for (size_t i = header->count; i-- > 0;) {
		if (!taken[i] && tf_header_is(&header->fields[i], name)) {
			taken[i] = true;
			return &header->fields[i];
		}
	}
	return NULL;
}

/* 3.7: the value of b= goes, with the white space around it. */
static struct tf_str
without_b(struct tf_arena *a, struct tf_str tags)
{
	size_t at = tf_str_find(tags, '%');
	size_t end = at + 2;
	struct tf_buf out;

	while (at != 0 && at < tags.len && tf_str_find(TF_STR(" \t\r\n"), tags.ptr[at - 1]) < 4)
		at--;
	while (end < tags.len && tf_str_find(TF_STR(" \t\r\n"), tags.ptr[end]) < 4)
		end++;
	tf_buf_init_arena(&out, a, MESSAGE_MAX);
	tf_buf_str(&out, tf_str_sub(tags, 0, at));
	tf_buf_str(&out, tf_str_sub(tags, end, tags.len));
	return tf_buf_get(&out);
}

static struct tf_str
signed_text(struct tf_arena *a, const struct tf_header_block *header, struct tf_str own_name,
    struct tf_str tags)
{
	bool relaxed = tf_str_starts_nocase(raw_tag(tags, "c"), TF_STR("relaxed"));
	bool *taken = tf_arena_array(a, header->count + 1, sizeof(*taken));
	struct tf_str names = raw_tag(tags, "h");
	struct tf_buf out;

	tf_buf_init_arena(&out, a, MESSAGE_MAX);
	while (names.len != 0) {
		size_t colon = tf_str_find(names, ':');
		const struct tf_header *h =
		    take(header, tf_str_trim(tf_str_sub(names, 0, colon)), taken);

		names = tf_str_sub(names, colon + 1, names.len);
		if (h == NULL)
			continue;
		field(relaxed ? h->name : h->written, h->value, relaxed, &out);
		tf_buf_lit(&out, "\r\n");
	}
	field(own_name, without_b(a, tags), relaxed, &out);
	return tf_buf_get(&out);
}

/* RSASSA-PKCS1-v1_5 of the text, or Ed25519 of its hash (RFC 8463 section 3). */
static struct tf_str
sign_text(struct tf_arena *a, struct tf_str text, unsigned int bits, const char *digest)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char hash[32], *signature;
	size_t len = 1024;

	signature = tf_arena_alloc(a, len);
	if (bits == SIGNER_ED25519) {
		assert_int_equal(
		    EVP_Q_digest(NULL, "SHA256", NULL, text.ptr, text.len, hash, NULL), 1);
		text = (struct tf_str){ (const char *)hash, sizeof(hash) };
		digest = NULL;
	}
	assert_int_equal(
	    EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key_of(bits), NULL), 1);
	assert_int_equal(
	    EVP_DigestSign(ctx, signature, &len, (const unsigned char *)text.ptr, text.len), 1);
	EVP_MD_CTX_free(ctx);
	return base64(a, signature, len);
}

static struct tf_str
sign_message(struct tf_arena *a, const struct tf_header_block *header, struct tf_str body,
    unsigned int bits, struct tf_str own_name, struct tf_str tags)
{
	bool relaxed = tf_str_ends_nocase(raw_tag(tags, "c"), TF_STR("/relaxed"));
	bool sha1 = tf_str_eq(raw_tag(tags, "a"), TF_STR("rsa-sha1"));
	uint64_t limit = SIZE_MAX;

	tf_str_to_u64(raw_tag(tags, "l"), SIZE_MAX, &limit);
	tags = replace(a, tags, "%H", signer_body_hash(a, body, relaxed, limit));
	return replace(a, tags, "%B",
	    sign_text(a, signed_text(a, header, own_name, tags), bits, sha1 ? "SHA1" : "SHA256"));
}

struct tf_str
signer_sign(struct tf_arena *a, const struct tf_header_block *header, struct tf_str body,
    unsigned int bits, struct tf_str tags)
{
	return sign_message(a, header, body, bits, TF_STR("DKIM-Signature"), tags);
}

struct tf_str
signer_arc_message(struct tf_arena *a, const struct tf_header_block *header, struct tf_str body,
    unsigned int bits, struct tf_str tags)
{
	return sign_message(a, header, body, bits, TF_STR("ARC-Message-Signature"), tags);
}

struct tf_str
signer_arc_seal(
    struct tf_arena *a, const struct tf_header_block *sets, unsigned int bits, struct tf_str tags)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, MESSAGE_MAX);
	for (size_t i = 0; i < sets->count; i++) {
		field(sets->fields[i].name, sets->fields[i].value, true, &out);
		tf_buf_lit(&out, "\r\n");
	}
	field(TF_STR("ARC-Seal"), without_b(a, tags), true, &out);
	return replace(a, tags, "%B", sign_text(a, tf_buf_get(&out), bits, "SHA256"));
}
