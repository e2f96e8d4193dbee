/*
 * load_stats.h - a histogram of times
 */
#ifndef TESTS_BENCH_LOAD_STATS_H
#define TESTS_BENCH_LOAD_STATS_H

#include <stdint.h>

/*
 * Times from 0 to 2^40 ns (18 minutes; what is longer counts as that). Up to 256 ns exact, above in
 * steps of 1/128 of the next lower power of two: a quantile is off by 0.4 % at most.
 */
#define LOAD_STEPS 128
#define LOAD_POWERS 33
struct load_histogram {
	uint64_t count[(LOAD_POWERS + 1) * LOAD_STEPS];
	uint64_t total, sum_ns, max_ns;
};

void load_histogram_add(struct load_histogram *h, int64_t ns);
/* Milliseconds below which the part q (0 to 1) of the times lies; 0 without any. */
double load_histogram_quantile_ms(const struct load_histogram *h, double q);

#endif
