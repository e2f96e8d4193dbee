/*
 * truefrom.c - main of the command line
 *
 * check: a message from a file through the same session, checks and verdict as the daemon's.
 * config: check and show the configuration.
 * stats: a log, counted.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "autoconf.h"
#include "milter/config_check.h"
#include "milter/config_parse.h"
#include "milter/message_file.h"
#include "milter/opinion_process.h"
#include "milter/second_opinion.h"
#include "milter/session.h"
#include "milter/stats.h"
#include "truefrom/explain.h"
#include "truefrom/banned.h"

#define TEXT_MAX ((size_t)64 * 1024)
#define OUTPUT_MAX ((size_t)16 * 1024 * 1024)

enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_WRONG_USAGE = 2, EXIT_OPERATION = 3 };

static const char usage_text[] =
    "usage: truefrom check [--config FILE] [--ip ADDR] [--helo NAME] [--mail-from ADDR]\n"
    "                      [--rcpt ADDR] [--auth USER] [--json] [--exit-code]\n"
    "                      [--dns ADDR@PORT] [--zone FILE] [--second-opinion] [FILE]\n"
    "       truefrom config [--config FILE] [--check | --defaults | --diff]\n"
    "       truefrom stats [--top N] [--json] [FILE]\n"
    "       truefrom --version | --help\n";

static int
wrong_usage(const char *what)
{
	if (what != NULL)
		fprintf(stderr, "truefrom: %s\n", what);
	fputs(usage_text, stderr);
	return EXIT_WRONG_USAGE;
}

static struct tf_config *
load(const char *path, struct tf_arena *a, int *exit_code_out)
{
	struct tf_buf why, warn;
	bool unreadable = false;
	struct tf_config *config;

	tf_buf_init_arena(&why, a, TEXT_MAX);
	tf_buf_init_arena(&warn, a, TEXT_MAX);
	config = tf_config_load(tf_config_choose_path(path, &warn), &why, &warn, &unreadable);
	tf_log_complain("truefrom: warning", &warn);
	tf_log_complain("truefrom", &why);
	*exit_code_out = unreadable ? EXIT_OPERATION : EXIT_FAILED;
	return config;
}

/* "truefrom: PATH what: words of the system" */
static void
complain_errno(int number, const char *path, const char *what, struct tf_arena *a)
{
	struct tf_buf why;

	tf_buf_init_arena(&why, a, TEXT_MAX);
	tf_buf_printf(&why, "%s: %s: ", path, what);
	tf_buf_errno(&why, number);
	tf_log_complain("truefrom", &why);
}

/* Standard input without a path; NULL when that is said to be impossible. */
static FILE *
open_input(const char *path, struct tf_arena *a)
{
	FILE *in = path != NULL ? fopen(path, "rb") : stdin;

	if (in == NULL)
		complain_errno(errno, path, "cannot be opened", a);
	return in;
}

/* Output to the end, or an operating error: a half result must not look like a whole one. */
static int
print(struct tf_buf *out)
{
	if (out->overflow || fwrite(out->ptr, 1, out->len, stdout) != out->len ||
	    fflush(stdout) != 0) {
		fputs("truefrom: cannot write the result\n", stderr);
		return EXIT_OPERATION;
	}
	return EXIT_OK;
}

struct check_options {
	const char *config, *ip, *helo, *mail_from, *auth, *dns, *zone, *file;
	const char *rcpts[64];
	size_t rcpt_count;
	bool json, exit_code, second_opinion;
};

enum {
	OPT_CONFIG = 256,
	OPT_IP,
	OPT_HELO,
	OPT_MAIL_FROM,
	OPT_RCPT,
	OPT_AUTH,
	OPT_JSON,
	OPT_EXIT_CODE,
	OPT_DNS,
	OPT_ZONE,
	OPT_SECOND_OPINION
};

static const struct option check_long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "ip", required_argument, NULL, OPT_IP },
	{ "helo", required_argument, NULL, OPT_HELO },
	{ "mail-from", required_argument, NULL, OPT_MAIL_FROM },
	{ "rcpt", required_argument, NULL, OPT_RCPT },
	{ "auth", required_argument, NULL, OPT_AUTH },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "exit-code", no_argument, NULL, OPT_EXIT_CODE },
	{ "dns", required_argument, NULL, OPT_DNS },
	{ "zone", required_argument, NULL, OPT_ZONE },
	{ "second-opinion", no_argument, NULL, OPT_SECOND_OPINION },
	{ NULL, 0, NULL, 0 },
};

