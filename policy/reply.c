/*
 * reply.c - what the SMTP client is told: a few lines of clean ASCII
 *
 * Templates of dmarc.reply (interface: tf_verdict_reply_check). One reader serves the check at
 * configuration time and the expansion. Nothing of a message gets into a line but as printable
 * ASCII, and no line is longer than RFC 5321 section 4.5.3.1.5 allows.
 * Does not: choose a reply (verdict.c).
 * Limits: TF_REPLY_LINES lines of TF_REPLY_MAX octets.
 */
#include "policy/reply.h"
#include "truefrom/banned.h"

/* Leaves room for the values: two domain names of ordinary length, a queue id. */
#define TEMPLATE_MAX 400

static const char default_template[] = "5.7.1 rejected by DMARC policy for %{domain}";

static const struct var {
	const char *name;
	size_t offset;
} known_vars[] = {
	{ "domain", offsetof(struct tf_reply_vars, domain) },
	{ "org_domain", offsetof(struct tf_reply_vars, org_domain) },
	{ "identifiers", offsetof(struct tf_reply_vars, identifiers) },
	{ "policy", offsetof(struct tf_reply_vars, policy) },
	{ "queue_id", offsetof(struct tf_reply_vars, queue_id) },
	{ "rule", offsetof(struct tf_reply_vars, rule) },
};

static bool
is_printable(char c)
{
	return !tf_is_ctl(c) && !tf_is_8bit(c);
}

static bool
is_plain(char c)
{
	return is_printable(c) && c != '%';
}

static bool
is_var_byte(char c)
{
	return is_plain(c) && c != '}';
}

static void
put_clean(struct tf_buf *out, struct tf_str s)
{
	for (size_t i = 0; i < s.len; i++)
		tf_buf_byte(out, is_printable(s.ptr[i]) ? s.ptr[i] : '?');
}

/* "5.7.1 ": class 5, subject and detail of up to three digits (RFC 3463 section 2), a space. */
static void
read_code(struct tf_lex *lx, struct tf_buf *out)
{
	struct tf_lex start = *lx;
	struct tf_str subject, detail;

	tf_lex_byte(lx, '5');
	tf_lex_byte(lx, '.');
	subject = tf_lex_while(lx, tf_is_digit);
	tf_lex_byte(lx, '.');
	detail = tf_lex_while(lx, tf_is_digit);
	tf_lex_byte(lx, ' ');
	if (lx->err != NULL || subject.len - 1 > 2 || detail.len - 1 > 2) {
		*lx = start;
		tf_lex_fail(lx, "it must begin with an enhanced status code 5.X.X and a space, "
				"e.g. \"5.7.1 \"");
		return;
	}
	tf_buf_printf(out, "5.%.*s.%.*s ", TF_PRI(subject), TF_PRI(detail));
}

/* What stands after '%'; vars is NULL when nothing but the form is asked about. A '%' without "{"
 * behind it is itself: URLs hold many. */
static void
read_escape(struct tf_lex *lx, const struct tf_reply_vars *vars, struct tf_buf *out)
{
	struct tf_str name;

	if (!tf_lex_try(lx, '{')) {
		tf_lex_try(lx, '%');
		tf_buf_byte(out, '%');
		return;
	}
	name = tf_lex_while(lx, is_var_byte);
	if (!tf_lex_try(lx, '}')) {
		tf_lex_fail(lx, "%{ is never closed by }");
		return;
	}
	if (tf_str_eq(name, TF_STR("newline"))) {
		tf_buf_byte(out, '\n');
		return;
	}
	for (size_t i = 0; i < TF_ARRAY_LEN(known_vars); i++) {
		const struct var *v = &known_vars[i];

		if (!tf_str_eq(name, tf_str_from(v->name)))
			continue;
		if (vars == NULL)
			tf_buf_byte(out, '?'); /* something, as far as is known */
		else
			put_clean(out, *(const struct tf_str *)((const char *)vars + v->offset));
		return;
	}
	tf_lex_fail(lx, "unknown variable; known are %{domain}, %{org_domain}, "
			"%{identifiers}, %{newline}, %{policy}, %{queue_id} and %{rule}");
}

