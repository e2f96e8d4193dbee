/*
 * fuzz_spf_macro.c - macro strings: what passes the check expands, and to what it should
 *
 * Input: lines of macro string, local part, domain, HELO and validated name; the rest of the bytes
 * count to the last of them.
 */
#include <stdint.h>
#include <string.h>

#include "policy/spf_macro.h"
#include "truefrom/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds, const char *what)
{
	if (!holds)
		tf_panic("%s", what);
}

static struct tf_str
next_line(struct tf_str *rest)
{
	struct tf_str line = tf_str_sub(*rest, 0, tf_str_find(*rest, '\n'));

	*rest = tf_str_sub(*rest, line.len + 1, rest->len);
	return line;
}

/* The name is the right end of the whole expansion, at a label. */
static void
check_name(struct tf_str name, struct tf_str whole)
{
	if (whole.len != 0 && whole.ptr[whole.len - 1] == '.')
		whole.len--;
	require(name.len <= TF_DOMAIN_MAX, "a name has 253 octets at most");
	require(tf_domain_can_ask(name), "a name can be asked");
	require(tf_str_ends_nocase(whole, name), "a name is the end of its expansion");
	if (name.len < whole.len) {
		require(whole.len > TF_DOMAIN_MAX, "only long names are cut");
		require(whole.ptr[whole.len - name.len - 1] == '.', "names are cut at a label");
	}
	for (size_t i = 0; i < name.len; i++)
		require(tf_lower(name.ptr[i]) == name.ptr[i], "a name is lower case");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tf_arena *a = tf_arena_new();
	struct tf_str rest = { (const char *)data, size }, spec = next_line(&rest), name;
	struct tf_spf_macro_env env = { .now = 1700000000 };
	struct tf_buf text, buf;
	bool is_text, is_name;

	env.local = next_line(&rest);
	env.domain = next_line(&rest);
	env.sender = env.sender_domain = env.domain;
	env.helo = next_line(&rest);
	env.validated = rest;
	tf_addr_parse(size % 2 != 0 ? TF_STR("2001:db8::cb01") : TF_STR("192.0.2.3"), &env.client);
	tf_buf_init_arena(&text, a, TF_SPF_EXPAND_MAX);
	tf_buf_init_arena(&buf, a, TF_SPF_EXPAND_MAX);
	is_text = tf_spf_macro_text(spec, &env, &text);
	(void)tf_spf_macro_uses(spec);
	if (tf_spf_macro_check(spec) == NULL)
		require(is_text || text.overflow, "a macro-string expands");
	if (tf_spf_domain_check(spec) == NULL) {
		require(tf_spf_macro_check(spec) == NULL, "a domain-spec is a macro-string");
		is_name = tf_spf_macro_name(spec, &env, &buf, &name);
		require(!is_name || is_text, "a name is an expansion");
		if (is_name)
			check_name(name, tf_buf_get(&text));
	}
	tf_arena_free(a);
	return 0;
}
