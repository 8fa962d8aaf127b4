/* How clients authenticate, for `chancery client`. A client's keys are looked at as strictly as a
 * relying party looks at an issuer's: what would not verify later is refused now, and a private
 * key never gets into the store. */
#include "client_method.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/key.h"
#include "attrs.h"
#include "say.h"
#include "token/assertion.h"

enum { FILE_MAX = 64 * 1024 };

_Static_assert((int)CLIENT_JWKS_MAX <= (int)STORE_JWKS_MAX, "what may be registered can be stored");

static const struct client_method methods[] = {
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

bool client_keys_ok(str jwks)
{
	static struct assertion_scratch scratch;
	char text[256];
	struct wr why = wr_of(text, sizeof(text));
	ch_err e = crypto_init(NULL);
	if (!failed(e))
		e = client_jwks_check(jwks, &scratch, &why);
	if (failed(e))
		say("these cannot be a client's public keys",
		    why.n ? wr_text(&why) : str_from_c(e.site->what));
	return !failed(e);
}

int client_keys_take(const char *file, str *ret_jwks)
{
	static uint8_t room[FILE_MAX];
	static char squeezed[FILE_MAX + 1];
	struct wr w = wr_of(squeezed, FILE_MAX);
	size_t n = 0;
	ch_err e = file_take(file, room, &n);
	if (failed(e))
		return say_trouble("cannot read", str_from_c(file), e);
	json_squeeze(&w, str_of_bytes((bytes){ room, n }));
	squeezed[w.n] = 0;
	*ret_jwks = wr_text(&w);
	return client_keys_ok(*ret_jwks) ? EXIT_YES : EXIT_USAGE;
}

const struct client_method *client_method_of(str name)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (str_eq(methods[i].name, name))
			return &methods[i];
	say("a client authenticates by client_secret_basic, client_secret_post, private_key_jwt "
	    "or none, not by",
	    name);
	return NULL;
}
