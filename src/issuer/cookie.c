/* Our cookies: how each is called in a realm, and how long it stays. Where the issuer is https
 * the name begins with __Host-, so no other host and no plain connection can set it (RFC 6265bis
 * section 4.1.3.2). All realms of a host share their cookies' path: the name tells them apart. */
#include "rules.h"

static const struct {
	str name;
	str max_age; /* empty: until the browser is closed */
} kinds[COOKIE_COUNT] = {
	[COOKIE_SESSION] = { { "chancery.", 9 }, { 0 } },
	[COOKIE_FORM] = { { "chancery-form.", 14 }, { 0 } },
	[COOKIE_KNOWN] = { { "chancery-known.", 15 }, { "; Max-Age=31536000", 18 } },
};

static bool is_https(const struct issuer_realm *realm)
{
	return str_starts(realm->issuer, LIT("https:"));
}

str cookie_name(const struct issuer_realm *realm, enum cookie_kind kind,
		char room[static COOKIE_NAME_MAX])
{
	struct wr w = wr_of(room, COOKIE_NAME_MAX);
	if (is_https(realm))
		wr_lit(&w, "__Host-");
	wr_str(&w, kinds[kind].name);
	wr_str(&w, realm->name);
	return wr_text(&w);
}

void cookie_write(struct wr *w, const struct issuer_realm *realm, enum cookie_kind kind, str value)
{
	char room[COOKIE_NAME_MAX];
	wr_str(w, cookie_name(realm, kind, room));
	wr_char(w, '=');
	wr_str(w, value);
	wr_lit(w, "; Path=/; HttpOnly; SameSite=Lax");
	if (value.n == 0)
		wr_lit(w, "; Max-Age=0");
	else
		wr_str(w, kinds[kind].max_age);
	if (is_https(realm))
		wr_lit(w, "; Secure");
}
