/* Getting a token: what `chancery token` asks an issuer, step by step. Each step says
 * what went wrong and returns an exit status. */
#pragma once
#include "base/arena.h"
#include "codec/json.h"
#include "fetch/fetch.h"

enum { FLOW_NODES = 512, FLOW_MEMORY = 4 << 20, PROOF_NONCE_MAX = 512 };

struct private_key;

struct flow {
	str issuer, client, scope, resource;
	struct secret_bytes secret;    /* of the client; hidden.p == NULL: public, or … */
	struct private_key *key;       /* … it signs with this; NULL: it does not */
	str key_id;                    /* p == NULL: none is named */
	struct private_key *proof_key; /* tokens are bound to it; NULL: they are not */
	char proof_nonce[PROOF_NONCE_MAX];
	size_t proof_nonce_n; /* of the last one that the issuer gave; 0: none yet */
	str user;             /* p == NULL: a browser */
	struct secret_bytes password;
	/* from discovery */
	str authorization_endpoint, token_endpoint;
	str device_endpoint; /* p == NULL: there is none */
	str par_endpoint;    /* p == NULL: requests need not be pushed */
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
/* The same by a login elsewhere (RFC 8628): shows an address and a code, and waits. */
int flow_device(struct flow *f, str *ret_body);
/* access_token of an answer. */
int flow_access_token(struct flow *f, str body, str *ret_token);

/* --- parts --- */
/* `redirect` with the answer's parameters: checks state and iss, gives the code. */
int flow_callback(struct flow *f, str query, str *ret_code);
/* The address that a browser is sent to; the request is pushed first where the issuer wants that
 * (RFC 9126 section 5). */
ch_err flow_authorize_url(struct flow *f, str *ret_url);
/* Fills in and posts the issuer's own login form; *ret_query is the answer's. */
int flow_form(struct flow *f, str *ret_query);
/* Waits for the browser on 127.0.0.1, *ret_query as above. */
int flow_browser(struct flow *f, str *ret_query);
/* A POST as this client, at the token endpoint with a proof if there is a key for it. The form is not
 * changed. */
ch_err flow_post(struct flow *f, str endpoint, const struct wr *form, struct fetch_answer *ret_a);
/* Says why an answer is a refusal, and returns the exit status. */
int flow_refused(struct flow *f, const struct fetch_answer *a);
/* Is it a JSON object? Then its members can be had; p == NULL: there is no such text. */
bool flow_json(struct flow *f, bytes body);
str flow_member(struct flow *f, str name);
/* Secrets and codes travel over TLS, or not beyond this machine. */
bool flow_safe(str url);
/* Something of the server's for a person: control characters are left out. */
void flow_say(const char *text, str untrusted);
