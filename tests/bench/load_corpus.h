/*
 * load_corpus.h - the messages that are sent, each made ready for the milter protocol
 */
#ifndef TESTS_BENCH_LOAD_CORPUS_H
#define TESTS_BENCH_LOAD_CORPUS_H

#include <sys/uio.h>

#include "tests/bench/load_verdict.h"

#define LOAD_CHUNK 65535         /* octets of body in one packet, as Postfix sends them */
#define LOAD_MESSAGES_MAX 100000 /* lines of an index */
#define LOAD_FIELDS_MAX 20000    /* header fields of a message */

struct load_field {
	struct tf_str name, value; /* the value as after the colon, folds as LF */
};

/* Header fields as milter packets, one behind the other. */
struct load_headers {
	char *bytes;
	size_t len, cap;
	size_t *starts; /* of each packet, and the end */
	size_t count, starts_cap;
};

struct load_message {
	const char *file;
	const char *client, *helo, *sender, *recipient;
	struct load_verdict expected;
	unsigned int reported; /* columns whose disagreement was written */
	struct load_field *fields;
	size_t field_count;
	struct load_headers headers[2]; /* [1]: values with their leading space */
	struct iovec *body;             /* pairs of head and content of a packet */
	size_t body_count;              /* packets */
	char last_head[5];
	char *octets; /* the file; fields and body lie in it */
};

/* Messages of one client that one connection may carry: order[start .. start + count). */
struct load_session {
	size_t start, count;
};

struct load_corpus {
	struct load_message *messages;
	size_t count;
	char *index; /* the text; the messages' strings lie in it */
	struct load_message **order;
	struct load_session *sessions;
	size_t session_count;
};

/*
 * load_corpus_read - read DIR/index and the messages that it names
 *
 * per_connection  how many messages of one client (address and HELO) are put into a session
 *
 * Returns 0, or -1 with the reason in why.
 */
int load_corpus_read(
    struct load_corpus *corpus, const char *folder, size_t per_connection, struct tf_buf *why);
void load_corpus_clear(struct load_corpus *corpus);

/* Packs fields anew; the memory of an earlier use is kept. */
void load_headers_pack(
    struct load_headers *h, const struct load_field *fields, size_t count, bool leading_space);
void load_headers_clear(struct load_headers *h);

#endif
