/*
 * opinion_message.h - what passes between truefrom and the process that libspf2 runs in
 *
 * One message is one packet of a SOCK_SEQPACKET pair. Both ends take the other for hostile: a
 * packet is whole and within every bound, or it is refused.
 */
#ifndef MILTER_OPINION_MESSAGE_H
#define MILTER_OPINION_MESSAGE_H

#include "truefrom/resolver.h"

#define TF_OPINION_PACKET_MAX ((size_t)80 * 1024) /* an answer of the resolver fits */
#define TF_OPINION_TEXT_MAX ((size_t)4096)        /* of a name, a reason */

enum tf_opinion_kind {
	TF_OPINION_CASE = 'C',     /* to the library: client, helo, mail_from, receiver */
	TF_OPINION_ANSWER = 'A',   /* to the library: type, answer */
	TF_OPINION_QUESTION = 'Q', /* from the library: type, text (the name) */
	TF_OPINION_RESULT = 'R',   /* from the library: code, text (the reason) */
	TF_OPINION_NONE = 'N'      /* from the library: it gives no result; text says why */
};

struct tf_opinion_message {
	enum tf_opinion_kind kind;
	struct tf_addr client;
	struct tf_str helo, mail_from, receiver;
	enum tf_dns_type type;
	struct tf_dns_answer answer;
	enum tf_code code;
	struct tf_str text;
};

/* Appends the packet to out, whose overflow says that it cannot be sent. */
void tf_opinion_write(const struct tf_opinion_message *message, struct tf_buf *out);
/*
 * tf_opinion_read - a packet as a message
 *
 * a            owns lists of the message; its texts point into packet and may hold any byte
 * message_out  complete only on true
 *
 * Returns false when the packet is not exactly one message.
 */
bool tf_opinion_read(
    struct tf_str packet, struct tf_arena *a, struct tf_opinion_message *message_out);

#endif
