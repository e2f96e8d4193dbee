/*
 * plan_check.h - what the plan for a message must be like, whatever the message is
 */
#ifndef TESTS_FUZZ_PLAN_CHECK_H
#define TESTS_FUZZ_PLAN_CHECK_H

#include "milter/session.h"

#define PLAN_FIELDS_MAX 600
#define PLAN_TEXT_MAX ((size_t)1024 * 1024)

/* A configuration, and what follows from it. */
struct setting {
	const char *text;
	size_t max_fields, max_bytes;
	enum tf_action on_error;
	bool relay; /* trusted_relays = 198.51.100.0/24 */
	bool little_memory, monitor;
};

/* What the conversation is, by a count of our own. */
struct model {
	bool open, done, body, local;
	struct tf_addr client;
	struct tf_str helo, mta_name; /* of the message */
	struct tf_str next_helo, next_mta_name;
	const struct setting *setting;    /* in force */
	const struct setting *began_with; /* at MAIL FROM */
	size_t first;                     /* event of the MAIL FROM */
	char mail;                        /* its kind */
	size_t bytes;                     /* of names and values */
	size_t field_count;
	struct tf_str names[PLAN_FIELDS_MAX], values[PLAN_FIELDS_MAX];
};

/* The end of a message that never began: on_error, and nothing else. */
void plan_check_out_of_turn(const struct model *m, const struct tf_plan *plan);
/* The end of the message that the model has. */
void plan_check(const struct model *m, const struct tf_plan *plan);
/* For people (tf_session_explain): no byte that a terminal would obey. */
void plan_check_explained(const struct tf_plan *plan);
/* All that the MTA gets to know. */
struct tf_str plan_text(const struct tf_plan *plan, struct tf_arena *a);

#endif
