/* Public halves, by which other finders know the private ones: in certificates and keys in
 * DER, as points, as SSH writes them. A wrong one does no harm but costs time. */
#include "codec/der.h"
#include "text_internal.h"

static const uint8_t oid_secp256k1[] = { 0x2b, 0x81, 0x04, 0x00, 0x0a };

static bool plausible(bytes b)
{
	return text_distinct(b) >= (b.n < 48 ? 16 : 24);
}

static ch_err learn_modulus(struct text_job *j, bytes n)
{
	while (n.n && !n.p[0])
		n = (bytes){ n.p + 1, n.n - 1 };
	if (n.n < 128 || n.n > 1024 || !(n.p[n.n - 1] & 1) || !plausible(n))
		return CH_DONE;
	return text_learn(j, PUBLIC_RSA_MODULUS, n);
}

ch_err public_of_point(struct text_job *j, bytes point, bytes before)
{
	size_t at = 0;
	str k1 = { (const char *)oid_secp256k1, sizeof(oid_secp256k1) };
	if (point.n < 65 || point.p[0] != 4)
		return CH_DONE;
	bytes xy = { point.p + 1, point.n - 1 };
	if (!plausible(xy))
		return CH_DONE;
	switch (xy.n) {
	case 64:
		return text_learn(j, bytes_find(before, k1, &at) ? PUBLIC_SECP256K1 : PUBLIC_P256,
				  xy);
	case 96:
		return text_learn(j, PUBLIC_P384, xy);
	case 132:
		return text_learn(j, PUBLIC_P521, xy);
	default:
		return CH_DONE;
	}
}

/* BIT STRING { SEQUENCE { n, e } }, from the tag of the bit string on */
static ch_err spki_rsa(struct text_job *j, bytes in)
{
	struct rd r = rd_of(in);
	bytes bits = { 0 }, pair = { 0 }, n = { 0 }, e = { 0 };
	TRY(der_take(&r, DER_BIT_STRING, &bits));
	struct rd b = rd_of(bits);
	if (rd_u8(&b))
		return CH_DONE;
	TRY(der_take(&b, DER_SEQUENCE, &pair));
	struct rd p = rd_of(pair);
	TRY(der_take_uint(&p, &n));
	TRY(der_take_uint(&p, &e));
	return rd_end(&p) && e.n <= 8 ? learn_modulus(j, n) : CH_DONE;
}

/* What is cut is looked at again; what is no key is none. */
static ch_err unless_cut(struct text_job *j, ch_err e)
{
	if (failed(e) && e.site->code == CH_E_TRUNCATED)
		j->open = true;
	return text_no(e) ? CH_DONE : e;
}

/* Behind the OID of RSA: NULL, then the bit string. */
ch_err check_spki(struct text_job *j)
{
	struct rd r = rd_of((bytes){ j->v.p + j->at, j->v.n - j->at });
	uint16_t null = rd_u16(&r);
	if (r.bad)
		j->open = true;
	if (r.bad || null != DER_NULL << 8)
		return CH_DONE;
	return unless_cut(j, spki_rsa(j, (bytes){ r.p, rd_left(&r) }));
}

/* Behind the OID and the tag of the bit string. */
ch_err check_edwards(struct text_job *j)
{
	struct rd r = rd_of((bytes){ j->v.p + j->at, j->v.n - j->at });
	uint16_t header = rd_u16(&r);
	bytes key = rd_take(&r, 32);
	if (r.bad)
		j->open = true;
	if (r.bad || j->at < 2 || header != 33 << 8 || !plausible(key))
		return CH_DONE;
	bool x = j->v.p[j->at - 2] == 0x6e;
	return text_learn(j, x ? PUBLIC_X25519 : PUBLIC_ED25519, key);
}

ch_err check_point(struct text_job *j)
{
	/* 03 42 00 04, 03 62 00 04, 03 81 86 00 04 */
	size_t at = j->at - 1, behind = at < 160 ? at : 160;
	uint8_t bits = j->at >= 3 ? j->v.p[j->at - 3] : 0;
	size_t n = bits == 0x42 ? 65 : bits == 0x62 ? 97 : 133;
	if (j->v.n - at < n) {
		j->open = true;
		return CH_DONE;
	}
	return public_of_point(j, (bytes){ j->v.p + at, n },
			       (bytes){ j->v.p + at - behind, behind });
}

