/* The record of a verdict, both halves. What is read may come from a file that somebody
 * else wrote: every length is checked, and texts are only bytes. */
#include "wire/sighting.h"

#include "base/ck.h"

enum { VERSION = 1, HEAD = 4 + SIGHTING_ID };

const char *const sighting_folder[SIGHTINGS_CHAINS] = { "signed", "unsigned" };
const str sighting_purpose[SIGHTINGS_CHAINS] = { { "sightings.signed", 16 },
						 { "sightings.unsigned", 18 } };

static size_t address_size(uint8_t family)
{
	return family == 4 ? 4 : family == 6 ? 16 : 0;
}

static str cut(str s)
{
	return s.n > SIGHTING_TEXT_MAX ? str_sub(s, 0, SIGHTING_TEXT_MAX) : s;
}

size_t sighting_size(const struct sighting *s)
{
	return HEAD + address_size(s->client.family) + 4 * sizeof(uint16_t) + cut(s->kid).n +
	       cut(s->issuer).n + cut(s->realm).n + cut(s->location).n;
}

void sighting_write(uint8_t *p, const struct sighting *s)
{
	struct wr w = wr_of(p, sighting_size(s));
	wr_u8(&w, VERSION);
	wr_u8(&w, s->code);
	wr_u8(&w, s->client.family);
	wr_u8(&w, 0);
	wr_put(&w, BYTES_OF(s->identity));
	wr_put(&w, (bytes){ s->client.ip, address_size(s->client.family) });
	wr_str16(&w, cut(s->kid));
	wr_str16(&w, cut(s->issuer));
	wr_str16(&w, cut(s->realm));
	wr_str16(&w, cut(s->location));
	assert(!w.full && w.n == w.cap);
}

static void take_into(struct rd *r, uint8_t *to, size_t n)
{
	bytes b = rd_take(r, n);
	mem_copy(to, b.p, b.n);
}

ch_err sighting_read(bytes b, struct sighting *ret_s)
{
	struct rd r = rd_of(b);
	struct sighting s = { 0 };
	uint8_t version = rd_u8(&r);
	if (!r.bad && version != VERSION)
		return ch_fail(CH_E_UNSUPPORTED, "a sighting of another version", version);
	s.code = rd_u8(&r);
	s.client.family = rd_u8(&r);
	uint8_t zero = rd_u8(&r);
	if (zero != 0 || (s.client.family != 0 && address_size(s.client.family) == 0))
		return ch_fail(CH_E_SYNTAX, "not a sighting", s.client.family);
	take_into(&r, s.identity, sizeof(s.identity));
	take_into(&r, s.client.ip, address_size(s.client.family));
	s.kid = rd_str16(&r, SIGHTING_TEXT_MAX);
	s.issuer = rd_str16(&r, SIGHTING_TEXT_MAX);
	s.realm = rd_str16(&r, SIGHTING_TEXT_MAX);
	s.location = rd_str16(&r, SIGHTING_TEXT_MAX);
	TRY(rd_done(&r));
	*ret_s = s;
	return CH_DONE;
}

void sighting_repeats_write(uint8_t p[static SIGHTING_REPEATS_HEAD],
			    const struct sighting_repeats *r)
{
	struct wr w = wr_of(p, SIGHTING_REPEATS_HEAD);
	wr_u64(&w, r->more);
	wr_i64(&w, r->first_ms);
	wr_i64(&w, r->last_ms);
}

ch_err sighting_repeats_read(bytes b, struct sighting_repeats *ret_r, struct sighting *ret_s)
{
	struct rd r = rd_of(b);
	struct sighting_repeats head = { .more = rd_u64(&r) };
	head.first_ms = rd_i64(&r);
	head.last_ms = rd_i64(&r);
	if (r.bad)
		return ch_fail(CH_E_TRUNCATED, "repeats of a sighting end early", b.n);
	if (head.more == 0)
		return ch_fail(CH_E_SYNTAX, "repeats of a sighting, but none", 0);
	TRY(sighting_read(rd_take(&r, b.n - SIGHTING_REPEATS_HEAD), ret_s));
	*ret_r = head;
	return CH_DONE;
}
