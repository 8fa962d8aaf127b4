/* What can be told from the values that were found. */
#pragma once
#include "redact/value.h"

/* Adds the states of HMAC under each HMAC key that is among them. */
ch_err values_derive(struct values *v);
