/*
 * second_opinion.h - libspf2's word on one case, in a process of its own (only user of libspf2)
 */
#ifndef MILTER_SECOND_OPINION_H
#define MILTER_SECOND_OPINION_H

/*
 * tf_second_opinion_run - take one case, ask what has to be asked, say the result, end
 *
 * fd   one end of a SOCK_SEQPACKET pair; the other end answers (opinion_process.c)
 *
 * The process confines itself before it takes the case. libspf2 may end it at any point.
 */
void tf_second_opinion_run(int fd) __attribute__((noreturn));
/* "libspf2 1.2.10": what it was built with; the library itself does not say. */
const char *tf_second_opinion_version(void);

#endif
