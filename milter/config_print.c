/*
 * config_print.c - the configuration as text: one value, all defaults, what differs from them
 *
 * What is written here reads back as the same configuration.
 */
#include <string.h>

#include "milter/config.h"
#include "milter/config_date.h"
#include "milter/config_print.h"
#include "milter/config_value.h"
#include "truefrom/banned.h"

#define VALUE_MAX ((size_t)4 * 1024 * 1024) /* of one key; the file is smaller */

static const void *
const_field_of(const struct tf_opt *opt, const void *base)
{
	return (const char *)base + opt->field;
}

static size_t
list_count(const struct tf_opt *opt, const void *base)
{
	size_t count;

	memcpy(&count, (const char *)base + opt->count_field, sizeof(count));
	return count;
}

static void
write_size(uint64_t n, struct tf_buf *out)
{
	static const char units[] = { '\0', 'K', 'M', 'G' };
	size_t unit = 0;

	while (unit + 1 < sizeof(units) && n != 0 && n % 1024 == 0) {
		n /= 1024;
		unit++;
	}
	tf_buf_printf(out, "%llu", (unsigned long long)n);
	if (unit != 0)
		tf_buf_byte(out, units[unit]);
}

void
tf_opt_write_bounds(const struct tf_opt *opt, struct tf_buf *out)
{
	switch (opt->kind) {
	case TF_OPT_NUM:
	case TF_OPT_SECS:
		tf_buf_printf(out, "%llu to %llu", (unsigned long long)opt->min,
		    (unsigned long long)opt->max);
		break;
	case TF_OPT_SIZE:
		write_size(opt->min, out);
		tf_buf_lit(out, " to ");
		write_size(opt->max, out);
		break;
	case TF_OPT_BOOL:
		tf_buf_lit(out, "true or false");
		break;
	case TF_OPT_WORDS:
	case TF_OPT_FLAG:
		for (size_t i = 0; opt->words[i].name != NULL; i++) {
			if (i > 0)
				tf_buf_lit(out, opt->words[i + 1].name != NULL ? ", " : " or ");
			tf_buf_lit(out, opt->words[i].name);
		}
		break;
	case TF_OPT_MODE:
		tf_buf_lit(out, "three or four octal digits");
		break;
	case TF_OPT_DATE:
		tf_buf_lit(out, "YYYY-MM-DD");
		break;
	case TF_OPT_LIST:
	case TF_OPT_NETS:
		tf_buf_printf(out, "at most %llu elements", (unsigned long long)opt->max);
		break;
	case TF_OPT_STR:
		break;
	}
}

static void
write_string(struct tf_str s, struct tf_buf *out)
{
	tf_buf_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			tf_buf_byte(out, '\\');
		tf_buf_byte(out, s.ptr[i]);
	}
	tf_buf_byte(out, '"');
}

static void
write_net(const struct tf_net *net, struct tf_buf *out)
{
	tf_buf_byte(out, '"');
	tf_addr_write(&net->addr, out);
	tf_buf_printf(out, "/%u\"", (unsigned)net->bits);
}

static void
write_list(const struct tf_opt *opt, const void *base, struct tf_buf *out)
{
	size_t count = list_count(opt, base);
	const struct tf_str *strings;
	const struct tf_net *nets;

	memcpy(&strings, const_field_of(opt, base), sizeof(strings));
	memcpy(&nets, const_field_of(opt, base), sizeof(nets));
	tf_buf_byte(out, '{');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			tf_buf_lit(out, ", ");
		if (opt->kind == TF_OPT_NETS)
			write_net(&nets[i], out);
		else
			write_string(strings[i], out);
	}
	tf_buf_byte(out, '}');
}

static void
write_word(const struct tf_opt *opt, const void *base, struct tf_buf *out)
{
	unsigned int value;
	bool flag;

	if (opt->kind == TF_OPT_FLAG) {
		memcpy(&flag, const_field_of(opt, base), sizeof(flag));
		value = flag;
	} else {
		memcpy(&value, const_field_of(opt, base), sizeof(value));
	}
	for (const struct tf_word *w = opt->words; w->name != NULL; w++) {
		if (w->value == value) {
			write_string(tf_str_from(w->name), out);
			return;
		}
	}
	tf_panic("%s holds %u, which has no word", opt->key, value);
}

