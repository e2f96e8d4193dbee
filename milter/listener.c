/*
 * listener.c - the listening socket that libmilter opened, and what it leaves undone about it
 *
 * libmilter keeps its descriptor to itself, so it is found as the one new descriptor that accepts
 * connections. TCP_NODELAY on it is inherited by accepted sockets (Linux): without it each message
 * over inet waits some 40 ms for a delayed acknowledgement.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/listener.h"
#include "truefrom/banned.h"

#define DESCRIPTORS ((int)TF_ARRAY_LEN(((struct tf_listener *)NULL)->before))

static bool
listens(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on != 0;
}

/* The path of "unix:/path" or "local:/path", or false. */
static bool
unix_path(struct tf_str spec, struct sockaddr_un *un_out)
{
	const size_t colon = tf_str_find(spec, ':');
	const struct tf_str kind = tf_str_sub(spec, 0, colon);

	memset(un_out, 0, sizeof(*un_out));
	un_out->sun_family = AF_UNIX;
	return (tf_str_eq(kind, TF_STR("unix")) || tf_str_eq(kind, TF_STR("local"))) &&
	       tf_cstr(tf_str_sub(spec, colon + 1, spec.len), un_out->sun_path,
		   sizeof(un_out->sun_path));
}

bool
tf_listener_in_use(struct tf_str socket_spec)
{
	struct sockaddr_un un;
	bool answered;
	int fd;

	if (!unix_path(socket_spec, &un))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	/* A full queue is somebody's, too; nobody waits for him to empty it. */
	answered = connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0 || errno == EAGAIN;
	close(fd);
	return answered;
}

void
tf_listener_prepare(struct tf_listener *l)
{
	memset(l, 0, sizeof(*l));
	l->fd = -1;
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		l->before[fd] = listens(fd);
}

/* Root does this, and in a folder that may be another's: no link is followed. */
static int
set_owner(struct tf_str spec, const struct tf_listener_owner *owner, struct tf_buf *why)
{
	struct sockaddr_un un;
	int error;

	if (!unix_path(spec, &un) || lchown(un.sun_path, owner->uid, owner->gid) == 0)
		return 0;
	error = errno;
	tf_buf_printf(why, "socket: cannot set the owner of %s: ", un.sun_path);
	tf_buf_errno(why, error);
	return -1;
}

int
tf_listener_adopt(struct tf_listener *l, struct tf_str socket_spec,
    const struct tf_listener_owner *owner, struct tf_buf *why)
{
	const int on = 1;
	int found = 0;

	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (listens(fd) && !l->before[fd]) {
			l->fd = fd;
			found++;
		}
	}
	l->addr_len = sizeof(l->addr);
	if (found != 1 || getsockname(l->fd, (struct sockaddr *)&l->addr, &l->addr_len) != 0) {
		tf_buf_printf(
		    why, "socket: %d listening descriptors where one was expected", found);
		return -1;
	}
	if (l->addr.ss_family != AF_UNIX &&
	    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
		const int error = errno;

		tf_buf_lit(why, "socket: cannot set TCP_NODELAY: ");
		tf_buf_errno(why, error);
		return -1;
	}
	return set_owner(socket_spec, owner, why);
}

static void
knock(const struct sockaddr_storage *addr, socklen_t len)
{
	int fd = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	/* A connection that is not complete yet still arrives; a failure means no harm, only no
	 * rescue. */
	(void)connect(fd, (const struct sockaddr *)addr, len);
	close(fd);
}

void
tf_listener_poke(const struct tf_listener *l)
{
	if (atomic_load(&l->closed))
		knock(&l->inner, l->inner_len);
	else
		knock(&l->addr, l->addr_len);
}

/* A listening socket of l's family at a loopback address (or name) that the system chooses. */
static int
inner_socket(struct tf_listener *l)
{
	const int fd = socket(l->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	if (fd < 0)
		return -1;
	memset(&l->inner, 0, sizeof(l->inner));
	l->inner.ss_family = l->addr.ss_family;
	l->inner_len = sizeof(l->inner.ss_family);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (l->addr.ss_family == AF_INET) {
		l->inner_len = sizeof(in);
		memcpy(&l->inner, &in, sizeof(in));
	} else if (l->addr.ss_family == AF_INET6) {
		l->inner_len = sizeof(in6);
		memcpy(&l->inner, &in6, sizeof(in6));
	}
	if (bind(fd, (const struct sockaddr *)&l->inner, l->inner_len) == 0 &&
	    listen(fd, 64) == 0) {
		l->inner_len = sizeof(l->inner);
		if (getsockname(fd, (struct sockaddr *)&l->inner, &l->inner_len) == 0)
			return fd;
	}
	close(fd);
	return -1;
}

void
tf_listener_close(struct tf_listener *l)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&l->addr;
	const int fd = inner_socket(l);

	/*
	 * libmilter owns the descriptor and polls it: closed or shut down, it would give up and
	 * cut every session. With another socket in its place it notices nothing. The knock at the
	 * old address ends a poll that still holds the old socket; the one at the new, which must
	 * be there before, is what libmilter then accepts.
	 */
	if (fd >= 0) {
		knock(&l->inner, l->inner_len);
		if (dup2(fd, l->fd) >= 0) {
			knock(&l->addr, l->addr_len);
			atomic_store(&l->closed, true);
		}
	}
	if (fd >= 0)
		close(fd);
	if (l->addr.ss_family == AF_UNIX && un->sun_path[0] != '\0')
		(void)unlink(un->sun_path);
}
