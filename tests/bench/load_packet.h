/*
 * load_packet.h - what is said at each stage of a message: macros and commands
 */
#ifndef TESTS_BENCH_LOAD_PACKET_H
#define TESTS_BENCH_LOAD_PACKET_H

#include "tests/bench/load_corpus.h"
#include "tests/bench/load_link.h"

enum load_stage {
	LOAD_CONNECT,
	LOAD_HELO,
	LOAD_MAIL,
	LOAD_RCPT,
	LOAD_DATA,
	LOAD_HEADER,
	LOAD_EOH,
	LOAD_BODY,
	LOAD_END,
	LOAD_STAGE_COUNT
};

/* Whether the filter wants to hear of it, and whether it answers. */
bool load_stage_is_wanted(enum load_stage stage, const struct load_link *link);
bool load_stage_is_answered(enum load_stage stage, const struct load_link *link);

/*
 * load_packet_put - append the macros of a stage, and its command where the filter wants it
 *
 * id  the queue id, a macro from DATA on
 *
 * Header fields and body are not put here. False when there is no room.
 */
bool load_packet_put(
    struct load_link *link, enum load_stage stage, const struct load_message *m, const char *id);

#endif
