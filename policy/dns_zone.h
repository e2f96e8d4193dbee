/*
 * dns_zone.h - a file of records -> zones that libunbound can load
 */
#ifndef POLICY_DNS_ZONE_H
#define POLICY_DNS_ZONE_H

#include "truefrom/base.h"

#define TF_DNS_ZONE_MAX ((size_t)4 * 1024 * 1024)

/* Where the files for libunbound lie; zeroed: nowhere. */
struct tf_dns_zone_files {
	char dir[64]; /* private, empty string when there is none */
	char conf[80];
	size_t zones;
};

/*
 * tf_dns_zone_write - records -> a configuration of libunbound and its zone files
 *
 * path, text  the records, in master-file form: from this file, or this text; one is empty
 * whole_tree  one zone for the root, so that every other name is NXDOMAIN; else a zone for each
 *             owner that has none above it in the file, so that all else is asked elsewhere
 *
 * A name with any record exists; SOA, NS and DNSSEC records say no more than that, since every zone
 * gets an apex of its own making and no delegations. Returns false with the reason in why. The
 * files are readable to this user only; remove them once they are loaded.
 */
bool tf_dns_zone_write(struct tf_str path, struct tf_str text, bool whole_tree,
    struct tf_dns_zone_files *files_out, struct tf_buf *why);
void tf_dns_zone_remove(struct tf_dns_zone_files *files);

#endif
