/* Private keys in DER and in OpenSSH's format: where they end, and the numbers in them. Reads
 * what may be anything; a key is one only when all its lengths and numbers fit. */
#include "codec/der.h"
#include "text_internal.h"

static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01 };
static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t oid_dh[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01 };
static const uint8_t oid_dsa[] = { 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01 };
static const uint8_t oid_x25519[] = { 0x2b, 0x65, 0x6e };
static const uint8_t oid_ed25519[] = { 0x2b, 0x65, 0x70 };

static bool starts(bytes b, bytes prefix)
{
	return b.n >= prefix.n && mem_eq(b.p, prefix.p, prefix.n);
}

bool text_no(ch_err e)
{
	return failed(e) && (e.site->code == CH_E_SYNTAX || e.site->code == CH_E_MISMATCH ||
			     e.site->code == CH_E_TRUNCATED);
}

static ch_err wrong(size_t at)
{
	return ch_fail(CH_E_SYNTAX, "no private key", at);
}

/* E_TRUNCATED means the same from here on: it goes on behind what is there. */
static ch_err outer(bytes in, struct rd *ret_r, size_t *ret_size)
{
	size_t header = 0;
	if (in.n && in.p[0] != DER_SEQUENCE)
		return wrong(0);
	TRY(der_measure(in, &header, ret_size));
	if (*ret_size > TEXT_DER_MAX)
		return wrong(*ret_size);
	size_t n = *ret_size < in.n ? *ret_size : in.n;
	*ret_r = rd_of((bytes){ in.p + header, n - header });
	return CH_DONE;
}

/* --- PKCS #1: RFC 8017 appendix A.1.2 --- */

enum { RSA_N, RSA_E, RSA_D, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_QI, RSA_NUMBERS };

static ch_err check_rsa(const bytes *v)
{
	size_t n = v[RSA_N].n;
	if (n < 64 || n > 2048 || !(v[RSA_N].p[n - 1] & 1) || v[RSA_D].n > n)
		return wrong(RSA_N);
	for (size_t i = RSA_P; i < RSA_NUMBERS; i++)
		if (!v[i].n || v[i].n > n - 8)
			return wrong(i);
	if (!(v[RSA_P].p[v[RSA_P].n - 1] & v[RSA_Q].p[v[RSA_Q].n - 1] & 1))
		return wrong(RSA_P);
	return text_distinct(v[RSA_P]) < 16 ? wrong(RSA_P) : CH_DONE;
}

static ch_err say_rsa(struct text_job *j, const bytes *v)
{
	static const enum value_kind kinds[RSA_NUMBERS] = {
		[RSA_D] = VALUE_RSA_EXPONENT, [RSA_P] = VALUE_RSA_PRIME, [RSA_Q] = VALUE_RSA_PRIME,
		[RSA_DP] = VALUE_RSA_CRT,     [RSA_DQ] = VALUE_RSA_CRT,  [RSA_QI] = VALUE_RSA_CRT,
	};
	if (v[RSA_N].n >= 128 && v[RSA_N].n <= 1024)
		TRY(text_learn(j, PUBLIC_RSA_MODULUS, v[RSA_N]));
	for (size_t i = RSA_D; i < RSA_NUMBERS; i++)
		if (v[i].n >= 16)
			TRY(text_value(j, kinds[i], true, v[i]));
	return CH_DONE;
}

/* Of a key that goes on where no memory is, or is not yet: the first n numbers. With its modulus
 * in sight, what is there of a prime is found as well. */
static ch_err say_cut_rsa(struct text_job *j, const bytes *v, size_t n)
{
	enum { DISTINCT_MIN = 48 }; /* of 128 random bytes and more; 90 are likely */
	if (n <= RSA_N || v[RSA_N].n < 128 || v[RSA_N].n > 1024 ||
	    !(v[RSA_N].p[v[RSA_N].n - 1] & 1) || text_distinct(v[RSA_N]) < DISTINCT_MIN)
		return CH_DONE;
	TRY(text_learn(j, PUBLIC_RSA_MODULUS, v[RSA_N]));
	if (n > RSA_D && v[RSA_D].n >= 16 && v[RSA_D].n <= v[RSA_N].n &&
	    text_distinct(v[RSA_D]) >= 16)
		TRY(text_value(j, VALUE_RSA_EXPONENT, true, v[RSA_D]));
	for (size_t i = RSA_P; i < n && i <= RSA_Q; i++)
		if (v[i].n >= 16 && v[i].n <= v[RSA_N].n - 8 && text_distinct(v[i]) >= 16)
			TRY(text_value(j, VALUE_RSA_PRIME, true, v[i]));
	return CH_DONE;
}

