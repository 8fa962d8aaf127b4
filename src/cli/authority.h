/* An authority's folder, as the commands of an administrator see it.
 *
 *   chancery.yaml  passphrase  refresh.key  keys/kdf  keys/REALM/KID.{key,jwk}  jwks/REALM.json
 *   store/GROUP/  revocations/REALM/  run/{control,log}  crash/  audit/
 *   log/  log.vkey  keys/journal.key  keys/log/KID.{key,jwk}  */
#pragma once
#include <sys/types.h>

#include "base/path.h"
#include "config/config.h"
#include "keystate/keystate.h"

struct authority {
	struct path dir; /* absolute */
	int fd;          /* of dir */
	struct config config;
	struct config_text *text; /* of the config's strs; NULL for constants */
};

/* Opens DIR. E_DENIED for root when it is another user's: who may change what is in it
 * could have root write, remove or chown elsewhere. */
ch_err authority_folder(const char *dir, int *ret_fd);
/* Says what is wrong and returns an exit status (EXIT_YES when it is open). dir NULL:
 * $CHANCERY_DIR. */
int authority_open(const char *dir, struct authority *ret_a);
/* For AUTO(). */
void authority_done(struct authority *a);

/* NULL when there is none of that name. */
const struct config_realm *authority_realm(const struct authority *a, str name);
/* EXIT_YES when no name was given or there is such a realm; else it says so. */
int authority_check_realm(const struct authority *a, str name_or_none);
/* The group of a realm; every realm is in one. */
const struct config_group *authority_group_of(const struct authority *a, str realm);

/* How long keys sign and are staged. */
struct key_rules authority_key_rules(const struct authority *a);

/* Folders and files that do not depend on keys: keys/, jwks/, store/GROUP with its
 * empty store, run/, crash/. Fine when they are there. */
ch_err authority_make_folders(const struct authority *a);
/* log/, the ledger's, and keys/log/: one of before them gets them here. */
ch_err authority_make_log_folders(const struct authority *a);
/* revocations/REALM of every realm, each its issuer's: one of before them gets them here. */
ch_err authority_make_revocations(const struct authority *a);
/* A folder of a role's own below DIR; fine when it is there. */
ch_err authority_role_folder(const struct authority *a, const char *name, mode_t mode,
			     enum role_uid role);
/* collector/ and alarms/, the collector's, if chancery.yaml has one. */
ch_err authority_make_collector(const struct authority *a);
/* The uid that a role's files belong to; (uid_t)-1 when all run as we are. */
uid_t authority_uid(const struct authority *a, enum role_uid role);
/* "DIR/store/GROUP" */
ch_err authority_store(const struct authority *a, str group, struct path *ret_path);
/* keys/REALM/KID.jwk of a realm → jwks/REALM.json, which gates read. */
ch_err authority_write_jwks(const struct authority *a, str realm);
/* How many sealed keys a realm has. */
ch_err authority_count_keys(const struct authority *a, str realm, size_t *ret_n);
