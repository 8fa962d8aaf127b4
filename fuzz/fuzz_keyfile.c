/* What a key file says of itself is within bounds and inside the file; with the KEK it
 * opens or fails. The same for the key derivation file. */
#include <assert.h>

#include "base/path.h"
#include "keyfile/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(bytes file, str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	return s.n > 0 && p >= file.p && s.n <= (size_t)(file.p + file.n - p);
}

static void check_meta(bytes file, const struct key_meta *m)
{
	assert((unsigned)m->alg < ALG_COUNT);
	assert(key_state_at(&m->times, INT64_C(1) << 31) <= KEY_RETIRED);
	assert(key_leaves_s(&m->times) >= 0 && key_next_change_s(&m->times, 1, 0) >= 0);
	assert(name_ok(m->realm, KEYFILE_NAME_MAX) && inside(file, m->realm));
	assert(m->kid.n <= KEYFILE_NAME_MAX && inside(file, m->kid));
	assert(m->grant.typ != 0 && m->grant.max_ttl_s != 0);
	assert(m->grant.n_audiences <= KEYFILE_AUDIENCES_MAX);
	for (size_t i = 0; i < m->grant.n_audiences; i++)
		assert(inside(file, m->grant.audiences[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(secret_done) struct secret *kek = NULL;
	AUTO(private_key_done) struct private_key *key = NULL;
	struct key_meta m;
	struct kdf kdf;
	bytes file = { data, size };
	ch_err e = crypto_init(NULL);
	assert(!failed(e));
	assert(!failed(secret_new(KEK_SIZE, &kek)));
	if (!failed(kdf_file_read(file, &kdf)))
		(void)kdf_file_check(file, kek);
	if (failed(keyfile_read(file, &m)))
		return 0;
	check_meta(file, &m);
	if (!failed(keyfile_open(file, kek, &m, &key)))
		assert(private_key_alg(key) == m.alg);
	return 0;
}