static const char **
text_option(struct check_options *o, int c)
{
	switch (c) {
	case OPT_CONFIG:
		return &o->config;
	case OPT_IP:
		return &o->ip;
	case OPT_HELO:
		return &o->helo;
	case OPT_MAIL_FROM:
		return &o->mail_from;
	case OPT_AUTH:
		return &o->auth;
	case OPT_DNS:
		return &o->dns;
	case OPT_ZONE:
		return &o->zone;
	default:
		return NULL;
	}
}

/* Fills o; returns -1 to go on, else the exit code. */
static int
read_check_options(int argc, char **argv, struct check_options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "", check_long_options, NULL)) != -1) {
		const char **text = text_option(o, c);

		if (text != NULL)
			*text = optarg;
		else if (c == OPT_JSON)
			o->json = true;
		else if (c == OPT_EXIT_CODE)
			o->exit_code = true;
		else if (c == OPT_SECOND_OPINION)
			o->second_opinion = true;
		else if (c == OPT_RCPT && o->rcpt_count < TF_ARRAY_LEN(o->rcpts))
			o->rcpts[o->rcpt_count++] = optarg;
		else
			return wrong_usage(c == OPT_RCPT ? "too many --rcpt" : NULL);
	}
	if (argc - optind > 1)
		return wrong_usage("one message at a time");
	o->file = optind < argc ? argv[optind] : NULL;
	return -1;
}

/* --dns and --zone replace what the configuration says about where answers come from. */
static void
override_dns(struct tf_config *config, const struct check_options *o, struct tf_str *server)
{
	if (o->dns != NULL) {
		*server = tf_str_from(o->dns);
		config->dns.servers = server;
		config->dns.server_count = 1;
		config->dns.recursive = false;
	}
	if (o->zone != NULL) {
		config->dns.zone_file = tf_str_from(o->zone);
		config->dns.zone_only = o->dns == NULL;
	}
}

static void
begin_message(struct tf_session *s, const struct check_options *o, const struct tf_addr *client)
{
	const struct tf_mail mail = {
		.path = tf_str_from(o->mail_from),
		.authenticated = o->auth != NULL,
		.smtputf8 = true,
		.now = (int64_t)time(NULL),
	};

	tf_session_explain(s);
	tf_session_connect(s, client, false);
	tf_session_helo(s, tf_str_from(o->helo));
	tf_session_mail(s, &mail);
	for (size_t i = 0; i < o->rcpt_count; i++)
		tf_session_rcpt(s, tf_str_from(o->rcpts[i]));
}

/* What --second-opinion is evaluated with. */
struct second {
	struct tf_opinion_process *process; /* NULL: not asked for */
	struct tf_spf_opinion opinion;
};

/* The result as it is shown: with libspf2's where there is something to compare. */
static struct tf_result
add_second_opinion(const struct tf_result *res, struct second *second, struct tf_current *current,
    struct tf_arena *a)
{
	struct tf_result shown = *res;
	struct tf_snapshot snapshot;
	struct tf_spf_evidence evidence;

	if (second->process == NULL || !res->mailfrom.checked)
		return shown;
	snapshot = tf_current_take(current);
	tf_opinion_ask(
	    second->process, snapshot.resolver, &res->identity, a, &second->opinion, &evidence);
	tf_snapshot_release(&snapshot);
	second->opinion.difference =
	    tf_spf_difference(&res->mailfrom, &res->identity, &second->opinion, &evidence);
	shown.mailfrom.second = &second->opinion;
	return shown;
}

static int
show_plan(const struct tf_plan *plan, const struct tf_result *shown, const struct check_options *o,
    struct tf_arena *a)
{
	struct tf_buf out;
	int code;

