/*
 * dkim_verifier.c - the cryptographic half of DKIM (only user of libopendkim)
 *
 * The library canonicalizes, hashes and checks (RFC 6376 sections 3.4 and 3.7); everything that it
 * would believe, guess or read twice is settled before it sees a byte. One library handle serves
 * the process: no callback of it keeps state, and it is never changed after pthread_once.
 *
 * What the guard is for (each point was measured on 2.11.0 beta 2):
 *  - "x guard" is fed first in every handle. No h= can name a field with a blank in its name, so
 *    there is always one field more than h= selects; without it the library writes behind an array.
 *  - Only well-formed signatures under the cap are handed over, since ignored ones are hashed too.
 *  - Keys come from our own reading of the record; the library gets a record of p= (and k=) alone,
 *    because it compares neither k= with a=, nor counts bits exactly.
 *  - The library reads the wall clock. Its tolerance is set so wide that it never decides about t=
 *    and x=; dkim_sig.c does, with the time of the message.
 *  - A pass needs all three of: no error, the signature flag, and a matching body hash.
 *
 * Known to be decided by nobody yet, and therefore TF_VERIFIED_UNABLE (or tf_verifier_lacks):
 *  - white space between b and =, other tags whose names end in b, a tag bH: the library takes the
 *    wrong value out of the signed text;
 *  - 8-bit values (RFC 8616); a quoted local part in i=; h= over 4 KB; keys over about 5,700 bits;
 *    t= before September 2001; x= of more than 18 digits;
 *  - h= that names more DKIM-Signature fields than stand below this one, or that names any while
 *    one was not handed over;
 *  - relaxed header canonicalization of a field with NUL, VT, FF or a stray line end: the library
 *    stops at the NUL, and takes the others for white space.
 * Left wrong: simple body canonicalization of a body with bare LF (fails where it should pass, and
 * dkim.c believes no pass either).
 *
 * Does not: judge (dkim.c), or keep anything of a message longer than its arena.
 * Limits: a body over 1 GiB is not verified, since the library's counters are ints; nor, relaxed,
 * one with over 1 MiB between two blanks or line ends, since the library holds that in memory.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <opendkim/dkim.h>

#include "policy/dkim_verifier.h"
#include "policy/taglist.h"
#include "truefrom/banned.h"

/* The library's buffer for h=; longer ones it would cut. */
#define LIBRARY_NAMES_MAX (DKIM_MAXHEADER - 1)
#define LIBRARY_RECORD_MAX 1024 /* the hook's storage with its NUL is 1,025 */
#define LIBRARY_BODY_MAX ((uint64_t)1 << 30)
/* Relaxed, it keeps all since the last blank or line end in memory, and so for each l=. */
#define LIBRARY_WORD_MAX ((uint64_t)1 << 20)
/* Subtracted from t= and added to x= without a check for overflow: t= has to be at least as much.
 */
#define CLOCK_DRIFT_S 1000000000
#define EXPIRES_DIGITS_MAX 18

static const char signature_name[] = "DKIM-Signature";
static const char not_evaluated[] = "signature could not be evaluated";

struct tf_verifier {
	struct tf_arena *arena;
	struct tf_verify *items;
	struct tf_str *records; /* for look_up_key, one per item */
	size_t count;
	DKIM *dkim;         /* NULL: nothing to verify, or out of order */
	DKIM *lengths;      /* counts canonical octets for l=; NULL: no l= */
	const char *unable; /* why nothing can be decided about this message */
	bool relaxed;       /* some body hash or length is relaxed */
	uint64_t body_bytes, word_bytes;
	char last[2]; /* of the body so far */
};

static DKIM_LIB *library;
static char version[64];
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static bool
is_signature(const struct tf_header *h)
{
	return tf_header_is(h, tf_str_from(signature_name));
}

static unsigned char *
unconst(const char *ptr)
{
	return (unsigned char *)(uintptr_t)ptr; /* the library forgot const; it writes nothing */
}

