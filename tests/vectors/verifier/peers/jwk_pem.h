/* A public JWK as PEM. */
#pragma once
#include <jansson.h>
#include <stddef.h>

enum { PEM_MAX = 8192 };

/* The PEM's size; 0: no such key. */
size_t jwk_to_pem(const json_t *jwk, unsigned char pem[static PEM_MAX]);
