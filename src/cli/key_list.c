/* What a sealed key file says of itself, without its key. */
#include "key_list.h"

#include <dirent.h>
#include <stdio.h>

#include "base/file.h"
#include "codec/json.h"
#include "keyfile/keyfile.h"
#include "say.h"

static const str states[] = {
	[KEY_SIGNING] = { "signing", 7 },
	[KEY_STAGED] = { "staged", 6 },
	[KEY_VERIFY_ONLY] = { "verify-only", 11 },
};

static void put_json(struct json_out *o, const struct key_meta *m)
{
	str none = { NULL, 0 };
	json_begin(o, none, '{');
	json_put_str(o, LIT("realm"), m->realm);
	json_put_str(o, LIT("kid"), m->kid);
	json_put_str(o, LIT("alg"), alg_name(m->alg));
	json_put_str(o, LIT("state"), states[m->state]);
	json_put_int(o, LIT("created"), m->created_s);
	json_put_int(o, LIT("not_after"), m->not_after_s);
	json_put_bool(o, LIT("imported"), m->imported);
	json_put_int(o, LIT("max_ttl"), m->grant.max_ttl_s);
	json_begin(o, LIT("audiences"), '[');
	for (size_t i = 0; i < m->grant.n_audiences; i++)
		json_put_str(o, none, m->grant.audiences[i]);
	json_finish(o, ']');
	json_finish(o, '}');
}

static void put_line(const struct key_meta *m)
{
	str alg = alg_name(m->alg), state = states[m->state];
	(void)printf("%.*s\t%.*s\t%.*s\t%.*s%s\n", (int)m->realm.n, m->realm.p, (int)m->kid.n,
		     m->kid.p, (int)alg.n, alg.p, (int)state.n, state.p,
		     m->imported ? "\timported" : "");
}

static ch_err list_realm(const struct authority *a, str realm, struct json_out *o_or_null)
{
	static uint8_t file[KEYFILE_MAX];
	struct path path;
	TRY(path_join(&path, LIT("keys"), realm, (str){ 0 }));
	AUTO(dir_done) DIR *d = NULL;
	TRY(dir_open(a->fd, path.p, &d));
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		struct key_meta m;
		size_t n = 0;
		if (!str_ends(str_from_c(entry->d_name), LIT(".key")))
			continue;
		TRY(file_read(dirfd(d), entry->d_name, file, sizeof(file), &n));
		TRY(keyfile_read((bytes){ file, n }, &m));
		if (o_or_null)
			put_json(o_or_null, &m);
		else
			put_line(&m);
	}
	return CH_DONE;
}

int key_list(const struct authority *a, str realm, bool json)
{
	static uint8_t room[256 * 1024];
	struct wr w = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&w);
	int r = authority_check_realm(a, realm);
	if (r != EXIT_YES)
		return r;
	json_begin(&o, (str){ 0 }, '[');
	for (size_t i = 0; i < a->config.n_realms; i++) {
		str name = a->config.realms[i].name;
		if (realm.n > 0 && !str_eq(realm, name))
			continue;
		ch_err e = list_realm(a, name, json ? &o : NULL);
		if (failed(e))
			return say_trouble("cannot list the keys of realm", name, e);
	}
	json_finish(&o, ']');
	if (json)
		(void)printf("%.*s\n", (int)w.n, (const char *)w.p);
	return EXIT_YES;
}
