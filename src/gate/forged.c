/* What is said of a forged token: who is said to have issued it, under which key, which token (by
 * its hash), from where and for what place. Trusts its caller that the signature is good, so all
 * of it is the issuer's policy or what a holder of the key wrote. Must never print the token. */
#include "forged.h"

#include "base/clock.h"
#include "base/log.h"
#include "gate_internal.h"
#include "judge.h"

static const uint64_t minute_ns = UINT64_C(60) * 1000000000;

static struct log_field field_if(const char *name, str value)
{
	return value.n > 0 ? log_str(name, value) : (struct log_field){ 0 };
}

static void write_line(const struct token_verdict *v, const struct asked *a, uint64_t suppressed)
{
	uint8_t id[2 * TOKEN_ID_SIZE], address[64];
	struct wr identity = wr_of(id, sizeof(id)), client = wr_of(address, sizeof(address));
	wr_hex(&identity, (bytes){ v->identity, TOKEN_ID_SIZE });
	if (a->client.family)
		address_print(&client, &a->client);
	LOG(LOG_ALARM, "a token that was never issued",
	    log_str("code", token_code_name(TOKEN_not_logged)), log_str("issuer", v->issuer),
	    log_str("realm", v->realm), log_str("kid", v->kid), log_i64("iat", v->iat),
	    log_i64("exp", v->exp), field_if("sub", v->sub), field_if("username", v->username),
	    field_if("location", a->location), field_if("client", wr_text(&client)),
	    log_str("token", wr_text(&identity)),
	    suppressed > 0 ? log_u64("more_before", suppressed) : (struct log_field){ 0 });
}

void forged_note(struct gate *g, const struct token_verdict *v, str token, const struct asked *a)
{
	struct forged *f = &g->forged;
	uint64_t now = clock_mono_ns(), suppressed = 0;
	(void)token;
	reports_alarm(g->reports, v, a);
	f->count++;
	if (f->logged == 0 || now - f->begun_ns >= minute_ns) {
		suppressed = f->suppressed;
		f->begun_ns = now;
		f->logged = 0;
		f->suppressed = 0;
	}
	if (f->logged >= FORGED_A_MINUTE) {
		f->suppressed++;
		return;
	}
	f->logged++;
	write_line(v, a, suppressed);
}
