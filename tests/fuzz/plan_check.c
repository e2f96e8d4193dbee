/*
 * plan_check.c - what the plan for a message must be like, whatever the message is
 */
#include <string.h>

#include "milter/log_line.h"
#include "tests/authres_parse.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/plan_check.h"

static size_t
count_named(const struct model *m, struct tf_str name)
{
	size_t n = 0;

	for (size_t i = 0; i < m->field_count; i++)
		n += tf_str_eq_nocase(tf_str_trim(m->names[i]), name);
	return n;
}

static bool
is_deleted(const struct tf_plan *plan, const char *name, size_t index)
{
	for (size_t i = 0; i < plan->deletion_count; i++) {
		if (strcmp(plan->deletions[i].name, name) == 0 && plan->deletions[i].index == index)
			return true;
	}
	return false;
}

/* Within what arrived, and of each name from the highest down. */
static void
check_deletions(const struct model *m, const struct tf_plan *plan)
{
	const struct tf_deletion *d = plan->deletions;

	for (size_t i = 0; i < plan->deletion_count; i++) {
		FUZZ_ASSERT(d[i].index >= 1);
		FUZZ_ASSERT(d[i].index <= count_named(m, tf_str_from(d[i].name)));
		for (size_t k = 0; k < i; k++)
			FUZZ_ASSERT(strcmp(d[k].name, d[i].name) != 0 || d[k].index > d[i].index);
		FUZZ_ASSERT(i == 0 || strcmp(d[i - 1].name, d[i].name) == 0 ||
			    !is_deleted(&(struct tf_plan){ .deletions = d, .deletion_count = i },
				d[i].name, d[i].index));
	}
}

static bool
is_relay(const struct model *m)
{
	struct tf_net net;

	FUZZ_ASSERT(tf_net_parse(TF_STR("198.51.100.0/24"), &net));
	return m->began_with->relay && tf_net_list_has(&net, 1, &m->client);
}

/* Nothing that a strict reader takes for ours stays. */
static void
check_forged(
    const struct model *m, const struct tf_plan *plan, struct tf_str id, struct tf_arena *a)
{
	struct tf_parsed *p = tf_arena_alloc(a, sizeof(*p));
	size_t results = 0, marks = 0;

	for (size_t i = 0; i < m->field_count && !is_relay(m); i++) {
		const struct tf_str name = tf_str_trim(m->names[i]);

		if (tf_str_eq_nocase(name, TF_STR("X-Truefrom-Quarantine")))
			FUZZ_ASSERT(is_deleted(plan, "X-Truefrom-Quarantine", ++marks));
		if (!tf_str_eq_nocase(name, TF_STR("Authentication-Results")))
			continue;
		results++;
		if (id.len != 0 && tf_authres_parse(m->values[i], a, p) == NULL &&
		    tf_str_eq_nocase(p->id, id))
			FUZZ_ASSERT(is_deleted(plan, "Authentication-Results", results));
	}
	FUZZ_ASSERT(!is_relay(m) || plan->deletion_count == 0);
}

/* One field body: folds are LF and a blank, lines are not too long, and no other control byte. */
static void
check_value(const struct model *m, const struct tf_insertion *ins)
{
	const struct tf_str value = tf_str_from(ins->value);
	size_t line = strlen(ins->name) + 1;

	FUZZ_ASSERT(value.len > 1 && value.ptr[0] == ' ');
	for (size_t i = 0; i < value.len; i++) {
		const char c = value.ptr[i];

		FUZZ_ASSERT(c == '\n' || c == '\t' || !tf_is_ctl(c));
		FUZZ_ASSERT(!tf_is_8bit(c) || m->mail == 'U');
		FUZZ_ASSERT(c != '\n' || (i + 1 < value.len && tf_is_wsp(value.ptr[i + 1])));
		line = c == '\n' ? 0 : line + 1;
		FUZZ_ASSERT(line <= 998);
	}
}

