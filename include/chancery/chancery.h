/* All of libchancery. */
#ifndef CHANCERY_CHANCERY_H
#define CHANCERY_CHANCERY_H

#include "chancery/err.h"
#include "chancery/verify.h"

#endif
