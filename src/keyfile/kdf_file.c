/* How the key-encryption key comes from the passphrase, with a sealed block that
 * tells a wrong passphrase apart at once: without it the first key file would be
 * blamed. The file holds nothing secret. */
#include "keyfile/keyfile.h"

enum { CHECK_SIZE = 16 };

static const str magic = LIT("CHKDF1\n");

ch_err kdf_file_write(const struct kdf *kdf, const struct secret *kek, struct wr *w)
{
	AUTO(secret_done) struct secret *zeros = NULL;
	size_t start = w->n;
	TRY(secret_new(CHECK_SIZE, &zeros));
	wr_str(w, magic);
	wr_u32(w, kdf->passes);
	wr_u32(w, kdf->memory_kib);
	wr_put(w, BYTES_OF(kdf->salt));
	TRY(wr_done(w));
	bytes header = { w->p + start, w->n - start };
	wr_u16(w, CHECK_SIZE + SEAL_OVERHEAD);
	return seal(kek, header, zeros, w);
}

static ch_err parse(bytes file, struct kdf *kdf, bytes *ret_header, bytes *ret_sealed)
{
	struct rd r = rd_of(file);
	if (!str_eq(str_of_bytes(rd_take(&r, magic.n)), magic))
		return ch_fail(CH_E_SYNTAX, "not a key derivation file", file.n);
	kdf->passes = rd_u32(&r);
	kdf->memory_kib = rd_u32(&r);
	bytes salt = rd_take(&r, KDF_SALT_SIZE);
	mem_copy(kdf->salt, salt.p, salt.n);
	size_t header_size = file.n - rd_left(&r);
	bytes sealed = rd_bytes16(&r, CHECK_SIZE + SEAL_OVERHEAD);
	TRY(rd_done(&r));
	*ret_header = (bytes){ file.p, header_size };
	*ret_sealed = sealed;
	return CH_DONE;
}

ch_err kdf_file_read(bytes file, struct kdf *ret_kdf)
{
	struct kdf kdf = { 0 };
	bytes header, sealed;
	TRY(parse(file, &kdf, &header, &sealed));
	*ret_kdf = kdf;
	return CH_DONE;
}

ch_err kdf_file_check(bytes file, const struct secret *kek)
{
	AUTO(secret_done) struct secret *zeros = NULL;
	struct kdf kdf = { 0 };
	bytes header, sealed;
	TRY(parse(file, &kdf, &header, &sealed));
	ch_err e = unseal(kek, header, sealed, &zeros);
	if (ch_code_of(e) == CH_E_SEALED)
		return ch_fail(CH_E_SEALED, "the passphrase is wrong, or the kdf file was changed",
			       0);
	return e;
}
