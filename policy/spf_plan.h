/*
 * spf_plan.h - what an SPF evaluation will need, asked ahead of it
 */
#ifndef POLICY_SPF_PLAN_H
#define POLICY_SPF_PLAN_H

#include "truefrom/check.h"
#include "policy/spf_macro.h"

struct tf_spf_plan;

/*
 * tf_spf_plan_start - ask for the record of env->domain; as answers arrive, for what it will need
 *
 * a      owns the plan; must not be freed or cleared before tf_dns_end(dns)
 * share  of all questions of the message, so many may have been asked, by whomever, when the plan
 *        stops; the record itself is asked for in any case
 * env    borrowed as long as the plan lives, and not changed
 *
 * Never waits. Follow-ups work in the resolver thread, on memory that is set aside here.
 */
struct tf_spf_plan *tf_spf_plan_start(struct tf_arena *a, struct tf_dns *dns, uint32_t share,
    const struct tf_spf_opts *opts, const struct tf_spf_macro_env *env);
/* The evaluation is over: whatever arrives from now on leads to no further question. */
void tf_spf_plan_stop(struct tf_spf_plan *plan);

#endif
