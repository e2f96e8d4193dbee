/*
 * arc.c - validation of an ARC chain: from header fields to one result
 *
 * Implements RFC 8617 section 5.2. The sets come from arc_set.c; what is left is cryptography: the
 * newest ARC-Message-Signature, every ARC-Seal, and then, for the record, the older message
 * signatures from the newest down to the first that does not verify. Seals are checked from the
 * lowest up: each covers all that the one below it covers, so one digest runs through the whole
 * chain, and the lowest seal that fails tells where something was changed.
 * Does not: trust anybody (trust.c), or know what the result leads to.
 * Limits: TF_ARC_SETS_MAX sets; a share of the message's questions. What is dkim=policy of a valid
 * DKIM signature, for its l= or for a bare CR, fails here, since a chain has no such result.
 */
#include <string.h>

#include "policy/arc.h"
#include "policy/arc_set.h"
#include "policy/authres_payload.h"
#include "policy/canon.h"
#include "policy/dkim_key.h"
#include "truefrom/domain.h"
#include "truefrom/banned.h"

/* The part of the message's questions that a chain may use, and that it leaves for others. */
#define SHARE 3
/* Of two fields in canonical form: each is within TF_DKIM_FIELD_MAX, and LF may have become CRLF.
 */
#define SEALED_MAX (4 * TF_DKIM_FIELD_MAX)

/* Octets of header that older message signatures may be checked against, all together: each may
 * cover the whole header, and nothing hangs on them. */
#define OLDER_MAX ((uint64_t)8 << 20)

/* What came of one signature; reason is empty on a pass. */
struct finding {
	enum tf_code code;
	struct tf_str reason;
};

/* One set in work. */
struct link {
	const struct tf_arc_fields *fields;
	struct tf_question *seal_key, *message_key; /* NULL: not asked for */
	const struct tf_body_hash *body;            /* for the message signature, or NULL */
};

struct tf_arc_check {
	struct tf_arena *arena;
	struct tf_dns *dns;
	const struct tf_dkim_opts *opts;
	struct tf_key_cache *keys;
	struct tf_signed_message *message;
	struct tf_arc_chain chain;
	struct link links[TF_ARC_SETS_MAX];       /* links[n - 1] is instance n */
	struct tf_str names[2 * TF_ARC_SETS_MAX]; /* distinct names of keys that were asked for */
	size_t name_count;
	bool starved; /* too few questions were left */
};

static bool
is_asked(const struct tf_arc_check *c, struct tf_str name)
{
	for (size_t i = 0; i < c->name_count; i++) {
		if (tf_str_eq(c->names[i], name))
			return true;
	}
	return false;
}

static void
count_name(struct tf_arc_check *c, struct tf_str name)
{
	if (!is_asked(c, name))
		c->names[c->name_count++] = name;
}

/* How many keys may be asked for. */
static size_t
key_budget(const struct tf_arc_check *c)
{
	uint32_t share = tf_dns_budget(c->dns) / SHARE, left = tf_dns_budget_left(c->dns);

	if (left < 2 * share)
		return left > share ? left - share : 0;
	return share;
}

/* Those that the result depends on all together or not at all; older ones as far as they go. */
static void
ask_for_keys(struct tf_arc_check *c)
{
	const uint32_t n = c->chain.instances;
	const size_t budget = key_budget(c);

	for (uint32_t i = 0; i < n; i++)
		count_name(c, c->links[i].fields->seal_sig.key_name);
	count_name(c, c->links[n - 1].fields->message_sig.key_name);
	c->starved = c->name_count > budget;
	if (c->starved)
		return;
	for (uint32_t i = n; i-- > 0;) {
		struct link *l = &c->links[i];
		struct tf_str name = l->fields->message_sig.key_name;

		l->seal_key = tf_dns_start(c->dns, l->fields->seal_sig.key_name, TF_TYPE_TXT);
		if (l->fields->message_sig.code != TF_NONE ||
		    (!is_asked(c, name) && c->name_count == budget))
			continue;
		count_name(c, name);
		l->message_key = tf_dns_start(c->dns, name, TF_TYPE_TXT);
	}
}

