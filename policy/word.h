/*
 * word.h - eight octets at once
 *
 * For scanners that look at each octet of a body or of a long value. A mask has the top bit of each
 * octet that is meant, and no other bit; all are exact, whatever the neighbours are. What is found
 * is then looked at octet by octet, so that the order of octets in a word is of no concern.
 */
#ifndef POLICY_WORD_H
#define POLICY_WORD_H

#include <stdint.h>
#include <string.h>

#define TF_WORD sizeof(uint64_t)
#define TF_WORD_TOPS UINT64_C(0x8080808080808080)

/* The word at p, which need not be aligned. */
static inline uint64_t
tf_word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* c in each octet. */
static inline uint64_t
tf_word_of(unsigned char c)
{
	return UINT64_C(0x0101010101010101) * c;
}

/* The octets from 128 on. */
static inline uint64_t
tf_word_8bit(uint64_t word)
{
	return word & TF_WORD_TOPS;
}

/* The octets below limit, which is at most 128. */
static inline uint64_t
tf_word_below(uint64_t word, unsigned char limit)
{
	return ~(((word & ~TF_WORD_TOPS) + tf_word_of((unsigned char)(128 - limit))) | word) &
	       TF_WORD_TOPS;
}

/* The octets that are c. */
static inline uint64_t
tf_word_equal(uint64_t word, unsigned char c)
{
	return tf_word_below(word ^ tf_word_of(c), 1);
}

#endif
