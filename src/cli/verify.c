/* `chancery verify`: judges tokens offline against one issuer's public keys. Trusts
 * its arguments and the key set; must never take a token from an argument, where all
 * users of the machine could read it, and never print one. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rw.h"
#include "commands.h"
#include "crypto/key.h"
#include "say.h"
#include "token/jwk.h"
#include "token/verify.h"
#include "verify_bound.h"
#include "verify_fetch.h"

static const char usage[] =
	"usage: chancery verify --issuer ISS --audience AUD [OPTION…] FILE|-\n"
	"\n"
	"Judges the token in FILE (- is standard input). Accepted: its claims as JSON, exit\n"
	"status 0. Refused: the code of the check that failed, exit status 1.\n"
	"\n"
	"  --issuer ISS    exactly what the token's iss must be; its public keys are fetched from\n"
	"                  where its metadata say, on the same host, unless you say:\n"
	"  --jwks FILE     the issuer's public keys, a JWK set: then no network is used\n"
	"  --jwks-uri URL  where they are: https, or http on this host\n"
	"  --ca-file FILE  who may certify that server (PEM), in place of whom the system trusts\n"
	"  --audience AUD  one that aud must name; up to eight times\n"
	"  --realm R       the issuer's realm (default: default)\n"
	"  --typ TYP       at+jwt (default) or JWT, for ID tokens\n"
	"  --now UNIX      judge as of this time, in seconds since 1970 (default: now)\n"
	"  --skew S        how far iat and nbf may be in the future (default 30, at most 600)\n"
	"  --max-ttl S     the longest lifetime to believe (default 86400)\n"
	"  --dpop FILE     the DPoP proof that came with the token, for --method M and --url U;\n"
	"                  --nonce N: the nonce that must be in it\n"
	"  --client-cert FILE  the client's TLS certificate, PEM or DER\n"
	"  --batch         a token a line; a line {\"verdict\":…,\"code\":…} for each;\n"
	"                  exit status 0 if all were accepted\n"
	"  --json          a line {\"verdict\":…,\"code\":…} for a single token too, with what an\n"
	"                  accepted one claims, or where a refused one fails\n";

enum { FETCH_ROOM = 512 * 1024, JSON_ROOM = 2 * TOKEN_MAX };
enum { LINE_MAX_BYTES = TOKEN_MAX + 2, SKEW_MAX = 600, TTL_DEFAULT = 86400, SKEW_DEFAULT = 30 };

static const uint64_t time_max = UINT64_C(1) << 40;

struct wish {
	const char *jwks, *from, *now, *skew, *max_ttl;
	const char *issuer, *realm, *typ;
	str audiences[ISSUER_AUDIENCES_MAX];
	size_t n_audiences;
	struct bound_wish bound;
	struct fetch_wish fetch;
	int64_t now_s, skew_s, max_ttl_s;
	bool batch, json;
};

static void file_done(FILE **f)
{
	if (*f && *f != stdin)
		(void)fclose(*f);
}

static void text_done(uint8_t **p)
{
	free(*p);
}

static int wrong(const char *text, const char *subject)
{
	say(text, str_from_c(subject));
	return EXIT_USAGE;
}

/* Where the argument of an option goes; NULL for --audience, which may be repeated. */
static const char **slot_of(struct wish *w, int option)
{
	const struct {
		int option;
		const char **slot;
	} slots[] = {
		{ 'j', &w->jwks },
		{ 'i', &w->issuer },
		{ 'r', &w->realm },
		{ 't', &w->typ },
		{ 'n', &w->now },
		{ 's', &w->skew },
		{ 'm', &w->max_ttl },
		{ 'D', &w->bound.dpop },
		{ 'M', &w->bound.method },
		{ 'U', &w->bound.url },
		{ 'N', &w->bound.nonce },
		{ 'C', &w->bound.certificate },
		{ 'u', &w->fetch.jwks_uri },
		{ 'c', &w->fetch.ca_file },
	};
	for (size_t i = 0; i < COUNT_OF(slots); i++)
		if (slots[i].option == option)
			return slots[i].slot;
	return NULL;
}

