/*
 * opinion_message.c - packets to and from the process that libspf2 runs in
 *
 * A kind, then its fields in a fixed order: an octet for each enumerator, two octets (high first)
 * for a count, two octets of length before a text.
 * Limits: a text of 65,535 octets, TF_OPINION_PACKET_MAX in all, ANSWERS_MAX records.
 */
#include <string.h>

#include "milter/opinion_message.h"
#include "truefrom/banned.h"

#define ANSWERS_MAX 100
#define ADDR_BYTES sizeof(((struct tf_addr *)NULL)->bytes)

static void
put_number(struct tf_buf *out, size_t n)
{
	if (n > UINT16_MAX)
		out->overflow = true;
	tf_buf_byte(out, (char)(n >> 8 & 255));
	tf_buf_byte(out, (char)(n & 255));
}

static void
put_text(struct tf_buf *out, struct tf_str s)
{
	put_number(out, s.len);
	tf_buf_str(out, s);
}

static void
put_addr(struct tf_buf *out, const struct tf_addr *addr)
{
	tf_buf_byte(out, (char)addr->family);
	tf_buf_str(out, (struct tf_str){ (const char *)addr->bytes, ADDR_BYTES });
}

static void
put_answer(struct tf_buf *out, enum tf_dns_type type, const struct tf_dns_answer *answer)
{
	tf_buf_byte(out, (char)type);
	tf_buf_byte(out, (char)answer->status);
	put_number(out, answer->count);
	for (size_t i = 0; i < answer->count; i++) {
		if (answer->addrs != NULL)
			put_addr(out, &answer->addrs[i]);
		else
			put_text(out, answer->txts != NULL ? answer->txts[i] : answer->names[i]);
	}
}

void
tf_opinion_write(const struct tf_opinion_message *message, struct tf_buf *out)
{
	tf_buf_byte(out, (char)message->kind);
	switch (message->kind) {
	case TF_OPINION_CASE:
		put_addr(out, &message->client);
		put_text(out, message->helo);
		put_text(out, message->mail_from);
		put_text(out, message->receiver);
		return;
	case TF_OPINION_ANSWER:
		put_answer(out, message->type, &message->answer);
		return;
	case TF_OPINION_QUESTION:
		tf_buf_byte(out, (char)message->type);
		put_text(out, message->text);
		return;
	case TF_OPINION_RESULT:
		tf_buf_byte(out, (char)message->code);
		put_text(out, message->text);
		return;
	case TF_OPINION_NONE:
		put_text(out, message->text);
		return;
	}
}

/* Exactly len octets; empty at the end, and the packet is then refused. */
static struct tf_str
take(struct tf_lex *lx, size_t len)
{
	struct tf_str taken = tf_str_sub(tf_lex_rest(lx), 0, len);

	if (lx->err != NULL || taken.len != len) {
		tf_lex_fail(lx, "cut off");
		return TF_NONE_STR;
	}
	lx->p += len;
	return taken;
}

static size_t
take_number(struct tf_lex *lx)
{
	const struct tf_str two = take(lx, 2);

	return two.len == 2 ? (size_t)(unsigned char)two.ptr[0] << 8 | (unsigned char)two.ptr[1]
			    : 0;
}

/* One octet below `below`. */
static unsigned
take_octet(struct tf_lex *lx, unsigned below)
{
	const struct tf_str one = take(lx, 1);
	unsigned value = one.len == 1 ? (unsigned char)one.ptr[0] : 0;

	if (value >= below) {
		tf_lex_fail(lx, "not a value");
		value = 0;
	}
	return value;
}

static struct tf_str
take_text(struct tf_lex *lx)
{
	return take(lx, take_number(lx));
}

static struct tf_addr
take_addr(struct tf_lex *lx)
{
	struct tf_addr addr = { .family = (enum tf_family)take_octet(lx, TF_FAMILY_V6 + 1) };
	const struct tf_str bytes = take(lx, ADDR_BYTES);

	if (bytes.len == ADDR_BYTES)
		memcpy(addr.bytes, bytes.ptr, ADDR_BYTES);
	return addr;
}

static enum tf_dns_type
take_type(struct tf_lex *lx)
{
	static const enum tf_dns_type known[] = { TF_TYPE_A, TF_TYPE_PTR, TF_TYPE_MX, TF_TYPE_TXT,
		TF_TYPE_AAAA };
	const unsigned value = take_octet(lx, UINT8_MAX);

	for (size_t i = 0; i < TF_ARRAY_LEN(known); i++) {
		if (value == (unsigned)known[i])
			return known[i];
	}
	tf_lex_fail(lx, "not a type");
	return TF_TYPE_TXT;
}

static void
take_answer(struct tf_lex *lx, struct tf_arena *a, struct tf_opinion_message *m)
{
	struct tf_addr *addrs;
	struct tf_str *texts;
	size_t count;

	m->type = take_type(lx);
	m->answer.status = (enum tf_dns_status)take_octet(lx, TF_DNS_MALFORMED + 1);
	count = take_number(lx);
	if (count > ANSWERS_MAX)
		tf_lex_fail(lx, "too many records");
	if (lx->err != NULL)
		return;
	addrs = tf_arena_array(a, count, sizeof(*addrs));
	texts = tf_arena_array(a, count, sizeof(*texts));
	m->answer.count = count;
	if (m->type == TF_TYPE_A || m->type == TF_TYPE_AAAA)
		m->answer.addrs = addrs;
	else if (m->type == TF_TYPE_TXT)
		m->answer.txts = texts;
	else
		m->answer.names = texts;
	for (size_t i = 0; i < count; i++) {
		if (m->answer.addrs != NULL)
			addrs[i] = take_addr(lx);
		else
			texts[i] = take_text(lx);
	}
}

static void
take_case(struct tf_lex *lx, struct tf_opinion_message *m)
{
	m->client = take_addr(lx);
	m->helo = take_text(lx);
	m->mail_from = take_text(lx);
	m->receiver = take_text(lx);
}

bool
tf_opinion_read(struct tf_str packet, struct tf_arena *a, struct tf_opinion_message *message_out)
{
	struct tf_lex lx = tf_lex_init(packet);
	const unsigned kind = take_octet(&lx, UINT8_MAX);

	memset(message_out, 0, sizeof(*message_out));
	if (kind == TF_OPINION_CASE) {
		take_case(&lx, message_out);
	} else if (kind == TF_OPINION_ANSWER) {
		take_answer(&lx, a, message_out);
	} else if (kind == TF_OPINION_QUESTION) {
		message_out->type = take_type(&lx);
		message_out->text = take_text(&lx);
	} else if (kind == TF_OPINION_RESULT) {
		message_out->code = (enum tf_code)take_octet(&lx, TF_PERMERROR + 1);
		message_out->text = take_text(&lx);
	} else if (kind == TF_OPINION_NONE) {
		message_out->text = take_text(&lx);
	} else {
		return false;
	}
	message_out->kind = (enum tf_opinion_kind)kind;
	return lx.err == NULL && lx.p == lx.end;
}
