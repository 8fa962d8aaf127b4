/* Runs the keeper for the command line: new keys for an authority. */
#pragma once
#include "authority.h"

/* Generates one signing key for each realm named (at most REALMS_MAX). The first call
 * for an authority makes keys/kdf. random_passphrase: see roles.h. */
ch_err keeper_generate(const struct authority *a, int passphrase_fd, bool random_passphrase,
		       const struct config_realm *const *realms, size_t n);
/* One PEM from pem_fd. alg: enum alg, or 255 for what fits the PEM. */
struct imported {
	char kid[64];
	size_t kid_n;
	bool staged;
};
ch_err keeper_import(const struct authority *a, int passphrase_fd, int pem_fd,
		     const struct config_realm *realm, uint8_t alg, struct imported *ret_key);
/* The same with a key that the keeper makes; alg 255: the realm's. */
ch_err keeper_add(const struct authority *a, int passphrase_fd, const struct config_realm *realm,
		  uint8_t alg, struct imported *ret_key);
/* The passphrase file of the configuration, opened. */
ch_err keeper_open_passphrase(const struct authority *a, int *ret_fd);