	tf_buf_init_arena(&out, a, OUTPUT_MAX);
	if (o->json)
		tf_explain_json(shown, plan->verdict, &plan->written, &out);
	else
		tf_explain_words(
		    shown, plan->verdict, &plan->written, isatty(STDOUT_FILENO) != 0, &out);
	code = print(&out);
	if (code == EXIT_OK && o->exit_code && plan->verdict->action == TF_ACT_REJECT)
		code = EXIT_FAILED;
	return code;
}

static int
check_message(struct tf_current *current, const struct check_options *o,
    const struct tf_addr *client, FILE *in, struct second *second, struct tf_arena *a)
{
	struct tf_session *s = tf_session_new(current);
	const struct tf_plan *plan;
	struct tf_result shown;
	struct tf_buf why;
	int code;

	tf_buf_init_arena(&why, a, TEXT_MAX);
	begin_message(s, o, client);
	if (tf_message_file_feed(in, s, &why) != 0) {
		tf_log_complain("truefrom", &why);
		code = EXIT_OPERATION;
	} else {
		plan = tf_session_end(s, TF_NONE_STR, NULL, NULL);
		shown = add_second_opinion(plan->result, second, current, a);
		code = show_plan(plan, &shown, o, a);
	}
	tf_session_free(s);
	return code;
}

static int
check_with(struct tf_config *config, const struct check_options *o, const struct tf_addr *client,
    struct second *second, struct tf_arena *a)
{
	FILE *in;
	struct tf_current *current;
	struct tf_str server;
	struct tf_buf why;
	int code;

	tf_buf_init_arena(&why, a, TEXT_MAX);
	in = open_input(o->file, a);
	if (in == NULL) {
		tf_config_release(config);
		return EXIT_OPERATION;
	}
	override_dns(config, o, &server);
	current = tf_current_new(config, tf_host_name(a), &why);
	if (current == NULL) {
		tf_log_complain("truefrom", &why);
		code = EXIT_OPERATION;
	} else {
		code = check_message(current, o, client, in, second, a);
	}
	tf_current_free(current);
	if (in != stdin)
		(void)fclose(in);
	return code;
}

static bool
is_server(const char *text, struct tf_arena *a)
{
	struct tf_str server;
	struct tf_buf why;

	tf_buf_init_arena(&why, a, TEXT_MAX);
	return tf_config_check_server(tf_str_from(text), a, &server, &why);
}

static int
check_main(int argc, char **argv, struct tf_arena *a)
{
	struct check_options o = { 0 };
	struct tf_addr client = { .family = TF_FAMILY_NONE };
	struct second second = { .process = NULL };
	struct tf_config *config;
	int code = read_check_options(argc, argv, &o);

	if (code >= 0)
		return code;
	if (o.ip != NULL && !tf_addr_parse(tf_str_from(o.ip), &client))
		return wrong_usage("--ip takes an IPv4 or IPv6 address");
	if (o.dns != NULL && !is_server(o.dns, a))
		return wrong_usage("--dns takes ADDRESS or ADDRESS@PORT");
	/* Before there is a thread, so that the child is a whole process. */
	if (o.second_opinion)
		second.process = tf_opinion_start();
	config = load(o.config, a, &code);
	if (config != NULL)
		code = check_with(config, &o, &client, &second, a);
	tf_opinion_free(second.process);
	return code;
}

enum config_job { JOB_CHECK, JOB_DEFAULTS, JOB_DIFF };

static int
show_config(enum config_job job, const char *path, struct tf_arena *a)
{
	struct tf_config *config;
	struct tf_buf out;
	int code = EXIT_OK;

	tf_buf_init_arena(&out, a, OUTPUT_MAX);
	if (job == JOB_DEFAULTS) {
		tf_config_write_defaults(&out);
		return print(&out);
	}
	config = load(path, a, &code);
	if (config == NULL)
		return code;
	if (job == JOB_DIFF)
		tf_config_write_diff(config, &out);
	else
		tf_buf_printf(&out, "%s: no error\n",
		    config->file.len != 0 ? tf_arena_cstr(a, config->file) : "defaults");
	tf_config_release(config);
	return print(&out);
}

