/* What a verifier of bench/run is: rate.c asks it over standard input, one line a question
 * ("ES256 verify 300": the algorithm, the way, milliseconds), and answers with a
 * line of JSON. Keys and tokens are files of a folder, see bench/run. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Loads DIR/ALG.tok and its key in whatever form the library keeps keys. False: the
 * library has no such algorithm. */
bool rate_load(const char *dir, const char *alg);
/* What takes the loaded token, true when it is good. "verify": as a careful user of the
 * library does, signature, iss, aud and exp; "parse": all but the signature; some have more.
 * NULL: the library has no such way. */
typedef bool rate_way(void);
rate_way *rate_of(const char *what);

/* The expected issuer and audience of every token. */
extern const char rate_issuer[];
extern const char rate_audience[];
/* DIR/NAME with a NUL behind it; the caller frees. Ends the program if it cannot. */
char *rate_file(const char *dir, const char *alg, const char *suffix, size_t *ret_n);
