/* The sealed key file. Trusts nothing in a file: every field is checked before it is
 * handed out, and keyfile_open hands nothing out that the seal does not cover. */
#include "keyfile/keyfile.h"

#include "base/path.h"

enum { FLAG_IMPORTED = 1, TYP_BITS = KEY_TYP_ACCESS | KEY_TYP_ID | KEY_TYP_CHECKPOINT };

static const str magic = LIT("CHKEY2\n"), magic_1 = LIT("CHKEY1\n");

enum { STATE_1_SIGNING = 1, STATE_1_STAGED, STATE_1_VERIFY_ONLY };

static bool kid_ok(str kid)
{
	if (kid.n == 0 || kid.n > KEYFILE_NAME_MAX || kid.p[0] == '.')
		return false;
	/* a thumbprint in base64url may begin with - or _, which name_ok refuses */
	for (size_t i = 0; i < kid.n; i++) {
		const char two[] = { 'k', kid.p[i] };
		if (!name_ok((str){ two, sizeof(two) }, sizeof(two)))
			return false;
	}
	return true;
}

static ch_err check_grant(const struct key_grant *g)
{
	if (g->typ == 0 || (g->typ & ~TYP_BITS))
		return ch_fail(CH_E_RANGE, "a key's grant has an unknown typ, or none", g->typ);
	if ((g->typ & KEY_TYP_CHECKPOINT) && g->typ != KEY_TYP_CHECKPOINT)
		return ch_fail(CH_E_RANGE, "a key's grant is for tokens and heads of the log",
			       g->typ);
	if (g->max_ttl_s == 0)
		return ch_fail(CH_E_RANGE, "a key's grant allows no lifetime", 0);
	if (g->n_audiences > KEYFILE_AUDIENCES_MAX)
		return ch_fail(CH_E_RANGE, "a key's grant has too many audiences", g->n_audiences);
	for (size_t i = 0; i < g->n_audiences; i++)
		if (g->audiences[i].n == 0 || g->audiences[i].n > KEYFILE_AUDIENCE_MAX)
			return ch_fail(CH_E_RANGE, "an audience in a key's grant has no fit length",
				       g->audiences[i].n);
	return CH_DONE;
}

static bool is_time(int64_t at_s)
{
	return at_s >= 0 && at_s <= KEYFILE_TIME_MAX;
}

static ch_err check_times(const struct key_times *t)
{
	if (!is_time(t->created_s) || !is_time(t->published_s) || !is_time(t->not_before_s) ||
	    !is_time(t->not_after_s) || !is_time(t->limit_s))
		return ch_fail(CH_E_RANGE, "key file with impossible times", 0);
	if (t->not_after_s != 0 && t->not_after_s <= t->not_before_s)
		return ch_fail(CH_E_RANGE, "key file of a key that ends before it begins",
			       t->not_after_s);
	/* nobody could know it when it signs */
	if (t->not_before_s != 0 && (t->published_s == 0 || t->not_before_s < t->published_s))
		return ch_fail(CH_E_RANGE, "key file of a key that signs before it is published",
			       t->not_before_s);
	return CH_DONE;
}

/* The same for what is written and what was read. */
static ch_err check_meta(const struct key_meta *m)
{
	if ((unsigned)m->alg >= ALG_COUNT)
		return ch_fail(CH_E_RANGE, "key file with an unknown algorithm", m->alg);
	TRY(check_times(&m->times));
	if (!name_ok(m->realm, KEYFILE_NAME_MAX))
		return ch_fail(CH_E_SYNTAX, "key file with an impossible realm name", m->realm.n);
	if (!kid_ok(m->kid))
		return ch_fail(CH_E_SYNTAX, "key file with an impossible kid", m->kid.n);
	if (m->grant.typ == KEY_TYP_CHECKPOINT && m->alg != ALG_EDDSA)
		return ch_fail(CH_E_RANGE, "heads of the log are signed by Ed25519 alone", m->alg);
	return check_grant(&m->grant);
}

static void put_grant(struct wr *w, const struct key_grant *g)
{
	wr_u8(w, g->typ);
	wr_u32(w, g->max_ttl_s);
	wr_u32(w, g->rate_per_s);
	wr_u16(w, (uint16_t)g->n_audiences);
	for (size_t i = 0; i < g->n_audiences; i++)
		wr_str16(w, g->audiences[i]);
}

static void put_header(struct wr *w, const struct key_meta *m)
{
	wr_str(w, magic);
	wr_u8(w, (uint8_t)(m->alg + 1));
	wr_i64(w, m->times.created_s);
	wr_i64(w, m->times.published_s);
	wr_i64(w, m->times.not_before_s);
	wr_i64(w, m->times.not_after_s);
	wr_i64(w, m->times.limit_s);
	wr_str16(w, m->realm);
	wr_str16(w, m->kid);
	put_grant(w, &m->grant);
	wr_u8(w, m->imported ? FLAG_IMPORTED : 0);
}

