/*
 * mfi.h - libmilter: callbacks become session events, plans are performed
 *
 * One listener per process. open before privileges are dropped, run in a thread of its own.
 */
#ifndef MILTER_MFI_H
#define MILTER_MFI_H

#include "milter/current.h"
#include "milter/listener.h"

struct tf_mfi_opts {
	struct tf_str socket; /* "inet:8893@127.0.0.1", "inet6:…", "unix:/path" */
	struct tf_listener_owner owner;
	uint32_t idle_timeout_s;
};

/*
 * tf_mfi_open - register with libmilter and open the listening socket
 *
 * Returns 0, or -1 with the reason in why. A UNIX socket that nobody listens on is replaced;
 * the mode of a new one is what the umask leaves.
 */
int tf_mfi_open(const struct tf_mfi_opts *opts, struct tf_buf *why);
/*
 * Serves until tf_mfi_stop; 0, or -1 when libmilter gave up. current must live as long as the
 * process: libmilter's workers may outlive this call.
 */
int tf_mfi_run(struct tf_current *current);
/* No new connection is taken from now on; those there are go on. */
void tf_mfi_stop_listening(void);
/* Messages between MAIL FROM and their end. */
uint32_t tf_mfi_messages_in_work(void);
uint32_t tf_mfi_connections(void);
/*
 * Makes tf_mfi_run return, from another thread, and waits for that. Uses SIGUSR2. False: there is
 * no thread for it, and tf_mfi_run goes on.
 */
bool tf_mfi_stop(void);
const char *tf_mfi_version(void); /* of libmilter, static text */

#endif
