/* The table of codes as text, and errors that crossed a process boundary. */
#include "base/err.h"

#include <assert.h>

#include "base/bytes.h"

/* the installed header numbers the codes; the table has them in that order */
#define X(name, text, http, oauth, shown)                                            \
	static_assert((int)CH_##name == (int)CH_INDEX_##name, "number " #name " in " \
							      "chancery/err.h");
CH_CODES(X)
#undef X

static const struct code_row {
	const char *name;
	const char *text;
	const char *oauth;
	int http;
	bool shown;
} codes[CH_CODE_COUNT] = {
#define X(name, text, http, oauth, shown) [CH_##name] = { #name, text, oauth, http, shown },
	CH_CODES(X)
#undef X
};

/* One static site per code, for errors whose true site is in another process. */
static const struct ch_site wire_sites[CH_CODE_COUNT] = {
#define X(name, text, http, oauth, shown) [CH_##name] = { CH_##name, 0, "wire", text },
	CH_CODES(X)
#undef X
};

static const struct code_row *row(enum ch_code code)
{
	return &codes[code < CH_CODE_COUNT ? code : CH_E_INTERNAL];
}

enum ch_code ch_code_of(ch_err e)
{
	return e.site ? (enum ch_code)e.site->code : CH_OK;
}

ch_err ch_err_from_wire(uint16_t code, uint64_t detail)
{
	if (code == CH_OK)
		return CH_DONE;
	return (ch_err){ &wire_sites[code < CH_CODE_COUNT ? code : CH_E_PROTOCOL], detail };
}

const char *ch_code_name(enum ch_code code)
{
	return row(code)->name;
}

const char *ch_code_text(enum ch_code code)
{
	return row(code)->text;
}

const char *ch_code_oauth(enum ch_code code)
{
	return row(code)->oauth;
}

int ch_code_http(enum ch_code code)
{
	return row(code)->http;
}

bool ch_code_shown(enum ch_code code)
{
	return row(code)->shown;
}