struct tf_arc_check *
tf_arc_start(struct tf_arena *a, struct tf_dns *dns, const struct tf_dkim_opts *opts,
    struct tf_key_cache *keys, struct tf_signed_message *m, int64_t now)
{
	struct tf_arc_check *c = tf_arena_alloc(a, sizeof(*c));

	c->arena = a;
	c->dns = dns;
	c->opts = opts;
	c->keys = keys;
	c->message = m;
	tf_arc_chain_read(tf_signed_message_header(m), now, opts->clock_skew_s, a, &c->chain);
	if (c->chain.code != TF_PASS)
		return c;
	for (uint32_t i = c->chain.instances; i-- > 0;) {
		const struct tf_dkim_sig *sig = &c->chain.sets[i].message_sig;

		c->links[i].fields = &c->chain.sets[i];
		if (sig->code == TF_NONE)
			c->links[i].body = tf_body_hashes_add(
			    tf_signed_message_body(m), sig->body_relaxed, sig->limited, sig->limit);
	}
	ask_for_keys(c);
	return c;
}

static struct finding
fails(const char *reason)
{
	return (struct finding){ TF_FAIL, tf_str_from(reason) };
}

/* The key of a signature, or why it has none. */
static struct finding
get_key(struct tf_arc_check *c, struct tf_question *question, const struct tf_dkim_sig *sig,
    struct tf_dkim_key *key_out)
{
	const char *misfit;

	tf_dkim_key_from_answer(tf_dns_wait(c->dns, question), c->arena, key_out);
	if (key_out->code == TF_TEMPERROR)
		return (struct finding){ TF_TEMPERROR, key_out->reason };
	if (key_out->code != TF_NONE)
		return (struct finding){ TF_FAIL, key_out->reason };
	misfit =
	    tf_dkim_key_misfits(key_out, sig->key_type, sig->exact_domain, c->opts->min_rsa_bits);
	return misfit != NULL ? fails(misfit) : (struct finding){ .code = TF_PASS };
}

/* Whether the body is the one that was signed, and cannot be read as another one. */
static struct finding
check_body(struct tf_arc_check *c, const struct link *l)
{
	const struct tf_body_seen *seen = tf_body_hashes_seen(tf_signed_message_body(c->message));
	const struct tf_dkim_sig *sig = &l->fields->message_sig;
	struct tf_str objection;

	if (l->body == NULL)
		return fails("too many lengths of the body are signed");
	if (tf_body_hash_is_short(l->body))
		return fails("l= exceeds the body");
	if (sig->body_hash.len != TF_SHA256_BYTES ||
	    memcmp(sig->body_hash.ptr, l->body->digest, TF_SHA256_BYTES) != 0)
		return fails("body hash did not verify");
	objection = tf_body_objection(
	    seen, tf_body_hash_unsigned(l->body), c->opts->accept_partial_body, c->arena);
	return (struct finding){ objection.len != 0 ? TF_FAIL : TF_PASS, objection };
}

/* The ARC-Message-Signature of one set. */
static struct finding
check_message(struct tf_arc_check *c, const struct link *l)
{
	const struct tf_dkim_sig *sig = &l->fields->message_sig;
	struct tf_dkim_key key;
	struct finding f;

	if (sig->code != TF_NONE)
		return (struct finding){ TF_FAIL, sig->reason };
	f = check_body(c, l);
	if (f.code == TF_PASS)
		f = get_key(c, l->message_key, sig, &key);
	if (f.code == TF_PASS && !tf_signed_message_verifies(c->message, sig->header_relaxed,
				     sig->names, l->fields->message, &key.public, sig->signature))
		return fails("signature did not verify");
	return f;
}

static const struct tf_header *
field(const struct tf_arc_check *c, size_t index)
{
	return &tf_signed_message_header(c->message)->fields[index];
}

/* Section 5.1.1: relaxed, whatever c= may say. */
static void
write_field(const struct tf_arc_check *c, size_t index, struct tf_buf *out)
{
	const struct tf_header *h = field(c, index);

	tf_canon_field(true, h->name, h->value, out);
	tf_buf_lit(out, "\r\n");
}

