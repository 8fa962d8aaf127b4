/* Sealed key files, read whole and handed to a signer unread: DIR/keys/REALM/KID.key. */
#include <dirent.h>

#include "base/file.h"
#include "supervisor_internal.h"

static ch_err append_file(int dir_fd, const char *name, struct wr *storage, bytes *ret_file)
{
	uint8_t *at = storage->p + storage->n;
	size_t left = storage->cap - storage->n, n = 0;
	TRY(file_read(dir_fd, name, at, left < SEALED_KEY_MAX ? left : SEALED_KEY_MAX, &n));
	storage->n += n;
	*ret_file = (bytes){ at, n };
	return CH_DONE;
}

ch_err key_files_read(struct supervisor *s, str realm, struct wr *storage, struct signer_config *c,
		      size_t *ret_n)
{
	struct path path;
	size_t n = 0;
	TRY(path_join(&path, LIT("keys"), realm, (str){ 0 }));
	AUTO(dir_done) DIR *d = NULL;
	TRY(dir_open(s->dir, path.p, &d));
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		if (!str_ends(str_from_c(entry->d_name), LIT(".key")))
			continue;
		if (c->n_keys >= KEYS_MAX)
			return ch_fail(CH_E_LIMIT, "a group has too many keys: retire some",
				       KEYS_MAX);
		TRY(append_file(dirfd(d), entry->d_name, storage, &c->keys[c->n_keys]));
		c->n_keys++;
		n++;
	}
	*ret_n = n;
	return CH_DONE;
}

ch_err kdf_file_bytes(struct supervisor *s, struct wr *storage, bytes *ret_kdf)
{
	return append_file(s->dir, "keys/kdf", storage, ret_kdf);
}