/* Our own field says what the result says, and would be taken for ours. Returns our id in it. */
static struct tf_str
check_authres(const struct tf_plan *plan, const struct tf_insertion *ins, struct tf_arena *a)
{
	struct tf_parsed *p = tf_arena_alloc(a, sizeof(*p));
	const struct tf_dmarc *dmarc = plan->result->dmarc;
	size_t found = 0;

	FUZZ_ASSERT(strcmp(ins->name, "Authentication-Results") == 0);
	FUZZ_ASSERT(tf_authres_parse(tf_str_from(ins->value), a, p) == NULL);
	for (size_t i = 0; i < p->count; i++) {
		if (!tf_str_eq(p->results[i].method, TF_STR("dmarc")))
			continue;
		found++;
		FUZZ_ASSERT(dmarc != NULL);
		FUZZ_ASSERT(tf_str_eq(p->results[i].code, tf_str_from(tf_code_name(dmarc->code))));
	}
	FUZZ_ASSERT(found == (dmarc != NULL));
	FUZZ_ASSERT(
	    tf_authres_is_forged(tf_str_from(ins->value), &(struct tf_authres_ids){ &p->id, 1 }));
	return p->id;
}

static struct tf_str
check_insertions(const struct model *m, const struct tf_plan *plan, struct tf_arena *a)
{
	const size_t n = plan->insertion_count;

	FUZZ_ASSERT(n <= 2 + TF_RECEIVED_SPF_MAX);
	FUZZ_ASSERT((n == 0) == (plan->result->exempt != TF_EXEMPT_NO ||
				    plan->verdict->decided_by == TF_RULE_ERROR));
	for (size_t i = 0; i < n; i++)
		check_value(m, &plan->insertions[i]);
	return n != 0 ? check_authres(plan, &plan->insertions[n - 1], a) : TF_NONE_STR;
}

/* RFC 5321 section 4.2 and RFC 3463 section 2: codes of one class, text on lines of one reply. */
static void
check_reply(const struct tf_plan *plan)
{
	const char class = plan->action == TF_ACT_REJECT ? '5' : '4';
	const struct tf_str xcode = tf_str_from(plan->reply_xcode);

	if (plan->action == TF_ACT_ACCEPT) {
		FUZZ_ASSERT(plan->reply_code == NULL && plan->reply_lines[0] == NULL);
		return;
	}
	FUZZ_ASSERT(plan->action == TF_ACT_REJECT || plan->action == TF_ACT_TEMPFAIL);
	FUZZ_ASSERT(strlen(plan->reply_code) == 3 && plan->reply_code[0] == class);
	FUZZ_ASSERT(tf_is_digit(plan->reply_code[1]) && tf_is_digit(plan->reply_code[2]));
	FUZZ_ASSERT(xcode.len >= 5 && xcode.ptr[0] == class && xcode.ptr[1] == '.');
	for (size_t i = 0; i < xcode.len; i++)
		FUZZ_ASSERT(tf_is_digit(xcode.ptr[i]) || xcode.ptr[i] == '.');
	FUZZ_ASSERT(plan->reply_lines[0] != NULL);
	for (size_t n = 0; n < TF_REPLY_LINES && plan->reply_lines[n] != NULL; n++) {
		const struct tf_str line = tf_str_from(plan->reply_lines[n]);

		FUZZ_ASSERT(line.len <= 500); /* RFC 5321 section 4.5.3.1.5, less the codes */
		for (size_t i = 0; i < line.len; i++)
			FUZZ_ASSERT(!tf_is_ctl(line.ptr[i]) && !tf_is_8bit(line.ptr[i]));
	}
}

/* The limits decide, nothing else does; and monitor mode takes no action. */
static void
check_action(const struct model *m, const struct tf_plan *plan)
{
	const struct setting *set = m->began_with;
	const bool over = m->field_count > set->max_fields || m->bytes > set->max_bytes;
	const bool exempt = plan->result->exempt != TF_EXEMPT_NO;

	if (over && !exempt)
		FUZZ_ASSERT(plan->verdict->decided_by == TF_RULE_ERROR);
	if (plan->verdict->decided_by == TF_RULE_ERROR) {
		FUZZ_ASSERT(!exempt && (over || set->little_memory));
		FUZZ_ASSERT(plan->action == set->on_error);
	}
	FUZZ_ASSERT(!exempt || plan->action == TF_ACT_ACCEPT);
	if (set->monitor)
		FUZZ_ASSERT(plan->action == TF_ACT_ACCEPT && plan->hold_reason == NULL);
	FUZZ_ASSERT(plan->hold_reason == NULL || plan->action == TF_ACT_ACCEPT);
}

