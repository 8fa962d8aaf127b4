/* Entries as people and programs read them. What an entry says was written by whoever keeps the log;
 * it is printed as names that the parser let through. */
#include "log_tell.h"

#include <stdio.h>

#include "say.h"
#include "utc.h"

str log_typ_name(uint8_t typ)
{
	return typ == LOG_TYP_AT_JWT ? LIT("at+jwt") : LIT("JWT");
}

static str hex_of(const uint8_t hash[static MERKLE_HASH_SIZE],
		  char room[static 2 * MERKLE_HASH_SIZE])
{
	struct wr w = wr_of(room, (size_t)2 * MERKLE_HASH_SIZE);
	wr_hex(&w, (bytes){ hash, MERKLE_HASH_SIZE });
	return wr_text(&w);
}

void log_put_entry(struct json_out *o, const struct log_entry *e)
{
	char room[2 * MERKLE_HASH_SIZE];
	json_begin(o, LIT("entry"), '{');
	json_put_str(o, LIT("realm"), e->realm);
	json_put_str(o, LIT("kid"), e->kid);
	json_put_str(o, LIT("typ"), log_typ_name(e->typ));
	json_put_int(o, LIT("iat"), e->iat_s);
	json_put_int(o, LIT("exp"), e->exp_s);
	json_put_str(o, LIT("hash"), hex_of(e->hash, room));
	json_finish(o, '}');
}

void log_print_entry(const struct log_entry *e)
{
	char iat[UTC_MAX], exp[UTC_MAX], room[2 * MERKLE_HASH_SIZE];
	str from = utc_text(e->iat_s, iat), to = utc_text(e->exp_s, exp),
	    typ = log_typ_name(e->typ);
	(void)printf("realm %.*s, kid %.*s, %.*s, %.*s to %.*s, SHA-256 %.*s\n", (int)e->realm.n,
		     e->realm.p, (int)e->kid.n, e->kid.p, (int)typ.n, typ.p, (int)from.n, from.p,
		     (int)to.n, to.p, (int)sizeof(room), hex_of(e->hash, room).p);
}

ch_err log_entry_check(const struct log_entry *e, const struct token_facts *f)
{
	if (!mem_eq(e->hash, f->identity, sizeof(e->hash)))
		return ch_fail(CH_E_MISMATCH, "the entry is another token's", 0);
	if (e->iat_s != f->iat || e->exp_s != f->exp || !str_eq(e->kid, f->kid) ||
	    (e->typ == LOG_TYP_AT_JWT) != str_eq_nocase(f->typ, LIT("at+jwt")))
		return ch_fail(CH_E_MISMATCH, "the entry says other than the token", 0);
	return CH_DONE;
}

void log_print_json(const struct wr *w)
{
	(void)printf("%.*s\n", (int)w->n, (const char *)w->p);
}

int log_status_of(ch_err e)
{
	static const enum ch_code found[] = { CH_E_MISMATCH,    CH_E_MISSING,  CH_E_SYNTAX,
					      CH_E_TRUNCATED,   CH_E_TRAILING, CH_E_RANGE,
					      CH_E_UNSUPPORTED, CH_E_LIMIT };
	for (size_t i = 0; i < COUNT_OF(found); i++)
		if (ch_code_of(e) == found[i])
			return EXIT_NO;
	return EXIT_TROUBLE;
}
