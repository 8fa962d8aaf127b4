/* The folder of an authority. Keys are for root alone (the supervisor reads them);
 * each store belongs to its issuer's uid; public things may be read by all. */
#include "authority.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "codec/json.h"
#include "say.h"
#include "store/store.h"

enum { JWK_FILE_MAX = 2048, JWKS_FILE_MAX = 64 * 1024 };

void authority_done(struct authority *a)
{
	fd_close(&a->fd);
	config_text_free(a->text);
	a->text = NULL;
}

static int read_config(struct authority *a)
{
	static uint8_t yaml[CONFIG_FILE_MAX];
	uint8_t why_room[CONFIG_WHY_MAX];
	struct wr why = wr_of(why_room, sizeof(why_room));
	struct path path;
	size_t n = 0;
	ch_err e = file_read(a->fd, "chancery.yaml", yaml, sizeof(yaml), &n);
	if (failed(e))
		return say_trouble("no authority (chancery.yaml) in", str_from_c(a->dir.p), e);
	e = path_join(&path, str_from_c(a->dir.p), LIT("chancery.yaml"), (str){ 0 });
	if (failed(e))
		return say_trouble("cannot read", str_from_c(a->dir.p), e);
	e = config_parse(str_from_c(path.p), (bytes){ yaml, n }, &why, &a->config, &a->text);
	if (!failed(e))
		return EXIT_YES;
	say("configuration", wr_text(&why));
	return EXIT_TROUBLE;
}

ch_err authority_folder(const char *dir, int *ret_fd)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open the folder", errno);
	if (geteuid() == 0 && st.st_uid != 0)
		return ch_fail(CH_E_DENIED,
			       "the folder belongs to another user, who could lead root astray:"
			       " run this as that user, or chown it",
			       st.st_uid);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

int authority_open(const char *dir, struct authority *ret_a)
{
	struct authority a = { .fd = -1 };
	char *real = NULL;
	if (!dir)
		dir = secure_getenv("CHANCERY_DIR");
	if (!dir || !*dir) {
		say("which authority? name its folder with -C DIR or in $CHANCERY_DIR", (str){ 0 });
		return EXIT_USAGE;
	}
	real = realpath(dir, NULL);
	ch_err e = real ? path_of(&a.dir, str_from_c(real))
			: ch_fail(CH_E_IO, "cannot open the folder", errno);
	free(real);
	if (!failed(e))
		e = authority_folder(a.dir.p, &a.fd);
	if (failed(e))
		return say_trouble("no authority in", str_from_c(dir), e);
	int r = read_config(&a);
	if (r != EXIT_YES) {
		authority_done(&a);
		return r;
	}
	*ret_a = a;
	log_as_json(a.config.log_json);
	return EXIT_YES;
}

const struct config_realm *authority_realm(const struct authority *a, str name)
{
	for (size_t i = 0; i < a->config.n_realms; i++)
		if (str_eq(a->config.realms[i].name, name))
			return &a->config.realms[i];
	return NULL;
}

int authority_check_realm(const struct authority *a, str name_or_none)
{
	if (name_or_none.n == 0 || authority_realm(a, name_or_none))
		return EXIT_YES;
	say("there is no such realm in chancery.yaml (`chancery realm list` has all)",
	    name_or_none);
	return EXIT_USAGE;
}

const struct config_group *authority_group_of(const struct authority *a, str realm)
{
	for (size_t g = 0; g < a->config.n_groups; g++)
		for (size_t i = 0; i < a->config.groups[g].n_realms; i++)
			if (str_eq(a->config.groups[g].realms[i], realm))
				return &a->config.groups[g];
	return NULL;
}

uid_t authority_uid(const struct authority *a, enum role_uid role)
{
	return geteuid() == 0 ? a->config.uid_base + (uid_t)role : (uid_t)-1;
}

ch_err authority_store(const struct authority *a, str group, struct path *ret_path)
{
	return path_join(ret_path, str_from_c(a->dir.p), LIT("store"), group);
}

struct key_rules authority_key_rules(const struct authority *a)
{
	return (struct key_rules){ .sign_s = a->config.key_sign_s,
				   .staged_s = a->config.key_staged_s,
				   .max_age_s = a->config.jwks_max_age_s };
}

/* The umask of who calls must not shut out the roles, nor let in others. */
static ch_err make_folder(const struct authority *a, const char *path, mode_t mode)
{
	TRY(dir_make(a->fd, path, mode));
	if (fchmodat(a->fd, path, mode, 0) != 0)
		return ch_fail(CH_E_IO, "cannot set a folder's mode", errno);
	return CH_DONE;
}

