/* The registry's parts: it keeps fingerprints, and says who may ask what. */
#pragma once
#include "fingerprint/fingerprint.h"
#include "wire/boot.h"
#include "wire/registry.h"

enum { LISTEN_FD = ROLE_FD, FOLDER_FD };

struct registry {
	struct registry_config config;
	struct fingerprints *set;
	int folder;
	struct secretmem in; /* a question, which may hold a secret */
};

/* --- keep.c: the folder's one file --- */

/* What is there, or a new set when nothing is. A damaged file is an error: to go on without
 * it would let through what somebody asked to be removed. */
ch_err registry_load(struct registry *r);
ch_err registry_save(const struct registry *r);
/* The same bytes in a sealed memfd. */
ch_err registry_snapshot(const struct registry *r, int *ret_fd);

/* --- ask.c --- */

/* May this user ask anything at all? */
bool registry_knows(const struct registry *r, uint32_t uid);
/* Does what the message asks, as far as the user may; the answer into w (MESSAGE_MAX bytes
 * of room), *ret_snapshot with it or -1. The caller wipes the message. E_PROTOCOL when it is
 * no question: the peer is not talked to again. */
ch_err registry_answer(struct registry *r, uint32_t uid, bytes message, struct wr *w,
		       int *ret_snapshot);

/* --- serve.c --- */
ch_err registry_serve(struct registry *r);

/* --- confine.c --- */
ch_err registry_confine(void);
