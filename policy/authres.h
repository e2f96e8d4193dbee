/*
 * authres.h - what the writer of Authentication-Results shares with the JSON
 */
#ifndef POLICY_AUTHRES_H
#define POLICY_AUTHRES_H

#include "truefrom/authres.h"

/*
 * tf_authres_header_b - the leading part of b= that tells a signature from the others
 *
 * index  of a signature of res
 *
 * Returns 8 characters, or as many more as it takes until no two signatures of the field are equal
 * (RFC 6008 section 4); at most 64, and no more than there are. Two with the same b= cannot be told
 * apart.
 */
struct tf_str tf_authres_header_b(const struct tf_result *res, size_t index);

#endif
