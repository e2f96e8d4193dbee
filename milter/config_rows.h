/*
 * config_rows.h - the table of all keys, and look-ups in it
 */
#ifndef MILTER_CONFIG_ROWS_H
#define MILTER_CONFIG_ROWS_H

#include "truefrom/base.h"

enum tf_opt_kind {
	TF_OPT_STR,   /* struct tf_str */
	TF_OPT_BOOL,  /* bool: true, false, yes, no, on, off */
	TF_OPT_NUM,   /* uint32_t */
	TF_OPT_SECS,  /* seconds in the file, uint32_t milliseconds in the struct */
	TF_OPT_SIZE,  /* uint64_t, with K, M, G */
	TF_OPT_MODE,  /* uint32_t from octal digits */
	TF_OPT_DATE,  /* int64_t: the last second of that day, UTC; "" is 0 */
	TF_OPT_WORDS, /* an enum */
	TF_OPT_FLAG,  /* bool from a pair of words */
	TF_OPT_LIST,  /* const struct tf_str * and a size_t count */
	TF_OPT_NETS   /* const struct tf_net * and a size_t count */
};

enum tf_opt_when { TF_OPT_RELOAD, TF_OPT_RESTART };

/* A word and what it stands for; ends with a NULL name. The first is the default of no key. */
struct tf_word {
	const char *name;
	unsigned int value;
};

/*
 * A check of one value or list element: true and the value to keep (in a, or as given), or false
 * and "what is wrong; what would be right" in why.
 */
typedef bool (*tf_opt_check)(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);

struct tf_opt {
	enum tf_opt_kind kind;
	const char *key; /* "socket", "dns.timeout" */
	size_t field, count_field;
	const char *def;
	uint64_t min, max;
	const struct tf_word *words;
	tf_opt_check check;
	enum tf_opt_when when;
	bool acts; /* false: accepted, but this version does not act on it */
	const char *what;
};

const struct tf_opt *tf_opts(size_t *count_out);
struct tf_str tf_opt_section(const struct tf_opt *opt); /* "" or "dns" */
struct tf_str tf_opt_name(const struct tf_opt *opt);    /* "timeout" */
bool tf_opt_is_list(const struct tf_opt *opt);
const struct tf_opt *tf_opt_find(struct tf_str section, struct tf_str name); /* or NULL */
/* Of sections like this there may be many, each with a title, and a field is not one of struct
 * tf_config: in `domain` it is of struct tf_override, in `forwarder` of struct tf_forwarder. */
bool tf_opt_is_titled(const struct tf_opt *opt);
const char *tf_opt_title_of(struct tf_str section); /* an example of a title, or NULL */
bool tf_opt_is_section(struct tf_str name);
const char *const *tf_opt_sections(size_t *count_out);
/*
 * tf_opt_suggest - what may have been meant by a key that does not exist
 *
 * section  where it stands; "" is outside all sections; it must exist
 *
 * Writes one clause, e.g. "the nearest is dns.timeout".
 */
void tf_opt_suggest(struct tf_str section, struct tf_str name, struct tf_buf *out);

#endif
