/*
 * fuzz_dns_answer.c - any packet gives one status, and records only where the status says so
 *
 * The first byte of the input picks the type asked; the rest is the packet. The name asked is
 * q.test.
 */
#include "policy/dns_answer.h"
#include "tests/fuzz/fuzz.h"

static void
check_name(struct tf_str name)
{
	FUZZ_ASSERT(name.len <= 253);
	for (size_t i = 0; i < name.len; i++)
		FUZZ_ASSERT(name.ptr[i] != '\0' && tf_lower(name.ptr[i]) == name.ptr[i]);
}

static void
check_records(const struct tf_dns_answer *answer, enum tf_dns_type type, size_t packet_size)
{
	bool txt = type == TF_TYPE_TXT, mx = type == TF_TYPE_MX;
	bool addr = type == TF_TYPE_A || type == TF_TYPE_AAAA;
	size_t text = 0;

	FUZZ_ASSERT((answer->txts != NULL) == txt);
	FUZZ_ASSERT((answer->addrs != NULL) == addr);
	FUZZ_ASSERT((answer->names != NULL) == (mx || type == TF_TYPE_PTR));
	FUZZ_ASSERT((answer->prefs != NULL) == mx);
	for (size_t i = 0; i < answer->count; i++) {
		if (txt)
			text += answer->txts[i].len;
		else if (addr)
			FUZZ_ASSERT(answer->addrs[i].family != TF_FAMILY_NONE);
		else
			check_name(answer->names[i]);
		FUZZ_ASSERT(!mx || i == 0 || answer->prefs[i - 1] <= answer->prefs[i]);
	}
	FUZZ_ASSERT(text <= packet_size);
}

static enum tf_dns_status
status_of(struct tf_str packet, const char *name, enum tf_dns_type type, struct tf_arena *a)
{
	struct tf_dns_answer answer;

	tf_dns_answer_parse(packet, tf_str_from(name), type, a, &answer);
	return answer.status;
}

/* A reply to this question is whole, and none to any other. */
static void
check_reply(struct tf_str packet, enum tf_dns_type type, struct tf_arena *a)
{
	const enum tf_dns_type other = type == TF_TYPE_TXT ? TF_TYPE_A : TF_TYPE_TXT;
	struct tf_buf longer;

	FUZZ_ASSERT(status_of(packet, "other.test", type, a) == TF_DNS_MALFORMED);
	FUZZ_ASSERT(status_of(packet, "q.test", other, a) == TF_DNS_MALFORMED);
	FUZZ_ASSERT(status_of(tf_str_sub(packet, 0, packet.len - 1), "q.test", type, a) ==
		    TF_DNS_MALFORMED);
	tf_buf_init_arena(&longer, a, packet.len + 1);
	tf_buf_str(&longer, packet);
	tf_buf_byte(&longer, '\0');
	FUZZ_ASSERT(status_of(tf_buf_get(&longer), "q.test", type, a) == TF_DNS_MALFORMED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum tf_dns_type types[] = { TF_TYPE_TXT, TF_TYPE_A, TF_TYPE_AAAA, TF_TYPE_MX,
		TF_TYPE_PTR };
	enum tf_dns_type type = types[size != 0 ? data[0] % TF_ARRAY_LEN(types) : 0];
	struct tf_str packet = tf_str_sub(fuzz_input(data, size), 1, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_dns_answer answer;
	const struct tf_str *texts;

	tf_dns_answer_parse(packet, TF_STR("q.test"), type, a, &answer);
	texts = tf_dns_answer_write(&answer, type, a);
	if (answer.status != TF_DNS_MALFORMED)
		check_reply(packet, type, a);
	FUZZ_ASSERT((answer.status == TF_DNS_NOERROR) == (answer.count != 0));
	FUZZ_ASSERT(answer.count <= TF_DNS_MAX_RECORDS && !answer.secure);
	if (answer.count != 0)
		check_records(&answer, type, packet.len);
	for (size_t i = 0; i < answer.count; i++) {
		for (size_t n = 0; n < texts[i].len; n++)
			FUZZ_ASSERT(texts[i].ptr[n] >= 32 && texts[i].ptr[n] < 127);
	}
	return 0;
}
