/* The working memory of a thread, and what the files of ES256 by tables share. */
#pragma once
#include "public_internal.h"

/* The fields are set by key_work_new and written by verifications, but for the constants. */
struct key_work {
	BN_CTX *numbers; /* owns every BIGNUM here */
	BIGNUM *r, *s, *hash, *inverse, *u1, *u2, *x, *z, *trial;
	struct ec_point_st *sum, *part;
	/* of P-256: field and order, and field - order */
	const BIGNUM *p, *n;
	BIGNUM *p_less_n;
	BN_MONT_CTX *mod_p, *mod_n;
	struct ec_group_st *group; /* owns p and n */
};

/* Is the affine x of the point that has these Jacobian coordinates (x / z^2), not reduced
 * modulo the order, r or r + order? x and z below p, z not 0, r below the order. False
 * too when memory is short. Writes to x, z and r. */
bool es256_x_is(struct key_work *w);

/* u1 and u2 times generator and key: is the sum's x what r says? Not 0 < r, s < order: no. */
ch_err es256_verify_by_table(const struct ec_group_st *table, struct key_work *w,
			     const uint8_t hash[static SHA256_SIZE], const uint8_t sig[static 64]);
/* For public_ops. */
ch_err es256_warm(struct public_key *k);
