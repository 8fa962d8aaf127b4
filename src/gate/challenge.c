/* WWW-Authenticate. nginx of Debian 12 hands on one such field, so that all challenges
 * stand in one; with an error there is only the scheme that was used. */
#include "challenge.h"

static const struct {
	unsigned status;
	str error, description;
} answers[TOLD_COUNT] = {
	[TOLD_PASS] = { 200, { NULL, 0 }, { NULL, 0 } },
	[TOLD_NO_TOKEN] = { 401, { NULL, 0 }, { NULL, 0 } },
	/* RFC 6750 section 3.1 has 400 here; a web server hands on 401 and 403 alone */
	[TOLD_BAD_REQUEST] = { 401, { "invalid_request", 15 }, { "The request is malformed", 24 } },
	[TOLD_BAD_TOKEN] = { 401,
			     { "invalid_token", 13 },
			     { "The access token is not valid here", 34 } },
	[TOLD_EXPIRED] = { 401, { "invalid_token", 13 }, { "The access token expired", 24 } },
	[TOLD_BAD_PROOF] = { 401,
			     { "invalid_dpop_proof", 18 },
			     { "The DPoP proof is not valid for this request", 44 } },
	[TOLD_NONCE] = { 401,
			 { "use_dpop_nonce", 14 },
			 { "The DPoP proof must carry the nonce given here", 46 } },
	[TOLD_SCOPE] = { 403,
			 { "insufficient_scope", 18 },
			 { "The access token lacks a scope", 30 } },
	[TOLD_FORBIDDEN] = { 403, { NULL, 0 }, { NULL, 0 } },
	[TOLD_LIMITED] = { 401, { NULL, 0 }, { NULL, 0 } },
	[TOLD_TROUBLE] = { 503, { NULL, 0 }, { NULL, 0 } },
	[TOLD_UNKNOWN] = { 503, { NULL, 0 }, { NULL, 0 } },
	[TOLD_WAIT] = { 503, { NULL, 0 }, { NULL, 0 } },
};

static void put(struct wr *w, const char *name, str value)
{
	wr_lit(w, ", ");
	wr_str(w, str_from_c(name));
	wr_lit(w, "=\"");
	wr_str(w, value);
	wr_char(w, '"');
}

static void put_scopes(struct wr *w, const struct gate_location *place)
{
	wr_lit(w, ", scope=\"");
	for (size_t i = 0; i < place->n_scopes; i++) {
		wr_str(w, i ? LIT(" ") : LIT(""));
		wr_str(w, place->scopes[i]);
	}
	wr_char(w, '"');
}

static void put_scheme(struct wr *w, const struct gate_location *place, bool dpop, enum told told)
{
	wr_str(w, dpop ? LIT("DPoP realm=\"") : LIT("Bearer realm=\""));
	wr_str(w, place->name);
	wr_char(w, '"');
	if (answers[told].error.n > 0) {
		put(w, "error", answers[told].error);
		put(w, "error_description", answers[told].description);
	}
	if (told == TOLD_SCOPE)
		put_scopes(w, place);
	if (dpop)
		put(w, "algs", LIT("ES256 EdDSA RS256 PS256"));
}

unsigned challenge_status(enum told told)
{
	return answers[told].status;
}

void challenge_write(struct wr *w, const struct gate_location *place, enum told told, bool by_dpop)
{
	bool takes_dpop = place->binding != BINDING_REFUSED;
	if (answers[told].error.n > 0) {
		put_scheme(w, place, takes_dpop && by_dpop, told);
		return;
	}
	if (answers[told].status != 401)
		return;
	put_scheme(w, place, false, told);
	if (takes_dpop) {
		wr_lit(w, ", ");
		put_scheme(w, place, true, told);
	}
}
