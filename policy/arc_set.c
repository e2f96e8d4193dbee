/*
 * arc_set.c - the ARC fields of a message as a chain of sets
 *
 * Implements RFC 8617 sections 4.1.1, 4.2 and 5.2 steps 1 to 3. All fields with an ARC name belong
 * to the one chain of the message: there is no search for a better one among them.
 * Does not: verify anything (arc.c), or read what an AAR says (authres_payload.c).
 * Limits: TF_ARC_SETS_MAX sets, TF_DKIM_FIELD_MAX octets of a field. Fields beyond either are never
 * looked into.
 */
#include "policy/arc_set.h"
#include "policy/rfc5322.h"
#include "truefrom/banned.h"

enum kind { KIND_RESULTS, KIND_MESSAGE, KIND_SEAL, KINDS };

static const struct tf_str names[KINDS] = {
	[KIND_RESULTS] = TF_LIT("ARC-Authentication-Results"),
	[KIND_MESSAGE] = TF_LIT("ARC-Message-Signature"),
	[KIND_SEAL] = TF_LIT("ARC-Seal"),
};

/* The state of one reading. */
struct reading {
	const struct tf_header_block *hb;
	struct tf_arena *arena;
	struct tf_arc_chain *chain;
	int64_t now;
	uint32_t skew_s;
	size_t count[KINDS];
	size_t room; /* in chain->sets: as many as there are fields of one kind */
	bool seen[KINDS][TF_ARC_SETS_MAX];
	enum tf_arc_cv newest; /* of the seal with the highest instance */
};

/* The first finding stays. */
static void
broken(struct reading *r, uint32_t instance, struct tf_str reason)
{
	if (r->chain->code == TF_FAIL)
		return;
	r->chain->code = TF_FAIL;
	r->chain->failed_instance = instance;
	r->chain->reason = reason;
}

static void
broken_field(struct reading *r, enum kind kind, uint32_t instance, struct tf_str what)
{
	broken(r, instance,
	    tf_arena_printf(
		r->arena, "%.*s of set %u: %.*s", TF_PRI(names[kind]), instance, TF_PRI(what)));
}

/* KINDS: not a field of ARC. */
static enum kind
kind_of(const struct tf_header *h)
{
	enum kind kind = KIND_RESULTS;

	if (!tf_str_starts_nocase(h->name, TF_STR("ARC-")))
		return KINDS;
	while (kind < KINDS && !tf_header_is(h, names[kind]))
		kind++;
	return kind;
}

bool
tf_arc_results_parse(struct tf_str value, uint32_t *instance_out, struct tf_str *payload_out)
{
	struct tf_lex lx = tf_lex_init(value);
	struct tf_str digits;

	if (value.len > TF_DKIM_FIELD_MAX)
		return false;
	tf_lex_cfws(&lx);
	tf_lex_byte(&lx, 'i');
	tf_lex_cfws(&lx);
	tf_lex_byte(&lx, '=');
	tf_lex_cfws(&lx);
	digits = tf_lex_while(&lx, tf_is_digit);
	tf_lex_cfws(&lx);
	tf_lex_byte(&lx, ';');
	*payload_out = tf_lex_rest(&lx);
	return lx.err == NULL && tf_arc_position_parse(digits, instance_out);
}

/* The instance of a field, 0 when it has none; set takes what else it says. */
static uint32_t
read_field(struct reading *r, enum kind kind, size_t index, struct tf_arc_fields *set)
{
	struct tf_str value = r->hb->fields[index].value;
	uint32_t instance = 0;

	switch (kind) {
	case KIND_RESULTS:
		set->results = index;
		return tf_arc_results_parse(value, &instance, &set->payload) ? instance : 0;
	case KIND_MESSAGE:
		set->message = index;
		tf_arc_message_parse(value, r->now, r->skew_s, r->arena, &set->message_sig);
		return set->message_sig.instance;
	case KIND_SEAL:
		set->seal = index;
		tf_arc_seal_parse(value, r->arena, &set->seal_sig);
		return set->seal_sig.instance;
	case KINDS:
		break;
	}
	return 0;
}

static void
note_seal(struct reading *r, const struct tf_dkim_sig *seal)
{
	if (seal->instance <= r->chain->instances)
		return;
	r->chain->instances = seal->instance;
	r->chain->sealer = seal->domain;
	r->newest = seal->chain;
}