/* The record for the library: p= as SubjectPublicKeyInfo or 32 bytes, and k= where it is not RSA.
 * False when it is larger than the library's room for it. */
static bool
write_record(const struct tf_public_key *key, struct tf_arena *a, struct tf_str *record_out)
{
	bool rsa = key->type == TF_KEY_RSA;
	struct tf_buf out;

	tf_buf_init_arena(&out, a, LIBRARY_RECORD_MAX);
	tf_buf_lit(&out, rsa ? "p=" : "k=ed25519;p=");
	tf_base64_encode(rsa ? tf_public_key_spki(key, a) : key->bytes, &out);
	*record_out = tf_buf_get(&out);
	return !out.overflow;
}

/* Called by the library from dkim_eom for each signature that is not ignored. */
static DKIM_STAT
look_up_key(DKIM *dkim, DKIM_SIGINFO *info, unsigned char *storage, size_t size)
{
	const struct tf_verifier *v = dkim_get_user_context(dkim);
	DKIM_SIGINFO **infos;
	int count;

	if (v == NULL || dkim_getsiglist(dkim, &infos, &count) != DKIM_STAT_OK)
		return DKIM_CBSTAT_NOTFOUND;
	for (size_t i = 0; i < v->count && i < (size_t)count; i++) {
		if (infos[i] == info && tf_cstr(v->records[i], (char *)storage, size))
			return DKIM_CBSTAT_CONTINUE;
	}
	return DKIM_CBSTAT_NOTFOUND;
}

static void
open_library(void)
{
	unsigned int flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;
	uint64_t drift = CLOCK_DRIFT_S;
	uint32_t n = dkim_libversion();

	snprintf(version, sizeof(version), "libopendkim %u.%u.%u, OpenSSL %s", n >> 24,
	    n >> 16 & 255, n >> 8 & 255, tf_crypto_version());
	library = dkim_init(NULL, NULL);
	if (library == NULL)
		return;
	if (dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof(flags)) !=
		DKIM_STAT_OK ||
	    dkim_options(library, DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift, sizeof(drift)) !=
		DKIM_STAT_OK ||
	    dkim_set_key_lookup(library, look_up_key) != DKIM_STAT_OK)
		tf_panic("libopendkim does not take its options");
}

static void
free_handle(void *ptr)
{
	dkim_free(ptr);
}

static bool
feed_text(DKIM *dkim, const char *text)
{
	return dkim_header(dkim, unconst(text), strlen(text)) == DKIM_STAT_OK;
}

static DKIM *
new_handle(struct tf_verifier *v)
{
	DKIM_STAT status;
	DKIM *dkim;

	pthread_once(&library_once, open_library);
	if (library == NULL)
		return NULL;
	dkim = dkim_verify(library, (const unsigned char *)"truefrom", NULL, &status);
	if (dkim == NULL)
		return NULL;
	tf_arena_defer(v->arena, free_handle, dkim);
	return feed_text(dkim, "x guard: 1") ? dkim : NULL;
}

static struct tf_verify *
item_of(const struct tf_verifier *v, size_t field)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->items[i].field == field)
			return &v->items[i];
	}
	return NULL;
}

/* Every field in order, but no DKIM-Signature that is not to be verified. */
static void
feed_header(struct tf_verifier *v, const struct tf_header_block *hb)
{
	struct tf_buf line;

	tf_buf_init_arena(&line, v->arena, hb->bytes + 1);
	for (size_t i = 0; i < hb->count; i++) {
		const struct tf_header *h = &hb->fields[i];
		struct tf_verify *item = item_of(v, i);

		if (h->name.len == 0 || (item == NULL && is_signature(h)))
			continue;
		tf_buf_clear(&line);
		tf_buf_str(&line, h->name);
		tf_buf_byte(&line, ':');
		tf_buf_str(&line, h->value);
		if (line.overflow)
			tf_panic("header block of %zu fields is larger than it says", hb->count);
		/* It refuses fields with impossible names, which no h= can mean either. */
		if (dkim_header(v->dkim, (unsigned char *)line.ptr, line.len) != DKIM_STAT_OK &&
		    item != NULL)
			item->why = not_evaluated;
	}
}

