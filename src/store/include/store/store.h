/* What an issuer remembers: users, clients, authorization codes. One store serves one
 * group of realms, and one folder holds it (DIR/store/GROUP). No row per access token.
 *
 * Lists are text with one blank between items (no item has a blank). Results live in
 * the caller's arena. Errors of the engine are E_STORE with a text that says what to
 * do, detail = the engine's code; E_BUSY when another process keeps it locked; E_NO_ROOM when
 * the disk is full: nothing of the change has happened, and it may be asked for again. */
#pragma once
#include <sys/types.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum {
	STORE_HASH_SIZE = 32, /* SHA-256 of a client's secret; what a code is known by */
	STORE_SUB_SIZE = 32,  /* a user's opaque id as text */
	STORE_NAME_MAX = 128, /* username, mailbox, client id, … */
	STORE_LIST_MAX = 2048,
	STORE_JWKS_MAX = 8192,    /* a client's keys */
	STORE_GRANT_ID_SIZE = 22, /* base64url: 48 bits of time, 80 random ones */
	STORE_SALT_SIZE = 32,
	STORE_SID_SIZE = 22,     /* a session's public name: 128 random bits in base64url */
	STORE_SESSIONS_MAX = 32, /* of one person */
	/* devices that wait, or were answered and are not past yet */
	STORE_DEVICES_OF_CLIENT = 1000,
	STORE_DEVICES_MAX = 10000,
};

struct store;
/* Closes it; NULL is fine. The second is for AUTO(). */
void store_free(struct store *s);
void store_done(struct store **s);

/* Makes the folder (0750) and an empty store in it (0640), both owned by owner:group
 * ((uid_t)-1: as we are). Fine when a store is there already. */
ch_err store_create(str folder, uid_t owner, gid_t group);
/* One of an earlier version becomes one of this by the way. E_NOT_FOUND when there is none,
 * E_STORE when it is damaged, E_MISMATCH when it is of a later version. */
ch_err store_open(str folder, struct store **ret_s);
/* Everything in it, at one moment, into a new file at this path, while others use it. */
ch_err store_copy(struct store *s, str path);
/* E_STORE when the engine finds damage. Reads all of it. */
ch_err store_check(struct store *s);
/* What must not outlive a restore: who is signed in, codes and device codes under way. */
ch_err store_forget(struct store *s);
/* A number that is another one when another connection has committed since. */
ch_err store_version(struct store *s, uint64_t *ret_version);

/* Several changes as one: between the two nothing else is written, here or elsewhere, and
 * all of it is durable, or nothing, when store_end returns; what a single call below says of
 * that holds outside of it. Without keep nothing has happened. E_BUSY when another process
 * keeps the store locked. */
ch_err store_begin(struct store *s);
ch_err store_end(struct store *s, bool keep);

struct store_client {
	str realm;
	str id;
	bytes secret_hash; /* STORE_HASH_SIZE bytes; empty: a public client */
	str auth_method;   /* client_secret_basic | client_secret_post | private_key_jwt | none */
	str grant_types;   /* list of authorization_code, client_credentials, device_code,
			    * refresh_token */
	str redirect_uris; /* list */
	str scopes;        /* list: those it may ask for, and gets without asking */
	str audience;      /* name of the audience it gets without `resource` */
	str audiences;     /* list of those it may name; empty: the default one alone */
	str username;      /* claim of its client_credentials tokens; may be empty */
	str jwks;          /* its public keys (RFC 7517 section 5); empty: none */
	str name;          /* as people know it; empty: its id */
	str home;          /* where people read about it: a URL; may be empty */
	str logout_uris;   /* list: where a sign-out may lead to */
	str consent;       /* "none": people are not asked. Else they are */
	bool dpop;         /* its tokens are bound to a key, always (RFC 9449 section 5.2) */
	bool par;          /* its requests are pushed, always (RFC 9126 section 6) */
	bool disabled;
};

/* E_EXISTS when the realm has it; E_SYNTAX or E_FULL for a text that may not be stored. */
ch_err store_client_add(struct store *s, const struct store_client *c);
/* All of a client that is there, known by realm and id, becomes as *c says. E_NOT_FOUND. */
ch_err store_client_set(struct store *s, const struct store_client *c);
/* And its codes. E_NOT_FOUND. */
ch_err store_client_remove(struct store *s, str realm, str id);
/* Revokes the grants that people gave it; its codes stay, which only it could use. */
ch_err store_client_end(struct store *s, str realm, str id);
/* Disabled ones are found too. E_NOT_FOUND. */
ch_err store_client_get(struct store *s, str realm, str id, struct arena *a,
			struct store_client *ret_c);
/* Sorted by realm and id; an empty realm means all. What each is given dies when it
 * returns; its error ends the listing. */
ch_err store_client_list(struct store *s, str realm,
			 ch_err (*each)(void *ctx, const struct store_client *c), void *ctx);

