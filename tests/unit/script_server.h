/*
 * script_server.h - a DNS server on 127.0.0.1 whose answers are scripted by the name asked
 *
 * The first label of the name says what comes back; what follows a "-" in it is an argument or
 * makes names different:
 *   ok nodata nxdomain servfail refused notimp   the status; ok: TXT "ok", A 192.0.2.1
 *   silent       nothing at all
 *   delay-MS     "ok" after MS milliseconds
 *   once         SERVFAIL the first time, "ok" from then on
 *   wrongid wrongname wrongclass garbage         "ok" with that one thing wrong
 *   trunc        truncated over UDP, "tcp" over TCP
 *   chain-N      N aliases (chain-N.test only), then "ok"
 *   loop         an alias to loop2, whose alias is loop
 *   many-N       N TXT records
 *   big-N        N kilobytes of TXT over TCP
 *   signed       "ok", and no signature whatever is asked
 */
#ifndef TESTS_UNIT_SCRIPT_SERVER_H
#define TESTS_UNIT_SCRIPT_SERVER_H

#include "truefrom/base.h"

struct script_server;

struct script_server *script_server_start(void); /* on a port of its own, UDP and TCP */
void script_server_stop(struct script_server *s);
struct tf_str script_server_address(const struct script_server *s); /* "127.0.0.1@PORT" */
/* Questions for names whose whole first label is that; over UDP and TCP. */
unsigned int script_server_count(struct script_server *s, const char *label);
unsigned int script_server_total(struct script_server *s);

#endif
