/* `chancery log verify`: checks, offline, a proof that a token is in a log, or evidence that one is in
 * none of its entries. Believes the keys that it is given; the file is a stranger's. Only thin
 * evidence needs more than the file: the entries, from wherever they are. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "chain_text.h"
#include "codec/base64.h"
#include "commands.h"
#include "crypto/key.h"
#include "evidence/evidence.h"
#include "log.h"
#include "log_tell.h"
#include "log_trust.h"
#include "log_walls.h"
#include "merkle/proof.h"
#include "options.h"
#include "say.h"
#include "utc.h"

static const char usage[] =
	"usage: chancery log verify FILE --vkey V [OPTION…]\n"
	"\n"
	"Checks FILE without the authority. A proof (`chancery log prove`): its entry is in the "
	"log\n"
	"whose head it has; with --token, the entry is that token's. Evidence (`chancery trace\n"
	"--bundle`): the token in it is validly signed, all entries of the log together give the\n"
	"signed head, and the token is in none of them, or in one, as the file claims. Exit\n"
	"status 1: it is not so.\n"
	"\n" LOG_TRUST_USAGE
	"                    (of evidence, a log is asked only for the entries of a thin file)\n"
	"  --token FILE|-    the token that a proof must be of\n"
	"  --jwks FILE       the issuer's public keys, a JWK set: the token must be signed by one\n"
	"                    of them. Without it the evidence's own key is taken, and said so\n"
	"  --json            an object\n";

enum { JWKS_MEMBERS = 1024, JSON_MAX = 16 * 1024, ENTRY_TEXT_MAX = 512 };

struct verifying {
	struct log_trust trust;
	struct log_source source;
	ch_err opened; /* how that went */
	const char *file, *token_file, *jwks_file;
	bool json;
	char token[TOKEN_MAX + 2];
	struct token_scratch scratch;
	struct token_facts facts;
	uint8_t jwks[JWKS_TEXT_MAX];
	size_t jwks_n;
	bytes content;
	uint8_t out[JSON_MAX];
};

/* The key of this kid in the set, as its text. */
static ch_err jwk_find(const struct verifying *v, str kid, str *ret_jwk)
{
	static struct json_node nodes[JWKS_MEMBERS + 1];
	const struct json_limits limits = { .depth = 6, .members = JWKS_MEMBERS };
	size_t n = 0;
	TRY(json_parse((bytes){ v->jwks, v->jwks_n }, limits, nodes, COUNT_OF(nodes), &n));
	const struct json_node *keys = json_member(nodes, LIT("keys"));
	if (!keys || keys->type != JSON_ARRAY)
		return ch_fail(CH_E_SYNTAX, "this is no JWK set", n);
	for (const struct json_node *k = json_first(keys); k; k = json_next(keys, k)) {
		const struct json_node *name = json_member(k, LIT("kid"));
		if (!name || !json_is_str(name, kid))
			continue;
		*ret_jwk = k->text;
		return CH_DONE;
	}
	return ch_fail(CH_E_MISMATCH, "the key set has no key of the token's kid", n);
}

static void put_time(const char *before, int64_t s)
{
	char room[UTC_MAX];
	str t = utc_text(s, room);
	(void)printf("%s%.*s", before, (int)t.n, t.p);
}

/* --- a proof --- */

struct proof_told {
	struct tlog_proof proof;
	struct log_head head;
	struct log_entry entry;
	uint8_t entry_room[ENTRY_TEXT_MAX];
	size_t witnessed;
	bool of_token, signed_by_known;
};

