/*
 * test_listener.c - a socket in a folder where another may do as he likes
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "milter/listener.h"
#include "tests/unit/test.h"

#define SPEC TF_STR("unix:socket")

static int
listening_socket(int backlog)
{
	const struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "socket" };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
	assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

/* Between bind and what follows, its name becomes a link to a file that is not its owner's. */
static void
test_link_in_its_place(void **state)
{
	const struct tf_listener_owner owner = { getuid() == 0 ? 65534 : (uid_t)-1, (gid_t)-1 };
	static struct tf_listener listener;
	char storage[256];
	struct tf_buf why;
	struct stat before, after;
	int fd;

	(void)state;
	tf_buf_init(&why, storage, sizeof(storage));
	assert_int_not_equal(close(open("victim", O_WRONLY | O_CREAT, 0600)), -1);
	assert_int_equal(stat("victim", &before), 0);
	tf_listener_prepare(&listener);
	fd = listening_socket(1);
	assert_int_equal(unlink("socket"), 0);
	assert_int_equal(symlink("victim", "socket"), 0);
	assert_int_equal(tf_listener_adopt(&listener, SPEC, &owner, &why), 0);
	assert_int_equal(listener.fd, fd);
	assert_int_equal(stat("victim", &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, before.st_uid);
	close(fd);
	assert_int_equal(unlink("socket"), 0);
	assert_int_equal(unlink("victim"), 0);
}

/* Whoever listens and accepts nothing does not keep the next process waiting. */
static void
test_in_use(void **state)
{
	const struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "socket" };
	const int server = listening_socket(0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	(void)alarm(20);
	assert_int_equal(connect(client, (const struct sockaddr *)&un, sizeof(un)), 0);
	assert_true(tf_listener_in_use(SPEC));
	close(client);
	close(server);
	assert_false(tf_listener_in_use(SPEC));
	assert_int_equal(unlink("socket"), 0);
	assert_false(tf_listener_in_use(SPEC));
	(void)alarm(0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_in_its_place),
		cmocka_unit_test(test_in_use),
	};
	char folder[] = "/tmp/truefrom-listener-XXXXXX";
	int failed;

	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return chdir("/") == 0 && rmdir(folder) == 0 ? failed : 1;
}
