/*
 * config_value.c - one value of the configuration: from text into its field
 *
 * One function per kind of value. Numbers are decimal and are never guessed at: a leading
 * zero, a sign, a fraction or a unit that the key does not take is a mistake.
 * Limits: the bounds of the row (options.def).
 */
#include <string.h>

#include "milter/config_check.h"
#include "milter/config_date.h"
#include "milter/config_print.h"
#include "milter/config_report.h"
#include "milter/config_value.h"
#include "truefrom/banned.h"

_Static_assert(sizeof(enum tf_opt_kind) == sizeof(unsigned int), "enums are stored as unsigned");

static void *
field_of(const struct tf_opt *opt, void *base)
{
	return (char *)base + opt->field;
}

static size_t
list_count(const struct tf_opt *opt, const void *base)
{
	size_t count;

	memcpy(&count, (const char *)base + opt->count_field, sizeof(count));
	return count;
}

/* Says no: the value in quotes, the text, and what the row accepts. */
static bool
wrong(const struct tf_opt *opt, struct tf_str value, struct tf_arena *a, struct tf_buf *why,
    const char *text)
{
	tf_buf_printf(why, "%s %s; ", tf_report_quote(a, value), text);
	tf_opt_write_bounds(opt, why);
	return false;
}

/*
 * Digits, and for sizes a unit; the bounds are those of the row. `value` is all of it, for the
 * message.
 */
static bool
set_number(const struct tf_opt *opt, struct tf_str value, struct tf_arena *a, uint64_t *n_out,
    struct tf_buf *why)
{
	static const struct tf_str units = TF_LIT("KMG");
	struct tf_str digits = value;
	size_t unit = units.len;

	if (opt->kind == TF_OPT_SIZE && value.len != 0)
		unit = tf_str_find(units, value.ptr[value.len - 1]);
	if (unit < units.len)
		digits.len--;
	if (digits.len > 1 && digits.ptr[0] == '0')
		return wrong(opt, value, a, why, "begins with 0, and numbers are decimal");
	for (size_t i = 0; i < digits.len; i++) {
		if (!tf_is_digit(digits.ptr[i]))
			digits.len = 0;
	}
	if (digits.len == 0)
		return wrong(opt, value, a, why,
		    opt->kind == TF_OPT_SIZE ? "is no size, digits and K, M or G" : "is no number");
	if (!tf_str_to_u64(digits, UINT64_MAX >> 30, n_out))
		*n_out = UINT64_MAX;
	else if (unit < units.len)
		*n_out <<= 10 * (unit + 1);
	if (*n_out < opt->min || *n_out > opt->max)
		return wrong(opt, value, a, why, "is out of range");
	return true;
}

static bool
set_u32(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	uint64_t n;
	uint32_t stored;

	if (!set_number(opt, value, a, &n, why))
		return false;
	stored = (uint32_t)(opt->kind == TF_OPT_SECS ? n * 1000 : n);
	memcpy(field_of(opt, base), &stored, sizeof(stored));
	return true;
}

static bool
set_size(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	uint64_t n;

	if (!set_number(opt, value, a, &n, why))
		return false;
	memcpy(field_of(opt, base), &n, sizeof(n));
	return true;
}

static bool
set_bool(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	static const struct tf_word words[] = { { "true", true }, { "false", false },
		{ "yes", true }, { "no", false }, { "on", true }, { "off", false } };
	bool b;

	for (size_t i = 0; i < TF_ARRAY_LEN(words); i++) {
		if (tf_str_eq(value, tf_str_from(words[i].name))) {
			b = words[i].value != 0;
			memcpy(field_of(opt, base), &b, sizeof(b));
			return true;
		}
	}
	return wrong(opt, value, a, why, "is neither true nor false");
}

static bool
set_word(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	const struct tf_word *w = opt->words;
	bool flag;

	while (w->name != NULL && !tf_str_eq(value, tf_str_from(w->name)))
		w++;
	if (w->name == NULL)
		return wrong(opt, value, a, why, "is not known");
	if (opt->kind == TF_OPT_FLAG) {
		flag = w->value != 0;
		memcpy(field_of(opt, base), &flag, sizeof(flag));
	} else {
		memcpy(field_of(opt, base), &w->value, sizeof(w->value));
	}
	return true;
}

static bool
set_mode(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	uint32_t mode = 0;

	if (value.len < 3 || value.len > 4)
		return wrong(opt, value, a, why, "is no mode");
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '7')
			return wrong(opt, value, a, why, "is no mode");
		mode = mode * 8 + (uint32_t)(value.ptr[i] - '0');
	}
	if (mode > opt->max)
		return wrong(
		    opt, value, a, why, "has more than permissions for user, group, others");
	memcpy(field_of(opt, base), &mode, sizeof(mode));
	return true;
}

