/* The codes as text, from the one table. */
#include "token/codes.h"

static const struct {
	str name, text;
} rows[TOKEN_CODE_COUNT] = {
#define X(name, text) [TOKEN_##name] = { { #name, sizeof(#name) - 1 }, { text, sizeof(text) - 1 } },
	TOKEN_CODES(X)
#undef X
};

str token_code_name(enum token_code c)
{
	return c < TOKEN_CODE_COUNT ? rows[c].name : LIT("unknown");
}

str token_code_text(enum token_code c)
{
	return c < TOKEN_CODE_COUNT ? rows[c].text : LIT("a code that this program does not know");
}
