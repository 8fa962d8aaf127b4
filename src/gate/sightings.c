/* Sightings: for now they are counted. */
#include "sightings.h"

#include "crypto/hash.h"

struct sightings {
	struct sightings_counts counts;
};

ch_err sightings_open(const char *folder, const struct sightings_limits *limits,
		      struct sightings **ret_s, uint64_t *ret_cut_bytes)
{
	static struct sightings only;
	(void)folder;
	(void)limits;
	*ret_s = &only;
	*ret_cut_bytes = 0;
	return CH_DONE;
}

void sightings_close(struct sightings *s)
{
	(void)s;
}

bool sightings_note(struct sightings *s, const struct token_verdict *v, str text,
		    const struct address *client, str location, int64_t now_ms)
{
	(void)v;
	(void)text;
	(void)client;
	(void)location;
	(void)now_ms;
	s->counts.noted++;
	return true;
}

void sightings_flush(struct sightings *s, int64_t now_ms, uint64_t now_ns)
{
	(void)now_ms;
	(void)now_ns;
	s->counts.written = s->counts.noted;
}

bool sightings_ok(const struct sightings *s)
{
	return s;
}

ch_err sightings_error(const struct sightings *s)
{
	(void)s;
	return CH_DONE;
}

struct sightings_counts sightings_counts(const struct sightings *s)
{
	return s->counts;
}

void sighting_identity(str token, uint8_t ret_identity[static TOKEN_ID_SIZE])
{
	size_t n = token.n;
	while (n > 0 && token.p[n - 1] != '.')
		n--;
	sha256(bytes_of_str(n > 0 ? str_sub(token, 0, n - 1) : token), ret_identity);
}

/* The signature is checked before any claim is believed: these come after it. */
static const bool after_signature[TOKEN_CODE_COUNT] = {
	[TOKEN_accepted] = true,      [TOKEN_bad_claims] = true,   [TOKEN_bad_audience] = true,
	[TOKEN_expired] = true,       [TOKEN_not_yet] = true,      [TOKEN_too_long_lived] = true,
	[TOKEN_bad_binding] = true,   [TOKEN_bad_scope] = true,    [TOKEN_bad_mailbox] = true,
	[TOKEN_revoked] = true,       [TOKEN_bad_proof] = true,    [TOKEN_proof_replayed] = true,
	[TOKEN_proof_unknown] = true, [TOKEN_nonce_needed] = true,
};

bool sighting_signed(enum token_code code)
{
	return after_signature[code];
}
