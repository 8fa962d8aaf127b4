/* --auth and --jwks of `chancery client`. A client's keys are looked at as strictly as a
 * relying party looks at an issuer's: what would not verify later is refused now, and a private
 * key never gets into the store. */
#include "client_method.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/key.h"
#include "say.h"
#include "store/store.h"
#include "token/assertion.h"

enum { FILE_MAX = 64 * 1024 };

_Static_assert((int)CLIENT_JWKS_MAX <= (int)STORE_JWKS_MAX, "what may be registered can be stored");

static const struct {
	str name;
	bool has_secret, has_keys;
} methods[] = {
	{ { "client_secret_basic", 19 }, true, false },
	{ { "client_secret_post", 18 }, true, false },
	{ { "private_key_jwt", 15 }, false, true },
	{ { "none", 4 }, false, false },
};

static ch_err file_take(const char *name, uint8_t *room, size_t *ret_n)
{
	if (str_eq(str_from_c(name), LIT("-")))
		return fd_read_all(STDIN_FILENO, room, FILE_MAX, ret_n);
	return file_read(AT_FDCWD, name, room, FILE_MAX, ret_n);
}

/* Strict JSON has no raw control character within a string: these are layout. */
static str layout_drop(uint8_t *text, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (text[i] != '\n' && text[i] != '\r' && text[i] != '\t')
			text[kept++] = text[i];
	return str_of_bytes((bytes){ text, kept });
}

static int keys_take(const char *file, str *ret_jwks)
{
	static uint8_t room[FILE_MAX];
	static struct assertion_scratch scratch;
	char text[256];
	struct wr why = wr_of(text, sizeof(text));
	size_t n = 0;
	ch_err e = file_take(file, room, &n);
	if (!failed(e))
		e = crypto_init(NULL);
	if (failed(e))
		return say_trouble("cannot read", str_from_c(file), e);
	str jwks = layout_drop(room, n);
	if (failed(client_jwks_check(jwks, &scratch, &why))) {
		say("these cannot be a client's public keys", wr_text(&why));
		return EXIT_USAGE;
	}
	*ret_jwks = jwks;
	return EXIT_YES;
}

int client_method_take(const char *auth, const char *jwks_file, bool is_public,
		       struct client_method *ret_m)
{
	str name = auth ? str_from_c(auth) : is_public ? LIT("none") : LIT("client_secret_basic");
	if (is_public && !str_eq(name, LIT("none"))) {
		say("a public client does not authenticate: leave out --public or --auth",
		    (str){ 0 });
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		if (!str_eq(methods[i].name, name))
			continue;
		if (methods[i].has_keys != (jwks_file != NULL)) {
			say("--auth private_key_jwt and --jwks go together", (str){ 0 });
			return EXIT_USAGE;
		}
		*ret_m = (struct client_method){ name, methods[i].has_secret, { 0 } };
		return jwks_file ? keys_take(jwks_file, &ret_m->jwks) : EXIT_YES;
	}
	say("a client authenticates by client_secret_basic, client_secret_post, private_key_jwt "
	    "or none, not by",
	    name);
	return EXIT_USAGE;
}
