/*
 * config_rows.c - options.def as a table, and look-ups in it
 *
 * Does not: read or write values (config_value.c) or look into strings (config_check.c).
 */
#include "milter/config.h"
#include "milter/config_check.h"
#include "milter/config_rows.h"
#include "truefrom/banned.h"

static const struct tf_word mode_words[] = { { "enforce", false }, { "monitor", true }, { 0 } };
static const struct tf_word on_error_words[] = { { "tempfail", true }, { "accept", false }, { 0 } };
static const struct tf_word log_format_words[] = { { "logfmt", false }, { "json", true }, { 0 } };
static const struct tf_word partial_body_words[] = { { "policy", false }, { "accept", true },
	{ 0 } };
static const struct tf_word verifier_words[] = { { "libopendkim", false }, { "own", true }, { 0 } };

static const struct tf_word level_words[] = {
	{ "error", TF_LOG_ERROR },
	{ "warning", TF_LOG_WARNING },
	{ "notice", TF_LOG_NOTICE },
	{ "info", TF_LOG_INFO },
	{ "debug", TF_LOG_DEBUG },
	{ 0 },
};

static const struct tf_word facility_words[] = {
	{ "mail", TF_FACILITY_MAIL },
	{ "daemon", TF_FACILITY_DAEMON },
	{ "user", TF_FACILITY_USER },
	{ "local0", TF_FACILITY_LOCAL0 },
	{ "local1", TF_FACILITY_LOCAL1 },
	{ "local2", TF_FACILITY_LOCAL2 },
	{ "local3", TF_FACILITY_LOCAL3 },
	{ "local4", TF_FACILITY_LOCAL4 },
	{ "local5", TF_FACILITY_LOCAL5 },
	{ "local6", TF_FACILITY_LOCAL6 },
	{ "local7", TF_FACILITY_LOCAL7 },
	{ 0 },
};

static const struct tf_word accept_reject_words[] = {
	{ "accept", TF_ON_ACCEPT },
	{ "reject", TF_ON_REJECT },
	{ 0 },
};

static const struct tf_word on_reject_words[] = {
	{ "reject", TF_ON_REJECT },
	{ "quarantine", TF_ON_QUARANTINE },
	{ "accept", TF_ON_ACCEPT },
	{ 0 },
};

static const struct tf_word on_quarantine_words[] = {
	{ "header", TF_ON_HEADER },
	{ "hold", TF_ON_HOLD },
	{ "reject", TF_ON_REJECT },
	{ "accept", TF_ON_ACCEPT },
	{ 0 },
};

static const struct tf_word on_temperror_words[] = {
	{ "accept", TF_ON_ACCEPT },
	{ "tempfail", TF_ON_TEMPFAIL },
	{ 0 },
};

/* "published" is kept as TF_POLICY_UNKNOWN until config.c makes the flag of it. */
static const struct tf_word override_words[] = {
	{ "none", TF_POLICY_NONE },
	{ "quarantine", TF_POLICY_QUARANTINE },
	{ "reject", TF_POLICY_REJECT },
	{ "published", TF_POLICY_UNKNOWN },
	{ 0 },
};

static const struct tf_word forwarder_words[] = {
	{ "none", TF_POLICY_NONE },
	{ "quarantine", TF_POLICY_QUARANTINE },
	{ "reject", TF_POLICY_REJECT },
	{ 0 },
};

#define ACTS_YES true
#define ACTS_NOT_YET false
#define ROW(k, n, f, c, d, lo, hi, w, chk, wh, ac, txt)                                            \
	{                                                                                          \
		.kind = TF_OPT_##k, .key = (n), .field = offsetof(OPT_BASE, f),                    \
		.count_field = offsetof(OPT_BASE, c), .def = (d), .min = (lo), .max = (hi),        \
		.words = (w), .check = (chk), .when = TF_OPT_##wh, .acts = ACTS_##ac,              \
		.what = (txt)                                                                      \
	}
#define OPT(k, n, f, d, lo, hi, wh, ac, chk, txt)                                                  \
	ROW(k, n, f, f, d, lo, hi, NULL, chk, wh, ac, txt),
#define WORD(k, n, f, d, w, wh, ac, txt) ROW(k, n, f, f, d, 0, 0, w, NULL, wh, ac, txt),
#define LIST(k, n, f, c, d, hi, wh, ac, chk, txt) ROW(k, n, f, c, d, 0, hi, NULL, chk, wh, ac, txt),

static const struct tf_opt rows[] = {
#include "milter/options.def"
};

/* In the order of the file. */
static const char *const sections[] = { "dns", "spf", "dkim", "arc", "dmarc", "limits", "report",
	"metrics", "domain", "forwarder" };

/* Of these there may be many, each with a title, here with an example of one. */
static const struct {
	const char *section, *title;
} titled[] = {
	{ "domain", "example.com" },
	{ "forwarder", "mailing-list" },
};

const struct tf_opt *
tf_opts(size_t *count_out)
{
	*count_out = TF_ARRAY_LEN(rows);
	return rows;
}

