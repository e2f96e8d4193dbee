/*
 * on_error.c - what truefrom itself could not decide about: causes, counted
 *
 * Each such message has a line of its own in the log; here are the sums, for the lines about a
 * reload and the end, and the brake for what strangers could repeat without sending a message.
 */
#include <stdatomic.h>
#include <time.h>

#include "milter/on_error.h"
#include "truefrom/banned.h"

#define TELL_S 60

static const char *const words[] = {
	[TF_CAUSE_LIMIT] = "limits",
	[TF_CAUSE_CONNECTIONS] = "connections",
	[TF_CAUSE_RESOLVER] = "resolver",
	[TF_CAUSE_RESULT] = "results",
	[TF_CAUSE_TURN] = "out of turn",
};

static atomic_ullong messages, counts[TF_ARRAY_LEN(words)];
/* When a line of that cause is due again, in seconds of the monotonic clock. */
static atomic_llong due_s[TF_ARRAY_LEN(words)];

void
tf_on_error_message(void)
{
	atomic_fetch_add_explicit(&messages, 1, memory_order_relaxed);
}

void
tf_on_error_count(enum tf_cause cause)
{
	atomic_fetch_add_explicit(&counts[cause], 1, memory_order_relaxed);
}

bool
tf_on_error_may_tell(enum tf_cause cause)
{
	long long due = atomic_load(&due_s[cause]);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	/* Of those who come at the same time, one tells. */
	return now.tv_sec >= due &&
	       atomic_compare_exchange_strong(&due_s[cause], &due, now.tv_sec + TELL_S);
}

void
tf_on_error_write(struct tf_buf *out)
{
	unsigned long long undecided = 0;
	const char *mark = ": ";

	for (size_t i = 0; i < TF_ARRAY_LEN(words); i++)
		undecided += atomic_load(&counts[i]);
	tf_buf_printf(out, "%llu messages since the start; %llu undecided",
	    (unsigned long long)atomic_load(&messages), undecided);
	for (size_t i = 0; i < TF_ARRAY_LEN(words); i++) {
		const unsigned long long n = atomic_load(&counts[i]);

		if (n == 0)
			continue;
		tf_buf_printf(out, "%s%llu %s", mark, n, words[i]);
		mark = ", ";
	}
}
