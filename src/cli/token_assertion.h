/* A client that shows no secret but signs (RFC 7523 section 2.2). */
#pragma once
#include "base/rw.h"
#include "token_flow.h"

/* Its private key, as PEM; "-" is standard input. Says what is wrong and returns an exit
 * status. */
int client_key_take(const char *file, struct private_key **ret_key);
/* client_id, client_assertion and its type as form fields: for f's issuer, for a minute. */
ch_err assertion_write(const struct flow *f, struct wr *form);