struct tf_str
tf_opt_section(const struct tf_opt *opt)
{
	struct tf_str key = tf_str_from(opt->key);
	size_t dot = tf_str_find(key, '.');

	return tf_str_sub(key, 0, dot < key.len ? dot : 0);
}

struct tf_str
tf_opt_name(const struct tf_opt *opt)
{
	struct tf_str key = tf_str_from(opt->key);
	size_t dot = tf_str_find(key, '.');

	return dot < key.len ? tf_str_sub(key, dot + 1, key.len) : key;
}

bool
tf_opt_is_list(const struct tf_opt *opt)
{
	return opt->kind == TF_OPT_LIST || opt->kind == TF_OPT_NETS;
}

const char *
tf_opt_title_of(struct tf_str section)
{
	for (size_t i = 0; i < TF_ARRAY_LEN(titled); i++) {
		if (tf_str_eq(tf_str_from(titled[i].section), section))
			return titled[i].title;
	}
	return NULL;
}

bool
tf_opt_is_titled(const struct tf_opt *opt)
{
	return tf_opt_title_of(tf_opt_section(opt)) != NULL;
}

const struct tf_opt *
tf_opt_find(struct tf_str section, struct tf_str name)
{
	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		if (tf_str_eq(tf_opt_section(&rows[i]), section) &&
		    tf_str_eq(tf_opt_name(&rows[i]), name))
			return &rows[i];
	}
	return NULL;
}

bool
tf_opt_is_section(struct tf_str name)
{
	for (size_t i = 0; i < TF_ARRAY_LEN(sections); i++) {
		if (tf_str_eq(tf_str_from(sections[i]), name))
			return true;
	}
	return false;
}

const char *const *
tf_opt_sections(size_t *count_out)
{
	*count_out = TF_ARRAY_LEN(sections);
	return sections;
}

#define NAME_MAX_LEN ((size_t)40)

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/*
 * How many letters must be changed, added, left out or swapped with their neighbour to make b of a;
 * names over NAME_MAX_LEN are far from everything.
 */
static size_t
distance(struct tf_str a, struct tf_str b)
{
	size_t d[3][NAME_MAX_LEN + 1]; /* this row and the two before it, in turn */

	if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *now = d[i % 3], *last = d[(i + 2) % 3], *before = d[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			char x = tf_lower(a.ptr[i - 1]), y = tf_lower(b.ptr[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tf_lower(b.ptr[j - 2]) &&
			    y == tf_lower(a.ptr[i - 2]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return d[a.len % 3][b.len];
}

struct best {
	const struct tf_opt *opt; /* NULL: a section */
	const char *section;
	size_t rank;
};

/* Fewer changes are better; a name of another section has to be nearer by two. */
static bool
is_better(struct best *best, struct tf_str typed, struct tf_str name, bool elsewhere)
{
	size_t d = distance(typed, name), rank = d * 2 + (elsewhere ? 3 : 0);

	if (d > 1 + typed.len / 4 || rank >= best->rank)
		return false;
	best->rank = rank;
	return true;
}

static struct best
find_nearest(struct tf_str section, struct tf_str typed)
{
	bool dotted = tf_str_find(typed, '.') < typed.len;
	struct best best = { .rank = SIZE_MAX };

	for (size_t i = 0; i < TF_ARRAY_LEN(rows); i++) {
		const struct tf_opt *opt = &rows[i];

		if (is_better(&best, typed, dotted ? tf_str_from(opt->key) : tf_opt_name(opt),
			!tf_str_eq(tf_opt_section(opt), section)))
			best.opt = opt;
	}
	for (size_t i = 0; i < TF_ARRAY_LEN(sections) && section.len == 0; i++) {
		if (is_better(&best, typed, tf_str_from(sections[i]), false))
			best = (struct best){ .section = sections[i], .rank = best.rank };
	}
	return best;
}

void
tf_opt_suggest(struct tf_str section, struct tf_str name, struct tf_buf *out)
{
	struct best best = find_nearest(section, name);
	struct tf_str opt_section, opt_name;
	const char *title;

	if (best.opt == NULL) {
		if (best.section != NULL)
			tf_buf_printf(out, "the nearest is %s", best.section);
		else
			tf_buf_lit(out, "truefrom.conf(5) lists all keys");
		return;
	}
	opt_section = tf_opt_section(best.opt);
	opt_name = tf_opt_name(best.opt);
	title = tf_opt_title_of(opt_section);
	/* Where there are titles the name alone: such keys have one in the middle. */
	tf_buf_printf(out, "the nearest is %s", title != NULL ? opt_name.ptr : best.opt->key);
	if (opt_section.len == 0 || tf_str_eq(opt_section, section))
		return;
	tf_buf_printf(out, ", written as %.*s", TF_PRI(opt_section));
	if (title != NULL)
		tf_buf_printf(out, " \"%s\"", title);
	tf_buf_printf(out, " { %.*s = ... }", TF_PRI(opt_name));
}
