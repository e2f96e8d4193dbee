/*
 * dkim_library.c - libopendkim behind a guard (only user of libopendkim)
 *
 * The library canonicalizes and hashes the header and checks the signature (RFC 6376
 * sections 3.4.1, 3.4.2 and 3.7); everything that it would believe, guess or read twice is settled
 * before it sees a byte. It never sees the body: body_hash.c has its hash anyway, six times faster
 * and right about bare line ends, so the hash that the library compares is that of nothing and says
 * nothing. One library handle serves the process: no callback of it keeps state, and it is never
 * changed after pthread_once.
 *
 * What the guard is for (each point was measured on 2.11.0 beta 2):
 *  - "x guard" is fed first in every handle. No h= can name a field with a blank in its name, so
 *    there is always one field more than h= selects; without it the library writes behind an array.
 *  - Only well-formed signatures under the cap are handed over, since ignored ones are hashed too.
 *  - Keys come from our own reading of the record; the library gets a record of p= (and k=) alone,
 *    because it compares neither k= with a=, nor counts bits exactly.
 *  - The library reads the wall clock. Its tolerance is set so wide that it never decides about t=
 *    and x=; dkim_sig.c does, with the time of the message.
 *  - A signature is good when the library says so by its flag, and has no error but that of the
 * body.
 *
 * What it would get wrong, and is therefore not asked (lacks(), before the body):
 *  - white space between b and =, other tags whose names end in b, a tag bH: it takes the wrong
 *    value out of the signed text;
 *  - 8-bit values (RFC 8616); a quoted local part in i=; h= over 4 KB; t= before September 2001;
 *    x= of more than 18 digits;
 *  - h= that names DKIM-Signature: it leaves out fields that it does not like, and its own;
 *  - relaxed header canonicalization of a field with NUL, VT, FF or a stray line end: it stops at
 *    the NUL, and takes the others for white space;
 *  - simple header canonicalization of a field with a blank before its colon, which it is not told;
 *  - a header with more than ODD_MAX fields of these two kinds, signed or not;
 *  - l=: without the body it takes it for too large.
 * What is known at the end only:
 *  - keys over about 5,700 bits, for which its storage is too short;
 *  - whatever it refuses, or does not answer.
 *
 * Does not: judge (dkim.c), or keep anything of a message longer than its arena.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <opendkim/dkim.h>

#include "policy/dkim_library.h"
#include "policy/taglist.h"
#include "truefrom/banned.h"

/* The library's buffer for h=; longer ones it would cut. */
#define LIBRARY_NAMES_MAX (DKIM_MAXHEADER - 1)
#define LIBRARY_RECORD_MAX 1024 /* the hook's storage with its NUL is 1,025 */
/* Subtracted from t= and added to x= without a check for overflow: t= has to be at least as much.
 */
#define CLOCK_DRIFT_S 1000000000
#define EXPIRES_DIGITS_MAX 18

/* Fields that the library may hash wrong, each of which is looked for in each h=: with more of them
 * it is not asked. */
#define ODD_MAX 32

static const char not_evaluated[] = "signature could not be evaluated";

struct tf_dkim_library {
	struct tf_arena *arena;
	struct tf_verify **items; /* those that the library gets, in message order */
	struct tf_str *records;   /* for look_up_key, one per item */
	size_t count;
	struct tf_verify *all;
	size_t all_count;
	DKIM *dkim;         /* NULL: nothing to verify, or out of order */
	const char *unable; /* why nothing can be decided about this message */
};

