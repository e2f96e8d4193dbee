/*
 * listener.h - the listening socket that libmilter opened, and what it leaves undone about it
 */
#ifndef MILTER_LISTENER_H
#define MILTER_LISTENER_H

#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "truefrom/base.h"

struct tf_listener_owner { /* of a UNIX socket */
	uid_t uid;         /* (uid_t)-1, (gid_t)-1: as it is */
	gid_t gid;
};

struct tf_listener {
	int fd;            /* -1: none */
	bool before[1024]; /* descriptors that listened before libmilter opened its own */
	struct sockaddr_storage addr;
	socklen_t addr_len;
	struct sockaddr_storage inner; /* once closed: the socket that took its place */
	socklen_t inner_len;
	atomic_bool closed;
};

/* Whether somebody answers at "unix:/path": a socket left behind by a dead process is not in use.
 */
bool tf_listener_in_use(struct tf_str socket_spec);
/* Before smfi_opensocket: remember what listens already. */
void tf_listener_prepare(struct tf_listener *l);
/*
 * tf_listener_adopt - after smfi_opensocket: find its descriptor, set TCP_NODELAY and the owner
 *
 * Returns 0, or -1 with the reason in why (not exactly one new descriptor listens, or the owner
 * cannot be set).
 */
int tf_listener_adopt(struct tf_listener *l, struct tf_str socket_spec,
    const struct tf_listener_owner *owner, struct tf_buf *why);
/* Connect to ourselves and close: any event lets libmilter look at its sessions again. Never
 * blocks. */
void tf_listener_poke(const struct tf_listener *l);
/*
 * tf_listener_close - take no further connection; removes a UNIX socket's name if it may
 *
 * Sessions under way are not touched, and poking goes on to work. If no socket can be had for it
 * (out of descriptors), connections are still taken: better that than messages cut short.
 */
void tf_listener_close(struct tf_listener *l);

#endif
