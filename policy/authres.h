/*
 * authres.h - what the files of Authentication-Results share with the JSON and Received-SPF
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

/*
 * tf_authres_ids_have - whether a reader could take text for one of ids
 *
 * text  one reading of where an id stands: no blanks, comments or quotes; any other bytes
 * a     for what is made on the way
 *
 * True for any case, trailing dots, A-label or U-label, and whatever follows the id without making
 * it another domain name.
 */
bool tf_authres_ids_have(const struct tf_authres_ids *ids, struct tf_str text, struct tf_arena *a);

#endif