static ch_err proof_check(struct verifying *v, struct proof_told *t)
{
	struct wr w = wr_of(t->entry_room, sizeof(t->entry_room));
	struct merkle_hash leaf;
	str jwk = { 0 };
	TRY(tlog_proof_read(str_of_bytes(v->content), &t->proof));
	TRY(log_trust_head(&v->trust, t->proof.checkpoint, &t->head, &t->witnessed));
	if (t->proof.extra.n == 0)
		return ch_fail(CH_E_MISSING, "the proof does not have its entry (extra)", 0);
	TRY(base64_read(t->proof.extra, &w));
	merkle_leaf(wr_bytes(&w), &leaf);
	TRY(merkle_check_inclusion(&leaf, t->proof.index, t->head.c.size, &t->proof.proof,
				   &t->head.c.root));
	TRY(log_entry_read(wr_bytes(&w), &t->entry));
	t->of_token = v->token_file;
	if (t->of_token)
		TRY(log_entry_check(&t->entry, &v->facts));
	t->signed_by_known = t->of_token && v->jwks_file;
	if (!t->signed_by_known)
		return CH_DONE;
	TRY(jwk_find(v, v->facts.kid, &jwk));
	return token_facts_check(&v->facts, jwk);
}

static int proof_tell(struct verifying *v, const struct proof_told *t)
{
	const struct checkpoint *c = &t->head.c;
	struct wr w = wr_of(v->out, sizeof(v->out));
	struct json_out o = json_out_of(&w);
	if (v->json) {
		json_begin(&o, (str){ 0 }, '{');
		json_put_str(&o, LIT("verdict"), LIT("logged"));
		json_put_str(&o, LIT("origin"), c->origin);
		json_put_u64(&o, LIT("index"), t->proof.index);
		json_put_u64(&o, LIT("size"), c->size);
		json_put_int(&o, LIT("time"), t->head.time_s);
		json_put_u64(&o, LIT("witnesses"), t->witnessed);
		json_put_bool(&o, LIT("token"), t->of_token);
		json_put_bool(&o, LIT("key_known"), t->signed_by_known);
		log_put_entry(&o, &t->entry);
		json_finish(&o, '}');
		log_print_json(&w);
		return EXIT_YES;
	}
	(void)printf("logged: %s is entry %llu of %llu in %.*s", t->of_token ? "the token" : "this",
		     (unsigned long long)t->proof.index, (unsigned long long)c->size,
		     (int)c->origin.n, c->origin.p);
	put_time(", by a head of ", t->head.time_s);
	(void)printf(", witnesses %zu\n", t->witnessed);
	log_print_entry(&t->entry);
	return EXIT_YES;
}

static int proof_verify(struct verifying *v)
{
	static struct proof_told t;
	ch_err e = proof_check(v, &t);
	if (!failed(e))
		return proof_tell(v, &t);
	(void)say_trouble("log verify: the proof shows nothing", str_from_c(v->file), e);
	return log_status_of(e);
}

/* --- evidence --- */

static const char *const verdicts[] = { "absent", "present", "undecided" };
static const char *verdict_of(const struct evidence_verdict *e)
{
	return verdicts[e->present ? 1 : e->cover == EVIDENCE_COVERED ? 0 : 2];
}

static void evidence_json(struct verifying *v, const struct evidence_file *f,
			  const struct evidence_verdict *e, bool holds)
{
	char hex[2 * TOKEN_ID_SIZE];
	struct wr w = wr_of(v->out, sizeof(v->out)), h = wr_of(hex, sizeof(hex));
	struct json_out o = json_out_of(&w);
	wr_hex(&h, BYTES_OF(e->identity));
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("verdict"), str_from_c(verdict_of(e)));
	json_put_str(&o, LIT("claim"), str_from_c(verdicts[e->says_present]));
	json_put_bool(&o, LIT("holds"), holds);
	if (e->present)
		json_put_u64(&o, LIT("index"), e->index);
	json_put_str(&o, LIT("origin"), f->origin);
	json_put_u64(&o, LIT("first"), e->first);
	json_put_u64(&o, LIT("size"), e->size);
	json_put_int(&o, LIT("time"), e->head_time_s);
	json_put_u64(&o, LIT("witnesses"), e->witnessed);
	json_put_bool(&o, LIT("key_known"), e->key_is_known);
	json_put_str(&o, LIT("hash"), wr_text(&h));
	json_put_str(&o, LIT("iss"), e->iss);
	json_put_str(&o, LIT("kid"), e->kid);
	json_put_int(&o, LIT("iat"), e->iat_s);
	json_put_int(&o, LIT("exp"), e->exp_s);
	json_put_bool(&o, LIT("thin"), f->e.thin);
	json_finish(&o, '}');
	log_print_json(&w);
}