static int option_take(struct wish *w, int option, const char *arg)
{
	const char **slot = slot_of(w, option);
	if (option == 'b' || option == 'o') {
		w->batch = w->batch || option == 'b';
		w->json = w->json || option == 'o';
		return EXIT_YES;
	}
	if (slot && *slot)
		return wrong("verify: an option is given twice, the second time with", arg);
	if (!slot && w->n_audiences == ISSUER_AUDIENCES_MAX)
		return wrong("verify: more than eight audiences", NULL);
	if (slot)
		*slot = arg;
	else
		w->audiences[w->n_audiences++] = str_from_c(arg);
	return EXIT_YES;
}

static int number_take(const char *text, uint64_t max, int64_t otherwise, int64_t *ret_v)
{
	uint64_t v = (uint64_t)otherwise;
	if (text && !str_to_u64(str_from_c(text), max, &v))
		return wrong("verify: no whole number of seconds, or too large", text);
	*ret_v = (int64_t)v;
	return EXIT_YES;
}

static int wish_check(struct wish *w)
{
	if (!w->issuer || !w->n_audiences)
		return wrong("verify: --issuer and --audience must be given; see --help", NULL);
	if (w->jwks && (w->fetch.jwks_uri || w->fetch.ca_file))
		return wrong("verify: with --jwks nothing is fetched: leave out --jwks-uri and "
			     "--ca-file",
			     NULL);
	if (w->batch && bound_asked(&w->bound))
		return wrong("verify: a proof is for one token, not for --batch", NULL);
	if (!w->from)
		return wrong("verify: name the token's file, or - for standard input", NULL);
	if (str_starts(str_from_c(w->from), LIT("eyJ")))
		return wrong("verify: a token never goes into an argument, where every user of "
			     "this machine can read it: give it on standard input (-) or in a file",
			     NULL);
	int status = bound_check(&w->bound);
	if (status == EXIT_YES)
		status = number_take(w->now, time_max, clock_unix_s(), &w->now_s);
	if (status == EXIT_YES)
		status = number_take(w->skew, SKEW_MAX, SKEW_DEFAULT, &w->skew_s);
	if (status == EXIT_YES)
		status = number_take(w->max_ttl, time_max, TTL_DEFAULT, &w->max_ttl_s);
	return status;
}

