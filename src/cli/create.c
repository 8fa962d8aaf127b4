/* A new authority on disk. The configuration is written last but for the keys, so that
 * a folder that has one is whole but for what `key` commands can add. */
#include "create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "base/file.h"
#include "base/rand.h"
#include "base/secret.h"
#include "codec/base64url.h"
#include "keeper.h"
#include "log_begin.h"
#include "refresh_key.h"
#include "say.h"

enum { PASSPHRASE_BYTES = 32, PASSPHRASE_TEXT = 43 };

ch_err create_passphrase(const struct authority *a, const char *name)
{
	SECRET_BUF(random, PASSPHRASE_BYTES);
	SECRET_BUF(text, PASSPHRASE_TEXT + 1);
	struct wr w = wr_of(text, sizeof(text));
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	return file_create(a->fd, name, wr_bytes(&w), 0600);
}

static ch_err open_dir(const struct creation *c, struct authority *a)
{
	TRY(dir_make(AT_FDCWD, c->dir, c->dir_mode));
	char *real = realpath(c->dir, NULL);
	ch_err e = real ? path_of(&a->dir, str_from_c(real))
			: ch_fail(CH_E_IO, "cannot find the folder", errno);
	free(real);
	TRY(e);
	TRY(authority_folder(a->dir.p, &a->fd));
	if (fchmod(a->fd, c->dir_mode) != 0)
		return ch_fail(CH_E_IO, "cannot set the folder's mode", errno);
	if (faccessat(a->fd, "chancery.yaml", F_OK, 0) == 0)
		return ch_fail(CH_E_EXISTS, "there is an authority in it already", EEXIST);
	return CH_DONE;
}

static ch_err write_config(const struct authority *a)
{
	static uint8_t room[CONFIG_WRITE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	config_write(&w, &a->config);
	TRY(wr_done(&w));
	return file_create(a->fd, "chancery.yaml", wr_bytes(&w), 0644);
}

static bool is_keyless(const struct creation *c, str realm)
{
	for (size_t i = 0; i < c->n_keyless; i++)
		if (str_eq(c->keyless[i], realm))
			return true;
	return c->no_keys;
}

ch_err create_keys(const struct creation *c, const struct authority *a)
{
	const struct config_realm *realms[REALMS_MAX];
	size_t n = 0;
	AUTO(fd_close) int passphrase = -1;
	for (size_t i = 0; i < a->config.n_realms; i++) {
		const struct config_realm *m = &a->config.realms[i];
		if (is_keyless(c, m->name))
			TRY(authority_write_jwks(a, m->name));
		else
			realms[n++] = m;
	}
	TRY(keeper_open_passphrase(a, &passphrase));
	/* with no realm it still makes keys/kdf, by which imports are sealed */
	const struct generation g = {
		.realms = realms, .n = n, .log = true, .random_passphrase = c->random_passphrase
	};
	TRY(keeper_generate(a, passphrase, &g));
	return log_begin(a, c->anew);
}

static ch_err create(const struct creation *c, struct authority *a, struct audit *t)
{
	a->config = *c->config;
	TRY(open_dir(c, a));
	TRY(authority_make_folders(a));
	if (audit_begin(a, "init", str_from_c(a->dir.p), t) != EXIT_YES)
		return ch_fail(CH_E_DENIED, "the audit cannot be begun", 0);
	if (c->random_passphrase)
		TRY(create_passphrase(a, "passphrase"));
	TRY(refresh_key_make(a));
	TRY(write_config(a));
	return create_keys(c, a);
}

int create_authority(const struct creation *c, struct authority *ret_a)
{
	struct authority a = { .fd = -1 };
	struct audit t = { 0 };
	ch_err e = create(c, &a, &t);
	int status = failed(e) ? say_trouble("cannot make an authority in", str_from_c(c->dir), e)
			       : EXIT_YES;
	status = audit_end(&t, ch_code_of(e) == CH_E_EXISTS ? EXIT_NO : status, (str){ 0 });
	if (status == EXIT_YES)
		*ret_a = a;
	else
		authority_done(&a);
	return status;
}