/* A second handle whose signatures have no l= counts the whole canonical body. */
static DKIM *
start_lengths(struct tf_verifier *v)
{
	static const char *const fields[] = {
		"From: <a@example.com>",
		"DKIM-Signature: "
		"v=1;a=rsa-sha256;c=simple/simple;d=example.com;s=s;h=From;bh=AAAA;b=AAAA",
		"DKIM-Signature: "
		"v=1;a=rsa-sha256;c=simple/relaxed;d=example.com;s=s;h=From;bh=AAAA;b=AAAA",
	};
	DKIM *dkim = new_handle(v);

	for (size_t i = 0; i < TF_ARRAY_LEN(fields); i++) {
		if (dkim == NULL || !feed_text(dkim, fields[i]))
			return NULL;
	}
	return dkim_eoh(dkim) == DKIM_STAT_OK ? dkim : NULL;
}

/* What stands below an item's own field in the message. */
static size_t
signatures_below(const struct tf_header_block *hb, size_t field)
{
	size_t count = 0;

	for (size_t i = field + 1; i < hb->count; i++)
		count += is_signature(&hb->fields[i]);
	return count;
}

/* NUL, VT, FF, or CR and LF that fold nothing. */
static bool
has_stray_control(struct tf_str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];

		if (c == '\0' || c == '\v' || c == '\f' || c == '\n')
			return true;
		if (c != '\r')
			continue;
		if (value.len - i < 3 || value.ptr[i + 1] != '\n' || !tf_is_wsp(value.ptr[i + 2]))
			return true;
		i++;
	}
	return false;
}

static bool
covers_stray_control(const struct tf_dkim_sig *sig, const struct tf_header_block *hb)
{
	for (size_t i = 0; i < hb->count; i++) {
		if (has_stray_control(hb->fields[i].value) &&
		    tf_dkim_sig_covers(sig, hb->fields[i].name) != 0)
			return true;
	}
	return false;
}

/* What of the message as a whole keeps the library from a right answer about one signature. */
static void
find_lacks(struct tf_verifier *v, const struct tf_header_block *hb)
{
	size_t signatures = 0;
	bool stray = false;

	for (size_t i = 0; i < hb->count; i++) {
		signatures += is_signature(&hb->fields[i]);
		stray = stray || has_stray_control(hb->fields[i].value);
	}
	for (size_t i = 0; i < v->count; i++) {
		struct tf_verify *item = &v->items[i];
		size_t covered = tf_dkim_sig_covers(item->sig, tf_str_from(signature_name));

		if (covered != 0 &&
		    (signatures != v->count || covered > signatures_below(hb, item->field)))
			item->why = "signature covers a signature that was not evaluated";
		else if (stray && item->sig->header_relaxed && covers_stray_control(item->sig, hb))
			item->why = "control character in a signed field";
	}
}

static void
start_handle(struct tf_verifier *v, const struct tf_header_block *hb)
{
	dkim_set_user_context(v->dkim, v);
	feed_header(v, hb);
	if (dkim_eoh(v->dkim) != DKIM_STAT_OK)
		v->unable = "verifier refused the header";
}

struct tf_verifier *
tf_verifier_start(
    struct tf_arena *a, const struct tf_header_block *hb, struct tf_verify *items, size_t count)
{
	struct tf_verifier *v = tf_arena_alloc(a, sizeof(*v));
	bool limited = false;

	v->arena = a;
	v->items = items;
	v->count = count;
	v->records = tf_arena_array(a, count, sizeof(*v->records));
	if (count == 0)
		return v;
	find_lacks(v, hb);
	for (size_t i = 0; i < count; i++) {
		limited = limited || items[i].sig->limited;
		v->relaxed = v->relaxed || items[i].sig->body_relaxed;
	}
	v->relaxed = v->relaxed || limited;
	v->dkim = new_handle(v);
	if (v->dkim == NULL)
		v->unable = "verifier is out of resources";
	else
		start_handle(v, hb);
	if (v->unable == NULL && limited) {
		v->lengths = start_lengths(v);
		if (v->lengths == NULL)
			v->unable = "verifier is out of resources";
	}
	return v;
}

