/*
 * config_parse.c - the statements of a configuration file (only user of libconfuse)
 *
 * libconfuse decides what is a statement, a section and a list, and tells each value as soon as it
 * has read it. All values are strings to it: types and bounds are those of options.def, and its own
 * numbers would take 010 for 8. It would stop at the first unknown key, so those are taken out
 * before. Its line is the number of a token (config_text.h), so what it says can be told with the
 * true line; its own messages are not used.
 */
#include <confuse.h>
#include <pthread.h>

#include "milter/config_parse.h"
#include "truefrom/banned.h"

struct parse {
	struct tf_config_text *text;
	struct tf_arena *arena;
	struct tf_report *report;
	struct tf_config_events *events;
	size_t room; /* of the events */
	bool failed;
};

/* libconfuse has one scanner for the process, and its callbacks have no argument of ours. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct parse *current;

static uint32_t
token_at(const cfg_t *cfg)
{
	return cfg->line > 0 ? (uint32_t)cfg->line - 1 : 0;
}

static bool
is_key(char c)
{
	return tf_is_alnum(c) || c == '_';
}

/* Letters, digits and _: libconfuse would take a name with "|" for a path into a section. */
static bool
is_plain(struct tf_str name)
{
	struct tf_lex lx = tf_lex_init(name);

	tf_lex_while(&lx, is_key);
	return name.len != 0 && tf_lex_done(&lx);
}

static bool
is_known(struct tf_str section, struct tf_str name)
{
	if (!is_plain(name))
		return false;
	return tf_opt_find(section, name) != NULL || (section.len == 0 && tf_opt_is_section(name));
}

/* Whether the head at i has the form of a statement, so that it was meant as a key. */
static bool
begins_statement(const struct tf_config_text *text, size_t i)
{
	for (size_t n = i + 1; n < text->count && n <= i + 2; n++) {
		if (text->tokens[n].kind == TF_TOKEN_OPEN)
			return true;
		if (text->tokens[n].kind == TF_TOKEN_EQUALS)
			return n == i + 1;
	}
	return false;
}

static void
report_unknown(struct parse *p, size_t i, struct tf_str section)
{
	const struct tf_token *t = &p->text->tokens[i];
	char hint[200];
	struct tf_buf b;

	if (p->report->errors >= TF_REPORT_MAX) { /* counted, but no longer shown */
		tf_report_error(p->report, t->line, TF_NONE_STR, "no such key");
		return;
	}
	if (!begins_statement(p->text, i)) {
		tf_report_error(p->report, t->line, tf_config_text_key(p->text, i, p->arena),
		    "neither a key nor a part of the value before it; a value of several words "
		    "stands in quotes");
		return;
	}
	tf_buf_init(&b, hint, sizeof(hint));
	tf_opt_suggest(section, t->text, &b);
	tf_report_error(p->report, t->line, tf_config_text_key(p->text, i, p->arena),
	    "no such key; %s", tf_buf_cstr(&b));
}

/* Unknown keys, and titled sections beyond the cap (libconfuse compares each title with all). */
static void
drop_unknown(struct parse *p)
{
	size_t domains = 0, forwarders = 0;

	for (size_t i = 0; i < p->text->count; i++) {
		struct tf_str section, name = p->text->tokens[i].text;

		if (!tf_config_text_is_head(p->text, i))
			continue;
		section = tf_config_text_section(p->text, i);
		if (!is_known(section, name)) {
			report_unknown(p, i, section);
			tf_config_text_drop(p->text, i);
		} else if ((tf_str_eq(name, TF_STR("domain")) &&
			       ++domains > TF_CONFIG_DOMAINS_MAX) ||
			   (tf_str_eq(name, TF_STR("forwarder")) &&
			       ++forwarders > TF_CONFIG_DOMAINS_MAX)) {
			tf_report_error(p->report, p->text->tokens[i].line,
			    tf_config_text_key(p->text, i, p->arena),
			    "too many %.*s sections; at most %d", TF_PRI(name),
			    TF_CONFIG_DOMAINS_MAX);
			tf_config_text_drop(p->text, i);
		}
	}
}

static const char *
sign_of(enum tf_token_kind kind)
{
	switch (kind) {
	case TF_TOKEN_EQUALS:
		return "\"=\"";
	case TF_TOKEN_OPEN:
		return "\"{\"";
	case TF_TOKEN_CLOSE:
		return "\"}\"";
	case TF_TOKEN_COMMA:
		return "\",\"";
	case TF_TOKEN_GONE:
	case TF_TOKEN_WORD:
		break;
	}
	return "this";
}

/* The form of the statement that begins with the head. */
static void
write_form(const struct tf_config_text *text, uint32_t head, struct tf_buf *out)
{
	struct tf_str name = text->tokens[head].text;
	struct tf_str section = tf_config_text_section(text, head);
	const struct tf_opt *opt = tf_opt_find(section, name);
	const char *title = tf_opt_title_of(name);

	if (opt != NULL)
		tf_buf_printf(out, "%.*s = %s", TF_PRI(name),
		    tf_opt_is_list(opt) ? "{\"...\", \"...\"}" : "VALUE");
	else if (title != NULL)
		tf_buf_printf(out, "%.*s \"%s\" { KEY = VALUE ... }", TF_PRI(name), title);
	else
		tf_buf_printf(out, "%.*s { KEY = VALUE ... }", TF_PRI(name));
}

