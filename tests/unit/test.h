/*
 * test.h - what every unit test includes: cmocka and its prerequisites
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "truefrom/base.h"

/* Compare slices; what names the row in the failure message. */
#define assert_str(what, got, want)                                                                \
	do {                                                                                       \
		struct tf_str got_ = (got), want_ = (want);                                        \
		if (!tf_str_eq(got_, want_))                                                       \
			fail_msg("%s: got \"%.*s\", want \"%.*s\"", (what), TF_PRI(got_),          \
			    TF_PRI(want_));                                                        \
	} while (0)

/* Compare integers; what names the row. */
#define assert_num(what, got, want)                                                                \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (got_ != want_)                                                                 \
			fail_msg("%s: got %lld, want %lld", (what), got_, want_);                  \
	} while (0)

/* Numbers of 24 bits that are the same in every run. */
static inline uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

#endif