static void evidence_lines(const struct evidence_file *f, const struct evidence_verdict *e)
{
	char hex[2 * TOKEN_ID_SIZE];
	struct wr h = wr_of(hex, sizeof(hex));
	wr_hex(&h, BYTES_OF(e->identity));
	if (e->present)
		(void)printf("present: the token was issued: it is entry %llu",
			     (unsigned long long)e->index);
	else
		(void)printf(
			"%s: the token is validly signed and in none of the entries %llu to %llu",
			verdict_of(e), (unsigned long long)e->first, (unsigned long long)e->size);
	(void)printf(" of %.*s", (int)f->origin.n, f->origin.p);
	put_time(", by a head of ", e->head_time_s);
	(void)printf(", witnesses %zu\n", e->witnessed);
	(void)printf("SHA-256 %.*s, kid ", (int)h.n, hex);
	print_field(e->kid, ',');
	put_time(" ", e->iat_s);
	put_time(" to ", e->exp_s);
	(void)printf("\n%s\n",
		     e->key_is_known
			     ? "the key is one of the key set"
			     : "the key is the file's own: hold it against the issuer's (--jwks)");
}

static int evidence_tell(struct verifying *v, const struct evidence_file *f,
			 const struct evidence_verdict *e)
{
	static const char *const why[EVIDENCE_COVER_COUNT] = {
		[EVIDENCE_TOO_OLD] = "log verify: its entry would be before the oldest one here",
		[EVIDENCE_LEGACY] = "log verify: its key signed it before what it signs was logged",
		[EVIDENCE_TOO_NEW] = "log verify: the head is too young for a token of that iat",
	};
	bool holds = e->cover == EVIDENCE_COVERED && e->present == e->says_present;
	if (v->json)
		evidence_json(v, f, e, holds);
	else
		evidence_lines(f, e);
	if (e->cover != EVIDENCE_COVERED)
		say(why[e->cover], str_from_c(v->file));
	else if (!holds)
		say("log verify: the file claims that the token is",
		    str_from_c(verdicts[e->says_present]));
	return holds ? EXIT_YES : EXIT_NO;
}

static ch_err evidence_judge(struct verifying *v, const struct evidence_file *f,
			     struct evidence_verdict *ret_e)
{
	static struct evidence_scratch scratch;
	struct token_facts facts;
	struct evidence_trust t = { .log = v->trust.log,
				    .witnesses = v->trust.witnesses,
				    .n_witnesses = v->trust.n,
				    .quorum = v->trust.quorum };
	if (v->jwks_file) {
		TRY(token_facts_of(f->e.input, f->e.signature, &scratch.token, &facts));
		TRY(jwk_find(v, facts.kid, &t.jwk));
	}
	if (f->e.thin)
		TRY(v->opened);
	return evidence_check(f, &t, f->e.thin ? &v->source.tiles : NULL, &scratch, ret_e);
}

static int evidence_verify(struct verifying *v)
{
	struct evidence_file f;
	struct evidence_verdict verdict;
	ch_err e = evidence_open(v->content, &f);
	if (!failed(e) && f.e.thin && !log_trust_has_place(&v->trust)) {
		say("log verify: the entries of a thin file are elsewhere: name --folder or --url",
		    f.e.where);
		return EXIT_USAGE;
	}
	if (!failed(e))
		e = evidence_judge(v, &f, &verdict);
	if (!failed(e))
		return evidence_tell(v, &f, &verdict);
	(void)say_trouble("log verify: the file shows nothing", str_from_c(v->file), e);
	return log_status_of(e);
}