ch_err key_pkcs1(struct text_job *j, bytes in, size_t *ret_size)
{
	struct rd r;
	bytes version = { 0 }, v[RSA_NUMBERS];
	size_t size = 0;
	TRY(outer(in, &r, &size));
	TRY(der_take_uint(&r, &version));
	if (version.n > 1 || (version.n && version.p[0] != 1))
		return wrong(0);
	for (size_t i = 0; i < RSA_NUMBERS; i++) {
		ch_err e = der_take_uint(&r, &v[i]);
		if (failed(e) && size > in.n && e.site->code == CH_E_TRUNCATED)
			TRY(say_cut_rsa(j, v, i));
		TRY(e);
	}
	TRY(check_rsa(v));
	if (size > in.n)
		return ch_fail(CH_E_TRUNCATED, "a private key", size - in.n);
	if (version.n == 0 && !rd_end(&r))
		return wrong(size);
	TRY(say_rsa(j, v));
	*ret_size = size;
	return CH_DONE;
}

/* --- SEC 1: RFC 5915 --- */

static ch_err scalar_ok(bytes d)
{
	if (d.n != 28 && d.n != 32 && d.n != 48 && d.n != 66)
		return wrong(d.n);
	return text_distinct(d) < 12 ? wrong(0) : CH_DONE;
}

ch_err key_sec1(struct text_job *j, bytes in, bytes curve, size_t *ret_size)
{
	struct rd r;
	bytes version = { 0 }, d = { 0 }, rest = { 0 };
	size_t size = 0;
	TRY(outer(in, &r, &size));
	TRY(der_take_uint(&r, &version));
	if (version.n != 1 || version.p[0] != 1 || size > 512)
		return wrong(0);
	TRY(der_take(&r, DER_OCTET_STRING, &d));
	TRY(scalar_ok(d));
	/* whatever of it is cut off */
	if (size > in.n)
		TRY(text_value(j, VALUE_EC_SCALAR, true, d));
	if (der_is_next(&r, DER_CONTEXT))
		TRY(der_take(&r, DER_CONTEXT, &curve));
	if (der_is_next(&r, DER_CONTEXT + 1))
		TRY(der_take(&r, DER_CONTEXT + 1, &rest));
	if (size > in.n)
		return ch_fail(CH_E_TRUNCATED, "a private key", size - in.n);
	if (!rd_end(&r))
		return wrong(size);
	TRY(text_value(j, VALUE_EC_SCALAR, true, d));
	struct rd bits = rd_of(rest);
	if (rest.n && !failed(der_take(&bits, DER_BIT_STRING, &rest)) && rest.n > 1)
		TRY(public_of_point(j, (bytes){ rest.p + 1, rest.n - 1 }, curve));
	*ret_size = size;
	return CH_DONE;
}

/* --- PKCS #8: RFC 5958 --- */

static ch_err inner_edwards(struct text_job *j, bytes key, enum value_kind kind)
{
	struct rd r = rd_of(key);
	bytes seed = { 0 };
	TRY(der_take(&r, DER_OCTET_STRING, &seed));
	if (seed.n != 32 || text_distinct(seed) < 12)
		return wrong(seed.n);
	return text_value(j, kind, false, seed);
}

static ch_err inner_number(struct text_job *j, bytes key)
{
	struct rd r = rd_of(key);
	bytes x = { 0 };
	TRY(der_take_uint(&r, &x));
	return x.n >= 20 ? text_value(j, VALUE_DH_EXPONENT, true, x) : wrong(x.n);
}

/* An algorithm that we do not know: its key is bytes, and what they wrap (X448, Ed448). */
static ch_err inner_unknown(struct text_job *j, bytes key)
{
	struct rd r = rd_of(key);
	bytes is = { 0 };
	if (key.n < 32 || text_distinct(key) < 16)
		return wrong(key.n);
	if (!failed(der_take(&r, DER_OCTET_STRING, &is)) && rd_end(&r) && is.n >= 32)
		TRY(text_value(j, VALUE_PRIVATE_KEY, false, is));
	return text_value(j, VALUE_PRIVATE_KEY, false, key);
}

