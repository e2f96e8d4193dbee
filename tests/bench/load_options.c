/*
 * load_options.c - the load generator's command line
 *
 * Numbers are decimal, each within limits that the message names.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/load_options.h"
#include "truefrom/banned.h"

static void __attribute__((noreturn)) usage(FILE *out, int code)
{
	fputs(
	    "usage: load --corpus DIR --socket SPEC [--socket SPEC]... [OPTION]...\n"
	    "\n"
	    "Sends the messages of a corpus, in turn, to a milter or a chain of them as Postfix "
	    "3.7\n"
	    "does, and prints what was measured as one JSON object.\n"
	    "\n"
	    "  --corpus DIR        DIR/index has one line a message, separated by tabs: file, "
	    "client\n"
	    "                      IP, HELO name, envelope sender (empty: null sender), "
	    "recipient,\n"
	    "                      expected spf, dkim (comma list or none), arc (or none), dmarc,\n"
	    "                      action (accept, quarantine, reject, tempfail); # begins a "
	    "comment\n"
	    "  --socket SPEC       unix:PATH or inet:PORT@HOST; up to 4, in the order of the "
	    "chain\n"
	    "  --connections N     at the same time (1)\n"
	    "  --per-connection M  messages on one connection at most (5); a connection carries "
	    "only\n"
	    "                      messages of one client IP and HELO, so it may be fewer\n"
	    "  --messages N        stop after so many (default: the corpus once)\n"
	    "  --seconds S         stop starting messages after so long\n"
	    "  --rate R            open loop, R messages a second in all; latency counts from the\n"
	    "                      time when a message was due (default: closed loop)\n"
	    "  --think MS          pause of a connection between two messages (0)\n"
	    "  --timeout S         for a message, connecting included (60)\n"
	    "  --id ID             read Authentication-Results of this authserv-id alone\n"
	    "  --verdicts FILE     write disagreements: file, column, expected, said; each "
	    "message\n"
	    "                      and column once\n"
	    "\n"
	    "latency_ms: first octet of MAIL to the final reply (of the last filter). end_ms: "
	    "from\n"
	    "the end of the message written to the final reply, summed over the chain.\n"
	    "agreement: results that the filters inserted, compared as words without regard to "
	    "the\n"
	    "order; what none of them said counts as not_said; a line is wrong when a column is.\n"
	    "Exit code: 0 measured (even with errors), 2 usage, 3 it could not begin.\n",
	    out);
	exit(code);
}

static uint64_t
number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	uint64_t n;

	if (!tf_str_to_u64(tf_str_from(text), max, &n) || n < min) {
		fprintf(stderr, "load: --%s: \"%s\" is not %llu to %llu\n", option, text,
		    (unsigned long long)min, (unsigned long long)max);
		usage(stderr, 2);
	}
	return n;
}

static void
take_option(struct load_options *o, int key, const char *name)
{
	switch (key) {
	case 'c':
		o->corpus = optarg;
		break;
	case 's':
		if (o->socket_count == LOAD_FILTERS_MAX)
			usage(stderr, 2);
		o->sockets[o->socket_count++] = optarg;
		break;
	case 'n':
		o->connections = (uint32_t)number(name, optarg, 1, 10000);
		break;
	case 'p':
		o->per_connection = (uint32_t)number(name, optarg, 1, 1000000);
		break;
	case 'm':
		o->messages = number(name, optarg, 1, 1000000000000);
		break;
	case 'S':
		o->seconds = (uint32_t)number(name, optarg, 1, 86400);
		break;
	case 'r':
		o->rate = (uint32_t)number(name, optarg, 1, 1000000);
		break;
	case 't':
		o->think_ms = (uint32_t)number(name, optarg, 0, 3600000);
		break;
	case 'T':
		o->timeout_s = (uint32_t)number(name, optarg, 1, 3600);
		break;
	case 'i':
		o->id = optarg;
		break;
	case 'v':
		o->verdicts = optarg;
		break;
	case 'h':
		usage(stdout, 0);
	default:
		usage(stderr, 2);
	}
}

struct load_options
load_options_read(int argc, char **argv)
{
	static const struct option table[] = { { "corpus", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "connections", required_argument, NULL, 'n' },
		{ "per-connection", required_argument, NULL, 'p' },
		{ "messages", required_argument, NULL, 'm' },
		{ "seconds", required_argument, NULL, 'S' },
		{ "rate", required_argument, NULL, 'r' }, { "think", required_argument, NULL, 't' },
		{ "timeout", required_argument, NULL, 'T' }, { "id", required_argument, NULL, 'i' },
		{ "verdicts", required_argument, NULL, 'v' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 } };
	struct load_options o = { .connections = 1, .per_connection = 5, .timeout_s = 60 };
	int key, index = 0;

	while ((key = getopt_long(argc, argv, "", table, &index)) != -1)
		take_option(&o, key, table[index].name);
	if (optind != argc || o.corpus == NULL || o.socket_count == 0)
		usage(stderr, 2);
	return o;
}
