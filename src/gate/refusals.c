/* Classes of refusals, each with a minute of its own. The table is fixed: codes and places
 * are few, and what finds no room shares one class. Must never print a token. */
#include "refusals.h"

static const enum token_code breaches[] = { TOKEN_bad_mailbox, TOKEN_foreign_key, TOKEN_not_logged,
					    TOKEN_log_broken };

static const uint64_t minute_ns = UINT64_C(60) * 1000000000;

void refusals_init(struct refusals *r, uint32_t per_minute)
{
	*r = (struct refusals){ .per_minute = per_minute ? per_minute : REFUSALS_A_MINUTE };
}

static enum log_level level_of(const struct refusal *f)
{
	if (!f->verdict)
		return LOG_WARN;
	for (size_t i = 0; i < COUNT_OF(breaches); i++)
		if (f->verdict->code == breaches[i])
			return LOG_ALARM;
	return LOG_WARN;
}

static str code_of(const struct refusal *f)
{
	return f->verdict ? token_code_name(f->verdict->code) : f->code;
}

static struct refusal_class *class_of(struct refusals *r, const struct refusal *f)
{
	str code = code_of(f);
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->classes[i].code, code) && str_eq(r->classes[i].location, f->location))
			return &r->classes[i];
	if (r->n == REFUSAL_CLASSES) {
		r->others.code = LIT("others");
		r->others.level = LOG_ALARM; /* it may hide one */
		return &r->others;
	}
	struct refusal_class *c = &r->classes[r->n++];
	*c = (struct refusal_class){ .code = code, .location = f->location, .level = level_of(f) };
	return c;
}

static struct log_field field_if(const char *name, str value)
{
	return value.n > 0 ? log_str(name, value) : (struct log_field){ 0 };
}

/* Constants, what is known good, and an address: nothing of the token's own text. */
static void write_line(const struct refusal *f, enum log_level level)
{
	const struct token_verdict none = { 0 }, *v = f->verdict ? f->verdict : &none;
	uint8_t room[64];
	struct wr client = wr_of(room, sizeof(room));
	if (f->client && f->client->family)
		address_print(&client, f->client);
	const struct log_field fields[] = {
		log_str("code", code_of(f)),
		field_if("why", f->verdict ? token_code_text(v->code) : f->why),
		field_if("part", v->where),
		field_if("member", v->what),
		field_if("location", f->location),
		field_if("issuer", v->issuer),
		field_if("realm", v->realm),
		field_if("kid", v->kid),
		field_if("username", f->username),
		field_if("client", wr_text(&client)),
	};
	log_write(level, "token refused", fields, COUNT_OF(fields));
}

/* What the minute left out; then a new one begins. */
static void close_minute(struct refusal_class *c, uint64_t now_ns)
{
	if (c->suppressed > 0) {
		const struct log_field fields[] = {
			log_str("code", c->code),
			field_if("location", c->location),
			log_u64("more", c->suppressed),
			log_u64("in_s", (now_ns - c->begun_ns + 500000000) / 1000000000),
		};
		log_write(c->level, "tokens refused", fields, COUNT_OF(fields));
	}
	c->suppressed = 0;
	c->logged = 0;
	c->begun_ns = now_ns;
}

static bool minute_over(const struct refusal_class *c, uint64_t now_ns)
{
	return now_ns - c->begun_ns >= minute_ns;
}

void refusals_note(struct refusals *r, const struct refusal *f, uint64_t now_ns)
{
	struct refusal_class *c = class_of(r, f);
	if (c->logged == 0 && c->suppressed == 0)
		c->begun_ns = now_ns;
	if (minute_over(c, now_ns))
		close_minute(c, now_ns);
	if (c->logged >= r->per_minute) {
		c->suppressed++;
		r->suppressed++;
		return;
	}
	c->logged++;
	write_line(f, c->level);
}

void refusals_tick(struct refusals *r, uint64_t now_ns)
{
	for (size_t i = 0; i <= r->n; i++) {
		struct refusal_class *c = i < r->n ? &r->classes[i] : &r->others;
		if (c->logged > 0 && minute_over(c, now_ns))
			close_minute(c, now_ns);
	}
}

void refusals_finish(struct refusals *r, uint64_t now_ns)
{
	for (size_t i = 0; i <= r->n; i++)
		close_minute(i < r->n ? &r->classes[i] : &r->others, now_ns);
}
