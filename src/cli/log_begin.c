/* How a log begins. Its origin is its name for good: gates and witnesses know it by that and by
 * its key, and refuse one that goes back. So whoever brings an authority back from a backup
 * begins another log, with another key and another name. */
#include "log_begin.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/url.h"
#include "keeper.h"
#include "key_text.h"
#include "token/jwk.h"

enum { JWK_NODES = 32 };

static const char vkey_file[] = "log.vkey", journal_key_file[] = "keys/journal.key";

/* --- origin --- */

static ch_err origin_write(const struct authority *a, bool anew, struct wr *w)
{
	const struct config *c = &a->config;
	struct url url;
	if (c->log_origin.n > 0) {
		wr_str(w, c->log_origin);
	} else {
		const struct config_realm *first = authority_realm(a, c->groups[0].realms[0]);
		TRY(url_parse(first->issuer, &url));
		bool ip6 = str_has(url.host, ':');
		wr_str(w, ip6 ? LIT("[") : LIT(""));
		wr_str(w, url.host);
		wr_str(w, ip6 ? LIT("]") : LIT(""));
		wr_str(w, url.port.p ? LIT(":") : LIT(""));
		wr_str(w, url.port);
		wr_lit(w, "/log");
	}
	if (anew) {
		wr_char(w, '/');
		wr_dec(w, (uint64_t)clock_unix_s());
	}
	return wr_done(w);
}

/* A log that was begun anew has a number behind it. */
static bool is_of(str origin, str configured)
{
	return configured.n == 0 || str_eq(origin, configured) ||
	       (str_starts(origin, configured) && origin.n > configured.n &&
		origin.p[configured.n] == '/');
}

/* --- its key --- */

/* The name of the one public key in keys/log. */
static ch_err jwk_name(const struct authority *a, struct path *ret_path)
{
	AUTO(dir_done) DIR *d = NULL;
	size_t n = 0;
	TRY(dir_open(a->fd, "keys/log", &d));
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		if (!str_ends(str_from_c(e->d_name), LIT(".jwk")))
			continue;
		TRY(path_join(ret_path, LIT("keys/log"), str_from_c(e->d_name), (str){ 0 }));
		n++;
	}
	return n == 1 ? CH_DONE
		      : ch_fail(CH_E_MISMATCH,
				"there is not exactly one key of the log in keys/log", n);
}

static ch_err public_key(const struct authority *a, struct key_parts *ret_parts)
{
	uint8_t room[JWK_TEXT_MAX];
	struct json_node nodes[JWK_NODES];
	struct path path;
	size_t n = 0;
	str kid;
	TRY(jwk_name(a, &path));
	TRY(file_read(a->fd, path.p, room, sizeof(room), &n));
	TRY(json_parse((bytes){ room, n }, (struct json_limits){ 2, JWK_NODES - 1 }, nodes,
		       JWK_NODES, &n));
	TRY(jwk_read(nodes, ret_parts, &kid));
	if (ret_parts->alg != ALG_EDDSA)
		return ch_fail(CH_E_MISMATCH, "the log's key is not Ed25519", ret_parts->alg);
	return CH_DONE;
}

static ch_err vkey_make(const struct authority *a, bool anew)
{
	uint8_t origin[NOTE_NAME_MAX], room[NOTE_VKEY_MAX + 1];
	struct wr o = wr_of(origin, sizeof(origin)), w = wr_of(room, sizeof(room));
	struct key_parts parts;
	struct note_key key;
	TRY(origin_write(a, anew, &o));
	TRY(public_key(a, &parts));
	TRY(note_key_make(wr_text(&o), NOTE_ED25519, parts.x, &key));
	vkey_write(&w, &key);
	wr_char(&w, '\n');
	TRY(wr_done(&w));
	return file_create(a->fd, vkey_file, wr_bytes(&w), 0644);
}

/* --- the journal's --- */

static ch_err journal_key_read(const struct authority *a, uint8_t ret_key[static JOURNAL_KEY_SIZE])
{
	ch_err e = key_text_read(a, journal_key_file, ret_key);
	if (ch_code_of(e) == CH_E_DENIED)
		return ch_fail(
			CH_E_DENIED,
			"others may read keys/journal.key: chmod 600 it, or remove it (then people "
			"in the journal have other numbers)",
			e.detail);
	if (ch_code_of(e) == CH_E_SYNTAX)
		return ch_fail(CH_E_SYNTAX,
			       "keys/journal.key is damaged: remove it, and people in the journal "
			       "have other numbers from now on",
			       e.detail);
	return e;
}
_Static_assert((int)JOURNAL_KEY_SIZE == (int)KEY_TEXT_BYTES, "the journal's key is the file's");

/* --- all of it --- */

ch_err log_begin(const struct authority *a, bool anew)
{
	TRY(key_text_make(a, journal_key_file));
	return vkey_make(a, anew);
}

static bool has_file(const struct authority *a, const char *name)
{
	return faccessat(a->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

ch_err log_ensure(const struct authority *a, int passphrase_fd)
{
	const struct generation only_log = { .log = true };
	size_t keys = 0;
	TRY(authority_make_log_folders(a));
	TRY(authority_count_keys(a, LOG_REALM, &keys));
	if (keys == 0 && has_file(a, vkey_file))
		return ch_fail(
			CH_E_MISMATCH,
			"the key of the log is gone from keys/log: bring it back from a copy, "
			"or restore a backup, which begins another log",
			0);
	if (keys == 0)
		TRY(keeper_generate(a, passphrase_fd, &only_log));
	TRY(key_text_make(a, journal_key_file));
	return has_file(a, vkey_file) ? CH_DONE : vkey_make(a, false);
}

ch_err log_facts_read(const struct authority *a, struct log_facts *ret_f)
{
	size_t n = 0;
	struct log_facts *f = ret_f;
	struct key_parts parts;
	TRY(file_read(a->fd, vkey_file, f->room, sizeof(f->room), &n));
	while (n > 0 && f->room[n - 1] == '\n')
		n--;
	f->vkey = (str){ f->room, n };
	TRY(vkey_read(f->vkey, &f->key));
	if (!is_of(f->key.name, a->config.log_origin))
		return ch_fail(CH_E_MISMATCH,
			       "log.origin in chancery.yaml is not the one that the log was begun "
			       "with, which log.vkey has: write that",
			       0);
	TRY(public_key(a, &parts));
	if (!mem_eq(parts.x, f->key.key, NOTE_KEY_SIZE))
		return ch_fail(CH_E_MISMATCH, "log.vkey is not of the key in keys/log", 0);
	return journal_key_read(a, f->journal_key);
}
