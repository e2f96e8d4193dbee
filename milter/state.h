/*
 * state.h - what the daemon keeps over a restart: remembered DMARC policies, in one file
 *
 * Main thread only. Nothing here ever ends the daemon or keeps it from working: what cannot be read
 * or written is a warning.
 */
#ifndef MILTER_STATE_H
#define MILTER_STATE_H

#include "truefrom/dmarc_memory.h"

struct tf_state;

/*
 * tf_state_new - where it is kept
 *
 * dir     state_dir; empty: the folder that systemd has made for us (STATE_DIRECTORY)
 * memory  borrowed
 *
 * Returns NULL when there is no such folder to be had: nothing is kept then.
 */
struct tf_state *tf_state_new(struct tf_str dir, struct tf_dmarc_memory *memory);
/* The folder that tf_state_new takes; empty when there is none. */
struct tf_str tf_state_folder(struct tf_str dir);
void tf_state_free(struct tf_state *s); /* NULL is fine */
/* Read the file into the memory. A damaged one gives what is whole of it, and a warning. */
void tf_state_load(struct tf_state *s, int64_t now);
/*
 * tf_state_save - write the file anew, if anything has changed
 *
 * The old one stays until the new one is on the disk. A failure is logged when it begins, and the
 * end of it, too. NULL does nothing.
 */
void tf_state_save(struct tf_state *s);

#endif