/* --- */

/* Read where it lies: it may have every entry of a log. */
static ch_err content_map(struct verifying *v)
{
	struct stat st = { 0 };
	AUTO(fd_close) int fd = open(v->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open it", errno);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return ch_fail(CH_E_SYNTAX, "is no file with something in it", st.st_mode);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return ch_fail(CH_E_IO, "cannot read it", errno);
	v->content = (bytes){ p, (size_t)st.st_size };
	return CH_DONE;
}

static int token_read(struct verifying *v)
{
	str token = { 0 };
	ch_err e = first_line_read(v->token_file, v->token, sizeof(v->token), &token);
	if (!failed(e))
		e = token_facts_read(token, &v->scratch, &v->facts);
	return failed(e) ? say_trouble("log verify: no token in", str_from_c(v->token_file), e)
			 : EXIT_YES;
}

/* Before anything of the file is looked at. That the log cannot be opened matters to a thin one. */
static ch_err confine(struct verifying *v)
{
	struct log_walls walls = { .folder = -1 };
	v->opened = log_trust_has_place(&v->trust) ? log_source_open(&v->trust.place, &v->source)
						   : ch_fail(CH_E_MISSING, "no log is named", 0);
	if (!failed(v->opened))
		log_walls_add(&walls, &v->source);
	return log_walls_up(&walls);
}

static int inputs_read(struct verifying *v)
{
	int r = log_trust_read(&v->trust, false, true);
	if (r == EXIT_YES && v->token_file)
		r = token_read(v);
	if (r != EXIT_YES)
		return r;
	ch_err e = crypto_init(NULL);
	if (!failed(e) && v->jwks_file)
		e = file_read(AT_FDCWD, v->jwks_file, v->jwks, sizeof(v->jwks), &v->jwks_n);
	if (failed(e))
		return say_trouble("log verify: cannot read the key set", str_from_c(v->jwks_file),
				   e);
	e = content_map(v);
	if (!failed(e))
		e = confine(v);
	return failed(e) ? say_trouble("log verify", str_from_c(v->file), e) : EXIT_YES;
}

static int verify(struct verifying *v)
{
	if (str_starts(str_of_bytes(v->content), LIT("c2sp.org/tlog-proof@")))
		return proof_verify(v);
	if (v->token_file) {
		say("log verify: evidence has its token with it; --token is for a proof",
		    str_from_c(v->file));
		return EXIT_USAGE;
	}
	return evidence_verify(v);
}

int log_verify(int argc, char **argv)
{
	static struct verifying v = { .source.store.dir_fd = -1 };
	struct option_spec specs[LOG_TRUST_OPTIONS + 3] = { { 0 } };
	struct word_list words = { &v.file, 1, 0 };
	log_trust_options(&v.trust, specs);
	specs[LOG_TRUST_OPTIONS] =
		(struct option_spec){ .name = "--token", .value = &v.token_file };
	specs[LOG_TRUST_OPTIONS + 1] =
		(struct option_spec){ .name = "--jwks", .value = &v.jwks_file };
	specs[LOG_TRUST_OPTIONS + 2] = (struct option_spec){ .name = "--json", .flag = &v.json };
	if (options_help(argc, argv))
		return command_usage(usage, true);
	if (!options_and_words(argc, argv, specs, COUNT_OF(specs), &words))
		return command_usage(usage, false);
	if (!v.file)
		return command_wrong(usage, "log verify: name the file of a proof, or of evidence");
	int r = inputs_read(&v);
	if (r == EXIT_YES)
		r = verify(&v);
	log_source_close(&v.source);
	mem_wipe(v.token, sizeof(v.token));
	return r;
}
