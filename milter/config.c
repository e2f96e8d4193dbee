/*
 * config.c - rows of options.def become one immutable, counted snapshot
 *
 * Defaults, then the file: read (config_file.c), scanned (config_text.c), parsed (config_parse.c)
 * and put into fields (config_apply.c). A file with a mistake gives no snapshot at all.
 * Limits: a file of TF_CONFIG_FILE_MAX bytes.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "milter/config_apply.h"
#include "milter/config_file.h"
#include "milter/config_print.h"
#include "milter/config_value.h"
#include "truefrom/banned.h"

#define DEFAULT_FILE SYSCONFDIR "/truefrom/truefrom.conf"

struct snapshot {
	struct tf_config config; /* the first member: a config is its snapshot */
	struct tf_arena *arena;  /* owns this */
	atomic_uint refs;
};

static void
set_defaults(struct tf_config *c, struct tf_arena *a)
{
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);

	for (size_t i = 0; i < count; i++) {
		if (!tf_opt_is_titled(&opts[i]))
			tf_opt_set_default(&opts[i], c, a);
	}
}

/* What follows from keys and is no key itself. */
static void
derive(struct tf_config *c)
{
	c->on_error_tempfail = c->on_error_configured && !c->verdict.monitor;
	c->verdict.dmarc_enabled = c->check.dmarc.enabled;
}

/* The file of the configuration itself; false when it cannot be read. */
static bool
read_file(const char *path, struct tf_report *r, struct tf_str *file_out)
{
	struct tf_buf why;

	tf_buf_init_arena(&why, r->arena, TF_CONFIG_WHY_MAX);
	*file_out = TF_NONE_STR;
	switch (tf_config_file_read(path, r->arena, file_out, &why)) {
	case TF_CONFIG_READ:
		break;
	case TF_CONFIG_READ_UNSAFE:
		tf_report_error(r, 0, TF_NONE_STR, "%s", tf_buf_cstr(&why));
		break;
	case TF_CONFIG_READ_TOO_LONG:
		tf_report_error(
		    r, 0, TF_NONE_STR, "over %zu bytes; make it smaller", TF_CONFIG_FILE_MAX);
		break;
	case TF_CONFIG_READ_FAILED:
		tf_report_error(r, 0, TF_NONE_STR, "%s", tf_buf_cstr(&why));
		return false;
	}
	return true;
}

/* False when a file that it names cannot be read. */
static bool
load_text(
    struct snapshot *s, struct tf_str file, struct tf_report *report, struct tf_report *sealers)
{
	struct tf_config_text text;
	struct tf_config_events events;
	const struct tf_config_input in = { &text, &events, report, sealers, (int64_t)time(NULL) };

	if (file.len > TF_CONFIG_FILE_MAX)
		return true;
	tf_config_text_scan(file, report->arena, report, &text);
	tf_config_parse(&text, report->arena, report, &events);
	return tf_config_apply(&in, &s->config, s->arena);
}

static struct snapshot *
snapshot_new(void)
{
	struct tf_arena *a = tf_arena_new();
	struct snapshot *s = tf_arena_alloc(a, sizeof(*s));

	s->arena = a;
	atomic_init(&s->refs, 1);
	set_defaults(&s->config, a);
	return s;
}

struct tf_config *
tf_config_load(const char *path, struct tf_buf *why, struct tf_buf *warn, bool *unreadable_out)
{
	struct snapshot *s = snapshot_new();
	struct tf_arena *work = tf_arena_new();
	struct tf_report report, sealers;
	struct tf_str file;

	*unreadable_out = false;
	tf_report_init(&report, work, tf_str_from(path));
	tf_report_init(&sealers, work, TF_NONE_STR);
	if (path != NULL) {
		s->config.file = tf_arena_dup(s->arena, tf_str_from(path));
		*unreadable_out =
		    !read_file(path, &report, &file) || !load_text(s, file, &report, &sealers);
	}
	derive(&s->config);
	tf_report_write(&report, why, warn);
	tf_report_write(&sealers, why, warn);
	if (report.errors + sealers.errors != 0) {
		tf_config_release(&s->config);
		s = NULL;
	}
	tf_arena_free(work);
	return s != NULL ? &s->config : NULL;
}

struct tf_config *
tf_config_retain(struct tf_config *c)
{
	struct snapshot *s = (struct snapshot *)c;

	atomic_fetch_add(&s->refs, 1);
	return c;
}

void
tf_config_release(struct tf_config *c)
{
	struct snapshot *s = (struct snapshot *)c;

	if (s != NULL && atomic_fetch_sub(&s->refs, 1) == 1)
		tf_arena_free(s->arena);
}

static void
keep_field(const struct tf_opt *opt, const struct tf_config *old, struct snapshot *fresh)
{
	const char *from = (const char *)old + opt->field;
	char *to = (char *)&fresh->config + opt->field;
	struct tf_str s;

	if (opt->kind == TF_OPT_MODE || opt->kind == TF_OPT_NUM) {
		memcpy(to, from, sizeof(uint32_t));
		return;
	}
	if (opt->kind != TF_OPT_STR)
		tf_panic("%s cannot be kept", opt->key);
	memcpy(&s, from, sizeof(s));
	s = tf_arena_dup(fresh->arena, s);
	memcpy(to, &s, sizeof(s));
}

void
tf_config_keep_fixed(const struct tf_config *old, struct tf_config *fresh, struct tf_buf *names_out)
{
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);

	for (size_t i = 0; i < count; i++) {
		if (opts[i].when != TF_OPT_RESTART || tf_opt_same(&opts[i], old, fresh))
			continue;
		tf_buf_printf(names_out, "%s%s", names_out->len != 0 ? ", " : "", opts[i].key);
		keep_field(&opts[i], old, (struct snapshot *)fresh);
	}
}

bool
tf_config_same_dns(const struct tf_config *a, const struct tf_config *b)
{
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);

	/* What a zone file holds may have changed. */
	if (a->dns.zone_file.len != 0 || b->dns.zone_file.len != 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!tf_str_eq(tf_opt_section(&opts[i]), TF_STR("dns")) ||
		    strcmp(opts[i].key, "dns.max_questions") == 0) /* of each message */
			continue;
		if (!tf_opt_same(&opts[i], a, b))
			return false;
	}
	return true;
}

const char *
tf_config_choose_path(const char *given, struct tf_buf *warn)
{
	const char *from_environment = getenv("TRUEFROM_CONFIG");

	if (given != NULL)
		return given;
	if (from_environment != NULL && from_environment[0] != '\0')
		return from_environment;
	if (access(DEFAULT_FILE, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		return DEFAULT_FILE;
	tf_buf_lit(warn, DEFAULT_FILE ": there is no such file; all keys have their defaults\n");
	return NULL;
}