static void
write_number(const struct tf_opt *opt, const void *base, struct tf_buf *out)
{
	uint32_t n;

	memcpy(&n, const_field_of(opt, base), sizeof(n));
	if (opt->kind == TF_OPT_MODE)
		tf_buf_printf(out, "\"%04o\"", (unsigned)n);
	else
		tf_buf_printf(out, "%u", (unsigned)(opt->kind == TF_OPT_SECS ? n / 1000 : n));
}

static void
write_date(const struct tf_opt *opt, const void *base, struct tf_buf *out)
{
	int64_t until;

	memcpy(&until, const_field_of(opt, base), sizeof(until));
	tf_buf_byte(out, '"');
	if (until != 0)
		tf_date_write(until, out);
	tf_buf_byte(out, '"');
}

void
tf_opt_write(const struct tf_opt *opt, const void *base, struct tf_buf *out)
{
	const void *field = const_field_of(opt, base);
	struct tf_str s;
	uint64_t size;
	bool b;

	switch (opt->kind) {
	case TF_OPT_STR:
		memcpy(&s, field, sizeof(s));
		write_string(s, out);
		break;
	case TF_OPT_BOOL:
		memcpy(&b, field, sizeof(b));
		tf_buf_lit(out, b ? "true" : "false");
		break;
	case TF_OPT_SIZE:
		memcpy(&size, field, sizeof(size));
		tf_buf_byte(out, '"');
		write_size(size, out);
		tf_buf_byte(out, '"');
		break;
	case TF_OPT_NUM:
	case TF_OPT_SECS:
	case TF_OPT_MODE:
		write_number(opt, base, out);
		break;
	case TF_OPT_DATE:
		write_date(opt, base, out);
		break;
	case TF_OPT_WORDS:
	case TF_OPT_FLAG:
		write_word(opt, base, out);
		break;
	case TF_OPT_LIST:
	case TF_OPT_NETS:
		write_list(opt, base, out);
		break;
	}
}

/* "# what it is (what it accepts; needs a restart)" */
static void
write_description(const struct tf_opt *opt, const char *indent, struct tf_buf *out)
{
	char bounds[200];
	struct tf_buf b;

	tf_buf_init(&b, bounds, sizeof(bounds));
	if (!tf_opt_is_list(opt) && opt->kind != TF_OPT_BOOL)
		tf_opt_write_bounds(opt, &b);
	if (opt->when == TF_OPT_RESTART)
		tf_buf_printf(&b, "%sneeds a restart", b.len != 0 ? "; " : "");
	if (!opt->acts)
		tf_buf_printf(&b, "%snot acted on by this version", b.len != 0 ? "; " : "");
	tf_buf_printf(out, "%s# %s", indent, opt->what);
	if (b.len != 0)
		tf_buf_printf(out, " (%.*s)", TF_PRI(tf_buf_get(&b)));
	tf_buf_byte(out, '\n');
}

bool
tf_opt_same(const struct tf_opt *opt, const void *a, const void *b)
{
	struct tf_arena *work = tf_arena_new();
	struct tf_buf x, y;
	bool same;

	tf_buf_init_arena(&x, work, VALUE_MAX);
	tf_buf_init_arena(&y, work, VALUE_MAX);
	tf_opt_write(opt, a, &x);
	tf_opt_write(opt, b, &y);
	same = tf_str_eq(tf_buf_get(&x), tf_buf_get(&y));
	tf_arena_free(work);
	return same;
}

/*
 * The keys of one section ("" are those outside all sections) with the values of base.
 *
 * unless     NULL, or a struct like base: keys that have the same value there are left out
 * described  with a comment before each
 */
struct selection {
	const void *base, *unless;
	bool described;
};

static bool
is_selected(const struct tf_opt *opt, struct tf_str section, const struct selection *sel)
{
	return tf_str_eq(tf_opt_section(opt), section) &&
	       (sel->unless == NULL || !tf_opt_same(opt, sel->base, sel->unless));
}

static void
write_keys(struct tf_str section, const struct selection *sel, struct tf_buf *out)
{
	const char *indent = section.len != 0 ? "\t" : "";
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);

	for (size_t i = 0; i < count; i++) {
		if (!is_selected(&opts[i], section, sel))
			continue;
		if (sel->described)
			write_description(&opts[i], indent, out);
		tf_buf_printf(out, "%s%.*s = ", indent, TF_PRI(tf_opt_name(&opts[i])));
		tf_opt_write(&opts[i], sel->base, out);
		tf_buf_byte(out, '\n');
	}
}