struct store_user {
	str realm;
	str sub;           /* empty when adding: STORE_SUB_SIZE random characters are made */
	str username;      /* unique in the realm; kept in lower case (ASCII) */
	str password_hash; /* PHC string; empty: no password is right */
	str mailbox;       /* what mail tokens claim; empty when adding: the username */
	str name;
	str email;
	bool disabled;
};

/* ret_sub has STORE_SUB_SIZE bytes of room, no NUL. E_EXISTS as above. */
ch_err store_user_add(struct store *s, const struct store_user *u,
		      char ret_sub[static STORE_SUB_SIZE]);
/* All of a user who is there, known by realm and sub, becomes as *u says. E_NOT_FOUND;
 * E_EXISTS when the username is another one's. */
ch_err store_user_set(struct store *s, const struct store_user *u);
/* Ends what was begun in the user's name: codes, devices, sessions, and grants, which are
 * revoked. */
ch_err store_user_end(struct store *s, str sub);
/* And all that hangs on the user. E_NOT_FOUND. */
ch_err store_user_remove(struct store *s, str realm, str sub);
/* username in any case. E_NOT_FOUND. */
ch_err store_user_by_name(struct store *s, str realm, str username, struct arena *a,
			  struct store_user *ret_u);
ch_err store_user_by_sub(struct store *s, str realm, str sub, struct arena *a,
			 struct store_user *ret_u);
ch_err store_user_list(struct store *s, str realm,
		       ch_err (*each)(void *ctx, const struct store_user *u), void *ctx);

struct store_code {
	uint8_t hash[STORE_HASH_SIZE]; /* 6 bytes of time, 26 of the code's SHA-256 */
	str realm;
	str client_id;
	str redirect_uri; /* as it was asked for */
	str challenge;    /* PKCE S256 */
	str sub;
	str scope;
	str audience;
	str nonce; /* may be empty */
	int64_t auth_time;
	int64_t expires;
	str sid;      /* of the session that it was given in; may be empty */
	str dpop;     /* thumbprint of the key that it is bound to; empty: none */
	str grant_id; /* that it was spent for; empty: none was made */
	bool spent;
};

/* Durable when it returns; c is not spent. Codes that are past are purged by the way. */
ch_err store_code_add(struct store *s, const struct store_code *c, int64_t now);
/* Spent and past ones are found too, until they are purged. E_NOT_FOUND. */
ch_err store_code_get(struct store *s, str realm, const uint8_t hash[static STORE_HASH_SIZE],
		      struct arena *a, struct store_code *ret_c);
/* Whoever asks first has it, everybody else gets E_NOT_FOUND. grant_id as above. */
ch_err store_code_spend(struct store *s, const uint8_t hash[static STORE_HASH_SIZE], str grant_id);

/* What a person has let a client do. Refresh tokens are counted, not kept: `seq` is the
 * number of the one that is good now (0: none was given). */
struct store_grant {
	str id; /* STORE_GRANT_ID_SIZE characters; stands in its access tokens */
	str realm;
	str client_id;
	str sub;
	str scope;
	str audience;
	int64_t auth_time; /* when the person last logged in for it */
	int64_t created;
	int64_t expires;
	uint8_t salt[STORE_SALT_SIZE]; /* random; goes into the code of its refresh tokens */
	int64_t seq;
	int64_t rotated; /* when seq became what it is */
	bool revoked;
	str dpop; /* thumbprint of the key that it is bound to; empty: none */
	str sid;  /* of the session that it was given in; may be empty */
};

/* Durable when it returns. A few of those that are past at g->created are purged by the
 * way. E_EXISTS; E_NOT_FOUND when the user or the client is gone. */
ch_err store_grant_add(struct store *s, const struct store_grant *g);
/* Revoked and past ones are found too, until they are purged. E_NOT_FOUND. */
ch_err store_grant_get(struct store *s, str realm, str id, struct arena *a,
		       struct store_grant *ret_g);
/* seq + 1, `rotated` = now. E_NOT_FOUND when it is revoked, or its seq is not g->seq any
 * more. */
ch_err store_grant_rotate(struct store *s, const struct store_grant *g, int64_t now,
			  int64_t expires);
/* For good. Fine when it is revoked, or not there. */
ch_err store_grant_revoke(struct store *s, str realm, str id);

/* The person's that can be used still, of this realm. As store_client_list. */
ch_err store_grant_list(struct store *s, str realm, str sub, int64_t now,
			ch_err (*each)(void *ctx, const struct store_grant *g), void *ctx);

/* What a person has agreed to let a client do, and is not asked again. */
struct store_consent {
	str sub;
	str realm;
	str client_id;
	str scope; /* list: all that was agreed to so far */
	int64_t since;
};
/* In place of what was there. E_NOT_FOUND when the user or the client is gone. */
ch_err store_consent_set(struct store *s, const struct store_consent *c);
/* E_NOT_FOUND. */
ch_err store_consent_get(struct store *s, str sub, str client_id, struct arena *a,
			 struct store_consent *ret_c);