static void
feed_body(struct tf_verifier *v, struct tf_str chunk)
{
	DKIM *const handles[] = { v->dkim, v->lengths };

	for (size_t i = 0; i < TF_ARRAY_LEN(handles); i++) {
		if (handles[i] != NULL && v->unable == NULL &&
		    dkim_body(handles[i], unconst(chunk.ptr), chunk.len) != DKIM_STAT_OK)
			v->unable = "verifier refused the body";
	}
}

/* What would not fit into the library's counters or our memory is not handed over. */
static void
measure(struct tf_verifier *v, struct tf_str chunk)
{
	if (chunk.len > LIBRARY_BODY_MAX - v->body_bytes)
		v->unable = "body is too large to verify";
	else
		v->body_bytes += chunk.len;
	for (size_t i = 0; i < chunk.len && v->relaxed; i++) {
		char c = chunk.ptr[i];

		v->word_bytes = tf_is_wsp(c) || c == '\n' ? 0 : v->word_bytes + 1;
		if (v->word_bytes > LIBRARY_WORD_MAX)
			v->unable = "a word of the body is too long to verify";
	}
}

void
tf_verifier_body(struct tf_verifier *v, struct tf_str chunk)
{
	if (chunk.len == 0 || v->count == 0)
		return;
	measure(v, chunk);
	v->last[0] = chunk.len > 1 ? chunk.ptr[chunk.len - 2] : v->last[1];
	v->last[1] = chunk.ptr[chunk.len - 1];
	feed_body(v, chunk);
}

/* Canonical octets beyond l=. */
static bool
count_unsigned(struct tf_verifier *v, struct tf_verify *item)
{
	DKIM_SIGINFO **infos;
	ssize_t length;
	int count;

	if (dkim_getsiglist(v->lengths, &infos, &count) != DKIM_STAT_OK || count != 2 ||
	    dkim_sig_getcanonlen(v->lengths, infos[item->sig->body_relaxed ? 1 : 0], NULL, &length,
		NULL) != DKIM_STAT_OK)
		return false;
	if ((uint64_t)length > item->sig->limit)
		item->unsigned_octets = (uint64_t)length - item->sig->limit;
	return true;
}

static enum tf_verified
result_of(DKIM_SIGINFO *info)
{
	int error = dkim_sig_geterror(info);
	bool passed = (dkim_sig_getflags(info) & DKIM_SIGFLAG_PASSED) != 0;

	if (error == DKIM_SIGERROR_OK && passed && dkim_sig_getbh(info) == DKIM_SIGBH_MATCH)
		return TF_VERIFIED_PASS;
	if (error == DKIM_SIGERROR_TOOLARGE_L)
		return TF_VERIFIED_SHORT_BODY;
	if (error == DKIM_SIGERROR_BADSIG)
		return passed ? TF_VERIFIED_BAD_BODY : TF_VERIFIED_BAD_SIGNATURE;
	return TF_VERIFIED_UNABLE;
}

static void
read_result(struct tf_verifier *v, DKIM_SIGINFO *info, struct tf_verify *item)
{
	item->result = result_of(info);
	if (item->sig->limited && !count_unsigned(v, item))
		item->result = TF_VERIFIED_UNABLE;
	if (item->result == TF_VERIFIED_UNABLE)
		item->why = not_evaluated;
}

static void
end_body(struct tf_verifier *v)
{
	if (v->body_bytes != 0 && (v->last[0] != '\r' || v->last[1] != '\n'))
		feed_body(v, TF_STR("\r\n"));
}

