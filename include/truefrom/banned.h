/*
 * banned.h - functions that no file of truefrom calls; the last #include of every .c file
 *
 * What to use instead: slices and tf_buf (base.h), tf_str_to_u32, the arena, gmtime_r, strerror_r.
 * Last, because the headers of libraries may use these names in macros of their own.
 */
#ifndef TRUEFROM_BANNED_H
#define TRUEFROM_BANNED_H

/* clang-format off */
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok strtok_r
#pragma GCC poison atoi atol atoll strtol strtoul strtoll strtoull
#pragma GCC poison localtime gmtime ctime asctime strerror system popen
#ifndef TF_ARENA_C
#pragma GCC poison malloc calloc realloc strdup strndup
#endif
/* clang-format on */

#endif
