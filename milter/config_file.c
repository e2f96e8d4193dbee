/*
 * config_file.c - the bytes of a configuration file, and of files that it names
 *
 * All are read in the same way: a regular file or whatever else can be read to its end, but none
 * that others may have written (config_trust.c).
 * Limits: TF_CONFIG_FILE_MAX, TF_CONFIG_SEALERS_MAX.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/config_check.h"
#include "milter/config_file.h"
#include "milter/config_text.h"
#include "milter/config_trust.h"
#include "truefrom/banned.h"

static const struct tf_str sealers_key = TF_LIT("arc.trusted_sealers_file");

static enum tf_config_read
failed(struct tf_buf *why)
{
	const int number = errno;

	tf_buf_lit(why, "cannot be read: ");
	tf_buf_errno(why, number);
	return TF_CONFIG_READ_FAILED;
}

static enum tf_config_read
read_fd(int fd, struct tf_arena *a, struct tf_str *file_out, struct tf_buf *why)
{
	char *bytes = tf_arena_alloc(a, TF_CONFIG_FILE_MAX + 1);
	size_t len = 0;

	while (len <= TF_CONFIG_FILE_MAX) {
		ssize_t n = read(fd, bytes + len, TF_CONFIG_FILE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(why);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*file_out = (struct tf_str){ bytes, len };
	return len > TF_CONFIG_FILE_MAX ? TF_CONFIG_READ_TOO_LONG : TF_CONFIG_READ;
}

enum tf_config_read
tf_config_file_read(
    const char *path, struct tf_arena *a, struct tf_str *file_out, struct tf_buf *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum tf_config_read result;
	struct stat st;

	if (fd < 0)
		return failed(why);
	if (fstat(fd, &st) != 0)
		result = failed(why);
	else if (!tf_config_is_trusted(path, &st, why))
		result = TF_CONFIG_READ_UNSAFE;
	else
		result = read_fd(fd, a, file_out, why);
	(void)close(fd);
	return result;
}

bool
tf_config_file_trust(const char *path, struct tf_buf *why)
{
	struct stat st;

	return stat(path, &st) != 0 || tf_config_is_trusted(path, &st, why);
}

/* Up to the next LF, off the front of *rest. */
static struct tf_str
take_line(struct tf_str *rest)
{
	struct tf_str line = tf_str_sub(*rest, 0, tf_str_find(*rest, '\n'));

	*rest = tf_str_sub(*rest, line.len + 1, rest->len);
	return line;
}

static size_t
count_lines(struct tf_str file)
{
	size_t count = 0;

	while (file.len != 0) {
		(void)take_line(&file);
		count++;
	}
	return count;
}

size_t
tf_config_sealers_read(struct tf_str file, struct tf_arena *a, struct tf_report *report,
    const struct tf_str **list_out)
{
	struct tf_str *list = tf_arena_array(a, count_lines(file), sizeof(*list));
	uint32_t number = 0;
	size_t count = 0;

	*list_out = list;
	while (file.len != 0) {
		struct tf_str line = take_line(&file);
		char text[1024];
		struct tf_buf why;

		number++;
		line = tf_str_trim(tf_str_sub(line, 0, tf_str_find(line, '#')));
		if (line.len == 0)
			continue;
		if (count == TF_CONFIG_SEALERS_MAX) {
			tf_report_error(report, number, sealers_key, "too many domains; at most %d",
			    TF_CONFIG_SEALERS_MAX);
			break;
		}
		tf_buf_init(&why, text, sizeof(text));
		if (tf_config_check_domain(line, a, &list[count], &why))
			count++;
		else
			tf_report_error(
			    report, number, sealers_key, "%s, one a line", tf_buf_cstr(&why));
	}
	return count;
}