/* Puts one field into its set. */
static void
collect(struct reading *r, enum kind kind, size_t index)
{
	struct tf_arc_fields read = { .payload = TF_NONE_STR }, *set;
	uint32_t instance = read_field(r, kind, index, &read);

	if (kind == KIND_SEAL && instance != 0)
		note_seal(r, &read.seal_sig);
	if (instance == 0) {
		broken(r, 0,
		    tf_arena_printf(r->arena, "%.*s without a usable i=", TF_PRI(names[kind])));
		return;
	}
	if (r->seen[kind][instance - 1]) {
		broken_field(r, kind, instance, TF_STR("there are two"));
		return;
	}
	r->seen[kind][instance - 1] = true;
	if (instance > r->room)
		return; /* then there is a gap below it */
	set = &r->chain->sets[instance - 1];
	switch (kind) {
	case KIND_RESULTS:
		set->results = read.results;
		set->payload = read.payload;
		break;
	case KIND_MESSAGE:
		set->message = read.message;
		set->message_sig = read.message_sig;
		break;
	case KIND_SEAL:
		set->seal = read.seal;
		set->seal_sig = read.seal_sig;
		break;
	case KINDS:
		break;
	}
}

static void
count_fields(struct reading *r)
{
	for (size_t i = 0; i < r->hb->count; i++) {
		enum kind kind = kind_of(&r->hb->fields[i]);

		if (kind != KINDS && ++r->count[kind] > r->room)
			r->room = r->count[kind];
	}
}

/* As many sets as there are fields of one kind, and all of them complete. */
static void
check_complete(struct reading *r)
{
	uint32_t n = 0;

	for (enum kind kind = KIND_RESULTS; kind < KINDS; kind++) {
		for (uint32_t i = n; i < TF_ARC_SETS_MAX; i++) {
			if (r->seen[kind][i])
				n = i + 1;
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		for (enum kind kind = KIND_RESULTS; kind < KINDS; kind++) {
			if (!r->seen[kind][i])
				broken_field(r, kind, i + 1, TF_STR("there is none"));
		}
	}
}

static void
check_seals(struct reading *r)
{
	for (uint32_t i = 1; i <= r->chain->instances; i++) {
		const struct tf_dkim_sig *seal = &r->chain->sets[i - 1].seal_sig;

		if (seal->code != TF_NONE)
			broken_field(r, KIND_SEAL, i, seal->reason);
		else if (i == 1 && seal->chain != TF_ARC_CV_NONE)
			broken_field(r, KIND_SEAL, i, TF_STR("cv= of the first set is not none"));
		else if (i > 1 && seal->chain != TF_ARC_CV_PASS)
			broken_field(r, KIND_SEAL, i, TF_STR("cv= is not pass"));
	}
}

/* Step 3. */
static void
check_structure(struct reading *r)
{
	struct tf_arc_chain *chain = r->chain;
	const struct tf_dkim_sig *newest;

	check_complete(r);
	if (chain->code == TF_FAIL)
		return;
	check_seals(r);
	newest = &chain->sets[chain->instances - 1].message_sig;
	if (newest->code != TF_NONE)
		broken_field(r, KIND_MESSAGE, chain->instances, newest->reason);
	if (chain->code != TF_FAIL)
		chain->code = TF_PASS;
}

static void
read_fields(struct reading *r)
{
	r->chain->sets = tf_arena_array(r->arena, r->room, sizeof(*r->chain->sets));
	for (size_t i = 0; i < r->hb->count; i++) {
		enum kind kind = kind_of(&r->hb->fields[i]);

		if (kind != KINDS)
			collect(r, kind, i);
	}
}

void
tf_arc_chain_read(const struct tf_header_block *hb, int64_t now, uint32_t skew_s,
    struct tf_arena *a, struct tf_arc_chain *chain_out)
{
	struct reading r = {
		.hb = hb, .arena = a, .chain = chain_out, .now = now, .skew_s = skew_s
	};

	*chain_out = (struct tf_arc_chain){ .code = TF_NONE };
	count_fields(&r);
	if (r.room == 0)
		return;
	if (r.room > TF_ARC_SETS_MAX) {
		broken(&r, 0, TF_STR("more than 50 sets"));
		return;
	}
	read_fields(&r);
	/* Step 2 comes before all other findings: whoever sealed last says so himself. */
	if (r.newest == TF_ARC_CV_FAIL) {
		chain_out->code = TF_NONE;
		broken_field(&r, KIND_SEAL, chain_out->instances,
		    TF_STR("cv=fail, the chain was broken before"));
		return;
	}
	check_structure(&r);
}