static ch_err own_folder(const struct authority *a, const char *path, uid_t owner)
{
	struct stat st = { 0 };
	if (owner == (uid_t)-1)
		return CH_DONE;
	if (fstatat(a->fd, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return ch_fail(CH_E_IO, "cannot look at a folder of a role's", errno);
	if (st.st_uid == owner)
		return CH_DONE;
	/* what is in it may be whoever's: root hands over only what it has just made */
	if (st.st_uid != 0)
		return ch_fail(CH_E_DENIED,
			       "log/, or a realm's folder below revocations/, belongs to another "
			       "role: chown -R it to the ledger, or to the issuer of the realm's "
			       "group",
			       st.st_uid);
	if (fchownat(a->fd, path, owner, (gid_t)owner, AT_SYMLINK_NOFOLLOW) != 0)
		return ch_fail(CH_E_IO, "cannot hand over a folder of a role's", errno);
	return CH_DONE;
}

ch_err authority_make_revocations(const struct authority *a)
{
	struct path path;
	/* its mode is the operator's: who may read it, may follow */
	if (faccessat(a->fd, "revocations", F_OK, 0) != 0)
		TRY(make_folder(a, "revocations", 0755));
	for (size_t g = 0; g < a->config.n_groups; g++) {
		uid_t owner = authority_uid(a, (enum role_uid)(UID_ISSUER + g));
		for (size_t i = 0; i < a->config.groups[g].n_realms; i++) {
			TRY(path_join(&path, LIT("revocations"), a->config.groups[g].realms[i],
				      (str){ 0 }));
			TRY(dir_make(a->fd, path.p, 0755));
			TRY(own_folder(a, path.p, owner));
		}
	}
	return CH_DONE;
}

ch_err authority_role_folder(const struct authority *a, const char *name, mode_t mode,
			     enum role_uid role)
{
	if (faccessat(a->fd, name, F_OK, 0) != 0)
		TRY(make_folder(a, name, mode));
	return own_folder(a, name, authority_uid(a, role));
}

ch_err authority_make_collector(const struct authority *a)
{
	static const char *const names[] = { "collector", "alarms" };
	if (a->config.collector.host.n == 0)
		return CH_DONE;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		TRY(authority_role_folder(a, names[i], 0700, UID_COLLECTOR));
	return CH_DONE;
}

ch_err authority_make_log_folders(const struct authority *a)
{
	TRY(make_folder(a, "keys/log", 0700));
	/* as of revocations/: who may read it, may follow */
	if (faccessat(a->fd, "log", F_OK, 0) != 0)
		TRY(make_folder(a, "log", 0755));
	return own_folder(a, "log", authority_uid(a, UID_LEDGER));
}

ch_err authority_make_folders(const struct authority *a)
{
	static const struct {
		const char *name;
		mode_t mode;
	} folders[] = { { "keys", 0700 },
			{ "jwks", 0755 },
			{ "store", 0711 },
			{ "run", 0711 },
			{ "crash", 0750 } };
	struct path path;
	for (size_t i = 0; i < COUNT_OF(folders); i++)
		TRY(make_folder(a, folders[i].name, folders[i].mode));
	for (size_t i = 0; i < a->config.n_realms; i++) {
		TRY(path_join(&path, LIT("keys"), a->config.realms[i].name, (str){ 0 }));
		TRY(make_folder(a, path.p, 0700));
	}
	for (size_t g = 0; g < a->config.n_groups; g++) {
		uid_t owner = authority_uid(a, (enum role_uid)(UID_ISSUER + g));
		TRY(authority_store(a, a->config.groups[g].name, &path));
		TRY(store_create(str_from_c(path.p), owner, (gid_t)owner));
	}
	TRY(authority_make_log_folders(a));
	return authority_make_revocations(a);
}

static ch_err open_keys(const struct authority *a, str realm, DIR **ret_d)
{
	struct path path;
	TRY(path_join(&path, LIT("keys"), realm, (str){ 0 }));
	return dir_open(a->fd, path.p, ret_d);
}

ch_err authority_count_keys(const struct authority *a, str realm, size_t *ret_n)
{
	AUTO(dir_done) DIR *d = NULL;
	size_t n = 0;
	TRY(open_keys(a, realm, &d));
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d))
		n += str_ends(str_from_c(entry->d_name), LIT(".key"));
	*ret_n = n;
	return CH_DONE;
}

ch_err authority_write_jwks(const struct authority *a, str realm)
{
	static uint8_t room[JWKS_FILE_MAX];
	uint8_t jwk[JWK_FILE_MAX];
	struct path path;
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	AUTO(dir_done) DIR *d = NULL;
	TRY(open_keys(a, realm, &d));
	json_begin(&o, (str){ 0 }, '{');
	json_begin(&o, LIT("keys"), '[');
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		size_t n = 0;
		if (!str_ends(str_from_c(entry->d_name), LIT(".jwk")))
			continue;
		TRY(file_read(dirfd(d), entry->d_name, jwk, sizeof(jwk), &n));
		json_put_raw(&o, (str){ 0 }, (str){ (const char *)jwk, n });
	}
	json_finish(&o, ']');
	json_finish(&o, '}');
	TRY(wr_done(&w));
	struct wr name = wr_of(path.p, sizeof(path.p) - 1);
	wr_lit(&name, "jwks/");
	wr_str(&name, realm);
	wr_lit(&name, ".json");
	TRY(wr_done(&name));
	path.p[name.n] = 0;
	return file_replace(a->fd, path.p, wr_bytes(&w), 0644);
}