static const char *
lines_fault(struct tf_str text)
{
	for (size_t n = 0; n < TF_REPLY_LINES; n++) {
		const size_t end = tf_str_find(text, '\n');

		if (end == 0)
			return "it has an empty line";
		if (end == text.len)
			return NULL;
		text = tf_str_sub(text, end + 1, text.len);
	}
	_Static_assert(TF_REPLY_LINES == 4, "so says the text");
	return "it has more than 4 lines";
}

/* Appends the expanded template to out; returns what is wrong with it, or NULL. */
static const char *
expand(struct tf_str template, const struct tf_reply_vars *vars, struct tf_buf *out)
{
	struct tf_lex lx = tf_lex_init(template);

	if (template.len > TEMPLATE_MAX)
		return "it is longer than 400 octets";
	read_code(&lx, out);
	if (lx.err == NULL && tf_str_trim(tf_lex_rest(&lx)).len == 0)
		tf_lex_fail(&lx, "there is no text after the status code");
	while (!tf_lex_done(&lx)) {
		tf_buf_str(out, tf_lex_while(&lx, is_plain));
		if (tf_lex_try(&lx, '%'))
			read_escape(&lx, vars, out);
		else if (!tf_lex_done(&lx))
			tf_lex_fail(&lx, "only printable ASCII may stand in a reply");
	}
	return lx.err != NULL ? lx.err : lines_fault(tf_buf_get(out));
}

bool
tf_verdict_reply_check(struct tf_str template, struct tf_buf *why)
{
	char storage[TEMPLATE_MAX];
	struct tf_buf unused;
	const char *err;

	tf_buf_init(&unused, storage, sizeof(storage));
	err = expand(template, NULL, &unused);
	if (err != NULL)
		tf_buf_lit(why, err);
	return err == NULL;
}

/*
 * "5.7.1 a", line end, "b" as "550-5.7.1 a", line end, "550 5.7.1 b". Empty: a line is too long.
 */
static struct tf_str
with_codes(struct tf_arena *a, struct tf_str text)
{
	const struct tf_str code = tf_str_sub(text, 0, tf_str_find(text, ' '));
	struct tf_str rest = tf_str_sub(text, code.len + 1, text.len);
	struct tf_buf out;

	tf_buf_init_arena(&out, a, (TF_REPLY_MAX + 1) * TF_REPLY_LINES);
	for (bool last = false; !last;) {
		struct tf_str line = tf_str_sub(rest, 0, tf_str_find(rest, '\n'));

		last = line.len == rest.len;
		if (line.len + code.len + sizeof("550-") > TF_REPLY_MAX)
			return TF_NONE_STR;
		tf_buf_printf(&out, "550%c%.*s %.*s%s", last ? ' ' : '-', TF_PRI(code),
		    TF_PRI(line), last ? "" : "\n");
		rest = tf_str_sub(rest, line.len + 1, rest.len);
	}
	return tf_buf_get(&out);
}

struct tf_str
tf_reply_reject(struct tf_arena *a, struct tf_str template, const struct tf_reply_vars *vars)
{
	char storage[TF_REPLY_MAX * TF_REPLY_LINES];
	struct tf_str reply = TF_NONE_STR;
	struct tf_buf out;

	tf_buf_init(&out, storage, sizeof(storage));
	if (expand(template, vars, &out) == NULL && !out.overflow)
		reply = with_codes(a, tf_buf_get(&out));
	if (reply.len != 0)
		return reply;
	tf_buf_clear(&out);
	expand(tf_str_from(default_template), vars, &out);
	reply = out.overflow ? TF_NONE_STR : with_codes(a, tf_buf_get(&out));
	return reply.len != 0 ? reply : TF_STR("550 5.7.1 rejected by DMARC policy");
}

struct tf_str
tf_reply_line(struct tf_arena *a, const char *prefix, struct tf_str text)
{
	char storage[TF_REPLY_MAX];
	struct tf_buf out;

	tf_buf_init(&out, storage, sizeof(storage));
	tf_buf_lit(&out, prefix);
	put_clean(&out, text);
	if (out.overflow)
		return tf_str_from(prefix);
	return tf_arena_dup(a, tf_buf_get(&out));
}