/* --- SSH: RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4 --- */

ch_err public_of_ssh(struct text_job *j, bytes blob)
{
	struct rd r = rd_of(blob);
	str type = str_of_bytes(rd_bytes32(&r, 64));
	if (str_eq(type, LIT("ssh-rsa"))) {
		(void)rd_bytes32(&r, 16);
		bytes n = rd_bytes32(&r, 1025);
		return r.bad ? CH_DONE : learn_modulus(j, n);
	}
	if (str_eq(type, LIT("ssh-ed25519"))) {
		bytes key = rd_bytes32(&r, 32);
		return key.n == 32 && plausible(key) ? text_learn(j, PUBLIC_ED25519, key) : CH_DONE;
	}
	if (!str_starts(type, LIT("ecdsa-sha2-")))
		return CH_DONE;
	(void)rd_bytes32(&r, 32);
	bytes point = rd_bytes32(&r, 133);
	return r.bad ? CH_DONE : public_of_point(j, point, (bytes){ 0 });
}

/* The private section of OpenSSH's format has it, too, behind two equal numbers: it is known
 * without what stands before. */
static ch_err private_around(struct text_job *j, size_t at)
{
	enum { CHECKS = 8, SECTION_MAX = 4096 };
	size_t to = 0, n = j->v.n - at;
	if (at < CHECKS || load_le32(j->v.p + at - 8) != load_le32(j->v.p + at - 4))
		return CH_DONE;
	n = CHECKS + (n < SECTION_MAX ? n : SECTION_MAX);
	return key_openssh_section(j, (bytes){ j->v.p + at - CHECKS, n }, &to);
}

ch_err check_ssh_blob(struct text_job *j)
{
	static const struct {
		size_t match, name;
	} types[] = { { 7, 7 }, { 11, 11 }, { 16, 19 } };
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		size_t behind = types[i].match + 4;
		if (j->at < behind || j->v.p[j->at - behind + 3] != types[i].name)
			continue;
		bytes blob = { j->v.p + j->at - behind, j->v.n - j->at + behind };
		j->open = blob.n < 1200;
		TRY(public_of_ssh(j, blob));
		return private_around(j, j->at - behind);
	}
	return CH_DONE;
}

ch_err check_ssh_text(struct text_job *j)
{
	uint8_t blob[1200];
	size_t from = j->at - j->row->back;
	size_t end = text_run(j, from, 1600);
	size_t n = text_unbase64((bytes){ j->v.p + from, end - from }, blob, sizeof(blob));
	return public_of_ssh(j, (bytes){ blob, n });
}

/* --- certificates --- */

static ch_err each(struct text_job *j, bytes der, str anchor, ch_err (*f)(struct text_job *j))
{
	struct text_job inner = *j;
	size_t from = 0, at = 0;
	inner.v = der;
	while (bytes_find((bytes){ der.p + from, der.n - from }, anchor, &at)) {
		from += at + anchor.n;
		inner.at = from;
		TRY(f(&inner));
	}
	return CH_DONE;
}

ch_err publics_of_der(struct text_job *j, bytes der)
{
	static const struct {
		str anchor;
		ch_err (*f)(struct text_job *j);
	} anchors[] = {
		{ LIT("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), check_spki },
		{ LIT("\x06\x03\x2b\x65\x70\x03"), check_edwards },
		{ LIT("\x06\x03\x2b\x65\x6e\x03"), check_edwards },
		{ LIT("\x03\x42\x00\x04"), check_point },
		{ LIT("\x03\x62\x00\x04"), check_point },
		{ LIT("\x03\x81\x86\x00\x04"), check_point },
	};
	for (size_t i = 0; i < COUNT_OF(anchors); i++)
		TRY(each(j, der, anchors[i].anchor, anchors[i].f));
	/* RSA PUBLIC KEY: SEQUENCE { n, e } */
	struct rd r = rd_of(der);
	bytes pair = { 0 }, n = { 0 };
	if (failed(der_take(&r, DER_SEQUENCE, &pair)))
		return CH_DONE;
	struct rd p = rd_of(pair);
	return failed(der_take_uint(&p, &n)) ? CH_DONE : learn_modulus(j, n);
}
