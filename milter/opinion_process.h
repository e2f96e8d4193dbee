/*
 * opinion_process.h - start the process that libspf2 runs in, answer its questions, see its end
 */
#ifndef MILTER_OPINION_PROCESS_H
#define MILTER_OPINION_PROCESS_H

#include "truefrom/resolver.h"
#include "truefrom/spf_difference.h"

struct tf_opinion_process;

/*
 * tf_opinion_start - make the process; it waits for a case
 *
 * To be called before the first thread is made, so that the child is a whole process. Never NULL:
 * when there is no process, tf_opinion_ask says so.
 */
struct tf_opinion_process *tf_opinion_start(void);
void tf_opinion_free(struct tf_opinion_process *p); /* NULL is fine; ends the process */

/*
 * tf_opinion_ask - have the case of id evaluated; once for each process
 *
 * r             answers its questions, at most 200
 * a             owns what the outputs point to
 * opinion_out   but for its difference; no result is a finding with its reason, too
 * evidence_out  what it asked, and the records that it was given
 *
 * Waits for at most 30 s.
 */
void tf_opinion_ask(struct tf_opinion_process *p, struct tf_resolver *r,
    const struct tf_identity *id, struct tf_arena *a, struct tf_spf_opinion *opinion_out,
    struct tf_spf_evidence *evidence_out);

#endif