static bool
set_date(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	int64_t until = 0;

	if (value.len != 0 && !tf_date_parse(value, &until))
		return wrong(opt, value, a, why, "is no date");
	memcpy(field_of(opt, base), &until, sizeof(until));
	return true;
}

static bool
check_string(const struct tf_opt *opt, struct tf_str value, struct tf_arena *a,
    struct tf_str *value_out, struct tf_buf *why)
{
	if (value.len < opt->min) {
		tf_buf_printf(why, "must not be empty; the default is \"%s\"", opt->def);
		return false;
	}
	if (value.len > opt->max) {
		tf_buf_printf(why, "%zu bytes are too many; at most %llu", value.len,
		    (unsigned long long)opt->max);
		return false;
	}
	*value_out = value;
	return opt->check == NULL || opt->check(value, a, value_out, why);
}

static bool
set_string(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	struct tf_str kept;

	if (!check_string(opt, value, a, &kept, why))
		return false;
	kept = tf_arena_dup(a, kept);
	memcpy(field_of(opt, base), &kept, sizeof(kept));
	return true;
}

/*
 * Appends an element of size bytes. Lists grow by doubling: one of a power of two elements is full.
 * What is left behind stays in the arena, at most as much again.
 */
static void
append(const struct tf_opt *opt, void *base, const void *element, size_t size, struct tf_arena *a)
{
	size_t count = list_count(opt, base);
	char *list;

	memcpy(&list, field_of(opt, base), sizeof(list));
	if ((count & (count - 1)) == 0) { /* 0, 1, 2, 4, 8 ... */
		char *grown = tf_arena_array(a, count != 0 ? count * 2 : 1, size);

		if (count != 0)
			memcpy(grown, list, count * size);
		memcpy(field_of(opt, base), &grown, sizeof(grown));
		list = grown;
	}
	memcpy(list + count * size, element, size);
	count++;
	memcpy((char *)base + opt->count_field, &count, sizeof(count));
}

bool
tf_opt_is_full(const struct tf_opt *opt, const void *base)
{
	return tf_opt_is_list(opt) && list_count(opt, base) >= opt->max;
}

static bool
add_element(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	struct tf_str kept;
	struct tf_net net;

	if (tf_opt_is_full(opt, base)) {
		tf_buf_printf(why, "too many elements; at most %llu", (unsigned long long)opt->max);
		return false;
	}
	if (value.len == 0) {
		tf_buf_lit(why, "an element is empty; remove it");
		return false;
	}
	if (opt->kind == TF_OPT_NETS) {
		if (!tf_config_check_net(value, a, &net, why))
			return false;
		append(opt, base, &net, sizeof(net), a);
		return true;
	}
	if (!opt->check(value, a, &kept, why))
		return false;
	kept = tf_arena_dup(a, kept);
	append(opt, base, &kept, sizeof(kept), a);
	return true;
}

bool
tf_opt_set(const struct tf_opt *opt, void *base, struct tf_str value, struct tf_arena *a,
    struct tf_buf *why)
{
	switch (opt->kind) {
	case TF_OPT_STR:
		return set_string(opt, base, value, a, why);
	case TF_OPT_BOOL:
		return set_bool(opt, base, value, a, why);
	case TF_OPT_NUM:
	case TF_OPT_SECS:
		return set_u32(opt, base, value, a, why);
	case TF_OPT_SIZE:
		return set_size(opt, base, value, a, why);
	case TF_OPT_MODE:
		return set_mode(opt, base, value, a, why);
	case TF_OPT_DATE:
		return set_date(opt, base, value, a, why);
	case TF_OPT_WORDS:
	case TF_OPT_FLAG:
		return set_word(opt, base, value, a, why);
	case TF_OPT_LIST:
	case TF_OPT_NETS:
		return add_element(opt, base, value, a, why);
	}
	return false;
}

void
tf_opt_clear_list(const struct tf_opt *opt, void *base)
{
	const void *none = NULL;
	size_t count = 0;

	memcpy(field_of(opt, base), &none, sizeof(none));
	memcpy((char *)base + opt->count_field, &count, sizeof(count));
}

void
tf_opt_set_default(const struct tf_opt *opt, void *base, struct tf_arena *a)
{
	char text[200];
	struct tf_buf why;
	struct tf_str rest = tf_str_from(opt->def);

	tf_buf_init(&why, text, sizeof(text));
	if (!tf_opt_is_list(opt)) {
		if (!tf_opt_set(opt, base, rest, a, &why))
			tf_panic("default of %s: %.*s", opt->key, TF_PRI(tf_buf_get(&why)));
		return;
	}
	tf_opt_clear_list(opt, base);
	while (rest.len != 0) {
		size_t blank = tf_str_find(rest, ' ');

		if (!tf_opt_set(opt, base, tf_str_sub(rest, 0, blank), a, &why))
			tf_panic("default of %s: %.*s", opt->key, TF_PRI(tf_buf_get(&why)));
		rest = tf_str_sub(rest, blank + 1, rest.len);
	}
}
