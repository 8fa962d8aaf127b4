/* What can be told from the values that were found. */
#pragma once
#include "redact/value.h"

/* Adds the states of HMAC under each HMAC key that is among them, and the hash of each Ed25519
 * seed. */
ch_err values_derive(struct values *v);
