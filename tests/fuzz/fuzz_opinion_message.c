/*
 * fuzz_opinion_message.c - what a process that somebody took over could send: each packet is
 * refused, or is one message, whose only packet it is
 */
#include "milter/opinion_message.h"
#include "tests/fuzz/fuzz.h"

static bool
reads(struct tf_str packet, struct tf_arena *a)
{
	struct tf_opinion_message m;

	return tf_opinion_read(packet, a, &m);
}

static void
check_answer(const struct tf_opinion_message *m, struct tf_str packet)
{
	const struct tf_dns_answer *answer = &m->answer;
	const struct tf_str *texts = answer->txts != NULL ? answer->txts : answer->names;

	FUZZ_ASSERT(
	    (answer->txts != NULL) + (answer->addrs != NULL) + (answer->names != NULL) == 1);
	FUZZ_ASSERT(answer->count <= 100 && answer->status <= TF_DNS_MALFORMED);
	for (size_t i = 0; i < answer->count; i++) {
		if (answer->addrs != NULL)
			FUZZ_ASSERT(answer->addrs[i].family <= TF_FAMILY_V6);
		else
			FUZZ_ASSERT(fuzz_inside(texts[i], packet));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_str packet = fuzz_input(data, size);
	struct tf_arena *a = fuzz_arena();
	struct tf_opinion_message m;
	struct tf_buf out;

	if (!tf_opinion_read(packet, a, &m))
		return 0;
	FUZZ_ASSERT(fuzz_inside(m.helo, packet) && fuzz_inside(m.mail_from, packet));
	FUZZ_ASSERT(fuzz_inside(m.receiver, packet) && fuzz_inside(m.text, packet));
	FUZZ_ASSERT(m.code <= TF_PERMERROR);
	if (m.kind == TF_OPINION_ANSWER)
		check_answer(&m, packet);
	tf_buf_init_arena(&out, a, size + 1);
	tf_opinion_write(&m, &out);
	FUZZ_ASSERT(!out.overflow && tf_str_eq(tf_buf_get(&out), packet));
	/* Neither less nor more of it is one. */
	FUZZ_ASSERT(!reads(tf_str_sub(packet, 0, packet.len - 1), a));
	tf_buf_byte(&out, 'N');
	FUZZ_ASSERT(!reads(tf_buf_get(&out), a));
	return 0;
}