int64_t key_logged_from_s(const struct key_meta *meta)
{
	return meta->imported ? meta->times.created_s : 0;
}

ch_err keyfile_write(const struct key_meta *meta, const struct private_key *key,
		     const struct secret *kek, struct wr *w)
{
	AUTO(secret_done) struct secret *plain = NULL;
	size_t start = w->n;
	TRY(check_meta(meta));
	if (private_key_alg(key) != meta->alg)
		return ch_fail(CH_E_MISMATCH, "the key is of another algorithm than its file says",
			       private_key_alg(key));
	TRY(private_key_export(key, &plain));
	put_header(w, meta);
	TRY(wr_done(w));
	bytes header = { w->p + start, w->n - start };
	wr_u16(w, (uint16_t)(secret_size(plain) + SEAL_OVERHEAD));
	return seal(kek, header, plain, w);
}

static ch_err get_grant(struct rd *r, struct key_grant *g)
{
	g->typ = rd_u8(r);
	g->max_ttl_s = rd_u32(r);
	g->rate_per_s = rd_u32(r);
	g->n_audiences = rd_u16(r);
	if (g->n_audiences > KEYFILE_AUDIENCES_MAX)
		return ch_fail(CH_E_RANGE, "a key's grant has too many audiences", g->n_audiences);
	for (size_t i = 0; i < g->n_audiences; i++)
		g->audiences[i] = rd_str16(r, KEYFILE_AUDIENCE_MAX);
	return CH_DONE;
}

static void get_times(struct rd *r, struct key_times *t)
{
	t->created_s = rd_i64(r);
	t->published_s = rd_i64(r);
	t->not_before_s = rd_i64(r);
	t->not_after_s = rd_i64(r);
	t->limit_s = rd_i64(r);
}

static ch_err get_times_1(struct rd *r, struct key_times *t)
{
	uint8_t state = rd_u8(r);
	t->created_s = rd_i64(r);
	t->not_before_s = rd_i64(r);
	t->not_after_s = rd_i64(r);
	if (state < STATE_1_SIGNING || state > STATE_1_VERIFY_ONLY)
		return ch_fail(CH_E_RANGE, "key file with an unknown state", state);
	if (state == STATE_1_STAGED) {
		t->limit_s = t->not_after_s;
		t->not_before_s = t->not_after_s = 0;
		return CH_DONE;
	}
	t->published_s = t->created_s < t->not_before_s ? t->created_s : t->not_before_s;
	if (state == STATE_1_VERIFY_ONLY && t->not_after_s == 0 && is_time(t->not_before_s))
		t->not_after_s = t->not_before_s + 1;
	return CH_DONE;
}

/* Leaves in *ret_header what the seal covers and in *ret_sealed the sealed part. */
static ch_err parse(bytes file, struct key_meta *m, bytes *ret_header, bytes *ret_sealed)
{
	struct rd r = rd_of(file);
	str is = str_of_bytes(rd_take(&r, magic.n));
	if (!str_eq(is, magic) && !str_eq(is, magic_1))
		return ch_fail(CH_E_SYNTAX, "not a key file", file.n);
	m->alg = (enum alg)(rd_u8(&r) - 1);
	if (str_eq(is, magic))
		get_times(&r, &m->times);
	else
		TRY(get_times_1(&r, &m->times));
	m->realm = rd_str16(&r, KEYFILE_NAME_MAX);
	m->kid = rd_str16(&r, KEYFILE_NAME_MAX);
	TRY(get_grant(&r, &m->grant));
	m->times.max_ttl_s = m->grant.max_ttl_s;
	uint8_t flags = rd_u8(&r);
	m->imported = flags & FLAG_IMPORTED;
	size_t header_size = file.n - rd_left(&r);
	bytes sealed = rd_bytes16(&r, KEYFILE_MAX);
	TRY(rd_done(&r));
	if (flags & ~FLAG_IMPORTED)
		return ch_fail(CH_E_RANGE, "key file with unknown flags", flags);
	TRY(check_meta(m));
	*ret_header = (bytes){ file.p, header_size };
	*ret_sealed = sealed;
	return CH_DONE;
}

ch_err keyfile_read(bytes file, struct key_meta *ret_meta)
{
	struct key_meta m = { 0 };
	bytes header = { 0 }, sealed = { 0 };
	TRY(parse(file, &m, &header, &sealed));
	*ret_meta = m;
	return CH_DONE;
}

ch_err keyfile_open(bytes file, const struct secret *kek, struct key_meta *ret_meta,
		    struct private_key **ret_key)
{
	AUTO(secret_done) struct secret *plain = NULL;
	struct key_meta m = { 0 };
	bytes header = { 0 }, sealed = { 0 };
	TRY(parse(file, &m, &header, &sealed));
	TRY(unseal(kek, header, sealed, &plain));
	TRY(private_key_load(m.alg, plain, ret_key));
	*ret_meta = m;
	return CH_DONE;
}
