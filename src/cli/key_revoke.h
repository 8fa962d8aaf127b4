/* A key that left is revoked as well, for gates that go by revocations. */
#pragma once
#include "authority.h"

/* Into the revocations of its realm, as compromised; a running authority takes it in at once,
 * another as it starts. Says what fails; EXIT_YES or EXIT_TROUBLE. */
int key_revoke(const struct authority *a, str realm, str kid);
