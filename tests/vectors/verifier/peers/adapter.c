/* The runner's protocol for verifiers in C: a line of JSON in, a line out. What the
 * libraries print goes to standard error. Trusts the runner. */
#include "adapter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

/* The allow-list that an application has beside the keys. */
static bool alg_allowed(const char *alg)
{
	static const char *const algs[] = { "ES256", "EdDSA", "RS256", "PS256" };
	for (size_t i = 0; alg && i < sizeof(algs) / sizeof(*algs); i++)
		if (strcmp(alg, algs[i]) == 0)
			return true;
	return false;
}

static bool key_fits(const json_t *jwk, const char *kid, const char *alg)
{
	return strcmp(text_of(jwk, "kid"), kid) == 0 && strcmp(text_of(jwk, "alg"), alg) == 0 &&
	       strcmp(text_of(jwk, "use"), "enc") != 0;
}

json_t *jwk_of(const json_t *issuer, const char *kid, const char *alg)
{
	json_t *set = json_loads(text_of(issuer, "jwks"), 0, NULL), *found = NULL, *jwk = NULL;
	size_t i = 0;
	json_array_foreach(json_object_get(set, "keys"), i, jwk)
	{
		if (kid && !found && alg_allowed(alg) && key_fits(jwk, kid, alg))
			found = json_deep_copy(jwk);
	}
	json_decref(set);
	return found;
}

static void say_hello(FILE *out)
{
	json_t *has = json_array(), *hello = json_object();
	for (size_t i = 0; adapter_has[i]; i++)
		(void)json_array_append_new(has, json_string(adapter_has[i]));
	(void)json_object_set_new(hello, "name", json_string(adapter_name));
	(void)json_object_set_new(hello, "has", has);
	(void)json_dumpf(hello, out, JSON_COMPACT);
	(void)fprintf(out, "\n");
	(void)fflush(out);
	json_decref(hello);
}

static bool answer(const char *line)
{
	json_t *question = json_loads(line, JSON_ALLOW_NUL, NULL);
	json_t *issuers = json_object_get(question, "policy");
	bool accepts = json_array_size(issuers) == 1 &&
		       adapter_accepts(question, json_array_get(issuers, 0));
	json_decref(question);
	return accepts;
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	/* a library may print: the protocol keeps the descriptor for itself */
	FILE *out = fdopen(dup(STDOUT_FILENO), "w");
	if (!out || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return 3;
	say_hello(out);
	while (getline(&line, &size, stdin) > 0) {
		(void)fprintf(out, "{\"verdict\":\"%s\"}\n", answer(line) ? "accept" : "refuse");
		(void)fflush(out);
	}
	free(line);
	(void)fclose(out);
	return 0;
}
