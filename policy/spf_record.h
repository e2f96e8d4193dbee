/*
 * spf_record.h - the grammar of SPF records (RFC 7208 sections 4.5, 4.6.1 and 12)
 *
 * A record is kept as its text: parsing checks all of it once, and a cursor then yields its terms
 * one by one. However many terms a record has, it costs no memory.
 */
#ifndef POLICY_SPF_RECORD_H
#define POLICY_SPF_RECORD_H

#include "truefrom/result.h"

enum tf_spf_kind {
	TF_SPF_UNKNOWN_MODIFIER,
	TF_SPF_ALL,
	TF_SPF_INCLUDE,
	TF_SPF_A,
	TF_SPF_MX,
	TF_SPF_PTR,
	TF_SPF_IP4,
	TF_SPF_IP6,
	TF_SPF_EXISTS,
	TF_SPF_REDIRECT,
	TF_SPF_EXP
};

struct tf_spf_term {
	enum tf_spf_kind kind;
	enum tf_code code;     /* of a mechanism: the result when it matches */
	struct tf_str text;    /* as written */
	struct tf_str domain;  /* domain-spec; empty = none given */
	struct tf_net net;     /* ip4, ip6; family NONE: a network that no client is in */
	uint32_t bits4, bits6; /* a, mx */
};

struct tf_spf_record {
	struct tf_str text;               /* whole */
	struct tf_spf_term redirect, exp; /* domain is empty when the record has none */
	/* Of a record that is wrong; err is NULL otherwise. */
	const char *err;        /* what is wrong, static text */
	struct tf_str err_term; /* where; any bytes */
	size_t err_pos;         /* octets before err_term */
};

/* What the TXT records at a name are to SPF. */
enum tf_spf_found { TF_SPF_FOUND_NONE, TF_SPF_FOUND_ONE, TF_SPF_FOUND_SEVERAL };

/*
 * tf_spf_record_select - the SPF record among all TXT records of a name
 *
 * txts     strings of each RR joined; any bytes
 * txt_out  set on TF_SPF_FOUND_ONE: one of txts
 *
 * Spec: RFC 7208 section 4.5.
 */
enum tf_spf_found tf_spf_record_select(
    const struct tf_str *txts, size_t count, struct tf_str *txt_out);

/*
 * tf_spf_record_parse - check the syntax of a whole record
 *
 * txt      begins with the version, as tf_spf_record_select has it
 * rec_out  its slices point into txt
 *
 * Returns false on any syntax error anywhere (err then says which). Never allocates or blocks; time
 * linear in txt. Spec: RFC 7208 sections 4.6, 4.6.1, 5, 6 and 12.
 */
bool tf_spf_record_parse(struct tf_str txt, struct tf_spf_record *rec_out);

/* Cursor over the terms of a record that passed tf_spf_record_parse. */
struct tf_lex tf_spf_record_terms(const struct tf_spf_record *rec);
/* The next term, modifiers too; false at the end. */
bool tf_spf_record_next(struct tf_lex *terms, struct tf_spf_term *term_out);

/* Whether the term counts as one that asks the DNS (RFC 7208 section 4.6.4). */
bool tf_spf_term_asks(const struct tf_spf_term *term);

#endif
