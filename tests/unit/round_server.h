/*
 * round_server.h - a DNS server on loopback that answers in rounds
 *
 * Questions are held until the test releases all of them at once, so that a test can count how many
 * round trips something takes without looking at a clock.
 */
#ifndef TESTS_UNIT_ROUND_SERVER_H
#define TESTS_UNIT_ROUND_SERVER_H

#include "truefrom/base.h"

struct round_server;

/* zone: records in master-file form, one a line, names absolute; what it has not is NXDOMAIN. */
struct round_server *round_server_start(const char *zone);
void round_server_stop(struct round_server *s);
struct tf_str round_server_address(const struct round_server *s); /* "127.0.0.1@PORT" */
/* Sleeps until that many different questions have come in since the start. */
void round_server_wait(struct round_server *s, size_t questions);
/* Answers all that are held. */
void round_server_release(struct round_server *s);

#endif
