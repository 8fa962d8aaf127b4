/* `chancery revoke`: what its files offer each other. */
#pragma once
#include "authority.h"
#include "revoke/record.h"

/* `revoke follow`: argv[0] is "follow". */
int revoke_follow(int argc, char **argv);

/* One record as an object of JSON, without what is around it. */
struct json_out;
void revocation_json(struct json_out *o, str realm, uint64_t seq, int64_t time_ms,
		     const struct revocation *r);
/* The subject as text: of a token in hex; into room. */
str revocation_subject(struct wr *room, const struct revocation *r);
