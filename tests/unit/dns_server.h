/*
 * dns_server.h - a DNS server on loopback for unit tests: TXT records from a table, and failures
 *
 * A zone text in the resolver is enough for everything that DNS answers; this is for what it does
 * not: SERVFAIL, REFUSED, silence, rubbish. A name that the table has neither itself nor below it
 * is NXDOMAIN.
 */
#ifndef TESTS_UNIT_DNS_SERVER_H
#define TESTS_UNIT_DNS_SERVER_H

#include "truefrom/base.h"

enum dns_reply { DNS_TXT, DNS_SERVFAIL, DNS_REFUSED, DNS_SILENT, DNS_RUBBISH };

struct dns_row {
	const char *name; /* lower case, no trailing dot */
	enum dns_reply reply;
	const char *txt; /* with DNS_TXT, up to 255 octets; NULL: the name exists, no record */
};

struct dns_server;

/* rows is borrowed until stop; ends the test when no socket can be had. */
struct dns_server *dns_server_start(const struct dns_row *rows, size_t count);
void dns_server_stop(struct dns_server *s);
struct tf_str dns_server_address(const struct dns_server *s); /* "127.0.0.1@PORT" */

#endif
