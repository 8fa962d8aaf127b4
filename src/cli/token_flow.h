/* Getting a token: what `chancery token` asks an issuer, step by step. Each step says
 * what went wrong and returns an exit status. */
#pragma once
#include "base/arena.h"
#include "codec/json.h"
#include "fetch/fetch.h"

enum { FLOW_NODES = 512, FLOW_MEMORY = 4 << 20 };

struct private_key;

struct flow {
	str issuer, client, scope, resource;
	struct secret_bytes secret; /* of the client; hidden.p == NULL: public, or … */
	struct private_key *key;    /* … it signs with this; NULL: it does not */
	str key_id;                 /* p == NULL: none is named */
	str user;                   /* p == NULL: a browser */
	struct secret_bytes password;
	/* from discovery */
	str authorization_endpoint, token_endpoint;
	/* of a login */
	str verifier, state, nonce, redirect_uri;
	struct fetch *fetch;
	struct arena arena;
	struct json_node nodes[FLOW_NODES + 1];
};

/* The issuer's metadata: is it this issuer's, are the endpoints safe to talk to? */
int flow_discover(struct flow *f);
/* client_credentials; *ret_body is the JSON answer. */
int flow_client(struct flow *f, str *ret_body);
/* A code by a login, and the tokens for it. */
int flow_login(struct flow *f, str *ret_body);
/* access_token of an answer. */
int flow_access_token(struct flow *f, str body, str *ret_token);

/* --- parts --- */
/* `redirect` with the answer's parameters: checks state and iss, gives the code. */
int flow_callback(struct flow *f, str query, str *ret_code);
/* The address that a browser is sent to. */
ch_err flow_authorize_url(struct flow *f, str *ret_url);
/* Fills in and posts the issuer's own login form; *ret_query is the answer's. */
int flow_form(struct flow *f, str *ret_query);
/* Waits for the browser on 127.0.0.1, *ret_query as above. */
int flow_browser(struct flow *f, str *ret_query);
/* Something of the server's for a person: control characters are left out. */
void flow_say(const char *text, str untrusted);