/* Fine when it is not there. */
ch_err store_consent_remove(struct store *s, str sub, str client_id);
ch_err store_consent_list(struct store *s, str sub,
			  ch_err (*each)(void *ctx, const struct store_consent *c), void *ctx);

/* A person who is signed in, in one browser. */
struct store_session {
	uint8_t hash[STORE_HASH_SIZE]; /* SHA-256 of the cookie's value, which is nowhere */
	str realm;
	str sub;
	str sid; /* STORE_SID_SIZE characters; stands in ID tokens */
	int64_t auth_time;
	str amr;   /* how: list, "pwd" */
	str agent; /* the browser, in a few words, for the person alone */
	int64_t created;
	int64_t seen; /* about when it was last used */
	int64_t expires;
};

/* Durable when it returns. A few that are past at n->created are purged by the way, and the
 * person's oldest when there are more than STORE_SESSIONS_MAX. E_NOT_FOUND when the user is
 * gone. */
ch_err store_session_add(struct store *s, const struct store_session *n);
/* Past ones are found too, until they are purged. E_NOT_FOUND. */
ch_err store_session_get(struct store *s, str realm, const uint8_t hash[static STORE_HASH_SIZE],
			 struct arena *a, struct store_session *ret_n);
/* Fine when it has ended meanwhile. */
ch_err store_session_seen(struct store *s, const uint8_t hash[static STORE_HASH_SIZE], int64_t seen,
			  int64_t expires);
/* This one of the person's. E_NOT_FOUND. */
ch_err store_session_end(struct store *s, str sub, str sid);
/* All but this one; an empty sid: all. */
ch_err store_session_end_others(struct store *s, str sub, str sid);
/* Those that are not past, the one that was used last first. As store_client_list. */
ch_err store_session_list(struct store *s, str sub, int64_t now,
			  ch_err (*each)(void *ctx, const struct store_session *n), void *ctx);
/* A device that asked for access and waits for a person's answer (RFC 8628). */
enum store_device_state {
	DEVICE_WAITS,
	DEVICE_ALLOWED,
	DEVICE_DENIED,
	DEVICE_SPENT,
	DEVICE_STATE_COUNT
};
struct store_device {
	uint8_t hash[STORE_HASH_SIZE]; /* SHA-256 of the device code */
	str user_code;                 /* what a person types, without the hyphen */
	str realm;
	str client_id;
	str scope;
	str audience;
	int64_t expires;
	enum store_device_state state;
	str sub; /* who has answered; empty: nobody yet */
	int64_t auth_time;
	str grant_id; /* that it was spent for; empty: none was made */
};

/* Durable when it returns; *d waits. Those that are past are purged by the way. E_BUSY when
 * STORE_DEVICES_… are reached; E_EXISTS when the realm has the user code, E_NOT_FOUND when the
 * client is gone. */
ch_err store_device_add(struct store *s, const struct store_device *d, int64_t now);
/* Answered and past ones are found too, until they are purged. E_NOT_FOUND. */
ch_err store_device_get(struct store *s, str realm, const uint8_t hash[static STORE_HASH_SIZE],
			struct arena *a, struct store_device *ret_d);
ch_err store_device_by_code(struct store *s, str realm, str user_code, struct arena *a,
			    struct store_device *ret_d);
/* The answer of d->sub: d->state is DEVICE_ALLOWED, for d->scope, or DEVICE_DENIED. E_NOT_FOUND
 * when it was answered before, is past, or is not there; so who answers first has decided. */
ch_err store_device_decide(struct store *s, const struct store_device *d, int64_t now);
/* One that was answered. Whoever asks first has it, everybody else gets E_NOT_FOUND. grant_id
 * as above. */
ch_err store_device_spend(struct store *s, const uint8_t hash[static STORE_HASH_SIZE],
			  str grant_id);
/* Revocations on their way: written in the transaction that makes them due, and taken out when
 * they stand in the realm's chain, so that neither a crash nor a full disk loses one. */
enum { STORE_DUE_MAX = 512, STORE_DUE_LIST = 64 };
struct store_due {
	int64_t id;
	str realm;
	bytes record; /* opaque here; at most STORE_DUE_MAX bytes */
};
ch_err store_due_add(struct store *s, str realm, bytes record);
/* The oldest STORE_DUE_LIST of them, in order; what each is given dies when it returns. */
ch_err store_due_list(struct store *s, ch_err (*each)(void *ctx, const struct store_due *d),
		      void *ctx);
/* Fine when it is not there. */
ch_err store_due_remove(struct store *s, int64_t id);

/* Can it be written? Commits a change that leaves everything as it was. E_NO_ROOM, E_BUSY, … */
ch_err store_probe(struct store *s);
