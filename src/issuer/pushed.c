/* Pushed authorization requests (RFC 9126) as texts that need no store: what a client pushed,
 * sealed under a key of ours, is its own request_uri. Nobody else can read, change or make one. That one
 * is used once is noted by its id, elsewhere. */
#include "codec/base64url.h"
#include "crypto/seal.h"
#include "rules.h"

enum { HEAD = PUSHED_ID_SIZE + 8 + 8 + 1 + 2 + STORE_NAME_MAX + 4 };

static const str prefix = { "urn:ietf:params:oauth:request_uri:", 34 };

static void write_plain(struct wr *w, const struct pushed *p)
{
	wr_put(w, BYTES_OF(p->id));
	wr_i64(w, p->expires);
	wr_i64(w, p->used_until);
	wr_bool(w, p->begun);
	wr_str16(w, p->client_id);
	wr_bytes32(w, bytes_of_str(p->form));
}

ch_err pushed_write(struct wr *w, const uint8_t key[static MAC_KEY_SIZE], str realm,
		    const struct pushed *p)
{
	uint8_t plain[HEAD + PUSHED_FORM_MAX], sealed[sizeof(plain) + SEAL_OVERHEAD];
	struct wr in = wr_of(plain, sizeof(plain)), out = wr_of(sealed, sizeof(sealed));
	write_plain(&in, p);
	TRY(wr_done(&in));
	TRY(ticket_seal(key, bytes_of_str(realm), wr_bytes(&in), &out));
	wr_str(w, prefix);
	base64url_write(w, wr_bytes(&out));
	return wr_done(w);
}

bool pushed_is(str uri)
{
	return str_starts(uri, prefix);
}

ch_err pushed_read(str uri, const uint8_t key[static MAC_KEY_SIZE], str realm, struct arena *a,
		   struct pushed *ret_p)
{
	uint8_t sealed[HEAD + PUSHED_FORM_MAX + SEAL_OVERHEAD];
	struct wr in = wr_of(sealed, sizeof(sealed));
	struct pushed p = { .expires = 0 };
	if (!pushed_is(uri) || uri.n > PUSHED_URI_MAX ||
	    failed(base64url_read(str_sub(uri, prefix.n, uri.n), &in)))
		return ch_fail(CH_E_SYNTAX, "the text is no request_uri of ours", uri.n);
	uint8_t *room = arena_alloc(a, in.n);
	struct wr plain = wr_of(room, room ? in.n : 0);
	TRY(ticket_open(key, bytes_of_str(realm), wr_bytes(&in), &plain));
	struct rd r = rd_of(wr_bytes(&plain));
	bytes id = rd_take(&r, sizeof(p.id));
	mem_copy(p.id, id.p, id.n);
	p.expires = rd_i64(&r);
	p.used_until = rd_i64(&r);
	p.begun = rd_bool(&r);
	p.client_id = rd_str16(&r, STORE_NAME_MAX);
	p.form = str_of_bytes(rd_bytes32(&r, PUSHED_FORM_MAX));
	TRY(rd_done(&r));
	*ret_p = p;
	return CH_DONE;
}