/*
 * The ARC-Seal of one set, over below, which has taken in all sets under it and takes in this one.
 */
static struct finding
check_seal(struct tf_arc_check *c, const struct link *l, struct tf_digest *below)
{
	const struct tf_arc_fields *set = l->fields;
	const struct tf_header *seal = field(c, set->seal);
	unsigned char hash[TF_SHA256_BYTES];
	struct tf_dkim_key key;
	struct finding f;
	struct tf_buf text;

	tf_buf_init_arena(&text, c->arena, SEALED_MAX);
	write_field(c, set->results, &text);
	write_field(c, set->message, &text);
	tf_digest_update(below, tf_buf_get(&text));
	tf_buf_clear(&text);
	if (!tf_canon_signature_field(true, seal->name, seal->value, &text))
		tf_panic("a seal without b= was taken for one");
	tf_digest_value_after(below, tf_buf_get(&text), hash);
	tf_buf_clear(&text);
	write_field(c, set->seal, &text);
	tf_digest_update(below, tf_buf_get(&text));
	if (text.overflow)
		tf_panic("a field is larger than it says");

	f = get_key(c, l->seal_key, &set->seal_sig, &key);
	if (f.code == TF_PASS &&
	    !tf_key_verifies(c->keys, &key.public, hash, set->seal_sig.signature))
		return fails("signature did not verify");
	return f;
}

/* A failure outweighs a key that could not be had, and the first of its kind stays. */
static void
conclude(struct tf_arc_check *c, struct tf_arc *arc, const char *name, uint32_t instance,
    struct finding f)
{
	if (f.code == TF_PASS || arc->code == TF_FAIL ||
	    (f.code == TF_TEMPERROR && arc->code == TF_TEMPERROR))
		return;
	arc->code = f.code;
	arc->failed_instance = instance;
	arc->reason =
	    tf_arena_printf(c->arena, "%s of set %u: %.*s", name, instance, TF_PRI(f.reason));
}

/* Steps 4 and 6 of section 5.2. */
static void
verify_chain(struct tf_arc_check *c, struct tf_arc *arc, struct tf_arc_set *sets)
{
	const uint32_t n = c->chain.instances;
	struct tf_digest *digest = tf_digest_new(c->arena);
	struct finding f = check_message(c, &c->links[n - 1]);

	sets[n - 1].message = f.code;
	conclude(c, arc, "ARC-Message-Signature", n, f);
	for (uint32_t i = 0; i < n && arc->code != TF_FAIL; i++)
		conclude(c, arc, "ARC-Seal", i + 1, check_seal(c, &c->links[i], digest));
}

/* Step 5: which sets saw the message as it is now, as far as that can be told at a bounded cost. */
static void
find_oldest_pass(struct tf_arc_check *c, struct tf_arc *arc, struct tf_arc_set *sets)
{
	const uint64_t size = tf_signed_message_header(c->message)->bytes;
	uint32_t n = c->chain.instances - 1;
	uint64_t work = size;

	for (; n != 0 && work <= OLDER_MAX; work += size) {
		const struct link *l = &c->links[n - 1];

		if (l->message_key == NULL && l->fields->message_sig.code == TF_NONE)
			break; /* no question was left for its key */
		sets[n - 1].message = check_message(c, l).code;
		if (sets[n - 1].message != TF_PASS)
			break;
		n--;
	}
	arc->oldest_pass = n != 0 ? n + 1 : 0;
}

/* An authserv-id in the form that struct tf_arc_set asks for. */
static bool
is_presentable(struct tf_str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (tf_is_ctl(id.ptr[i]) || tf_is_8bit(id.ptr[i]))
			return false;
	}
	return id.len <= TF_DOMAIN_MAX;
}

