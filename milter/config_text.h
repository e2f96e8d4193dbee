/*
 * config_text.h - the words and signs of a configuration file, each with its line
 */
#ifndef MILTER_CONFIG_TEXT_H
#define MILTER_CONFIG_TEXT_H

#include "milter/config_report.h"

#define TF_CONFIG_FILE_MAX ((size_t)1024 * 1024)
#define TF_CONFIG_TOKENS_MAX ((size_t)256 * 1024)
#define TF_CONFIG_NO_TOKEN UINT32_MAX

enum tf_token_kind {
	TF_TOKEN_GONE, /* dropped by tf_config_text_drop */
	TF_TOKEN_WORD, /* bare, 'quoted' or "quoted" */
	TF_TOKEN_EQUALS,
	TF_TOKEN_OPEN, /* { */
	TF_TOKEN_CLOSE,
	TF_TOKEN_COMMA
};

struct tf_token {
	enum tf_token_kind kind;
	uint32_t line;      /* where it starts; 1 is the first */
	uint32_t open;      /* index of the brace that it stands in (of a CLOSE: its OPEN), or
			     * TF_CONFIG_NO_TOKEN */
	struct tf_str text; /* of a WORD: without quotes and escapes; no NUL */
};

struct tf_config_text {
	struct tf_token *tokens;
	size_t count;
	bool cut; /* an error ended the scan early; it is reported */
};

/*
 * tf_config_text_scan - tokens of a file; comments are dropped
 *
 * file  any bytes, at most TF_CONFIG_FILE_MAX; the caller checks that
 * a     owns everything in text_out
 *
 * Mistakes of single words are reported and scanning goes on; text_out then ends at the mistake
 * only where nothing sensible could follow (unclosed quotes, braces that do not match, NUL).
 */
void tf_config_text_scan(
    struct tf_str file, struct tf_arena *a, struct tf_report *r, struct tf_config_text *text_out);
/* Whether token i is where a key or the name of a section stands. */
bool tf_config_text_is_head(const struct tf_config_text *text, size_t i);
/* The last head at or before token i, or TF_CONFIG_NO_TOKEN. */
uint32_t tf_config_text_head_of(const struct tf_config_text *text, size_t i);
/*
 * tf_config_text_key - how messages name the key that token i belongs to
 *
 * "dns.timeout", "domain \"example.com\".policy", of a section "dns"; "syntax" before any key.
 * Bytes of the file are escaped. Allocated in a.
 */
struct tf_str tf_config_text_key(const struct tf_config_text *text, size_t i, struct tf_arena *a);
/* The name of the section that token i stands in, or empty: "dns", "domain". */
struct tf_str tf_config_text_section(const struct tf_config_text *text, size_t i);
/* The title of that section: the x of domain "x"; empty when it has none. */
struct tf_str tf_config_text_title(const struct tf_config_text *text, size_t i);
/* Takes out the statement or section that begins with head i. */
void tf_config_text_drop(struct tf_config_text *text, size_t i);
/*
 * tf_config_text_write - the same text for libconfuse, token i alone on line i + 1
 *
 * So the line that libconfuse counts names the token. Every word is quoted; an empty list {}, of
 * which libconfuse would not tell, is written with one empty string on the line of its brace.
 */
void tf_config_text_write(const struct tf_config_text *text, struct tf_buf *out);

#endif