/* EXIT_YES: go on. Else *ret_status is final, of --help too. */
static bool wish_of(int argc, char **argv, struct wish *w, int *ret_status)
{
	static const struct option options[] = {
		{ "jwks", required_argument, NULL, 'j' },
		{ "issuer", required_argument, NULL, 'i' },
		{ "audience", required_argument, NULL, 'a' },
		{ "realm", required_argument, NULL, 'r' },
		{ "typ", required_argument, NULL, 't' },
		{ "now", required_argument, NULL, 'n' },
		{ "skew", required_argument, NULL, 's' },
		{ "max-ttl", required_argument, NULL, 'm' },
		{ "dpop", required_argument, NULL, 'D' },
		{ "method", required_argument, NULL, 'M' },
		{ "url", required_argument, NULL, 'U' },
		{ "nonce", required_argument, NULL, 'N' },
		{ "client-cert", required_argument, NULL, 'C' },
		{ "jwks-uri", required_argument, NULL, 'u' },
		{ "ca-file", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'o' },
		{ "batch", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int status = EXIT_YES;
	for (int o = 0; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (o == 'h' || o == '?') {
			*ret_status = command_usage(usage, o == 'h');
			return false;
		}
		status = option_take(w, o, optarg);
		if (status != EXIT_YES)
			break;
	}
	if (status == EXIT_YES && argc - optind > 1)
		status = wrong("verify: one file, not several", NULL);
	if (status == EXIT_YES) {
		w->from = argv[optind];
		status = wish_check(w);
	}
	*ret_status = status;
	return status == EXIT_YES;
}

/* Loads one policy of the wish with these keys; says why not. */
static bool policy_of(const struct wish *w, bytes jwks, struct policy **ret_policy)
{
	char why[512];
	struct wr text = wr_of(why, sizeof(why));
	const struct policy_issuer issuer = {
		.issuer = str_from_c(w->issuer),
		.realm = str_from_c(w->realm ? w->realm : "default"),
		.typ = str_from_c(w->typ ? w->typ : "at+jwt"),
		.audiences = w->audiences,
		.n_audiences = w->n_audiences,
		.jwks = jwks,
		.skew_s = w->skew_s,
		.max_ttl_s = w->max_ttl_s,
	};
	ch_err e = policy_new(&issuer, 1, &text, ret_policy);
	if (!failed(e))
		return true;
	say("verify", text.n ? wr_text(&text) : str_from_c(e.site->what));
	return false;
}

static int policy_from(const struct wish *w, bytes jwks, str from, struct policy **ret_policy)
{
	if (policy_of(w, jwks, ret_policy))
		return EXIT_YES;
	say("verify: this key set must not be trusted", from);
	return EXIT_TROUBLE;
}

static int policy_fetch(const struct wish *w, struct policy **ret_policy)
{
	static uint8_t room[FETCH_ROOM];
	struct arena a;
	bytes jwks = { 0 };
	str from = { 0 };
	arena_init(&a, room, sizeof(room));
	int status = fetch_keys(&w->fetch, str_from_c(w->issuer), &a, &jwks, &from);
	return status == EXIT_YES ? policy_from(w, jwks, from, ret_policy) : status;
}

/* The arguments first, with no keys at all, so that they are not blamed on the file. */
static int policy_load(const struct wish *w, struct policy **ret_policy)
{
	AUTO(policy_done) struct policy *keyless = NULL;
	AUTO(text_done) uint8_t *jwks = NULL;
	size_t n = 0;
	if (!policy_of(w, bytes_of_str(LIT("{\"keys\":[]}")), &keyless))
		return EXIT_USAGE;
	if (!w->jwks)
		return policy_fetch(w, ret_policy);
	ch_err e = file_read_new(AT_FDCWD, w->jwks, JWKS_TEXT_MAX, &jwks, &n);
	if (failed(e))
		return say_trouble("verify: cannot read the key set", str_from_c(w->jwks), e);
	return policy_from(w, (bytes){ jwks, n }, str_from_c(w->jwks), ret_policy);
}

/* A line without its end, at most LINE_MAX_BYTES of it; what is more is read over.
 * False at the end of the file. */
static bool line_read(FILE *f, char line[static LINE_MAX_BYTES], size_t *ret_n, bool *ret_over)
{
	size_t n = 0;
	bool over = false;
	int c = 0;
	while ((c = getc_unlocked(f)) != EOF && c != '\n') {
		if (n < LINE_MAX_BYTES)
			line[n++] = (char)c;
		else
			over = true;
	}
	if (!over && n && line[n - 1] == '\r')
		n--;
	*ret_n = n;
	*ret_over = over;
	return c != EOF || n;
}

static enum token_code judge_line(struct policy *p, const struct wish *w, str line, bool over,
				  struct token_verdict *ret_v)
{
	static struct token_scratch scratch;
	*ret_v = (struct token_verdict){ .code = TOKEN_too_large, .where = LIT("token") };
	if (!over)
		token_verify(p, line, w->now_s, &scratch, ret_v);
	return ret_v->code;
}

static void put_if(struct json_out *o, str name, str value)
{
	if (value.n > 0)
		json_put_str(o, name, value);
}

/* One line, for programs. */
static bool print_json(const struct wish *w, const struct token_verdict *v)
{
	static uint8_t room[JSON_ROOM];
	struct wr out = wr_of(room, sizeof(room));
	struct json_out o = json_out_of(&out);
	bool good = v->code == TOKEN_accepted;
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("verdict"), good ? LIT("accepted") : LIT("refused"));
	json_put_str(&o, LIT("code"), token_code_name(v->code));
	if (w->json && good)
		json_put_raw(&o, LIT("claims"), v->claims);
	if (w->json && !good) {
		put_if(&o, LIT("where"), v->where);
		put_if(&o, LIT("what"), v->what);
	}
	json_finish(&o, '}');
	wr_char(&out, '\n');
	/* line by line: who asks may wait for each answer */
	return !out.full && fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
}

static int judge_batch(struct policy *p, const struct wish *w, FILE *f)
{
	char line[LINE_MAX_BYTES];
	size_t n = 0;
	bool over = false;
	int status = EXIT_YES;
	while (line_read(f, line, &n, &over)) {
		struct token_verdict v;
		enum token_code code = judge_line(p, w, (str){ line, n }, over, &v);
		if (code != TOKEN_accepted)
			status = EXIT_NO;
		if (!print_json(w, &v))
			return EXIT_TROUBLE;
	}
	return status;
}

/* The whole input is one token, perhaps with the end of a line behind it. */
static int judge_one(struct policy *p, const struct wish *w, FILE *f)
{
	char line[LINE_MAX_BYTES];
	size_t n = 0;
	bool over = false;
	struct token_verdict v;
	(void)line_read(f, line, &n, &over);
	bool more = getc_unlocked(f) != EOF;
	enum token_code code = judge_line(p, w, (str){ line, n }, over, &v);
	if (code == TOKEN_accepted && !more && bound_asked(&w->bound)) {
		int status = bound_judge(&w->bound, (str){ line, n }, w->now_s, &v);
		if (status != EXIT_YES)
			return status;
		code = v.code;
	}
	if (code == TOKEN_accepted && !more && w->json)
		return print_json(w, &v) ? EXIT_YES : EXIT_TROUBLE;
	if (code == TOKEN_accepted && !more) {
		(void)printf("%.*s\n", (int)v.claims.n, v.claims.p);
		return EXIT_YES;
	}
	if (more && !over)
		v = (struct token_verdict){ .code = TOKEN_malformed, .where = LIT("token") };
	char text[256];
	struct wr why = wr_of(text, sizeof(text));
	token_explain(&why, &v);
	if (!w->json)
		(void)printf("%s\n", token_code_name(v.code).p);
	else if (!print_json(w, &v))
		return EXIT_TROUBLE;
	(void)fprintf(stderr, "refused: %.*s%s\n", (int)why.n, text,
		      more ? " (several lines; see --batch)" : "");
	return EXIT_NO;
}

int cmd_verify(int argc, char **argv)
{
	AUTO(policy_done) struct policy *p = NULL;
	AUTO(file_done) FILE *f = NULL;
	struct wish w = { 0 };
	int status = EXIT_USAGE;
	if (!wish_of(argc, argv, &w, &status))
		return status;
	ch_err e = crypto_init(NULL);
	if (failed(e))
		return say_trouble("verify: cannot start", (str){ NULL, 0 }, e);
	status = policy_load(&w, &p);
	if (status != EXIT_YES)
		return status;
	f = strcmp(w.from, "-") == 0 ? stdin : fopen(w.from, "re");
	if (!f)
		return say_trouble("verify: cannot read the token from", str_from_c(w.from),
				   ch_fail(CH_E_IO, "cannot open the file", errno));
	status = w.batch ? judge_batch(p, &w, f) : judge_one(p, &w, f);
	if (ferror(f))
		return say_trouble("verify: cannot read the token from", str_from_c(w.from),
				   ch_fail(CH_E_IO, "reading failed", errno));
	return status;
}