static void
write_section(const char *name, const struct selection *sel, struct tf_buf *out)
{
	size_t count, selected = 0;
	const struct tf_opt *opts = tf_opts(&count);

	for (size_t i = 0; i < count; i++)
		selected += is_selected(&opts[i], tf_str_from(name), sel);
	if (selected == 0)
		return;
	tf_buf_printf(out, "%s%s {\n", out->len != 0 ? "\n" : "", name);
	write_keys(tf_str_from(name), sel, out);
	tf_buf_lit(out, "}\n");
}

/* All but those with titles. */
static void
write_sections(const struct selection *sel, struct tf_buf *out)
{
	size_t count;
	const char *const *names = tf_opt_sections(&count);

	write_keys(TF_NONE_STR, sel, out);
	for (size_t i = 0; i < count; i++) {
		if (tf_opt_title_of(tf_str_from(names[i])) == NULL)
			write_section(names[i], sel, out);
	}
}

static void
write_domains(const struct tf_config *c, struct tf_buf *out)
{
	static const struct tf_override unset;

	for (size_t i = 0; i < c->verdict.override_count; i++) {
		const struct tf_override *o = &c->verdict.overrides[i];
		const struct selection sel = { .base = o, .unless = &unset };

		tf_buf_printf(out, "%sdomain \"%s%.*s\" {\n", out->len != 0 ? "\n" : "",
		    o->subdomains ? "*." : "", TF_PRI(o->domain));
		if (o->published)
			tf_buf_lit(out, "\tpolicy = \"published\"\n");
		write_keys(TF_STR("domain"), &sel, out);
		tf_buf_lit(out, "}\n");
	}
}

static void
write_forwarders(const struct tf_config *c, struct tf_buf *out)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_forwarder unset = { 0 };
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);

	for (size_t i = 0; i < count; i++) {
		if (tf_str_eq(tf_opt_section(&opts[i]), TF_STR("forwarder")))
			tf_opt_set_default(&opts[i], &unset, a);
	}
	for (size_t i = 0; i < c->verdict.forwarder_count; i++) {
		const struct tf_forwarder *f = &c->verdict.forwarders[i];
		const struct selection sel = { .base = f, .unless = &unset };

		tf_buf_printf(
		    out, "%sforwarder \"%.*s\" {\n", out->len != 0 ? "\n" : "", TF_PRI(f->name));
		write_keys(TF_STR("forwarder"), &sel, out);
		tf_buf_lit(out, "}\n");
	}
	tf_arena_free(a);
}

/* The keys of a titled section, as a comment: there is none by default. */
static void
write_example(const char *section, const char *what, struct tf_buf *out)
{
	size_t count;
	const struct tf_opt *opts = tf_opts(&count);
	const struct tf_str name = tf_str_from(section);

	tf_buf_printf(out, "\n# %s (one section for each):\n#\n# %s \"%s\" {\n", what, section,
	    tf_opt_title_of(name));
	for (size_t i = 0; i < count; i++) {
		if (!tf_str_eq(tf_opt_section(&opts[i]), name))
			continue;
		tf_buf_lit(out, "#");
		write_description(&opts[i], "\t", out);
		tf_buf_printf(out, "#\t%.*s = %s%s%s\n", TF_PRI(tf_opt_name(&opts[i])),
		    tf_opt_is_list(&opts[i]) ? "{" : "\"", opts[i].def,
		    tf_opt_is_list(&opts[i]) ? "}" : "\"");
	}
	tf_buf_lit(out, "# }\n");
}

static struct tf_config *
load_defaults(void)
{
	char text[1];
	struct tf_buf unused;
	bool unreadable;
	struct tf_config *c;

	tf_buf_init(&unused, text, sizeof(text));
	c = tf_config_load(NULL, &unused, &unused, &unreadable);
	if (c == NULL)
		tf_panic("the defaults are no configuration");
	return c;
}

void
tf_config_write_defaults(struct tf_buf *out)
{
	struct tf_config *c = load_defaults();

	tf_buf_lit(
	    out, "# Every key of truefrom.conf with its default; truefrom.conf(5) says more.\n\n");
	write_sections(&(struct selection){ .base = c, .described = true }, out);
	write_example("domain", "The policy of one author domain, overridden", out);
	write_example("forwarder",
	    "A mailing list or forwarder whose mail fails DMARC as a matter of course", out);
	tf_config_release(c);
}

void
tf_config_write_diff(const struct tf_config *c, struct tf_buf *out)
{
	struct tf_config *defaults = load_defaults();

	write_sections(&(struct selection){ .base = c, .unless = defaults }, out);
	write_domains(c, out);
	write_forwarders(c, out);
	tf_config_release(defaults);
}
