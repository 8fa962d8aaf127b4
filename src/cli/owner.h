/* Who serves without being root. */
#pragma once
#include "base/err.h"

/* Started by root, becomes the owner of this folder for good; does nothing for anybody else.
 * E_DENIED: it is root's. */
ch_err owner_become(int folder);