static DKIM_LIB *library;
static char version[64];
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static bool
is_signature(const struct tf_header *h)
{
	return tf_header_is(h, TF_STR("DKIM-Signature"));
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
	const struct tf_dkim_library *l = dkim_get_user_context(dkim);
	DKIM_SIGINFO **infos;
	int count;

	if (l == NULL || dkim_getsiglist(dkim, &infos, &count) != DKIM_STAT_OK)
		return DKIM_CBSTAT_NOTFOUND;
	for (size_t i = 0; i < l->count && i < (size_t)count; i++) {
		if (infos[i] == info && tf_cstr(l->records[i], (char *)storage, size))
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

static DKIM *
new_handle(struct tf_arena *a)
{
	static const char guard[] = "x guard: 1";
	DKIM_STAT status;
	DKIM *dkim;

	pthread_once(&library_once, open_library);
	if (library == NULL)
		return NULL;
	dkim = dkim_verify(library, (const unsigned char *)"truefrom", NULL, &status);
	if (dkim == NULL)
		return NULL;
	tf_arena_defer(a, free_handle, dkim);
	return dkim_header(dkim, unconst(guard), strlen(guard)) == DKIM_STAT_OK ? dkim : NULL;
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

/* What the field alone keeps the library from. */
static const char *
field_lacks(const struct tf_dkim_sig *sig, struct tf_str value)
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
has_blank_before_colon(const struct tf_header *h)
{
	return h->written.len != h->name.len;
}

/* The fields that signed_field_lacks has to look for. */
struct odd {
	const struct tf_header *fields[ODD_MAX];
	size_t count; /* up to ODD_MAX + 1, which says that there are more */
};

static void
find_odd(const struct tf_header_block *hb, struct odd *odd_out)
{
	odd_out->count = 0;
	for (size_t i = 0; i < hb->count && odd_out->count <= ODD_MAX; i++) {
		const struct tf_header *h = &hb->fields[i];

		if (!has_stray_control(h->value) && !has_blank_before_colon(h))
			continue;
		if (odd_out->count < ODD_MAX)
			odd_out->fields[odd_out->count] = h;
		odd_out->count++;
	}
}

/* Why the library would hash a field wrong that is signed, or NULL. */
static const char *
signed_field_lacks(const struct tf_verify *item, const struct tf_header *own, const struct odd *odd)
{
	const struct tf_dkim_sig *sig = item->sig;

	if (odd->count > ODD_MAX)
		return "too many odd fields";
	if (!sig->header_relaxed && has_blank_before_colon(own))
		return "blank before a colon";
	for (size_t i = 0; i < odd->count; i++) {
		const struct tf_header *h = odd->fields[i];
		bool matters =
		    sig->header_relaxed ? has_stray_control(h->value) : has_blank_before_colon(h);

		if (matters && tf_dkim_sig_covers(sig, h->name) != 0)
			return sig->header_relaxed ? "control character in a signed field"
						   : "blank before a colon";
	}
	return NULL;
}

/* Why the library would get this signature wrong, or NULL. */
static const char *
lacks(const struct tf_verify *item, const struct tf_header_block *hb, const struct odd *odd)
{
	const struct tf_dkim_sig *sig = item->sig;
	const struct tf_header *own = &hb->fields[item->field];
	const char *why = signed_field_lacks(item, own, odd);

	if (tf_dkim_sig_covers(sig, TF_STR("DKIM-Signature")) != 0)
		return "signature covers a signature";
	if (why != NULL)
		return why;
	if (sig->limited)
		return "l= is not supported";
	return field_lacks(sig, own->value);
}

static void
choose_items(struct tf_dkim_library *l, const struct tf_header_block *hb)
{
	struct odd odd;

	find_odd(hb, &odd);
	l->items = tf_arena_array(l->arena, l->all_count, sizeof(*l->items));
	for (size_t i = 0; i < l->all_count; i++) {
		struct tf_verify *item = &l->all[i];

		item->why = lacks(item, hb, &odd);
		if (item->why == NULL)
			l->items[l->count++] = item;
	}
}

static struct tf_verify *
item_of(const struct tf_dkim_library *l, size_t field)
{
	for (size_t i = 0; i < l->count; i++) {
		if (l->items[i]->field == field)
			return l->items[i];
	}
	return NULL;
}

/* Every field in order, but no DKIM-Signature that is not to be verified. */
static void
feed_header(struct tf_dkim_library *l, const struct tf_header_block *hb)
{
	struct tf_buf line;

	/* Line ends of folds may have been counted as LF. */
	tf_buf_init_arena(&line, l->arena, 2 * (size_t)hb->bytes + 1);
	for (size_t i = 0; i < hb->count; i++) {
		const struct tf_header *h = &hb->fields[i];
		struct tf_verify *item = is_signature(h) ? item_of(l, i) : NULL;

		if (h->name.len == 0 || (item == NULL && is_signature(h)))
			continue;
		tf_buf_clear(&line);
		tf_buf_str(&line, h->name);
		tf_buf_byte(&line, ':');
		tf_buf_str(&line, h->value);
		if (line.overflow)
			tf_panic("header block of %zu fields is larger than it says", hb->count);
		/* It refuses fields with impossible names, which no h= can mean either. */
		if (dkim_header(l->dkim, (unsigned char *)line.ptr, line.len) != DKIM_STAT_OK &&
		    item != NULL)
			item->why = not_evaluated;
	}
}

struct tf_dkim_library *
tf_dkim_library_start(
    struct tf_arena *a, const struct tf_header_block *hb, struct tf_verify *items, size_t count)
{
	struct tf_dkim_library *l = tf_arena_alloc(a, sizeof(*l));

	l->arena = a;
	l->all = items;
	l->all_count = count;
	choose_items(l, hb);
	if (l->count == 0)
		return l;
	l->records = tf_arena_array(a, l->count, sizeof(*l->records));
	l->dkim = new_handle(a);
	if (l->dkim == NULL) {
		l->unable = "verifier is out of resources";
		return l;
	}
	dkim_set_user_context(l->dkim, l);
	feed_header(l, hb);
	if (dkim_eoh(l->dkim) != DKIM_STAT_OK)
		l->unable = "verifier refused the header";
	return l;
}

/* Of the signature over the header; the library misses the body, which is the error of a good one.
 */
static enum tf_verified
result_of(DKIM_SIGINFO *info)
{
	const int error = dkim_sig_geterror(info);
	const bool passed = (dkim_sig_getflags(info) & DKIM_SIGFLAG_PASSED) != 0;

	if (error != DKIM_SIGERROR_OK && error != DKIM_SIGERROR_BADSIG)
		return TF_VERIFIED_UNABLE;
	if (passed)
		return TF_VERIFIED_PASS;
	return error == DKIM_SIGERROR_BADSIG ? TF_VERIFIED_BAD_SIGNATURE : TF_VERIFIED_UNABLE;
}

/* Whether the library lists just the signatures that it was given. */
static DKIM_SIGINFO **
list_signatures(struct tf_dkim_library *l)
{
	DKIM_SIGINFO **infos;
	int count;

	if (l->unable != NULL)
		return NULL;
	if (dkim_getsiglist(l->dkim, &infos, &count) == DKIM_STAT_OK && (size_t)count == l->count)
		return infos;
	l->unable = "verifier lost a signature";
	return NULL;
}

/* A key, no result yet, and no reason against it. */
static bool
is_tried(const struct tf_verify *item)
{
	return item->key != NULL && item->result == TF_VERIFIED_NOT && item->why == NULL;
}

static void
ask_library(struct tf_dkim_library *l, DKIM_SIGINFO **infos)
{
	for (size_t i = 0; i < l->count; i++) {
		struct tf_verify *item = l->items[i];

		if (is_tried(item) && !write_record(item->key, l->arena, &l->records[i]))
			item->why = "key is too long for the verifier";
		if (!is_tried(item))
			dkim_sig_ignore(infos[i]);
	}
	/* Its return speaks of the message as a whole; each signature is asked below. */
	dkim_eom(l->dkim, NULL);
	for (size_t i = 0; i < l->count; i++) {
		struct tf_verify *item = l->items[i];

		if (!is_tried(item))
			continue;
		item->result = result_of(infos[i]);
		if (item->result == TF_VERIFIED_UNABLE)
			item->why = not_evaluated;
	}
}

void
tf_dkim_library_finish(struct tf_dkim_library *l)
{
	DKIM_SIGINFO **infos = l->count != 0 ? list_signatures(l) : NULL;

	if (infos != NULL)
		ask_library(l, infos);
	for (size_t i = 0; i < l->all_count; i++) {
		struct tf_verify *item = &l->all[i];

		if (item->key == NULL || item->result != TF_VERIFIED_NOT)
			continue;
		item->result = TF_VERIFIED_UNABLE;
		if (item->why == NULL)
			item->why = l->unable;
	}
}

const char *
tf_dkim_library_version(void)
{
	pthread_once(&library_once, open_library);
	return version;
}
