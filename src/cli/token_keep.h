/* A refresh token that is kept in a file, for programs that want an access token now and then
 * and can ask nobody: mail clients, cron. Who has the file is the person, so it is its owner's
 * alone, and one at a time exchanges what is in it. */
#pragma once
#include "token_flow.h"

enum { KEPT_MAX = 8192 };

struct kept {
	const char *path;
	int fd; /* locked; -1: there was no such file */
	str issuer, client, refresh_token;
};

/* E_DENIED unless it is a file of ours that nobody else may read. */
ch_err kept_check(int fd);
/* Opens and locks, waiting for whoever has it, and reads. With `fresh` a file that is not there is
 * fine, and what is there need not be read. storage has KEPT_MAX bytes; the caller wipes it.
 * Says what is wrong and returns an exit status. */
int kept_open(struct kept *k, const char *path, bool fresh, uint8_t *storage, struct arena *a);
void kept_done(struct kept *k);
/* refresh_token of an answer, with f's issuer and client, takes the place of what was there: on
 * the disk when it returns. */
int kept_replace(struct kept *k, struct flow *f, str body);
/* The refresh grant with what is kept. */
int flow_refresh(struct flow *f, const struct kept *k, str *ret_body);