static ch_err inner_key(struct text_job *j, bytes oid, bytes params, bytes key)
{
	size_t size = 0;
	if (starts(oid, BYTES_OF(oid_rsa)))
		return key_pkcs1(j, key, &size);
	if (bytes_eq(oid, BYTES_OF(oid_ec)))
		return key_sec1(j, key, params, &size);
	if (bytes_eq(oid, BYTES_OF(oid_ed25519)))
		return inner_edwards(j, key, VALUE_ED25519_SEED);
	if (bytes_eq(oid, BYTES_OF(oid_x25519)))
		return inner_edwards(j, key, VALUE_X25519);
	if (bytes_eq(oid, BYTES_OF(oid_dh)) || bytes_eq(oid, BYTES_OF(oid_dsa)))
		return inner_number(j, key);
	return inner_unknown(j, key);
}

ch_err key_pkcs8(struct text_job *j, bytes in, size_t *ret_size)
{
	struct rd r;
	bytes version = { 0 }, algorithm = { 0 }, oid = { 0 }, key = { 0 };
	size_t size = 0;
	TRY(outer(in, &r, &size));
	TRY(der_take_uint(&r, &version));
	if (version.n > 1 || (version.n && version.p[0] != 1))
		return wrong(0);
	TRY(der_take(&r, DER_SEQUENCE, &algorithm));
	struct rd a = rd_of(algorithm);
	if (failed(der_take(&a, DER_OID, &oid)))
		return wrong(1);
	TRY(der_take(&r, DER_OCTET_STRING, &key));
	if (size > in.n)
		return ch_fail(CH_E_TRUNCATED, "a private key", size - in.n);
	ch_err e = inner_key(j, oid, (bytes){ a.p, rd_left(&a) }, key);
	/* cut inside although the outside is whole: no key */
	if (failed(e))
		return e.site->code == CH_E_TRUNCATED ? wrong(2) : e;
	*ret_size = size;
	return CH_DONE;
}

ch_err key_any(struct text_job *j, bytes in, size_t *ret_size)
{
	ch_err e = key_pkcs8(j, in, ret_size);
	if (text_no(e))
		e = key_pkcs1(j, in, ret_size);
	if (text_no(e))
		e = key_sec1(j, in, (bytes){ 0 }, ret_size);
	return e;
}

/* What goes on behind `in`, from the version on: its algorithm must be one that we know. */
static ch_err cut_pkcs8(struct text_job *j, bytes in)
{
	struct rd r;
	bytes version = { 0 }, algorithm = { 0 }, oid = { 0 };
	size_t size = 0, header = 0, inner = 0;
	TRY(outer(in, &r, &size));
	TRY(der_take_uint(&r, &version));
	if (version.n > 1 || (version.n && version.p[0] != 1))
		return wrong(0);
	TRY(der_take(&r, DER_SEQUENCE, &algorithm));
	struct rd a = rd_of(algorithm);
	TRY(der_take(&a, DER_OID, &oid));
	if (!starts(oid, BYTES_OF(oid_rsa)) && !bytes_eq(oid, BYTES_OF(oid_ec)) &&
	    oid.n != sizeof(oid_ed25519))
		return wrong(1);
	if (!der_is_next(&r, DER_OCTET_STRING))
		return wrong(2);
	TRY(der_measure((bytes){ r.p, rd_left(&r) }, &header, &inner));
	return inner_key(j, oid, (bytes){ a.p, rd_left(&a) },
			 (bytes){ r.p + header, rd_left(&r) - header });
}

ch_err key_cut(struct text_job *j, bytes in)
{
	size_t size = 0;
	ch_err e[] = { cut_pkcs8(j, in), key_pkcs1(j, in, &size),
		       key_sec1(j, in, (bytes){ 0 }, &size) };
	for (size_t i = 0; i < COUNT_OF(e); i++)
		if (!text_no(e[i]) || e[i].site->code == CH_E_TRUNCATED)
			return failed(e[i]) && !text_no(e[i]) ? e[i] : CH_DONE;
	return e[0];
}