static int
config_main(int argc, char **argv, struct tf_arena *a)
{
	enum { CONFIG = 256, CHECK, DEFAULTS, DIFF };
	static const struct option long_options[] = {
		{ "config", required_argument, NULL, CONFIG },
		{ "check", no_argument, NULL, CHECK },
		{ "defaults", no_argument, NULL, DEFAULTS },
		{ "diff", no_argument, NULL, DIFF },
		{ NULL, 0, NULL, 0 },
	};
	enum config_job job = JOB_CHECK;
	const char *path = NULL;
	size_t jobs = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == CONFIG) {
			path = optarg;
			continue;
		}
		if (c != CHECK && c != DEFAULTS && c != DIFF)
			return wrong_usage(NULL);
		job = c == CHECK ? JOB_CHECK : c == DEFAULTS ? JOB_DEFAULTS : JOB_DIFF;
		jobs++;
	}
	if (jobs > 1)
		return wrong_usage("one of --check, --defaults and --diff");
	if (optind != argc)
		return wrong_usage("config takes no file but that of --config");
	return show_config(job, path, a);
}

#define TOP_DEFAULT 20
#define TOP_MAX 100000

static int
show_stats(const char *path, size_t top, bool json, struct tf_arena *a)
{
	FILE *in = open_input(path, a);
	struct tf_stats *stats;
	struct tf_buf out;
	int code = EXIT_OPERATION;

	if (in == NULL)
		return code;
	tf_buf_init_arena(&out, a, OUTPUT_MAX);
	stats = tf_stats_new();
	if (tf_stats_read(stats, in) != 0) {
		complain_errno(errno, path != NULL ? path : "standard input", "cannot be read", a);
	} else {
		if (json)
			tf_stats_write_json(stats, top, &out);
		else
			tf_stats_write_words(stats, top, &out);
		code = print(&out);
	}
	tf_stats_free(stats);
	if (in != stdin)
		(void)fclose(in);
	return code;
}

static int
stats_main(int argc, char **argv, struct tf_arena *a)
{
	enum { TOP = 256, JSON };
	static const struct option long_options[] = {
		{ "top", required_argument, NULL, TOP },
		{ "json", no_argument, NULL, JSON },
		{ NULL, 0, NULL, 0 },
	};
	uint32_t top = TOP_DEFAULT;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == JSON)
			json = true;
		else if (c != TOP)
			return wrong_usage(NULL);
		else if (!tf_str_to_u32(tf_str_from(optarg), TOP_MAX, &top))
			return wrong_usage("--top takes a number up to 100000");
	}
	if (argc - optind > 1)
		return wrong_usage("one log at a time");
	return show_stats(optind < argc ? argv[optind] : NULL, top, json, a);
}

static int
show_version(struct tf_arena *a)
{
	struct tf_buf out;

	tf_buf_init_arena(&out, a, TEXT_MAX);
	tf_buf_printf(&out, "truefrom %s\n", PACKAGE_VERSION);
	tf_check_versions(&out);
	tf_buf_printf(&out, ", libconfuse %s, jansson %s, %s\n", tf_config_library_version(),
	    tf_explain_library_version(), tf_second_opinion_version());
	return print(&out);
}

int
main(int argc, char **argv)
{
	static char name[] = "truefrom";
	const struct tf_str command = tf_str_from(argc > 1 ? argv[1] : NULL);
	struct tf_arena *a;
	int code;

	if (command.len == 0)
		return wrong_usage(NULL);
	argv[1] = name; /* getopt begins its messages with it */
	tf_log_open("truefrom", true);
	a = tf_arena_new();
	if (tf_str_eq(command, TF_STR("check"))) {
		code = check_main(argc - 1, argv + 1, a);
	} else if (tf_str_eq(command, TF_STR("config"))) {
		code = config_main(argc - 1, argv + 1, a);
	} else if (tf_str_eq(command, TF_STR("stats"))) {
		code = stats_main(argc - 1, argv + 1, a);
	} else if (tf_str_eq(command, TF_STR("--version")) || tf_str_eq(command, TF_STR("-V"))) {
		code = show_version(a);
	} else if (tf_str_eq(command, TF_STR("--help")) || tf_str_eq(command, TF_STR("-h"))) {
		fputs(usage_text, stdout);
		code = EXIT_OK;
	} else {
		code = wrong_usage("unknown command");
	}
	tf_arena_free(a);
	return code;
}
