/*
 * message_file.h - a message in a file, as the events that an MTA would make of it
 */
#ifndef MILTER_MESSAGE_FILE_H
#define MILTER_MESSAGE_FILE_H

#include <stdio.h>

#include "milter/session.h"

#define TF_MESSAGE_FILE_MAX ((size_t)256 * 1024 * 1024)

/*
 * tf_message_file_feed - header, eoh and body events from an open file
 *
 * in  lines end in LF or CRLF, as the first one does; with LF every LF becomes CRLF. A first "From
 * " line (mbox) is dropped. Any byte may occur.
 *
 * Returns 0, or -1 with the reason in why (read error, over TF_MESSAGE_FILE_MAX).
 */
int tf_message_file_feed(FILE *in, struct tf_session *s, struct tf_buf *why);

#endif
