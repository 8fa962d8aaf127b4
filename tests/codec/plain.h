/* What src/codec does fast, done in the plainest way, to compare with. */
#pragma once
#include "codec/json.h"

/* The one spelling of some bytes? Then ret_bytes (text.n of room) holds them. */
bool plain_base64url(str text, uint8_t *ret_bytes, size_t *ret_n);
/* Would json_parse take it, given nodes enough? */
bool plain_json(str text, struct json_limits limits);
