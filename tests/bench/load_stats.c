/*
 * load_stats.c - a histogram of times, linear within each power of two
 *
 * The same layout for all values, so that memory is fixed and adding is a few instructions.
 */
#include "tests/bench/load_stats.h"
#include "truefrom/base.h"
#include "truefrom/banned.h"

#define STEP_BITS 7
#define TOP_NS (((uint64_t)1 << 40) - 1)

_Static_assert(LOAD_STEPS == 1 << STEP_BITS, "a step is a number of bits");
_Static_assert(LOAD_POWERS + STEP_BITS == 40, "the last power of two is the limit");

/* Values below 2 * LOAD_STEPS are their own index. */
static size_t
index_of(uint64_t ns)
{
	unsigned int shift = 0;

	while (ns >> shift >= 2 * LOAD_STEPS)
		shift++;
	return (size_t)shift * LOAD_STEPS + (size_t)(ns >> shift);
}

static double
middle_of(size_t index)
{
	const unsigned int shift =
	    index < 2 * LOAD_STEPS ? 0 : (unsigned int)(index / LOAD_STEPS) - 1;
	const uint64_t low = (uint64_t)(index - (size_t)shift * LOAD_STEPS) << shift;

	return (double)low + (double)(((uint64_t)1 << shift) - 1) / 2;
}

void
load_histogram_add(struct load_histogram *h, int64_t ns)
{
	uint64_t value = ns > 0 ? (uint64_t)ns : 0;

	if (value > TOP_NS)
		value = TOP_NS;
	if (value > h->max_ns)
		h->max_ns = value;
	h->sum_ns += value;
	h->count[index_of(value)]++;
	h->total++;
}

double
load_histogram_quantile_ms(const struct load_histogram *h, double q)
{
	uint64_t wanted = (uint64_t)(q * (double)h->total), seen = 0;

	if (h->total == 0)
		return 0;
	if (wanted >= h->total)
		return (double)h->max_ns / 1e6;
	for (size_t i = 0; i < TF_ARRAY_LEN(h->count); i++) {
		seen += h->count[i];
		if (seen > wanted) {
			const double middle = middle_of(i), max = (double)h->max_ns;

			return (middle < max ? middle : max) / 1e6;
		}
	}
	tf_panic("histogram: %llu counted, %llu there", (unsigned long long)h->total,
	    (unsigned long long)seen);
}