/* libconfuse cannot go on at token `at`, or at the end of the file. */
static void
report_grammar(struct parse *p, uint32_t at)
{
	const struct tf_config_text *text = p->text;
	uint32_t head = tf_config_text_head_of(text, at);
	char form[200];
	struct tf_buf b;

	tf_buf_init(&b, form, sizeof(form));
	if (head != TF_CONFIG_NO_TOKEN)
		write_form(text, head, &b);
	else
		tf_buf_lit(&b, "KEY = VALUE");
	if (at < text->count)
		tf_report_error(p->report, text->tokens[at].line,
		    tf_config_text_key(text, at, p->arena), "%s is not expected here; %s",
		    text->tokens[at].kind == TF_TOKEN_WORD
			? tf_report_quote(p->arena, text->tokens[at].text)
			: sign_of(text->tokens[at].kind),
		    tf_buf_cstr(&b));
	else if (!text->cut && text->count != 0)
		tf_report_error(p->report, text->tokens[text->count - 1].line,
		    tf_config_text_key(text, at, p->arena), "the file ends within this; %s",
		    tf_buf_cstr(&b));
}

static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	(void)fmt;
	(void)ap;
	if (!current->failed)
		report_grammar(current, token_at(cfg));
	current->failed = true;
}

static void
add(struct parse *p, const struct tf_opt *opt, uint32_t token, struct tf_str value)
{
	struct tf_config_events *e = p->events;

	if (e->count == p->room) {
		size_t room = p->room != 0 ? p->room * 2 : 64;
		struct tf_config_event *grown = tf_arena_array(p->arena, room, sizeof(*grown));

		for (size_t i = 0; i < e->count; i++)
			grown[i] = e->list[i];
		e->list = grown;
		p->room = room;
	}
	e->list[e->count++] = (struct tf_config_event){ opt, token, tf_arena_dup(p->arena, value) };
}

/* Called after each value, after a list that is not empty, and after a section. */
static int
on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	struct parse *p = current;
	uint32_t at = token_at(cfg);
	const struct tf_opt *row;

	/* A section that the file was cut off in ends without a brace; that is reported already. */
	if (at >= p->text->count)
		return 0;
	if (p->text->tokens[at].kind == TF_TOKEN_CLOSE) {
		if (opt->type == CFGT_SEC)
			add(p, NULL, at, TF_NONE_STR);
		return 0;
	}
	row = tf_opt_find(tf_config_text_section(p->text, at), tf_str_from(cfg_opt_name(opt)));
	if (row == NULL)
		tf_panic("no row for %s at token %u", cfg_opt_name(opt), (unsigned)at);
	add(p, row, at, tf_str_from(cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1)));
	return 0;
}

/* The options of one section, for libconfuse; more_out is where sections may follow. */
static cfg_opt_t *
make_opts(struct tf_arena *a, struct tf_str section, cfg_opt_t **more_out)
{
	size_t rows, sections;
	const struct tf_opt *opts = tf_opts(&rows);
	cfg_opt_t *list, *next;

	(void)tf_opt_sections(&sections);
	list = next = tf_arena_array(a, rows + sections + 1, sizeof(*list));
	for (size_t i = 0; i < rows; i++) {
		const char *name = tf_opt_name(&opts[i]).ptr;

		if (!tf_str_eq(tf_opt_section(&opts[i]), section))
			continue;
		*next = tf_opt_is_list(&opts[i])
			    ? (cfg_opt_t)CFG_STR_LIST(name, NULL, CFGF_NODEFAULT)
			    : (cfg_opt_t)CFG_STR(name, NULL, CFGF_NODEFAULT);
		next++->validcb = on_value;
	}
	*more_out = next;
	*next = (cfg_opt_t)CFG_END();
	return list;
}

static cfg_opt_t *
make_root(struct tf_arena *a)
{
	size_t count;
	const char *const *names = tf_opt_sections(&count);
	cfg_opt_t *next, *unused;
	cfg_opt_t *root = make_opts(a, TF_NONE_STR, &next);

	for (size_t i = 0; i < count; i++) {
		struct tf_str name = tf_str_from(names[i]);
		bool titled = tf_opt_title_of(name) != NULL;

		*next = (cfg_opt_t)CFG_SEC(names[i], make_opts(a, name, &unused),
		    titled ? CFGF_MULTI | CFGF_TITLE : CFGF_NONE);
		next++->validcb = on_value;
	}
	*next = (cfg_opt_t)CFG_END();
	return root;
}

void
tf_config_parse(struct tf_config_text *text, struct tf_arena *a, struct tf_report *report,
    struct tf_config_events *events_out)
{
	struct parse p = { text, a, report, events_out, 0, false };
	struct tf_buf b;
	cfg_t *cfg;
	int rc;

	*events_out = (struct tf_config_events){ 0 };
	drop_unknown(&p);
	tf_buf_init_arena(&b, a, 8 * TF_CONFIG_FILE_MAX);
	tf_config_text_write(text, &b);
	tf_buf_byte(&b, '\n'); /* libconfuse wants at least one byte */

	pthread_mutex_lock(&lock);
	current = &p;
	cfg = cfg_init(make_root(a), CFGF_NONE);
	if (cfg == NULL)
		tf_panic("libconfuse: out of memory");
	cfg_set_error_function(cfg, on_error);
	rc = cfg_parse_buf(cfg, tf_buf_cstr(&b));
	if (rc != CFG_SUCCESS && !p.failed)
		report_grammar(&p, token_at(cfg));
	cfg_free(cfg);
	current = NULL;
	pthread_mutex_unlock(&lock);
}

const char *
tf_config_library_version(void)
{
	return confuse_version;
}
