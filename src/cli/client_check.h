/* What a realm says of a client: whether it can have what it shall get. */
#pragma once
#include "config/config.h"
#include "store/store.h"

/* Fills in what was not said: the method, grants by whether there is a redirect URI, the only audience. */
void client_complete(const struct config_realm *realm, struct store_client *c);
/* Says what does not fit. */
bool client_fits(const struct config_realm *realm, const struct store_client *c);
