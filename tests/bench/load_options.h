/*
 * load_options.h - what the load generator is asked to do
 */
#ifndef TESTS_BENCH_LOAD_OPTIONS_H
#define TESTS_BENCH_LOAD_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/load_session.h"

struct load_options {
	const char *corpus, *verdicts, *id;
	const char *sockets[LOAD_FILTERS_MAX];
	size_t socket_count;
	uint32_t connections, per_connection, seconds, rate, think_ms, timeout_s;
	uint64_t messages;
};

/* Reads the command line; ends the process with the usage where it is wrong. */
struct load_options load_options_read(int argc, char **argv);

#endif
