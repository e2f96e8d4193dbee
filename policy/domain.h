/*
 * domain.h - moved: use truefrom/domain.h, which the configuration needs too
 */
#include "truefrom/domain.h"