/* --- openssh-key-v1: PROTOCOL.key of OpenSSH --- */

static const char magic[] = "openssh-key-v1"; /* its NUL belongs to it */
enum { SSH_CHECKS = 8 };

static ch_err ssh_rsa(struct text_job *j, struct rd *r)
{
	static const unsigned order[] = { RSA_N, RSA_E, RSA_D, RSA_QI, RSA_P, RSA_Q };
	bytes v[RSA_NUMBERS] = { { 0 } };
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		bytes b = rd_bytes32(r, 2049);
		while (b.n && !b.p[0])
			b = (bytes){ b.p + 1, b.n - 1 };
		v[order[i]] = b;
	}
	return r->bad ? wrong(0) : say_rsa(j, v);
}

static ch_err ssh_secret(struct text_job *j, struct rd *r)
{
	uint32_t first = rd_u32(r);
	if (rd_u32(r) != first)
		return wrong(0); /* encrypted, or nothing */
	str type = str_of_bytes(rd_bytes32(r, 64));
	if (str_eq(type, LIT("ssh-rsa")))
		return ssh_rsa(j, r);
	if (str_eq(type, LIT("ssh-ed25519"))) {
		bytes public = rd_bytes32(r, 32), pair = rd_bytes32(r, 64);
		return pair.n == 64 && bytes_eq((bytes){ pair.p + 32, 32 }, public)
			       ? text_value(j, VALUE_ED25519_SEED, false, (bytes){ pair.p, 32 })
			       : wrong(1);
	}
	if (str_starts(type, LIT("ecdsa-sha2-"))) {
		(void)rd_bytes32(r, 32);
		(void)rd_bytes32(r, 256);
		bytes d = rd_bytes32(r, 67);
		return r->bad ? wrong(2) : text_value(j, VALUE_EC_SCALAR, true, d);
	}
	return CH_DONE; /* of another kind: masked as it stands */
}

ch_err key_openssh(struct text_job *j, bytes in, size_t *ret_size)
{
	if (!starts(in, (bytes){ (const uint8_t *)magic, sizeof(magic) }))
		return wrong(0);
	struct rd r = rd_of((bytes){ in.p + sizeof(magic), in.n - sizeof(magic) });
	bytes cipher = rd_bytes32(&r, 64), kdf = rd_bytes32(&r, 64);
	(void)rd_bytes32(&r, 256);
	uint32_t keys = rd_u32(&r);
	bytes public = rd_bytes32(&r, 4096), secret = rd_bytes32(&r, TEXT_DER_MAX);
	if (r.bad)
		return in.n >= TEXT_DER_MAX ? wrong(1)
					    : ch_fail(CH_E_TRUNCATED, "an OpenSSH key", in.n);
	if (!cipher.n || !kdf.n || keys != 1)
		return wrong(2);
	TRY(public_of_ssh(j, public));
	struct rd inside = rd_of(secret);
	if (bytes_eq(cipher, bytes_of_str(LIT("none")))) {
		ch_err e = ssh_secret(j, &inside);
		if (failed(e) && !text_no(e))
			return e;
	}
	*ret_size = (size_t)(r.p - in.p);
	return CH_DONE;
}

/* Two equal numbers stand before the kind of the key. */
ch_err key_openssh_section(struct text_job *j, bytes in, size_t *ret_to)
{
	static const str types[] = { LIT("\0\0\0\x07ssh-rsa"), LIT("\0\0\0\x0bssh-ed25519"),
				     LIT("\0\0\0\x13"
					 "ecdsa-sha2-nistp") };
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		size_t at = 0, from = 0;
		while (bytes_find((bytes){ in.p + from, in.n - from }, types[i], &at)) {
			at += from;
			from = at + types[i].n;
			if (at < SSH_CHECKS)
				continue;
			bytes section = { in.p + at - SSH_CHECKS, in.n - at + SSH_CHECKS };
			struct rd r = rd_of(section);
			ch_err e = ssh_secret(j, &r);
			if (failed(e) && !text_no(e))
				return e;
			if (failed(e))
				continue;
			*ret_to = in.n;
			/* that of RSA is in another order here, and was learned */
			if (i)
				TRY(public_of_ssh(j, (bytes){ in.p + at, in.n - at }));
		}
	}
	return CH_DONE;
}