/* Whether the library lists just the signatures that it was given. */
static DKIM_SIGINFO **
list_signatures(struct tf_verifier *v)
{
	DKIM_SIGINFO **infos;
	int count;

	if (v->unable != NULL)
		return NULL;
	if (dkim_getsiglist(v->dkim, &infos, &count) == DKIM_STAT_OK && (size_t)count == v->count)
		return infos;
	v->unable = "verifier lost a signature";
	return NULL;
}

/* Without a key, or where the library would be wrong, a signature is not tried. */
static void
prepare(struct tf_verifier *v, struct tf_verify *item, struct tf_str *record_out)
{
	item->result = TF_VERIFIED_NOT;
	if (item->key == NULL)
		return;
	if (item->why == NULL)
		item->why = v->unable;
	if (item->why == NULL && !write_record(item->key, v->arena, record_out))
		item->why = "key is too long for the verifier";
	item->result = TF_VERIFIED_UNABLE;
}

static bool
is_tried(const struct tf_verify *item)
{
	return item->key != NULL && item->why == NULL;
}

void
tf_verifier_finish(struct tf_verifier *v)
{
	DKIM_SIGINFO **infos;

	if (v->count == 0)
		return;
	end_body(v);
	infos = list_signatures(v);
	for (size_t i = 0; i < v->count; i++) {
		prepare(v, &v->items[i], &v->records[i]);
		if (infos != NULL && !is_tried(&v->items[i]))
			dkim_sig_ignore(infos[i]);
	}
	if (infos == NULL)
		return;
	/* Their returns speak of the message as a whole; each signature is asked below. */
	dkim_eom(v->dkim, NULL);
	if (v->lengths != NULL)
		dkim_eom(v->lengths, NULL);
	for (size_t i = 0; i < v->count; i++) {
		if (is_tried(&v->items[i]))
			read_result(v, infos[i], &v->items[i]);
	}
}

/* White space between a name and its =, or a name other than b that ends like it. */
static bool
misleads_removal_of_b(const struct tf_tag *tag, struct tf_str value)
{
	if (tag->name.ptr[tag->name.len - 1] != 'b')
		return false;
	return tag->name.len != 1 || tag->name.ptr + 1 != value.ptr + tag->value_at - 1;
}

/* More than one @, written as such or as =40. */
static bool
has_second_at(struct tf_str identity)
{
	size_t ats = 0;

	for (size_t i = 0; i < identity.len; i++)
		ats +=
		    identity.ptr[i] == '@' || tf_str_eq(tf_str_sub(identity, i, 3), TF_STR("=40"));
	return ats > 1;
}

static const char *
tag_lacks(const struct tf_tag *tag, struct tf_str value)
{
	/* The library folds case behind the first letter of a name. */
	if (tf_str_eq(tag->name, TF_STR("bH")) || misleads_removal_of_b(tag, value))
		return "form of the signature is not supported";
	if (tf_str_eq(tag->name, TF_STR("x")) && tag->value.len > EXPIRES_DIGITS_MAX)
		return "x= is too large for the verifier";
	if (tf_str_eq(tag->name, TF_STR("h")) && tag->value.len > LIBRARY_NAMES_MAX)
		return "h= is too long for the verifier";
	return NULL;
}

const char *
tf_verifier_lacks(const struct tf_dkim_sig *sig, struct tf_str value)
{
	struct tf_taglist tags;
	const char *lacks = NULL;

	if (!tf_str_is_ascii(value))
		return "8-bit signature is not supported";
	if (has_second_at(sig->identity))
		return "quoted i= is not supported";
	if (sig->signed_at.given && sig->signed_at.s < CLOCK_DRIFT_S)
		return "t= is too old for the verifier";
	if (!tf_taglist_parse(value, TF_TAGLIST_STRICT, &tags))
		return tags.err;
	for (size_t i = 0; i < tags.count && lacks == NULL; i++)
		lacks = tag_lacks(&tags.tags[i], value);
	return lacks;
}

const char *
tf_verifier_version(void)
{
	pthread_once(&library_once, open_library);
	return version;
}
