/*
 * config_check.h - checks of strings in the configuration, named by rows of options.def
 */
#ifndef MILTER_CONFIG_CHECK_H
#define MILTER_CONFIG_CHECK_H

#include "truefrom/result.h"

/*
 * All are a tf_opt_check (config_rows.h): they say in why what is wrong and what would be right;
 * value_out is the value to keep, as given or normalised in a. An empty string was let through or
 * refused before by the row's minimum; as an element of a list it comes here.
 */
bool tf_config_check_clean(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* inet:PORT@HOST, inet6:PORT@HOST, unix:/PATH, local:/PATH, as libmilter takes them. */
bool tf_config_check_socket(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* The name of a user or group; whether it exists is asked when it is used. */
bool tf_config_check_account(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* Absolute. */
bool tf_config_check_path(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* A token without "/", so that it needs no quotes and no reader takes a part of it for a version.
 */
bool tf_config_check_authserv_id(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
bool tf_config_check_foreign_id(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* user@host, either side may be "*"; the host is normalised. */
bool tf_config_check_recipient(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* ADDRESS or ADDRESS@PORT, as libunbound takes them. */
bool tf_config_check_server(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* A domain name; normalised. */
bool tf_config_check_domain(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* The same, or "*." and a domain name, for the names below it. */
bool tf_config_check_domains(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* The text after 550 (verdict.h). */
bool tf_config_check_reply(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/* ADDRESS:PORT or [ADDRESS]:PORT. */
bool tf_config_check_listen(
    struct tf_str value, struct tf_arena *a, struct tf_str *value_out, struct tf_buf *why);
/*
 * tf_config_check_net - a network without bits beyond its prefix
 */
bool tf_config_check_net(
    struct tf_str value, struct tf_arena *a, struct tf_net *net_out, struct tf_buf *why);

#endif