/* The dmarc result of an AAR, if it has exactly one that every reader understands alike. */
static void
read_dmarc(const struct tf_payload_result *r, struct tf_arena *a, struct tf_arc_set *set)
{
	const struct tf_payload_property *from = NULL;

	set->says_dmarc = r->version == 1 && tf_code_from(r->result, &set->dmarc);
	for (size_t i = 0; i < r->property_count; i++) {
		const struct tf_payload_property *p = &r->properties[i];

		if (!tf_str_eq_nocase(p->type, TF_STR("header")) ||
		    !tf_str_eq_nocase(p->name, TF_STR("from")))
			continue;
		if (from != NULL)
			set->says_dmarc = false;
		from = p;
	}
	if (from == NULL || !tf_domain_normalise(from->value, a, &set->from))
		set->from = TF_NONE_STR;
}

static void
read_results(struct tf_arena *a, struct tf_str payload, struct tf_arc_set *set)
{
	struct tf_payload_result r;
	struct tf_payload p;
	size_t count = 0;

	tf_payload_begin(payload, a, &p);
	while (tf_payload_next(&p, &r)) {
		if (!tf_str_eq_nocase(r.method, TF_STR("dmarc")))
			continue;
		if (count++ == 0)
			read_dmarc(&r, a, set);
	}
	if (tf_payload_error(&p) == NULL && is_presentable(p.id))
		set->authserv_id = p.id;
	if (tf_payload_error(&p) != NULL || p.version != 1 || count != 1) {
		set->says_dmarc = false;
		set->dmarc = TF_NONE;
		set->from = TF_NONE_STR;
	}
}

/* What the sets say of themselves. */
static struct tf_arc_set *
describe(struct tf_arc_check *c, struct tf_arc *arc)
{
	const uint32_t n = c->chain.instances;
	struct tf_arc_set *sets = tf_arena_array(c->arena, n, sizeof(*sets));

	for (uint32_t i = 0; i < n; i++) {
		const struct tf_arc_fields *fields = c->links[i].fields;

		sets[i].domain = fields->seal_sig.domain;
		sets[i].selector = fields->seal_sig.selector;
		sets[i].message_domain = fields->message_sig.domain;
		read_results(c->arena, fields->payload, &sets[i]);
	}
	arc->sets = sets;
	arc->set_count = n;
	return sets;
}

static void
note_set(
    struct tf_arena *a, const struct tf_arc_set *set, uint32_t instance, struct tf_notes *notes)
{
	static const char *const signatures[] = {
		[TF_NONE] = "not looked at",
		[TF_PASS] = "still valid",
		[TF_FAIL] = "no longer valid",
		[TF_TEMPERROR] = "unknown for want of its key",
	};
	struct tf_str id = set->authserv_id;

	if (set->says_dmarc)
		tf_note(notes, a, TF_CHECK_ARC,
		    "set %u (d=%.*s s=%.*s): message signature %s; %.*s reported dmarc=%s "
		    "header.from=%.*s",
		    instance, TF_PRI(set->domain), TF_PRI(set->selector), signatures[set->message],
		    TF_PRI(id), tf_code_name(set->dmarc), TF_PRI(set->from));
	else
		tf_note(notes, a, TF_CHECK_ARC,
		    "set %u (d=%.*s s=%.*s): message signature %s; no usable dmarc result",
		    instance, TF_PRI(set->domain), TF_PRI(set->selector), signatures[set->message]);
}

void
tf_arc_eval(struct tf_arc_check *c, struct tf_notes *notes, struct tf_arc *arc_out)
{
	struct tf_arc_set *sets;

	*arc_out = (struct tf_arc){ .code = c->chain.code,
		.instances = c->chain.instances,
		.failed_instance = c->chain.failed_instance,
		.sealer = c->chain.sealer,
		.reason = c->chain.reason };
	if (c->chain.code != TF_PASS)
		return;
	sets = describe(c, arc_out);
	if (c->starved) {
		arc_out->code = TF_TEMPERROR;
		arc_out->reason = TF_STR("too many DNS questions");
	} else {
		verify_chain(c, arc_out, sets);
	}
	if (arc_out->code == TF_PASS)
		find_oldest_pass(c, arc_out, sets);
	for (uint32_t i = 1; i <= c->chain.instances; i++)
		note_set(c->arena, &sets[i - 1], i, notes);
}
