/*
 * resolver_fixture.h - resolvers for tests: a zone text in the real one, no network
 */
#ifndef TESTS_UNIT_RESOLVER_FIXTURE_H
#define TESTS_UNIT_RESOLVER_FIXTURE_H

#include "tests/unit/test.h"
#include "truefrom/resolver.h"

/* Settings that every test starts from: 2 s a question, a cache, a zone and nothing else. */
static inline struct tf_resolver_opts
zone_opts(const char *zone)
{
	return (struct tf_resolver_opts){
		.timeout_ms = 2000,
		.cache = true,
		.cache_bytes = (uint64_t)4 << 20,
		.zone_text = tf_str_from(zone),
		.zone_only = true,
	};
}

/* The resolver, or a failed test that says why there is none. */
static inline struct tf_resolver *
resolver_or_fail(const struct tf_resolver_opts *opts)
{
	char storage[512];
	struct tf_buf why;
	struct tf_resolver *r;

	tf_buf_init(&why, storage, sizeof(storage));
	r = tf_resolver_new(opts, &why);
	if (r == NULL)
		fail_msg("no resolver: %s", tf_buf_cstr(&why));
	return r;
}

static inline struct tf_dns *
begin(struct tf_resolver *r, uint32_t max_questions)
{
	return tf_dns_begin(r, &(struct tf_dns_opts){ .max_questions = max_questions });
}

/* "STATUS RECORD|RECORD...", as `truefrom check` shows the records. */
static inline struct tf_str
show(struct tf_dns *dns, struct tf_arena *a, struct tf_str name, enum tf_dns_type type)
{
	const struct tf_dns_answer *answer = tf_dns_ask(dns, name, type);
	const struct tf_dns_trace *trace;
	struct tf_buf out;
	size_t count;
	uint32_t ms;

	tf_dns_trace(dns, a, &trace, &count, &ms);
	tf_buf_init_arena(&out, a, 100000);
	tf_buf_lit(&out, tf_dns_status_name(answer->status));
	for (size_t i = 0; i < trace[count - 1].answer_count; i++) {
		tf_buf_byte(&out, i == 0 ? ' ' : '|');
		tf_buf_str(&out, trace[count - 1].answers[i]);
	}
	return tf_buf_get(&out);
}

#endif
