/* Reports of gates to the collector, both halves. Gates are on other machines and may be taken
 * over: every length and every record is checked before any of it is used. */
#include "wire/report.h"

#include "base/ck.h"

enum { VERSION = 1, COUNT_AT = 26 };

const str report_kept_purpose[SIGHTINGS_CHAINS] = { { "collector.signed", 16 },
						    { "collector.unsigned", 18 } };

void report_begin(struct wr *w, const struct report_batch *b)
{
	wr_u8(w, VERSION);
	wr_u8(w, b->chain);
	wr_put(w, BYTES_OF(b->id));
	wr_u64(w, b->seq);
	wr_u16(w, 0);
}

bool report_add(struct wr *w, const struct report_record *r)
{
	if (w->cap - w->n < REPORT_RECORD_HEAD + r->payload.n)
		return false;
	wr_u16(w, r->type);
	wr_i64(w, r->time_ms);
	wr_bytes16(w, r->payload);
	return true;
}

void report_end(struct wr *w, uint16_t count)
{
	wr_patch_u16(w, COUNT_AT, count);
}

static ch_err version_check(struct rd *r)
{
	uint8_t version = rd_u8(r);
	if (!r->bad && version != VERSION)
		return ch_fail(CH_E_UNSUPPORTED, "a report of another version", version);
	return CH_DONE;
}

static void take_into(struct rd *r, uint8_t *to, size_t n)
{
	bytes b = rd_take(r, n);
	mem_copy(to, b.p, b.n);
}

ch_err report_open(bytes b, struct rd *ret_r, struct report_batch *ret_b)
{
	struct rd r = rd_of(b);
	struct report_batch batch = { 0 };
	TRY(version_check(&r));
	batch.chain = rd_u8(&r);
	take_into(&r, batch.id, sizeof(batch.id));
	batch.seq = rd_u64(&r);
	batch.count = rd_u16(&r);
	if (r.bad)
		return ch_fail(CH_E_TRUNCATED, "a batch ends within its head", b.n);
	if (batch.chain >= SIGHTINGS_CHAINS)
		return ch_fail(CH_E_SYNTAX, "a batch of no chain of sightings", batch.chain);
	if (batch.count > REPORT_RECORDS_MAX || batch.seq > INT64_MAX)
		return ch_fail(CH_E_RANGE, "a batch with too many records", batch.count);
	*ret_r = r;
	*ret_b = batch;
	return CH_DONE;
}

static ch_err record_check(const struct report_record *record)
{
	struct sighting s;
	struct sighting_repeats repeats;
	if (record->time_ms < 0)
		return ch_fail(CH_E_RANGE, "a sighting before 1970", 0);
	switch (record->type) {
	case SIGHTING_VERDICT:
		return sighting_read(record->payload, &s);
	case SIGHTING_REPEATS:
		return sighting_repeats_read(record->payload, &repeats, &s);
	case SIGHTING_LOST:
		return record->payload.n == sizeof(uint64_t)
			       ? CH_DONE
			       : ch_fail(CH_E_SYNTAX, "a count of lost sightings",
					 record->payload.n);
	default:
		return ch_fail(CH_E_SYNTAX, "a record that is no sighting", record->type);
	}
}

ch_err report_next(struct rd *r, struct report_record *ret_record)
{
	struct report_record record = { .type = rd_u16(r) };
	record.time_ms = rd_i64(r);
	record.payload = rd_bytes16(r, SIGHTING_REPEATS_HEAD + SIGHTING_MAX);
	if (r->bad)
		return ch_fail(CH_E_TRUNCATED, "a batch ends within a record", 0);
	TRY(record_check(&record));
	*ret_record = record;
	return CH_DONE;
}

ch_err report_close(const struct rd *r)
{
	return rd_done(r);
}

void report_place_write(struct wr *w, const struct report_place *p)
{
	wr_u8(w, VERSION);
	wr_u8(w, p->chain);
	wr_put(w, BYTES_OF(p->id));
	wr_u64(w, p->next);
}

ch_err report_place_read(bytes b, struct report_place *ret_p)
{
	struct rd r = rd_of(b);
	struct report_place p = { 0 };
	TRY(version_check(&r));
	p.chain = rd_u8(&r);
	take_into(&r, p.id, sizeof(p.id));
	p.next = rd_u64(&r);
	TRY(rd_done(&r));
	if (p.chain >= SIGHTINGS_CHAINS)
		return ch_fail(CH_E_SYNTAX, "a place in no chain of sightings", p.chain);
	*ret_p = p;
	return CH_DONE;
}

static size_t address_size(uint8_t family)
{
	return family == 4 ? 4 : family == 6 ? 16 : 0;
}

void report_alarm_write(struct wr *w, const struct report_alarm *a)
{
	wr_u8(w, VERSION);
	wr_i64(w, a->when_ms);
	wr_u8(w, a->client.family);
	wr_put(w, (bytes){ a->client.ip, address_size(a->client.family) });
	wr_str16(w, a->location);
	wr_str16(w, a->signing_input);
	wr_str16(w, a->signature);
}

static bool is_base64url(str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char low = (char)(s.p[i] | 0x20);
		bool digit = (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-' || s.p[i] == '_';
		if (!digit && !(low >= 'a' && low <= 'z'))
			return false;
	}
	return s.n > 0;
}

ch_err report_alarm_read(bytes b, struct report_alarm *ret_a)
{
	struct rd r = rd_of(b);
	TRY(version_check(&r));
	struct report_alarm a = { .when_ms = rd_i64(&r) };
	a.client.family = rd_u8(&r);
	if (a.client.family != 0 && address_size(a.client.family) == 0)
		return ch_fail(CH_E_SYNTAX, "an alarm with no address", a.client.family);
	take_into(&r, a.client.ip, address_size(a.client.family));
	a.location = rd_str16(&r, SIGHTING_TEXT_MAX);
	a.signing_input = rd_str16(&r, REPORT_SIGNING_INPUT_MAX);
	a.signature = rd_str16(&r, REPORT_SIGNATURE_MAX);
	TRY(rd_done(&r));
	str payload = a.signing_input;
	str header = str_cut(&payload, '.');
	if (!is_base64url(header) || !is_base64url(payload) || !is_base64url(a.signature))
		return ch_fail(CH_E_SYNTAX, "an alarm without a token", a.signing_input.n);
	if (a.when_ms < 0)
		return ch_fail(CH_E_RANGE, "an alarm before 1970", 0);
	*ret_a = a;
	return CH_DONE;
}

void report_kept_write(uint8_t *p, const struct report_kept *k)
{
	struct wr w = wr_of(p, REPORT_KEPT_HEAD + k->payload.n);
	wr_u8(&w, VERSION);
	wr_put(&w, BYTES_OF(k->id));
	wr_u64(&w, k->seq);
	wr_put(&w, k->payload);
	assert(!w.full && w.n == w.cap);
}

ch_err report_kept_read(bytes b, struct report_kept *ret_k)
{
	struct rd r = rd_of(b);
	struct report_kept k = { 0 };
	TRY(version_check(&r));
	take_into(&r, k.id, sizeof(k.id));
	k.seq = rd_u64(&r);
	if (r.bad)
		return ch_fail(CH_E_SYNTAX, "not a record of a gate's", b.n);
	k.payload = rd_take(&r, rd_left(&r));
	*ret_k = k;
	return CH_DONE;
}
