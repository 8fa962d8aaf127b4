/* What is planted for each row of the table of patterns, and what looks like it and must be
 * left. All of it was drawn for these tests. */
#include "text_kit.h"

#define S(text)                           \
	{                                 \
		"" text, sizeof(text) - 1 \
	}

#include "text_cases.inc"

size_t text_finds_count(void)
{
	return COUNT_OF(text_finds);
}

size_t text_decoys_count(void)
{
	return COUNT_OF(text_decoys);
}