/* The line about it is read again as what it says. */
static void
check_log(const struct tf_plan *plan, struct tf_arena *a)
{
	const struct tf_log_message message = {
		.queue_id = TF_STR("Q1"), .result = plan->result, .verdict = plan->verdict
	};

	for (int json = 0; json < 2; json++) {
		struct tf_log_line line;
		struct tf_buf b;

		tf_buf_init_arena(&b, a, PLAN_TEXT_MAX);
		tf_log_message_write(&message, json != 0, &b);
		FUZZ_ASSERT(!b.overflow);
		FUZZ_ASSERT(tf_log_line_parse(tf_buf_get(&b), a, &line) == TF_LOG_LINE_MESSAGE);
		FUZZ_ASSERT(tf_str_eq(tf_log_line_get(&line, "action"),
		    tf_str_from(tf_action_name(plan->verdict->action))));
		FUZZ_ASSERT(tf_str_eq(tf_log_line_get(&line, "spf"),
		    tf_str_from(tf_code_name(plan->result->mailfrom.code))));
	}
}

void
plan_check_explained(const struct tf_plan *plan)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_buf words, json;

	tf_buf_init_arena(&words, a, PLAN_TEXT_MAX);
	tf_buf_init_arena(&json, a, PLAN_TEXT_MAX);
	tf_explain_words(plan->result, plan->verdict, &plan->written, false, &words);
	tf_explain_json(plan->result, plan->verdict, &plan->written, &json);
	FUZZ_ASSERT(!words.overflow && !json.overflow && json.len > 2);
	FUZZ_ASSERT(tf_str_is_utf8(tf_buf_get(&json)));
	for (size_t i = 0; i < words.len; i++)
		FUZZ_ASSERT(!tf_is_ctl(words.ptr[i]) || words.ptr[i] == '\n');
	for (size_t i = 0; i < json.len; i++)
		FUZZ_ASSERT(!tf_is_ctl(json.ptr[i]) || json.ptr[i] == '\n');
	tf_arena_free(a);
}

/* All that the MTA would get to know. */
struct tf_str
plan_text(const struct tf_plan *plan, struct tf_arena *a)
{
	struct tf_buf b;

	tf_buf_init_arena(&b, a, PLAN_TEXT_MAX);
	for (size_t i = 0; i < plan->deletion_count; i++)
		tf_buf_printf(&b, "- %s %u\n", plan->deletions[i].name, plan->deletions[i].index);
	for (size_t i = 0; i < plan->insertion_count; i++)
		tf_buf_printf(&b, "+ %s:%s\n", plan->insertions[i].name, plan->insertions[i].value);
	tf_buf_printf(&b, "%s %.*s\n", tf_action_name(plan->action), TF_PRI(plan->verdict->rule));
	if (plan->hold_reason != NULL)
		tf_buf_printf(&b, "hold %s\n", plan->hold_reason);
	if (plan->reply_code != NULL)
		tf_buf_printf(&b, "%s %s\n", plan->reply_code, plan->reply_xcode);
	for (size_t n = 0; n < TF_REPLY_LINES && plan->reply_lines[n] != NULL; n++)
		tf_buf_printf(&b, "%s\n", plan->reply_lines[n]);
	FUZZ_ASSERT(!b.overflow);
	return tf_buf_get(&b);
}

void
plan_check_out_of_turn(const struct model *m, const struct tf_plan *plan)
{
	check_reply(plan);
	FUZZ_ASSERT(plan->action == m->setting->on_error && plan->verdict == NULL);
	FUZZ_ASSERT(plan->deletion_count == 0 && plan->insertion_count == 0);
}

void
plan_check(const struct model *m, const struct tf_plan *plan)
{
	struct tf_arena *a = tf_arena_new();

	check_reply(plan);
	check_deletions(m, plan);
	check_forged(m, plan, check_insertions(m, plan, a), a);
	check_action(m, plan);
	check_log(plan, a);
	tf_arena_free(a);
}
