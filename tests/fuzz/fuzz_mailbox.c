/*
 * fuzz_mailbox.c - the From parser decides or says that it cannot; the path parser agrees with it
 */
#include "policy/mailbox.h"
#include "truefrom/domain.h"
#include "tests/fuzz/fuzz.h"

#define MAX_DOMAINS 5

static void
check_domains(const struct tf_author *au, struct tf_arena *a)
{
	FUZZ_ASSERT(au->domain_count != 0 && au->domain_count <= MAX_DOMAINS);
	for (size_t i = 0; i < au->domain_count; i++) {
		struct tf_str again;

		FUZZ_ASSERT(tf_domain_normalise(au->domains[i], a, &again));
		FUZZ_ASSERT(tf_str_eq(again, au->domains[i]));
		for (size_t n = 0; n < i; n++)
			FUZZ_ASSERT(!tf_str_eq(au->domains[i], au->domains[n]));
	}
}

static void
check_author(const struct tf_author *au, struct tf_arena *a)
{
	if (au->state == TF_FROM_OK) {
		check_domains(au, a);
	} else {
		FUZZ_ASSERT(au->domain_count == 0);
		FUZZ_ASSERT(au->reason.len != 0);
	}
	FUZZ_ASSERT(tf_str_is_ascii(au->reason));
}

static struct tf_str
join(struct tf_arena *a, struct tf_str before, struct tf_str in, struct tf_str behind)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, 1 << 20);
	tf_buf_str(&b, before);
	tf_buf_str(&b, in);
	tf_buf_str(&b, behind);
	FUZZ_ASSERT(!b.overflow);
	return tf_buf_get(&b);
}

/* Text around a good field changes what it must and nothing else. */
static void
check_around(const struct tf_author *au, struct tf_str in, struct tf_arena *a)
{
	static const struct tf_str junk[] = { TF_LIT(">x"), TF_LIT("\0"), TF_LIT("("), TF_LIT("@y"),
		TF_LIT(")"), TF_LIT("\r\n"), TF_LIT(",\"") };
	struct tf_author other;

	for (size_t i = 0; i < TF_ARRAY_LEN(junk); i++) {
		tf_mailbox_from_parse(join(a, TF_NONE_STR, in, junk[i]), MAX_DOMAINS, a, &other);
		FUZZ_ASSERT(other.state != TF_FROM_OK);
	}
	tf_mailbox_from_parse(
	    join(a, TF_STR(" (c)\r\n "), in, TF_STR(" (d)")), MAX_DOMAINS, a, &other);
	FUZZ_ASSERT(other.state == TF_FROM_OK && other.domain_count == au->domain_count);
	tf_mailbox_from_parse(
	    join(a, TF_NONE_STR, in, TF_STR(", u@added.example")), MAX_DOMAINS, a, &other);
	if (au->domain_count == MAX_DOMAINS) {
		FUZZ_ASSERT(other.state == TF_FROM_OK || other.state == TF_FROM_TOO_MANY_DOMAINS);
		return;
	}
	FUZZ_ASSERT(other.state == TF_FROM_OK);
	for (size_t i = 0; i < au->domain_count; i++)
		FUZZ_ASSERT(tf_str_eq(other.domains[i], au->domains[i]));
}

/* Two parsers, one address: where both decide, they agree. */
static void
check_path(struct tf_str in, struct tf_arena *a)
{
	struct tf_str local, domain, normal;
	struct tf_author au;

	if (!tf_mailbox_path(in, &local, &domain))
		return;
	FUZZ_ASSERT(fuzz_inside(local, in) && fuzz_inside(domain, in));
	FUZZ_ASSERT(local.len != 0 && domain.len != 0 && local.ptr + local.len < domain.ptr);
	for (size_t i = 0; i < domain.len; i++)
		FUZZ_ASSERT(!tf_is_ctl(domain.ptr[i]) &&
			    tf_str_find(TF_STR("@\"\\()<>[]:;, "), domain.ptr[i]) == 13);
	tf_mailbox_from_parse(join(a, TF_STR("<"), in, TF_STR(">")), MAX_DOMAINS, a, &au);
	if (au.state != TF_FROM_OK)
		return;
	FUZZ_ASSERT(au.domain_count == 1);
	FUZZ_ASSERT(tf_domain_normalise(domain, a, &normal));
	FUZZ_ASSERT(tf_str_eq(normal, au.domains[0]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str in = fuzz_input(data, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_author au;

	tf_mailbox_from_parse(in, MAX_DOMAINS, a, &au);
	check_author(&au, a);
	/* Far from the limits, so that what is added does not meet them. */
	if (au.state == TF_FROM_OK && size < 900)
		check_around(&au, in, a);
	check_path(in, a);
	return 0;
}
