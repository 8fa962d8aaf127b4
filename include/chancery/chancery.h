/* All of libchancery. */
#ifndef CHANCERY_CHANCERY_H
#define CHANCERY_CHANCERY_H

#include "chancery/cache.h"
#include "chancery/confirm.h"
#include "chancery/err.h"
#include "chancery/verify.h"

#endif
